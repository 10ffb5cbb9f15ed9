"""How a home is backed up while others work in it: copies of the databases, links to files that never change, copies of the rest."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict

import qts
from qts.app.backup_document import BACKUPS, CONTENT, DOCUMENT, BackupDocument, finished_backups
from qts.app.backup_files import Collector, flush_folders
from qts.app.chain_document import ChainRecord
from qts.app.chain_files import KeptChains
from qts.app.home import backup_around, is_backup
from qts.app.redaction import secret_settings, without_secrets
from qts.app.run_files import path_of, read_list, run_ids
from qts.app.settings import TOML_NAME
from qts.app.workspace import Workspace
from qts.core.errors import BadParameter, BadPath, DamagedFile, StoreBusy, StoreFull
from qts.data.storage import ParquetStore
from qts.data.storage.manifest import ManifestCopy
from qts.data.storage.vault import disk_faults
from qts.data.storage.whole_files import flush_folder

MANIFEST: Final = "manifest.sqlite"
CONTROL: Final = "control.sqlite"
_UNFINISHED: Final = ".unfinished-"
_TRIES: Final = 5
_RUNS: Final = "data/runs/"
# What can be made again, what is looked after by itself, and what is no use without this machine.
_LEFT_OUT: Final = frozenset({BACKUPS, "cache", "jobs", "logs", "data/bars", "data/quarantine"})
_OWN: Final = ("cache", "data", "jobs", "logs", "strategies")


class BackupReport(BaseModel):
    """What a backup came to.

    ``linked`` of its files cost no room; ``missing`` are files that the store had lost before; ``removed`` are the older backups that went.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    path: str
    name: str
    snapshot: str
    files: int
    bytes: int
    linked: int
    new_bytes: int
    missing: tuple[str, ...]
    removed: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Collected:
    """A backup that is complete but for its name."""

    document: BackupDocument
    n_linked: int
    n_new_bytes: int


def back_up(workspace: Workspace, folder: Path | None = None, *, keep: int | None = None) -> BackupReport:
    """Make a backup of the home in a folder of backups, which appears there whole or not at all.

    Parameters
    ----------
    workspace : Workspace
        The home, which may be in use.
    folder : Path, optional
        Where backups are kept; ``backups`` in the home by default. On another disk files are copied, on the same linked.
    keep : int, optional
        How many backups stay, this one included; the oldest go. All by default.

    Raises
    ------
    BadParameter
        If none were to be kept.
    StoreFull, BadPath
        If the folder has no room, cannot be written, is a backup itself or belongs to the home; no backup is made then.
    StoreBusy
        If another backup is being made there.
    DamagedFile
        If a database of the home is damaged.
    """
    if keep is not None and keep < 1:
        raise BadParameter("keep", keep, "is less than one", hint="Keep at least the backup that is made now.")
    folder = folder or workspace.settings.home / BACKUPS
    _require_apart(folder, workspace.settings.home)
    with disk_faults(folder):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _alone(folder):
            _sweep(folder)
            before = finished_backups(folder)
            target = folder / _free_name(folder, f"{workspace.clock.now():%Y%m%dT%H%M%SZ}")
            with _full_is(folder):
                collected = _collect(workspace, folder / f"{_UNFINISHED}{target.name}", target.name, before[-1] if before else None)
            _settle(folder / f"{_UNFINISHED}{target.name}", target)
            removed = _remove(() if keep is None else finished_backups(folder)[:-keep])
    document = collected.document
    return BackupReport(
        path=str(target),
        name=target.name,
        snapshot=document.snapshot,
        files=len(document.files),
        bytes=sum(file.n_bytes for file in document.files),
        linked=collected.n_linked,
        new_bytes=collected.n_new_bytes,
        missing=document.missing,
        removed=removed,
    )


def _require_apart(folder: Path, home: Path) -> None:
    """Raise where backups would lie among what the home looks after, which would take them for its own, or in one another."""
    place, root = Path(os.path.realpath(folder)), Path(os.path.realpath(home))
    hint = "Name a folder for backups alone, best on another disk, or leave it out for `backups` in the home."
    if place == root or any(place.is_relative_to(root / name) for name in _OWN):
        raise BadPath(str(folder), "the home keeps its own files there", hint=hint)
    if (backup := backup_around(place)) is not None:
        raise BadPath(str(folder), "it is a backup itself", hint=f"Name the folder that holds it: {backup.parent}.")


def _collect(workspace: Workspace, fresh: Path, name: str, previous: Path | None) -> _Collected:
    store = workspace.files
    try:
        for _ in range(_TRIES):
            shutil.rmtree(fresh, ignore_errors=True)
            collected = _collect_once(workspace, store, fresh, name, previous=previous)
            if collected is not None:
                return collected
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise
    shutil.rmtree(fresh, ignore_errors=True)
    raise StoreBusy(str(workspace.settings.home))


def _collect_once(workspace: Workspace, store: ParquetStore, fresh: Path, name: str, *, previous: Path | None) -> _Collected | None:
    home, content = workspace.settings.home, fresh / CONTENT
    content.mkdir(parents=True, mode=0o700)
    collector = Collector(home, content, previous)
    seals = workspace.control.seals()
    chains = KeptChains(home, workspace.control.database).records()
    # A run is listed after its files are there and names a snapshot that is: copied in this order, all it needs is in the backup.
    workspace.control.database.copy_to(content / CONTROL)
    copy = store.copy_manifest(content / MANIFEST)
    missing = _add_bars(collector, copy)
    if missing and _are_let_go(store, missing):
        return None  # they were superseded and collected while we came: the manifest of now does without them
    missing |= _add_runs(collector, workspace.settings.runs_folder, seals)
    missing |= _add_chains(collector, chains)
    _add_rest(collector, home, fresh.parent)
    for database in (CONTROL, MANIFEST):
        collector.list_made(database)
    document = BackupDocument(
        name=name,
        made_at=workspace.clock.now().isoformat(),
        release=qts.__version__,
        snapshot=copy.snapshot,
        files=tuple(sorted(collector.files, key=lambda file: file.path)),
        missing=tuple(sorted(missing)),
    ).sealed()
    (fresh / DOCUMENT).write_bytes(document.to_bytes())
    return _Collected(document=document, n_linked=collector.n_linked, n_new_bytes=collector.n_new_bytes)


def _add_bars(collector: Collector, copy: ManifestCopy) -> set[str]:
    missing: set[str] = set()
    for file in {file.path: file for file in copy.files}.values():
        try:
            collector.add_stored(file.path, sha256=file.sha256, n_bytes=file.n_bytes)
        except (FileNotFoundError, DamagedFile):
            missing.add(file.path)
    return missing


def _are_let_go(store: ParquetStore, missing: set[str]) -> bool:
    """Return whether a file that is missing is not in the manifest any more: then it was collected, and is not lost."""
    return bool(missing - {finding.path for finding in store.verify(quick=True)})


def _add_runs(collector: Collector, folder: Path, seals: Mapping[str, str | None]) -> set[str]:
    """Take over the files of runs whose hashes are known, and return those that are not what was written."""
    missing: set[str] = set()
    for run_id in run_ids(folder):
        try:
            listed = read_list(folder / run_id, run_id, seals.get(run_id))
        except DamagedFile as error:
            missing.add(error.path)
            continue
        for name, file in listed.files.items() if listed is not None else ():
            try:
                collector.add_stored(path_of(run_id, name), sha256=file.sha256, n_bytes=file.n_bytes)
            except (FileNotFoundError, DamagedFile):
                missing.add(path_of(run_id, name))
    return missing


def _add_chains(collector: Collector, chains: Sequence[ChainRecord]) -> set[str]:
    """Take over the option chains that are kept, and return those that are not what was written."""
    missing: set[str] = set()
    for one in chains:
        try:
            collector.add_stored(one.path, sha256=one.sha256, n_bytes=one.n_bytes)
        except (FileNotFoundError, DamagedFile):
            missing.add(one.path)
    return missing


def _add_rest(collector: Collector, home: Path, backups: Path) -> None:
    listed = {file.path for file in collector.files}
    for path in sorted(_plain_files(home, backups)):
        try:
            if path == TOML_NAME:
                _add_settings(collector, home / path)
            elif path.startswith(_RUNS):
                if path not in listed:
                    collector.add_fixed(path)
            elif path not in listed:
                collector.add_plain(path)
        except FileNotFoundError:
            continue  # a run that is being replaced by its like, or a file that its owner removed


def _add_settings(collector: Collector, path: Path) -> None:
    # Settings that cannot be told from secrets are left out: a backup travels further than the home does.
    text = without_secrets(path.read_text(encoding="utf-8"), secret_settings())
    if text is not None:
        collector.add_text(TOML_NAME, text)


def _plain_files(home: Path, backups: Path) -> Iterator[str]:
    databases = tuple(f"{name}{ending}" for name in (MANIFEST, CONTROL) for ending in ("", "-wal", "-shm", "-journal"))
    for folder, names, files in os.walk(home):
        here = Path(folder)
        names[:] = [
            name
            for name in names
            if not name.startswith(".")
            and name != "__pycache__"
            and here / name != backups
            and not is_backup(here / name)
            and _relative(home, here / name) not in _LEFT_OUT
        ]
        yield from (
            path
            for name in files
            if not name.startswith(".") and (path := _relative(home, here / name)) not in databases and (here / name).is_file()
        )


def _relative(home: Path, path: Path) -> str:
    return path.relative_to(home).as_posix()


def _free_name(folder: Path, stamp: str) -> str:
    names = (stamp, *(f"{stamp}-{number}" for number in range(2, 1_000)))
    return next(name for name in names if not (folder / name).exists())


def _settle(fresh: Path, target: Path) -> None:
    flush_folders(fresh)
    with (fresh / DOCUMENT).open("rb") as file:
        os.fsync(file.fileno())
    fresh.rename(target)
    flush_folder(target.parent)


def _remove(old: tuple[Path, ...]) -> tuple[str, ...]:
    for backup in old:
        # Out of the list first: half a backup must never be taken for one.
        condemned = backup.with_name(f"{_UNFINISHED}{backup.name}")
        backup.rename(condemned)
        flush_folder(backup.parent)
        shutil.rmtree(condemned)
    return tuple(backup.name for backup in old)


def _sweep(folder: Path) -> None:
    """Remove what a killed backup left; we are alone here."""
    for left in folder.glob(f"{_UNFINISHED}*"):
        shutil.rmtree(left)


@contextmanager
def _full_is(folder: Path) -> Iterator[None]:
    """Name the disk of the backups where one is full: whoever only reads a database names that of the home."""
    try:
        yield
    except StoreFull as error:
        raise StoreFull(str(folder)) from error


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StoreBusy(str(folder)) from error
        yield
