"""Make ``.venv-bench``, the environment of the engines we measure ourselves against; they never meet our own packages.

Called by ``make bench`` after ``make setup``. A stamp of the lock file makes a second call take no time. What cannot be installed is
said on standard error and ends with exit code 1; the measurement goes on without it and says so in its table.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv-bench"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "set-up.stamp"
LOCK = ROOT / "requirements" / "bench.lock"
UV = ROOT / ".venv" / "bin" / "uv"


def main() -> int:
    """Bring the environment up to date and return the exit code."""
    wanted = stamp()
    if PYTHON.exists() and STAMP.exists() and STAMP.read_text(encoding="utf-8") == wanted:
        return 0
    print("bench: installing the other engines into .venv-bench ...", flush=True)
    steps: list[list[str | Path]] = [
        [UV, "venv", "--quiet", "--clear", "--python", ROOT / ".venv" / "bin" / "python", VENV],
        [UV, "pip", "install", "--python", PYTHON, "--require-hashes", "--only-binary", ":all:", "--requirement", LOCK],
    ]
    for step in steps:
        if not succeeds(step):
            print("bench: the other engines could not be installed; they are left out of the table.", file=sys.stderr)
            return 1
    STAMP.write_text(wanted, encoding="utf-8")
    return 0


def stamp() -> str:
    """Return what an environment is made of: the lock, the interpreter and the place."""
    text = f"{sys.version_info[:3]} {ROOT}"
    return hashlib.sha256(LOCK.read_bytes() + text.encode()).hexdigest()


def succeeds(command: list[str | Path]) -> bool:
    """Run one command with its output in view; say whether it went well."""
    environment = os.environ | {"UV_NO_PROGRESS": "1", "UV_LINK_MODE": os.environ.get("UV_LINK_MODE", "hardlink")}
    environment.pop("VIRTUAL_ENV", None)
    try:
        return subprocess.run([str(part) for part in command], env=environment, stdin=subprocess.DEVNULL, check=False).returncode == 0
    except OSError as error:
        print(f"bench: {Path(str(command[0])).name}: {error.strerror}", file=sys.stderr)
        return False


if __name__ == "__main__":
    sys.exit(main())
