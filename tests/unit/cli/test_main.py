from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
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
