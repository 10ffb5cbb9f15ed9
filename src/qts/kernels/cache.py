"""Where compiled twins are kept between processes: beside the source, or in a folder given, or nowhere."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

_given: list[Path] = []


def use_cache(folder: Path) -> None:
    """Keep compiled twins in this folder where the package's own cannot be written to. Call it before the first long run."""
    _given[:] = [folder]


def prepare_cache(source: Path) -> bool:
    """Point the compiler at a folder that can be written to, and return whether there is one.

    A folder the user gave to the compiler itself stands. Otherwise ``__pycache__`` beside the source is taken, then the folder given to
    :func:`use_cache`. Without any, twins are compiled anew in each process, instead of failing.
    """
    from numba.core import config  # noqa: PLC0415 - importing the compiler is what this package puts off

    # The compiler fills its configuration at run time, out of a type checker's sight.
    chosen = str(getattr(config, "CACHE_DIR", ""))
    if (chosen and _is_writable(Path(chosen))) or _is_writable(source.parent / "__pycache__"):
        return True
    for folder in _given:
        if _is_writable(folder):
            setattr(config, "CACHE_DIR", str(folder))  # noqa: B010 - as above
            return True
    return False


def _is_writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return os.access(folder, os.W_OK)
    except OSError:
        return False
