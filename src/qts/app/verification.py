"""Whether everything in a home is what was written, what was done about what is not, and what has to be fetched again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from qts.app.backup_document import BACKUPS, CONTENT, finished_backups
from qts.app.clock import SystemClock
from qts.app.control import ControlDatabase
from qts.app.run_store import parse_document, read_curves, read_document_bytes, read_events, read_source
from qts.app.settings import Settings
from qts.core.clock import Clock
from qts.core.errors import DamagedFile, QtsError
from qts.data.storage import FileFinding, FileState, Hole, ParquetStore


class DamageDocument(BaseModel):
    """One file that is not what was written. ``aside`` is where a damaged file was moved to, None where it was left or put right."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    path: str
    state: str
    reason: str
    aside: str | None = None
    put_back: bool = False


class HoleDocument(BaseModel):
    """Bars that were lost: import or fetch them again. Both dates are included."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    instrument: str
    interval: str
    prices: str
    first: str
    last: str


class VerifyDocument(BaseModel):
    """What a check of a home found.

    ``files`` were looked at, ``foreign`` are in no snapshot and harm nothing. ``damage`` is what was found, ``refill`` what is missing
    after what could be put right was.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    home: str
    quick: bool
    sound: bool
    files: int
    runs: int
    foreign: tuple[str, ...]
    damage: tuple[DamageDocument, ...]
    refill: tuple[HoleDocument, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bars:
    findings: tuple[FileFinding, ...] = ()
    damage: tuple[DamageDocument, ...] = ()
    refill: tuple[Hole, ...] = ()


def verify_home(
    settings: Settings, *, quick: bool = False, look_only: bool = False, backups: Path | None = None, clock: Clock | None = None
) -> VerifyDocument:
    """Check the databases, the bars and the runs of a home; damaged bars are set aside, so that they are fetched again.

    Files whose bytes are found elsewhere among the bars, or in a backup, are put back.

    Parameters
    ----------
    settings : Settings
        Names the home.
    quick : bool
        Look at sizes and pages only, instead of reading every byte.
    look_only : bool
        Change nothing, whatever is found.
    backups : Path, optional
        A folder of backups; that of the home by default.
    clock : Clock, optional
        Stamps what is set aside; the machine's by default.
    """
    spare = [backup / CONTENT for backup in reversed(finished_backups(backups or settings.home / BACKUPS))]
    bars = _check_bars(settings, quick=quick, spare=None if look_only else spare, at=(clock or SystemClock()).now())
    control = tuple(_damaged_control(settings.control_path, quick=quick))
    runs = run_ids(settings.runs_folder)
    damage = (*bars.damage, *control, *(found for run_id in runs if not quick for found in _damaged_run(settings, run_id)))
    return VerifyDocument(
        home=str(settings.home),
        quick=quick,
        sound=not damage,
        files=sum(finding.state is not FileState.FOREIGN for finding in bars.findings),
        runs=len(runs),
        foreign=tuple(finding.path for finding in bars.findings if finding.state is FileState.FOREIGN),
        damage=damage,
        refill=tuple(_hole(hole) for hole in bars.refill),
    )


def run_ids(folder: Path) -> tuple[str, ...]:
    """Return the ids of the runs that are kept in a folder."""
    return tuple(sorted(path.name for path in folder.iterdir() if path.name.isalnum() and path.is_dir())) if folder.is_dir() else ()


def _check_bars(settings: Settings, *, quick: bool, spare: Sequence[Path] | None, at: datetime) -> _Bars:
    try:
        store = ParquetStore.open(settings.store_root)
    except DamagedFile as error:
        return _Bars(damage=(DamageDocument(path=error.path, state=str(FileState.DAMAGED), reason=error.reason),))
    try:
        return _check_store(store, quick=quick, spare=spare, at=at)
    finally:
        store.close()


def _check_store(store: ParquetStore, *, quick: bool, spare: Sequence[Path] | None, at: datetime) -> _Bars:
    pages = tuple(
        DamageDocument(path="manifest.sqlite", state=str(FileState.DAMAGED), reason=finding)
        for finding in store.database_findings(quick=quick)
    )
    try:
        findings = store.verify(quick=quick)
    except DamagedFile as error:
        return _Bars(damage=(*pages, DamageDocument(path=error.path, state=str(FileState.DAMAGED), reason=error.reason)))
    harmed = [finding for finding in findings if finding.state in {FileState.DAMAGED, FileState.MISSING}]
    if not harmed:
        return _Bars(findings=findings, damage=pages, refill=store.refill())
    aside, put_back = {}, frozenset[str]()
    if spare is not None:
        quarantine = store.set_aside(findings, at=at, spare=spare)
        aside, put_back = dict(quarantine.aside), frozenset(quarantine.put_back)
    found = tuple(
        DamageDocument(
            path=finding.path,
            state=str(finding.state),
            reason=finding.reason,
            aside=aside.get(finding.path),
            put_back=finding.path in put_back,
        )
        for finding in harmed
    )
    return _Bars(findings=findings, damage=(*pages, *found), refill=store.refill())


def _damaged_control(path: Path, *, quick: bool) -> Iterator[DamageDocument]:
    if not path.exists():
        return
    try:
        control = ControlDatabase.open(path)
    except DamagedFile as error:
        yield DamageDocument(path=path.name, state=str(FileState.DAMAGED), reason=error.reason)
        return
    try:
        for finding in control.database.findings(quick=quick):
            yield DamageDocument(path=path.name, state=str(FileState.DAMAGED), reason=finding)
    finally:
        control.close()


def _damaged_run(settings: Settings, run_id: str) -> Iterator[DamageDocument]:
    path = f"data/runs/{run_id}"
    try:
        document = parse_document(read_document_bytes(settings.runs_folder, run_id), path=path)
        read_source(settings.runs_folder, run_id)
        read_curves(settings.runs_folder, run_id)
        read_events(settings.runs_folder, run_id)
    except QtsError as error:
        yield DamageDocument(path=path, state=str(FileState.DAMAGED), reason=getattr(error, "reason", error.message))
        return
    if document.run_id != run_id:
        yield DamageDocument(path=path, state=str(FileState.DAMAGED), reason=f"it holds run {document.run_id}")


def _hole(hole: Hole) -> HoleDocument:
    return HoleDocument(
        instrument=hole.key.instrument,
        interval=str(hole.key.interval),
        prices=str(hole.key.basis),
        first=hole.first.isoformat(),
        last=hole.last.isoformat(),
    )
