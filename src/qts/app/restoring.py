"""How a backup becomes a home again, and how one sees before whether it could."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict

from qts.app.backup_document import CONTENT, BackedUpFile, BackupDocument
from qts.app.backup_files import copy_file, flush_folders
from qts.app.backups import CONTROL, MANIFEST
from qts.app.settings import UNFINISHED_RESTORE, Settings
from qts.core.errors import BadPath, DamagedFile
from qts.data.storage.vault import disk_faults, sha256_of

_DATABASES: Final = frozenset({MANIFEST, CONTROL})


class BackupCheck(BaseModel):
    """What a check of a backup found: files that are gone or not what was written, by path with the reason."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    name: str
    made_at: str
    release: str
    snapshot: str
    files: int
    bytes: int
    damaged: dict[str, str]
    missing: tuple[str, ...]


class RestoreReport(BaseModel):
    """What was restored to where. ``missing`` are files that the backup never had: `qts verify` in the new home names their bars."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    home: str
    name: str
    made_at: str
    snapshot: str
    files: int
    bytes: int
    missing: tuple[str, ...]


def check_backup(backup: Path) -> BackupCheck:
    """Read every file of a backup and compare it with what the backup says of it.

    Raises
    ------
    BadPath
        If the folder is no finished backup.
    DamagedFile
        If its document is not what was written.
    """
    document = BackupDocument.read(backup)
    damaged = {file.path: reason for file in document.files if (reason := _harm(backup / CONTENT, file))}
    return BackupCheck(
        name=document.name,
        made_at=document.made_at,
        release=document.release,
        snapshot=document.snapshot,
        files=len(document.files),
        bytes=sum(file.n_bytes for file in document.files),
        damaged=damaged,
        missing=document.missing,
    )


def restore(backup: Path, settings: Settings) -> RestoreReport:
    """Copy a backup into an empty home, each file compared with its hash. A restore that was interrupted is begun again by the next.

    Raises
    ------
    BadPath
        If the folder is no finished backup, or the home is not empty.
    DamagedFile
        If a file of the backup is not what was written; the home is left empty then.
    StoreFull
        If the disk has no room; the home is left empty then.
    """
    document = BackupDocument.read(backup)
    home = settings.home
    with disk_faults(home):
        _begin(home)
        try:
            # The databases last: without them there is no store, and nobody takes half a home for one.
            for file in sorted(document.files, key=lambda file: (file.path in _DATABASES, file.path)):
                _copy(backup / CONTENT, home, file)
        except BaseException:
            _clear(home)
            raise
        flush_folders(home)
        (home / UNFINISHED_RESTORE).unlink()
        flush_folders(home)
    return RestoreReport(
        home=str(home),
        name=document.name,
        made_at=document.made_at,
        snapshot=document.snapshot,
        files=len(document.files),
        bytes=sum(file.n_bytes for file in document.files),
        missing=document.missing,
    )


def _begin(home: Path) -> None:
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    mark = home / UNFINISHED_RESTORE
    if mark.exists():
        _clear(home)
    if any(home.iterdir()):
        raise BadPath(str(home), "the home to restore into is not empty", hint="Name an empty folder with --home; nothing is overwritten.")
    mark.touch()


def _copy(content: Path, home: Path, file: BackedUpFile) -> None:
    target = home / file.path
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        sha256 = copy_file(content / file.path, target)
    except FileNotFoundError as error:
        raise DamagedFile(str(content / file.path), "it is missing") from error
    if sha256 != file.sha256:
        raise DamagedFile(str(content / file.path), "its bytes differ from those that were written")


def _clear(home: Path) -> None:
    """Empty a home that holds nothing but what a restore put there; the mark goes last."""
    for path in home.iterdir():
        if path.name == UNFINISHED_RESTORE:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    (home / UNFINISHED_RESTORE).unlink(missing_ok=True)


def _harm(content: Path, file: BackedUpFile) -> str:
    path = content / file.path
    try:
        n_bytes = path.stat().st_size
        if n_bytes != file.n_bytes:
            return f"it has {n_bytes} bytes instead of {file.n_bytes}"
        return "" if sha256_of(path) == file.sha256 else "its bytes differ from those that were written"
    except OSError as error:
        return "it is missing" if isinstance(error, FileNotFoundError) else (error.strerror or "it cannot be read").lower()
