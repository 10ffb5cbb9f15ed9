"""The verbs as functions for a notebook: ``import qts; qts.backtest("ema_cross", instruments="NSE:INFY")``.

Each takes what the command of the same name takes, with ``start`` and ``end`` for ``--from`` and ``--to``, and opens the home folder
of ``QTS_HOME`` or of ``home=``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from qts.app.actions import (
    ActionDocument,
    ActionsImportDocument,
    ActionsImportRequest,
    ActionsRequest,
    ConfirmRequest,
    RejectRequest,
    list_actions,
)
from qts.app.actions import confirm_action as confirm_one
from qts.app.actions import import_actions as import_action_list
from qts.app.actions import reject_action as reject_one
from qts.app.actions import suspect_actions as look_for_actions
from qts.app.backtests import StoredRun, list_runs, load_run, run_backtest
from qts.app.backups import BackupReport, back_up
from qts.app.bars import read_bars
from qts.app.calendar import CalendarDocument, list_sessions
from qts.app.calendar_file import use_calendar_of
from qts.app.catalog import SeriesDocument, list_series
from qts.app.clock import SystemClock
from qts.app.continuous import ContinuousDocument, ContinuousRequest, continuous_bars
from qts.app.control import RunSummary
from qts.app.costs import CostsDocument, price_costs
from qts.app.coverage import CoverageDocument, CoverageRequest
from qts.app.coverage import coverage as cover
from qts.app.deleting import DeleteRequest, DeletionDocument, UndoDocument, delete_bars, undo_deletion
from qts.app.demo import DemoReport, prepare_demo
from qts.app.doctor import DoctorDocument, examine
from qts.app.exporting import ExportDocument, ExportRequest, export_bars
from qts.app.importing import ImportDocument
from qts.app.importing import import_files as import_into
from qts.app.ingest_document import IngestDocument, IngestRequest
from qts.app.ingesting import ingest as ingest_history
from qts.app.instrument_documents import (
    ChainDocument,
    ChainRequest,
    DumpDocument,
    DumpRequest,
    ExpiriesDocument,
    HitDocument,
    InstrumentDocument,
    InstrumentRequest,
    SearchRequest,
    UnderlyingRequest,
)
from qts.app.instruments import import_dump, list_expiries, option_chain, search_instruments, show_instrument
from qts.app.jobs.asking import list_jobs
from qts.app.jobs.document import JobDocument
from qts.app.quality import QualityDocument, QualityRequest
from qts.app.quality import quality as judge
from qts.app.reconciling import ReconcileRequest, ReconciliationDocument, reconcile_file
from qts.app.replays import ReplayDocument
from qts.app.replays import replay as replay_run
from qts.app.requests import BacktestRequest, BarsRequest, CalendarRequest, ImportRequest, OrderCostsRequest, SqlRequest, build
from qts.app.restoring import RestoreReport
from qts.app.restoring import restore as restore_backup
from qts.app.run_document import RunDocument
from qts.app.series_archive import SeriesHistoryDocument, SeriesRequest, show_series
from qts.app.settings import load_settings
from qts.app.snapshots import (
    KEEP_DAYS,
    CollectionDocument,
    CompactionDocument,
    ComparisonDocument,
    SnapshotDocument,
    compact_store,
    list_snapshots,
)
from qts.app.snapshots import collect_snapshots as collect_old
from qts.app.snapshots import compare_snapshots as compare_two
from qts.app.snapshots import name_snapshot as name_one
from qts.app.sql import SqlDocument, run_sql
from qts.app.strategies import StrategyDocument, list_strategies
from qts.app.sweep_document import SweepDocument
from qts.app.sweep_request import SweepRequest
from qts.app.sweeping import run_sweep
from qts.app.verification import VerifyDocument, verify_home
from qts.app.watching import (
    IndexImportDocument,
    MembersDocument,
    WatchlistDocument,
    WatchlistRequest,
    import_members,
    list_watchlists,
)
from qts.app.watching import add_to_watchlist as add_to_list
from qts.app.watching import index_members as members_of_index
from qts.app.workspace import Workspace, open_workspace
from qts.core.bars import Bars

Home = Path | str | None


def import_files(paths: Sequence[Path | str] | Path | str, *, home: Home = None, **options: object) -> ImportDocument:
    """Store what is sound in these files and folders; raises if a path that was named gave not a single bar."""
    named = [paths] if isinstance(paths, (str, Path)) else list(paths)
    with _opened(home) as workspace:
        outcome = import_into(workspace, build(ImportRequest, paths=named, **options))
    if outcome.failures:
        raise outcome.failures[0]
    return outcome.document


def ingest(instruments: Sequence[str] | str, *, home: Home = None, **options: object) -> IngestDocument:
    """Download what is missing of these series, from the broker or the simulated exchange."""
    with _opened(home) as workspace:
        return ingest_history(workspace, build(IngestRequest, instruments=instruments, **options))


def jobs(*, limit: int = 100, home: Home = None) -> tuple[JobDocument, ...]:
    """Return the latest jobs in the background, the latest first."""
    with _opened(home) as workspace:
        return list_jobs(workspace, limit=limit)


def bars(instrument: str, *, home: Home = None, **options: object) -> Bars:
    """Return the bars of one instrument as arrays."""
    with _opened(home) as workspace:
        return read_bars(workspace, build(BarsRequest, instrument=instrument, **options)).bars


def catalog(*, home: Home = None) -> tuple[SeriesDocument, ...]:
    """Return what is stored, and what is missing in it."""
    with _opened(home) as workspace:
        return list_series(workspace)


def series(instrument: str, *, home: Home = None, **options: object) -> tuple[SeriesHistoryDocument, ...]:
    """Return what is known of an instrument's series: each commit that touched them, and the files that hold them."""
    with _opened(home) as workspace:
        return show_series(workspace, build(SeriesRequest, instrument=instrument, **options))


def export(target: Path | str, instruments: Sequence[str] | str | None = None, *, home: Home = None, **options: object) -> ExportDocument:
    """Write stored bars into a .csv, .parquet or .duckdb file, or into a folder with a file per series."""
    with _opened(home) as workspace:
        return export_bars(workspace, build(ExportRequest, target=target, instruments=instruments, **options))


def delete(instrument: str, *, home: Home = None, dry_run: bool = False, **options: object) -> DeletionDocument:
    """Delete bars of a series; ``dry_run`` only tells which. Nobody is asked."""
    with _opened(home) as workspace:
        return delete_bars(workspace, build(DeleteRequest, instrument=instrument, **options), dry_run=dry_run)


def undo(snapshot: str | None = None, *, home: Home = None) -> UndoDocument:
    """Bring back what a deletion took, the last one by default, except where there are bars again."""
    with _opened(home) as workspace:
        return undo_deletion(workspace, snapshot)


def sql(query: str, *, home: Home = None, **options: object) -> SqlDocument:
    """Return what a query finds in the stored bars; it can only read."""
    with _opened(home) as workspace:
        return run_sql(workspace, build(SqlRequest, sql=query, **options))


def actions(*, home: Home = None, **options: object) -> tuple[ActionDocument, ...]:
    """Return what is known of corporate actions, or was known on a date."""
    with _opened(home) as workspace:
        return list_actions(workspace, build(ActionsRequest, **options))


def suspect_actions(*, home: Home = None, **options: object) -> tuple[ActionDocument, ...]:
    """Look for corporate actions in the stored raw prices and return what is suspected."""
    with _opened(home) as workspace:
        return look_for_actions(workspace, build(ActionsRequest, **options))


def import_actions(path: Path | str, *, home: Home = None, **options: object) -> ActionsImportDocument:
    """Confirm the corporate actions that a file states."""
    with _opened(home) as workspace:
        return import_action_list(workspace, build(ActionsImportRequest, path=path, **options))


def confirm_action(action: str, *, home: Home = None, **terms: object) -> ActionDocument:
    """Confirm a corporate action, as it is suspected or on the terms given."""
    with _opened(home) as workspace:
        return confirm_one(workspace, build(ConfirmRequest, id=action, **terms))


def reject_action(action: str, *, home: Home = None) -> ActionDocument:
    """Reject a corporate action: it is neither applied nor told of again."""
    with _opened(home) as workspace:
        return reject_one(workspace, build(RejectRequest, id=action))


def coverage(instrument: str | None = None, *, home: Home = None, **options: object) -> CoverageDocument:
    """Return which days of the stored series are whole, and where the holes are."""
    with _opened(home) as workspace:
        return cover(workspace, build(CoverageRequest, instrument=instrument, **options))


def quality(instruments: Sequence[str] | str | None = None, *, home: Home = None, **options: object) -> QualityDocument:
    """Return a score of stored series from 0 to 100, with its working and every issue."""
    with _opened(home) as workspace:
        return judge(workspace, build(QualityRequest, instruments=instruments, **options))


def calendar(*, home: Home = None, **options: object) -> CalendarDocument:
    """Return when an exchange trades, with the corrections of the home folder."""
    use_calendar_of(load_settings(home=home).home)
    return list_sessions(build(CalendarRequest, **options), SystemClock())


def costs(**options: object) -> CostsDocument:
    """Return what an order costs, line by line."""
    return price_costs(build(OrderCostsRequest, **options), SystemClock())


def reconcile(file: Path | str, **options: object) -> ReconciliationDocument:
    """Compare a broker's contract note, tradebook or API reply with the schedule of charges."""
    return reconcile_file(build(ReconcileRequest, file=file, **options), SystemClock())


def strategies(*, home: Home = None) -> tuple[StrategyDocument, ...]:
    """Return which strategies can be run, with their parameters."""
    with _opened(home) as workspace:
        return list_strategies(workspace)


def backtest(strategy: str | Path, *, instruments: Sequence[str] | str, home: Home = None, **options: object) -> RunDocument:
    """Run a strategy on stored bars, with costs, keep the run and return its document."""
    request = build(BacktestRequest, strategy=str(strategy), instruments=instruments, **options)
    with _opened(home) as workspace:
        return run_backtest(workspace, request)


def sweep(
    strategy: str | Path,
    *,
    instruments: Sequence[str] | str,
    grid: Mapping[str, str | Sequence[object]],
    home: Home = None,
    **options: object,
) -> SweepDocument:
    """Try a strategy with every set of parameters of a grid, count each try, and return the best."""
    axes = {name: values if isinstance(values, str) else tuple(values) for name, values in grid.items()}
    request = build(SweepRequest, strategy=str(strategy), instruments=instruments, grid=axes, **options)
    with _opened(home) as workspace:
        return run_sweep(workspace, request)


def runs(*, home: Home = None) -> tuple[RunSummary, ...]:
    """Return the stored runs, latest first."""
    with _opened(home) as workspace:
        return list_runs(workspace)


def run(run_id: str, *, home: Home = None) -> StoredRun:
    """Return a stored run: its document, its curves and the source text of its strategy."""
    with _opened(home) as workspace:
        return load_run(workspace, run_id)


def replay(run_id: str, *, home: Home = None) -> ReplayDocument:
    """Compute a stored run again and compare it byte for byte."""
    with _opened(home) as workspace:
        return replay_run(workspace, run_id)


def import_instruments(file: Path | str, *, home: Home = None, **options: object) -> DumpDocument:
    """Read a broker's dump of instruments; ``on`` is the date it was made for, where its name does not tell."""
    with _opened(home) as workspace:
        return import_dump(workspace, build(DumpRequest, path=file, **options))


def instruments(text: str, *, home: Home = None, **options: object) -> tuple[HitDocument, ...]:
    """Return the instruments that a person may mean who has typed so far, best first."""
    with _opened(home) as workspace:
        return search_instruments(workspace, build(SearchRequest, text=text, **options))


def instrument(name: str, *, home: Home = None, **options: object) -> InstrumentDocument:
    """Return the lot, tick, token and expiry of an instrument as of a date, and its history under all its names."""
    with _opened(home) as workspace:
        return show_instrument(workspace, build(InstrumentRequest, instrument=name, **options))


def expiries(underlying: str, *, home: Home = None, **options: object) -> ExpiriesDocument:
    """Return when the contracts on an underlying end, and its futures in order."""
    with _opened(home) as workspace:
        return list_expiries(workspace, build(UnderlyingRequest, underlying=underlying, **options))


def chain(underlying: str, *, home: Home = None, **options: object) -> ChainDocument:
    """Return the options of one expiry by strike."""
    with _opened(home) as workspace:
        return option_chain(workspace, build(ChainRequest, underlying=underlying, **options))


def continuous(underlying: str, *, home: Home = None, **options: object) -> ContinuousDocument:
    """Return one series from the stored futures on an underlying, each bar with the contract it is of."""
    with _opened(home) as workspace:
        return continuous_bars(workspace, build(ContinuousRequest, underlying=underlying, **options))


def watchlists(*, home: Home = None) -> tuple[WatchlistDocument, ...]:
    """Return your own lists of instruments."""
    with _opened(home) as workspace:
        return list_watchlists(workspace)


def add_to_watchlist(name: str, names: Sequence[str] | str, *, home: Home = None) -> WatchlistDocument:
    """Add instruments to a watchlist, which is made where there is none."""
    with _opened(home) as workspace:
        return add_to_list(workspace, build(WatchlistRequest, name=name, instruments=names))


def import_index(file: Path | str, *, home: Home = None) -> IndexImportDocument:
    """Keep the members that a file lists as all that is known of its indices."""
    with _opened(home) as workspace:
        return import_members(workspace, Path(file))


def index_members(index: str, *, on: date | None = None, home: Home = None) -> MembersDocument:
    """Return the members of an index on a date, and whether they are those of the date."""
    with _opened(home) as workspace:
        return members_of_index(workspace, index, on)


def demo(*, home: Home = None) -> DemoReport:
    """Prepare the simulated market, the real index levels and a finished backtest on each."""
    with _opened(home) as workspace:
        return prepare_demo(workspace)


def verify(*, home: Home = None, quick: bool = False, look_only: bool = False, heal_from: Path | str | None = None) -> VerifyDocument:
    """Check that all that is stored is what was written; damaged bars are set aside unless ``look_only``, or taken from a backup."""
    backups = None if heal_from is None else Path(heal_from)
    return verify_home(load_settings(home=home), quick=quick, look_only=look_only, backups=backups)


def backup(folder: Path | str | None = None, *, home: Home = None, keep: int | None = None) -> BackupReport:
    """Make a backup of the home, which may be in use, in a folder of backups."""
    with _opened(home) as workspace:
        return back_up(workspace, None if folder is None else Path(folder), keep=keep)


def restore(path: Path | str, *, home: Home = None) -> RestoreReport:
    """Copy a backup into an empty home."""
    return restore_backup(Path(path), load_settings(home=home))


def doctor(*, home: Home = None, security: bool = False) -> DoctorDocument:
    """Look at the home, the disk, the versions and the databases, or at who else may read and write."""
    return examine(load_settings(home=home), security=security)


def snapshots(*, home: Home = None) -> tuple[SnapshotDocument, ...]:
    """Return the snapshots of the store, the latest first."""
    with _opened(home) as workspace:
        return list_snapshots(workspace)


def compare_snapshots(before: str, after: str | None = None, *, home: Home = None) -> ComparisonDocument:
    """Return which series changed between two snapshots, the present being the later by default."""
    with _opened(home) as workspace:
        return compare_two(workspace, before, after)


def name_snapshot(name: str, snapshot: str | None = None, *, home: Home = None) -> SnapshotDocument:
    """Call a snapshot, the present one by default, by a name, which keeps it."""
    with _opened(home) as workspace:
        return name_one(workspace, name, snapshot)


def collect_snapshots(*, keep_days: int = KEEP_DAYS, dry_run: bool = False, home: Home = None) -> CollectionDocument:
    """Give back the room of snapshots that are older, have no name and were used by no stored run."""
    with _opened(home) as workspace:
        return collect_old(workspace, keep_days=keep_days, dry_run=dry_run)


def compact(*, everything: bool = False, home: Home = None) -> tuple[CompactionDocument, ...]:
    """Put what imports brought lately into the files of their years."""
    with _opened(home) as workspace:
        return compact_store(workspace, everything=everything)


@contextmanager
def _opened(home: Home) -> Iterator[Workspace]:
    with open_workspace(load_settings(home=home)) as workspace:
        yield workspace
