"""How the files of a home come into a backup, whole and hashed: linked where they never change, copied where they may."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from qts.app.backup_document import CONTENT, BackedUpFile, BackupDocument
from qts.core.errors import DamagedFile
from qts.data.storage.vault import sha256_of
from qts.data.storage.whole_files import flush_folder

_CHUNK: Final = 1 << 20


class Collector:
    """Brings files of a home into a folder. What the previous backup holds unchanged is linked to it and not read again."""

    def __init__(self, home: Path, target: Path, previous: Path | None) -> None:
        self._home = home
        self._target = target
        self._previous = previous
        self._before: Mapping[str, BackedUpFile] = {}
        if previous is not None:
            self._before = {file.path: file for file in BackupDocument.read(previous).files}
        self.files: list[BackedUpFile] = []
        self.n_linked = 0
        self.n_new_bytes = 0

    def add_stored(self, path: str, *, sha256: str, n_bytes: int) -> None:
        """Take over a file that never changes and whose hash is known.

        Raises
        ------
        FileNotFoundError
            If it is not there.
        DamagedFile
            If its bytes are not those.
        """
        before = self._before.get(path)
        if before is not None and before.sha256 == sha256 and self._link_to_previous(path):
            found = sha256
        else:
            found = self._take(path, is_fixed=True)
        if found != sha256:
            (self._target / path).unlink()
            raise DamagedFile(path, "its bytes differ from those that were written")
        self.files.append(BackedUpFile(path=path, n_bytes=n_bytes, sha256=sha256))

    def add_fixed(self, path: str) -> None:
        """Take over a file that is replaced but never written to in place."""
        before = self._before.get(path)
        if before is not None and self._is_as_before(path) and self._link_to_previous(path):
            self.files.append(before)
        else:
            self._listed(path, self._take(path, is_fixed=True))

    def add_plain(self, path: str) -> None:
        """Copy a file that its owner may write to."""
        self._listed(path, self._take(path, is_fixed=False))

    def add_text(self, path: str, text: str) -> None:
        """Write a file of our own making, which only its owner may read."""
        target = self._target / path
        target.touch(mode=0o600)
        with target.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        self.list_made(path)

    def list_made(self, path: str) -> None:
        """List a file that was written into the backup already."""
        self.n_new_bytes += (self._target / path).stat().st_size
        self._listed(path, sha256_of(self._target / path))

    def _listed(self, path: str, sha256: str) -> None:
        self.files.append(BackedUpFile(path=path, n_bytes=(self._target / path).stat().st_size, sha256=sha256))

    def _take(self, path: str, *, is_fixed: bool) -> str:
        source, target = self._home / path, self._target / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if is_fixed and _link(source, target):
            self.n_linked += 1
            return sha256_of(target)
        sha256 = copy_file(source, target)
        self.n_new_bytes += target.stat().st_size
        return sha256

    def _is_as_before(self, path: str) -> bool:
        assert self._previous is not None  # noqa: S101 - asked only of what the previous one lists
        old, new = (self._previous / CONTENT / path), (self._home / path).stat()
        return old.is_file() and (old.stat().st_size, old.stat().st_mtime_ns) == (new.st_size, new.st_mtime_ns)

    def _link_to_previous(self, path: str) -> bool:
        assert self._previous is not None  # noqa: S101 - asked only of what the previous one lists
        target = self._target / path
        target.parent.mkdir(parents=True, exist_ok=True)
        linked = _link(self._previous / CONTENT / path, target)
        self.n_linked += linked
        return linked


def copy_file(source: Path, target: Path) -> str:
    """Copy a file with its times and permissions, flushed to the disk, and return the hash of its bytes."""
    digest = hashlib.sha256()
    with source.open("rb") as reader, target.open("xb") as writer:
        while chunk := reader.read(_CHUNK):
            digest.update(chunk)
            writer.write(chunk)
        writer.flush()
        os.fsync(writer.fileno())
    shutil.copystat(source, target)
    return digest.hexdigest()


def flush_folders(root: Path) -> None:
    """Flush the names in a folder and all below it to the disk."""
    for folder, _, _ in os.walk(root):
        flush_folder(folder)


def _link(source: Path, target: Path) -> bool:
    """Return whether a second name for the file could be made: not on another disk, and not where links are unknown."""
    try:
        os.link(source, target)
    except FileNotFoundError:
        raise
    except OSError:
        return False
    return True
