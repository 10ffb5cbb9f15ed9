"""All that is known of an instrument's series besides their bars: how they came, from where, and in which files they lie."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from qts.app.bars import is_simulated
from qts.app.requests import InstrumentText, IntervalName, Request
from qts.app.workspace import Workspace
from qts.core.clock import instant_of
from qts.core.instrument import InstrumentId
from qts.core.interval import Interval
from qts.data.fetching import FetchLedger
from qts.data.storage import ParquetStore, Partition, PriceBasis, SeriesCommit, SeriesInfo, SeriesKey
from qts.data.storage.lookup import Span, absent


class SeriesRequest(Request):
    """The series of one instrument."""

    instrument: InstrumentText = Field(description="Instrument, as EXCHANGE:SYMBOL.")
    interval: IntervalName | None = Field(default=None, description="Length of the bars; all lengths when absent.")
    prices: PriceBasis | None = Field(default=None, description="Price basis, raw or adjusted; both when absent.")


class CommitDocument(BaseModel):
    """A commit that touched a series.

    ``bars`` is how many bars the series had after it, ``added`` how many more than before; None where that was collected. ``stored``,
    ``changed`` and ``unchanged`` are of the whole commit, which may have brought other series, too. ``readable`` while its snapshot is.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    snapshot: str
    at: str
    kind: str
    source: str
    simulated: bool
    note: str
    bars: int | None
    added: int | None
    stored: int | None
    changed: int | None
    unchanged: int | None
    readable: bool


class FileDocument(BaseModel):
    """A file that holds bars of a series, its path relative to the home.

    ``rows``, ``bytes``, ``first`` and ``last`` are of the whole file, which other series share where ``shared``; ``bars`` are those that
    it adds to this series. ``hot`` files lie over the others until compaction.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    path: str
    rows: int
    bars: int | None
    bytes: int
    first: str
    last: str
    sha256: str
    hot: bool
    shared: bool
    since: str
    since_at: str


class DownloadDocument(BaseModel):
    """What a source gave of a year of a series: ``bars`` on ``days`` dates that it was asked for, the last time at ``asked_at``."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    source: str
    year: int
    days: int
    bars: int
    asked_at: str


class SeriesHistoryDocument(BaseModel):
    """One stored series, the commits that touched it and what was downloaded of it, the latest first, and the files that hold it."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    instrument: str
    interval: str
    prices: str
    first: str | None
    last: str | None
    bars: int
    last_close: float | None
    simulated: bool
    sources: tuple[str, ...]
    content: str
    history: tuple[CommitDocument, ...]
    downloads: tuple[DownloadDocument, ...]
    files: tuple[FileDocument, ...]


def show_series(workspace: Workspace, request: SeriesRequest) -> tuple[SeriesHistoryDocument, ...]:
    """Return the series of an instrument, by interval and price basis; one that was deleted is told while its history is.

    Raises
    ------
    UnknownInstrument
        If nothing was ever stored under the instrument.
    EmptySpan
        If it has no series of this interval and basis.
    """
    instrument = InstrumentId(request.instrument)
    intervals = list(Interval) if request.interval is None else [request.interval]
    bases = list(PriceBasis) if request.prices is None else [request.prices]
    keys = [SeriesKey(instrument=instrument, interval=interval, basis=basis) for interval in intervals for basis in bases]
    found = [document for key in keys if (document := _document(workspace, key)) is not None]
    if not found:
        wanted = SeriesKey(instrument=instrument, interval=intervals[0], basis=bases[0])
        raise absent(wanted, Span(start=None, end=None), workspace.store.series())
    return tuple(found)


def _document(workspace: Workspace, key: SeriesKey) -> SeriesHistoryDocument | None:
    store = workspace.store
    info, history = store.info(key), store.history(key)
    if info is None and not history:
        return None
    partitions = store.partitions(key) if isinstance(store, ParquetStore) else ()
    return SeriesHistoryDocument(
        instrument=key.instrument,
        interval=key.interval.value,
        prices=key.basis.value,
        first=None if info is None else instant_of(info.first_ts).isoformat(),
        last=None if info is None else instant_of(info.last_ts).isoformat(),
        bars=0 if info is None else info.n_bars,
        last_close=None if info is None else info.last_close,
        simulated=_is_simulated(info, history),
        sources=() if info is None else info.sources,
        content="" if info is None else info.content,
        history=tuple(_commit(commit) for commit in reversed(history)),
        downloads=tuple(
            DownloadDocument(source=one.source, year=one.year, days=one.n_days, bars=one.n_bars, asked_at=one.asked_at.isoformat())
            for one in FetchLedger(workspace.control.database).asked(key)
        ),
        files=tuple(_file(partition) for partition in partitions),
    )


def _is_simulated(info: SeriesInfo | None, history: tuple[SeriesCommit, ...]) -> bool:
    return is_simulated(info) if info is not None else any(commit.simulated for commit in history)


def _commit(commit: SeriesCommit) -> CommitDocument:
    return CommitDocument(
        snapshot=commit.snapshot,
        at=commit.at.isoformat(),
        kind=commit.kind,
        source=commit.source,
        simulated=commit.simulated,
        note=commit.note,
        bars=commit.n_bars,
        added=commit.n_added,
        stored=commit.n_stored,
        changed=commit.n_changed,
        unchanged=commit.n_unchanged,
        readable=not commit.is_collected,
    )


def _file(partition: Partition) -> FileDocument:
    return FileDocument(
        path=partition.path,
        rows=partition.n_rows,
        bars=partition.n_bars,
        bytes=partition.n_bytes,
        first=instant_of(partition.first_ts).isoformat(),
        last=instant_of(partition.last_ts).isoformat(),
        sha256=partition.sha256,
        hot=partition.is_hot,
        shared=partition.is_shared,
        since=partition.since,
        since_at=partition.since_at.isoformat(),
    )
