"""What a backup says of itself: its files with their hashes, and the hash of that list."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, ValidationError

from qts.app.home import BACKUP_CONTENT, BACKUP_DOCUMENT
from qts.app.run_identity import canonical_json
from qts.core.errors import BadPath, DamagedFile

BACKUPS: Final = "backups"
CONTENT: Final = BACKUP_CONTENT
DOCUMENT: Final = BACKUP_DOCUMENT
_NAME: Final = re.compile(r"\d{8}T\d{6}Z(-\d+)?")


class BackedUpFile(BaseModel):
    """One file, its path relative to the home folder."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    path: str
    n_bytes: int
    sha256: str


class BackupDocument(BaseModel):
    """A backup: of when, of which snapshot of the bars, by which release, and its files sorted by path.

    ``missing`` are files that the store itself had lost when the backup was made.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    version: int = 1
    name: str
    made_at: str
    release: str
    snapshot: str
    files: tuple[BackedUpFile, ...]
    missing: tuple[str, ...] = ()
    seal: str = ""

    def sealed(self) -> BackupDocument:
        """Return it with the hash of all that it says."""
        return self.model_copy(update={"seal": self._seal()})

    def to_bytes(self) -> bytes:
        """Return it as a file's content."""
        return canonical_json(self.model_dump(mode="json"))

    def _seal(self) -> str:
        return hashlib.sha256(canonical_json(self.model_dump(mode="json", exclude={"seal"}))).hexdigest()

    @classmethod
    def read(cls, backup: Path) -> BackupDocument:
        """Return the document of a backup.

        Raises
        ------
        BadPath
            If the folder is no finished backup.
        DamagedFile
            If its document is not what was written.
        """
        path = backup / DOCUMENT
        try:
            document = cls.model_validate_json(path.read_bytes())
        except (FileNotFoundError, NotADirectoryError) as error:
            raise BadPath(str(backup), "it is no finished backup", hint="Name a folder that `qts backup` made.") from error
        except ValidationError as error:
            raise DamagedFile(str(path), "it does not read as what a backup says of itself") from error
        if document.seal != document._seal():  # noqa: SLF001 - its own
            raise DamagedFile(str(path), "it is not what was written")
        return document


def finished_backups(folder: Path) -> tuple[Path, ...]:
    """Return the finished backups of a folder, oldest first."""
    if not folder.is_dir():
        return ()
    return tuple(sorted(path for path in folder.iterdir() if _NAME.fullmatch(path.name) and (path / DOCUMENT).is_file()))
