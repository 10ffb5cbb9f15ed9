"""What the measurements were made on: processor, memory, versions; no names and no paths."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import qts


def described() -> str:
    """Return one line on the machine."""
    parts = [processor(), f"{os.cpu_count()} cores", f"{memory_gib():.0f} GiB", f"{platform.system()} {platform.machine()}"]
    return ", ".join(parts) + "."


def versions() -> str:
    """Return one line on our own versions and the C compiler's."""
    ours = ", ".join(f"{name} {version(name)}" for name in ("numba", "numpy", "pyarrow", "duckdb"))
    return f"qts {qts.__version__}, Python {platform.python_version()}, {ours}; C: {compiler_version()}."


def processor() -> str:
    """Return the processor's model as it names itself."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or "processor unknown"
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else "processor unknown"


def memory_gib() -> float:
    """Return the machine's memory."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30


def compiler() -> str | None:
    """Return the machine's C compiler, or None."""
    return shutil.which(os.environ.get("CC", "cc"))


def compiler_version() -> str:
    """Return the compiler's own first line."""
    found = compiler()
    if found is None:
        return "no compiler"
    said = subprocess.run([found, "--version"], capture_output=True, text=True, check=False).stdout.splitlines()
    return said[0] if said else "unknown"


def build_limit(source: Path, folder: Path) -> Path | None:
    """Compile the C limit for this machine; None, with a line on standard error, where that cannot be done."""
    found = compiler()
    if found is None:
        print("bench: there is no cc, so the C limit is left out. Debian, Ubuntu:  sudo apt-get install gcc", file=sys.stderr)
        return None
    library = folder / "limit.so"
    options = ["-O3", "-march=native", "-shared", "-fPIC"]
    done = subprocess.run([found, *options, "-o", str(library), str(source), "-lm"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        print(f"bench: the C limit does not compile and is left out:\n{done.stderr}", file=sys.stderr)
        return None
    return library
