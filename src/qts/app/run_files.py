"""What the files of a kept run must be: their sizes and hashes, listed beside them, and the hash of that list in the control database.

The list tells a changed file from a sound one; its hash, the seal, tells a run from one that took its place, and a list that is gone from
one that never was: runs kept by releases before there were lists have neither.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, ValidationError

from qts.app.run_identity import canonical_json
from qts.core.errors import DamagedFile
from qts.data.storage.whole_files import content_of, put_file, size_of

DOCUMENT_NAME: Final = "run.json"
SOURCE_NAME: Final = "strategy.py"
CURVES_NAME: Final = "equity.parquet"
EVENTS_NAME: Final = "order_events.parquet"
LIST_NAME: Final = "files.json"
NAMES: Final = (DOCUMENT_NAME, SOURCE_NAME, CURVES_NAME, EVENTS_NAME, "fills.parquet", "trades.parquet")
LOST_RUN_HINT: Final = "`qts verify` takes it from a backup where there is one; else run the backtest again: the same settings make it."
_DIFFERS: Final = "its bytes differ from those that were written"


class RunState(StrEnum):
    """What is known of the files of a run: as written, without hashes to compare with, not as written, or gone."""

    SOUND = "sound"
    UNHASHED = "unhashed"
    DAMAGED = "damaged"
    MISSING = "missing"


class FileHash(BaseModel):
    """The size and the SHA-256 of one file."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    n_bytes: int
    sha256: str


class RunFiles(BaseModel):
    """The files of a run by name."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    version: int = 1
    run_id: str
    files: dict[str, FileHash]

    def to_bytes(self) -> bytes:
        """Return it as a file's content."""
        return canonical_json(self.model_dump(mode="json"))

    def harm(self, name: str, content: bytes) -> str:
        """Return what is wrong with the bytes of a file, nothing where they are those that were written or not listed."""
        listed = self.files.get(name)
        if listed is None:
            return ""
        if len(content) != listed.n_bytes:
            return f"it has {len(content)} bytes instead of {listed.n_bytes}"
        return "" if hashlib.sha256(content).hexdigest() == listed.sha256 else _DIFFERS


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFinding:
    """One file of a run that is not what was written; its path is relative to the home."""

    path: str
    state: RunState
    reason: str


def run_ids(folder: Path) -> tuple[str, ...]:
    """Return the ids of the runs that are kept in a folder."""
    return tuple(sorted(path.name for path in folder.iterdir() if path.name.isalnum() and path.is_dir())) if folder.is_dir() else ()


def damaged_run(run_id: str, name: str, reason: str) -> DamagedFile:
    """Return the error for a file of a run, with its cure."""
    if name in {DOCUMENT_NAME, SOURCE_NAME}:
        hint = LOST_RUN_HINT
    else:
        hint = f"`qts replay {run_id}` computes it again and puts it right; so does `qts verify` where there is a backup."
    return DamagedFile(path_of(run_id, name), reason, hint=hint)


def path_of(run_id: str, name: str) -> str:
    """Return the path of a file of a run, relative to the home."""
    return f"data/runs/{run_id}/{name}"


def list_files(folder: Path, run_id: str) -> bytes:
    """Return the list of the files of a run as they are now."""
    hashes = {}
    for name in NAMES:
        content = (folder / name).read_bytes()
        hashes[name] = FileHash(n_bytes=len(content), sha256=hashlib.sha256(content).hexdigest())
    return RunFiles(run_id=run_id, files=hashes).to_bytes()


def seal_of(content: bytes) -> str:
    """Return the seal of a list."""
    return hashlib.sha256(content).hexdigest()


def read_list(folder: Path, run_id: str, seal: str | None) -> RunFiles | None:
    """Return the list of a run that is what was written, None where there never was one.

    Raises
    ------
    DamagedFile
        If it is not, or belongs to another run.
    """
    try:
        content = (folder / LIST_NAME).read_bytes()
    except FileNotFoundError as error:
        if seal is None:
            return None
        raise damaged_run(run_id, LIST_NAME, "it is missing") from error
    except OSError as error:
        raise damaged_run(run_id, LIST_NAME, "it cannot be read") from error
    if seal is not None and seal_of(content) != seal:
        raise damaged_run(run_id, LIST_NAME, _DIFFERS)
    try:
        listed = RunFiles.model_validate_json(content)
    except ValidationError as error:
        raise damaged_run(run_id, LIST_NAME, "it is no list of files") from error
    if listed.run_id != run_id or listed.to_bytes() != content:
        raise damaged_run(run_id, LIST_NAME, f"it is of run {listed.run_id}")
    return listed


def state_of(folder: Path, run_id: str, seal: str | None) -> RunState:
    """Return what a look at the list and at the sizes of the files shows, without reading them."""
    if not folder.is_dir():
        return RunState.MISSING
    try:
        listed = read_list(folder, run_id, seal)
    except DamagedFile:
        return RunState.DAMAGED
    if listed is None:
        return RunState.UNHASHED if (folder / DOCUMENT_NAME).is_file() else RunState.DAMAGED
    sizes = {name: size_of(folder / name) for name in listed.files}
    return RunState.SOUND if all(sizes[name] == file.n_bytes for name, file in listed.files.items()) else RunState.DAMAGED


def harms(folder: Path, run_id: str, seal: str | None) -> Iterator[RunFinding]:
    """Yield the files of a run that are not what was written; of a run without a list nothing can be said."""
    try:
        listed = read_list(folder, run_id, seal)
    except DamagedFile as error:
        yield RunFinding(path=error.path, state=RunState.DAMAGED, reason=error.reason)
        return
    for name in () if listed is None else listed.files:
        try:
            reason = listed.harm(name, (folder / name).read_bytes()) if listed is not None else ""
        except FileNotFoundError:
            yield RunFinding(path=path_of(run_id, name), state=RunState.MISSING, reason="it is missing")
            continue
        except OSError as error:
            reason = (error.strerror or "it cannot be read").lower()
        if reason:
            yield RunFinding(path=path_of(run_id, name), state=RunState.DAMAGED, reason=reason)


def mend_run(folder: Path, run_id: str, seal: str | None, spare: Sequence[Path]) -> None:
    """Put back the files of a run whose bytes are found in copies of its folder.

    The list of files itself is made anew where the files are just those that it told of.
    """
    listed = _list_anywhere(folder, run_id, seal, spare)
    if listed is None:
        return
    for name, content in _lost(folder, listed, spare):
        put_file(folder / name, content)
    if folder.is_dir() and content_of(folder / LIST_NAME) != listed.to_bytes():
        put_file(folder / LIST_NAME, listed.to_bytes())


def _list_anywhere(folder: Path, run_id: str, seal: str | None, spare: Sequence[Path]) -> RunFiles | None:
    for place in (folder, *spare) if seal is not None else (folder,):
        try:
            listed = read_list(place, run_id, seal)
        except DamagedFile:
            continue
        if listed is not None:
            return listed
    try:
        made = list_files(folder, run_id)
    except OSError:
        return None
    return RunFiles.model_validate_json(made) if seal is not None and seal_of(made) == seal else None


def _lost(folder: Path, listed: RunFiles, spare: Sequence[Path]) -> Iterator[tuple[str, bytes]]:
    for name in listed.files:
        own = content_of(folder / name)
        if own is not None and not listed.harm(name, own):
            continue
        copies = (content for place in spare if (content := content_of(place / name)) is not None)
        found = next((content for content in copies if not listed.harm(name, content)), None)
        if found is not None:
            yield name, found


def folders_of(spare: Sequence[Path], run_id: str) -> Sequence[Path]:
    """Return where copies of homes would hold a run."""
    return [home / "data" / "runs" / run_id for home in spare]
