from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

import qts as package

Qts = Callable[..., Any]
COMMANDS = ["import", "bars", "catalog", "calendar", "costs", "strategies", "backtest", "runs", "replay", "serve", "up", "demo"]
SLOW = [
    "numba",
    "pandas",
    "streamlit",
    "pyarrow",
    "sqlalchemy",
    "numpy",
    "structlog",
    "pydantic_settings",
    "fastapi",
    "uvicorn",
    "duckdb",
    "scipy",
]


def test_the_version_is_told(qts: Qts) -> None:
    assert qts("--version").out.strip() == f"qts {package.__version__}"


def test_without_a_command_the_help_is_shown(qts: Qts) -> None:
    done = qts()
    assert all(name in done.out for name in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(qts: Qts, command: str) -> None:
    done = qts(command, "--help")
    assert done.code == 0
    assert "--help" in done.out


@pytest.mark.parametrize("words", [["--help"], ["costs"], ["calendar"], ["costs", "--json"], ["calendar", "--json"]], ids=" ".join)
def test_quick_commands_load_nothing_slow(words: list[str]) -> None:
    program = (
        "import sys\nfrom qts.cli.main import main\n"
        f"try:\n    main({words!r})\nexcept SystemExit as end:\n    assert not end.code, end.code\n"
        f"print(sorted({SLOW!r} & sys.modules.keys()), file=sys.stderr)"
    ).replace(f"{SLOW!r} &", f"set({SLOW!r}) &")
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stderr.splitlines()[-1] == "[]"


# Does what colorama does: it keeps stdout as it stands when the compiler words its first error, and asks it at the end of the process.
COLORAMA = """
import atexit, sys
__version__ = "0.4.6"
class _Codes:
    def __getattr__(self, name):
        return ""
Fore = Style = _Codes()
def init():
    atexit.register(sys.stdout.isatty)
reinit = deinit = lambda: None
"""
# As in `qts sweep` the compiler's functions are loaded inside the progress display; an error is worded then that is kept for later.
LOADS = """
from qts.app.progress import Progress
from qts.cli.main import app, main
from qts.cli.output import foreign_prints_apart, progress_bars, say
def loads():
    with foreign_prints_apart(), progress_bars() as draw:
        draw(Progress(step="Loading", done=1, total=1))
        from numba.core.errors import TypingError
        TypingError("kept for later")
    say("The last word.")
app.command("loads")(loads)
main(["loads"])
"""


def test_the_compiler_leaves_the_terminal_alone(tmp_path: Path) -> None:
    (tmp_path / "colorama.py").write_text(COLORAMA)
    ours, theirs = pty.openpty()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("NUMBA_DISABLE")}
    environment |= {"TERM": "xterm", "PYTHONPATH": str(tmp_path), "QTS_HOME": str(tmp_path / "home")}
    child = subprocess.Popen([sys.executable, "-c", LOADS], stdout=theirs, stderr=theirs, stdin=theirs, env=environment)
    os.close(theirs)
    seen = b""
    with suppress(OSError):  # the terminal is gone with its last process
        while part := os.read(ours, 65536):
            seen += part
    os.close(ours)
    assert child.wait() == 0
    assert seen.endswith(b"The last word.\r\n"), seen.decode()


def test_ctrl_c_while_the_command_line_loads_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "typer.py").write_text("raise KeyboardInterrupt")
    done = subprocess.run(
        [sys.executable, "-m", "qts", "--version"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "Interrupted.\n")
