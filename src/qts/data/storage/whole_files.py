"""Small files that are either whole or absent: written beside their place, flushed to the disk, then given their name."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def content_of(path: Path) -> bytes | None:
    """Return what a file holds, None where it cannot be read."""
    try:
        return path.read_bytes()
    except OSError:
        return None


def size_of(path: Path) -> int:
    """Return how many bytes a file has, -1 where there is none to be seen."""
    try:
        return path.stat().st_size
    except OSError:
        return -1


def put_file(path: Path, content: bytes) -> None:
    """Put a file in its place, or in that of another, with its bytes and its name flushed to the disk.

    Raises
    ------
    OSError
        If it cannot be written; what was there before is then as it was, and nothing is left over.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}-{secrets.token_hex(8)}.tmp")
    try:
        with fresh.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)
    flush_folder(path.parent)


def flush_folder(folder: str | Path) -> None:
    """Flush the names in a folder to the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
