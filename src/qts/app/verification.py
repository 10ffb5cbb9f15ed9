"""Whether everything in a home is what was written, what was done about what is not, and what has to be fetched again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict

from qts.app.backup_document import BACKUPS, CONTENT, finished_backups
from qts.app.chain_document import ChainRecord
from qts.app.chain_files import CHAINS, LOST_HINT, KeptChains, chain_harms
from qts.app.clock import SystemClock
from qts.app.control import ControlDatabase
from qts.app.jobs.job_store import JOBS
from qts.app.jobs.schedule_store import SCHEDULES
from qts.app.run_files import LIST_NAME, LOST_RUN_HINT, RunState, damaged_run, folders_of, harms, mend_run, run_ids, state_of
from qts.app.run_store import KeptRun
from qts.app.secret_store import SECRETS
from qts.app.settings import Settings, require_restored
from qts.core.clock import Clock
from qts.core.errors import BadPath, DamagedFile
from qts.data.actions.database import TABLE as ACTIONS
from qts.data.coverage.known_empty import TABLE as KNOWN_EMPTY
from qts.data.fetching.ledger import TABLE as FETCHED
from qts.data.fetching.taken import CONTENTS, PATHS
from qts.data.instruments.tables import DUMPS, INDEX_MEMBERS, LISTINGS, SYMBOL_CHANGES, WATCHLIST_ITEMS, WATCHLISTS
from qts.data.quality.refusals import TABLE as REFUSED_ROWS
from qts.data.quality.scores import TABLE as SCORES
from qts.data.storage import FileFinding, FileState, Hole, ParquetStore
from qts.data.storage.retention import LOST_MANIFEST
from qts.data.storage.row_seals import row_harms
from qts.data.storage.seals import RESTORE_HINT

PAST_HINT: Final = (
    "Only earlier snapshots need it, the present does not: `qts verify --heal-from` takes it from a backup, "
    "and `qts snapshots collect --keep-days 0` gives up those that have no name and that no run cites."
)

# The tables of the control database whose rows carry hashes, besides those of runs and trials.
_SEALED: Final = (
    ACTIONS,
    INDEX_MEMBERS,
    WATCHLISTS,
    WATCHLIST_ITEMS,
    SYMBOL_CHANGES,
    DUMPS,
    CHAINS,
    LISTINGS,
    JOBS,
    SCHEDULES,
    SECRETS,
    CONTENTS,
    PATHS,
    KNOWN_EMPTY,
    FETCHED,
    REFUSED_ROWS,
    SCORES,
)


class DamageDocument(BaseModel):
    """One file that is not what was written, and what helps.

    ``aside`` is where a damaged file was moved to, None where it was left or put right.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    path: str
    state: str
    reason: str
    aside: str | None = None
    put_back: bool = False
    cure: str = ""


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
    after what could be put right was. ``unhashed_runs`` were kept by a release that wrote no hashes of runs: nobody can tell whether
    their files are what was written until `qts replay` has computed them again. ``unneeded`` files are damaged or missing and of
    collected snapshots only: nobody can read them any more, they are no damage, and the next collection forgets them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    home: str
    quick: bool
    sound: bool
    files: int
    runs: int
    chains: int = 0
    unhashed_runs: tuple[str, ...] = ()
    foreign: tuple[str, ...]
    damage: tuple[DamageDocument, ...]
    refill: tuple[HoleDocument, ...]
    unneeded: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bars:
    findings: tuple[FileFinding, ...] = ()
    damage: tuple[DamageDocument, ...] = ()
    refill: tuple[Hole, ...] = ()
    unneeded: tuple[str, ...] = ()


def verify_home(
    settings: Settings, *, quick: bool = False, look_only: bool = False, backups: Path | None = None, clock: Clock | None = None
) -> VerifyDocument:
    """Check the databases, the bars, the runs and the option chains of a home; damaged bars are set aside, so that they are fetched again.

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

    Raises
    ------
    BadPath
        If a restore into the home was not finished, or there is no such folder of backups.
    """
    require_restored(settings.home)
    if backups is not None and not backups.is_dir():
        raise BadPath(str(backups), "there is no such folder", hint="Name the folder that `qts backup --to` was given.")
    spare = [backup / CONTENT for backup in reversed(finished_backups(backups or settings.home / BACKUPS))]
    bars = _check_bars(settings, quick=quick, spare=None if look_only else spare, at=(clock or SystemClock()).now())
    control = _check_control(settings, quick=quick)
    runs = _check_runs(settings.runs_folder, control.seals, quick=quick, spare=None if look_only else spare)
    chains = _harmed_chains(settings.home, control.chains, quick=quick, spare=None if look_only else spare)
    damage = (*bars.damage, *control.damage, *runs.damage, *chains)
    return VerifyDocument(
        home=str(settings.home),
        quick=quick,
        sound=not damage,
        files=sum(finding.state is not FileState.FOREIGN for finding in bars.findings),
        runs=runs.n_runs,
        chains=len(control.chains),
        unhashed_runs=runs.unhashed,
        foreign=tuple(finding.path for finding in bars.findings if finding.state is FileState.FOREIGN),
        damage=damage,
        refill=tuple(_hole(hole) for hole in bars.refill),
        unneeded=bars.unneeded,
    )


def _check_bars(settings: Settings, *, quick: bool, spare: Sequence[Path] | None, at: datetime) -> _Bars:
    try:
        store = ParquetStore.open(settings.store_root)
    except DamagedFile as error:
        return _Bars(damage=(_harmed(error),))
    try:
        return _check_store(store, quick=quick, spare=spare, at=at)
    finally:
        store.close()


def _check_store(store: ParquetStore, *, quick: bool, spare: Sequence[Path] | None, at: datetime) -> _Bars:
    pages = tuple(
        DamageDocument(path="manifest.sqlite", state=str(FileState.DAMAGED), reason=finding, cure=RESTORE_HINT)
        for finding in store.database_findings(quick=quick)
    )
    try:
        findings = store.verify(quick=quick)
    except DamagedFile as error:
        return _Bars(damage=(*pages, _harmed(error)))
    bad = [finding for finding in findings if finding.state in {FileState.DAMAGED, FileState.MISSING}]
    unneeded = tuple(finding.path for finding in bad if not finding.is_needed)
    harmed = [finding for finding in bad if finding.is_needed]
    if not store.has_commits() and any(finding.path.endswith(".parquet") for finding in findings):
        lost = DamageDocument(path="manifest.sqlite", state=str(FileState.MISSING), reason=LOST_MANIFEST, cure=RESTORE_HINT)
        return _Bars(findings=findings, damage=(*pages, lost))
    if not harmed:
        return _Bars(findings=findings, damage=pages, refill=store.refill(), unneeded=unneeded)
    aside, put_back = {}, frozenset[str]()
    if spare is not None:
        quarantine = store.set_aside([finding for finding in findings if finding.is_needed], at=at, spare=spare)
        aside, put_back = dict(quarantine.aside), frozenset(quarantine.put_back)
    found = tuple(
        DamageDocument(
            path=finding.path,
            state=str(finding.state),
            reason=finding.reason,
            aside=aside.get(finding.path),
            put_back=finding.path in put_back,
            cure="" if finding.is_live else PAST_HINT,
        )
        for finding in harmed
    )
    return _Bars(findings=findings, damage=(*pages, *found), refill=store.refill(), unneeded=unneeded)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Control:
    """What is wrong with the control database, and what it says of files: the seals of runs, and the chains that are kept."""

    damage: tuple[DamageDocument, ...] = ()
    seals: Mapping[str, str | None] = field(default_factory=dict)
    chains: tuple[ChainRecord, ...] = ()


def _check_control(settings: Settings, *, quick: bool) -> _Control:
    path = settings.control_path
    if not path.exists():
        return _Control()
    try:
        control = ControlDatabase.open(path)
    except DamagedFile as error:
        return _Control(damage=(_harmed(error),))
    try:
        findings = control.database.findings(quick=quick)
        if findings:
            found = (DamageDocument(path=path.name, state=str(FileState.DAMAGED), reason=one, cure=RESTORE_HINT) for one in findings)
            return _Control(damage=tuple(found))
        return _check_rows(settings, control)
    except DamagedFile as error:
        return _Control(damage=(_harmed(error),))
    finally:
        control.close()


def _check_rows(settings: Settings, control: ControlDatabase) -> _Control:
    with control.database.reading() as connection:
        harmed = tuple(map(_harmed, row_harms(connection, _SEALED)))
    try:
        control.require_whole()
        chains = KeptChains(settings.home, control.database).sound_records()
        return _Control(damage=harmed, seals=control.seals(), chains=chains)
    except DamagedFile as error:
        return _Control(damage=(*harmed, _harmed(error)))


def _harmed_chains(home: Path, chains: Sequence[ChainRecord], *, quick: bool, spare: Sequence[Path] | None) -> tuple[DamageDocument, ...]:
    return tuple(
        DamageDocument(
            path=one.path,
            state=str(FileState.MISSING if one.is_missing else FileState.DAMAGED),
            reason=one.reason,
            put_back=one.put_back,
            cure=LOST_HINT,
        )
        for one in chain_harms(home, chains, quick=quick, spare=spare)
    )


def _harmed(error: DamagedFile) -> DamageDocument:
    return DamageDocument(path=error.path, state=str(FileState.DAMAGED), reason=error.reason, cure=error.hint)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Runs:
    n_runs: int
    damage: tuple[DamageDocument, ...]
    unhashed: tuple[str, ...]


def _check_runs(folder: Path, seals: Mapping[str, str | None], *, quick: bool, spare: Sequence[Path] | None) -> _Runs:
    found = run_ids(folder)
    lost = [run_id for run_id, seal in seals.items() if seal is not None and run_id not in found]
    damage: list[DamageDocument] = []
    unhashed: list[str] = []
    unlisted = [run_id for run_id in found if run_id not in seals and (folder / run_id / LIST_NAME).is_file()]
    if unlisted and not seals:
        reason = f"it lists no run, and yet {len(unlisted)} are kept: it was lost, and a new one made"
        damage.append(DamageDocument(path="control.sqlite", state=str(RunState.MISSING), reason=reason, cure=RESTORE_HINT))
    for run_id in (*found, *lost):
        here, seal = folder / run_id, seals.get(run_id)
        state = state_of(here, run_id, seal)
        if state is RunState.UNHASHED:
            unhashed.append(run_id)
        if quick and state in {RunState.SOUND, RunState.UNHASHED}:
            continue
        harmed = list(_harm_of(folder, run_id, seal))
        if harmed and spare is not None:
            mend_run(here, run_id, seal, folders_of(spare, run_id))
            left = {one.path: one for one in _harm_of(folder, run_id, seal)}
            harmed = [one.model_copy(update={"put_back": one.path not in left}) for one in harmed]
            harmed += [one for path, one in left.items() if path not in {before.path for before in harmed}]
        damage += harmed
    return _Runs(n_runs=len(found), damage=tuple(damage), unhashed=tuple(unhashed))


def _harm_of(folder: Path, run_id: str, seal: str | None) -> Iterator[DamageDocument]:
    """Yield what is wrong with a run: by the hashes of its files, and, of one without, by whether they can be read at all."""
    if not (folder / run_id).is_dir():
        yield DamageDocument(path=f"data/runs/{run_id}", state=str(RunState.MISSING), reason="it is missing", cure=LOST_RUN_HINT)
        return
    is_harmed = False
    for found in harms(folder / run_id, run_id, seal):
        is_harmed = True
        error = damaged_run(run_id, found.path.rpartition("/")[2], found.reason)
        yield DamageDocument(path=found.path, state=str(found.state), reason=found.reason, cure=error.hint)
    if is_harmed:
        return
    kept = KeptRun(folder, run_id, seal=seal)
    try:
        kept.document()
        kept.source()
        kept.curves()
        kept.events()
    except DamagedFile as error:
        yield _harmed(error)


def _hole(hole: Hole) -> HoleDocument:
    return HoleDocument(
        instrument=hole.key.instrument,
        interval=str(hole.key.interval),
        prices=str(hole.key.basis),
        first=hole.first.isoformat(),
        last=hole.last.isoformat(),
    )
