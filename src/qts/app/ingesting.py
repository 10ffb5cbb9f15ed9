"""Download history: plan what is missing, ask for that alone, store each reply at once, remember what was had."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final

import httpx
import numpy as np

from qts.app.broker import kite_client
from qts.app.ingest_document import (
    IngestDocument,
    IngestRequest,
    PlannedWindow,
    RefusedCandle,
    SeriesOutcome,
)
from qts.app.instruments import NotListed
from qts.app.progress import OnProgress, Progress, ignore_progress
from qts.app.sandbox_login import sandbox_client
from qts.app.workspace import Workspace
from qts.core.bars import Bars
from qts.core.clock import IST
from qts.core.errors import AccessDenied, AuthExpired, BadParameter, QtsError, SourceDown
from qts.core.instrument import Exchange, InstrumentId, exchange_of, symbol_of
from qts.data.actions import OverlapVerdict, overlap_check
from qts.data.coverage import expected_days
from qts.data.fetching import FetchLedger, Span, needed_days, spans_of
from qts.data.instruments import Listing
from qts.data.instruments.dump import parse_dump
from qts.data.kite import CandleWindow
from qts.data.kite.client import CandleReply, KiteClient
from qts.data.kite.pacing import SPACING, CallKind
from qts.data.kite.windows import MOST_DAYS
from qts.data.storage import PriceBasis, Provenance, SeriesBars, SeriesKey
from qts.market.sessions import session_on

STEP: Final = "Downloading"
BYTES_A_BAR: Final = 6
"""About what a stored bar takes; measured on minutes, see the results of the benchmarks."""
_EPOCH: Final = date(1970, 1, 1)
_IST_OFFSET: Final = 19_800_000_000
_DAY: Final = 86_400_000_000
_SETTLING: Final = timedelta(minutes=5)
# Sessions asked for again when a series grows, to see whether its past was rewritten.
_OVERLAP: Final = {True: 1, False: 5}
_SHARES: Final = frozenset({Exchange.NSE, Exchange.BSE})
_MOST_REFUSED: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class _Task:
    """A series to download: where it is listed, the spans to ask for, and from which day on they only repeat what is held."""

    key: SeriesKey
    listing: Listing
    spans: tuple[Span, ...]
    n_expected: int
    overlap_from: int | None = None
    overlap_to: int | None = None


@dataclass(slots=True)  # counts up while windows come in
class _Tally:
    requests: int = 0
    stored: int = 0
    changed: int = 0
    unchanged: int = 0
    n_refused: int = 0
    refused: list[RefusedCandle] = field(default_factory=list)
    rewritten: str | None = None
    error: QtsError | None = None


def ingest(
    workspace: Workspace,
    request: IngestRequest,
    on_progress: OnProgress = ignore_progress,
    *,
    transport: httpx.BaseTransport | None = None,
) -> IngestDocument:
    """Download what is missing of these series, or with ``dry_run`` tell what would be asked for.

    Every reply is stored in a commit of its own, so that a download that was stopped is continued by the same request. What the source
    was asked for after the session is remembered: the same request again asks for nothing.

    Raises
    ------
    BadParameter
        If the interval cannot be had, or the span is turned round.
    NotListed
        If an instrument is not listed today.
    NotConfigured, AuthExpired
        If there is no session with the broker.
    SourceError
        If the list of instruments could not be had.
    """
    began = workspace.clock.now()
    if request.interval not in MOST_DAYS:
        raise BadParameter("interval", request.interval, "the source has no such bars", hint=f"Use one of {', '.join(MOST_DAYS)}.")
    with _source(workspace, request.source, transport) as client:
        listings = [_listing(workspace, client, request.source, InstrumentId(name)) for name in request.instruments]
        tasks = [_task(workspace, request, listing) for listing in listings]
        if request.dry_run:
            return _document(workspace, request, tasks, ())
        run = _Run(workspace=workspace, client=client, request=request, on_progress=on_progress, n_planned=_count(tasks))
        outcomes = run.all(tasks)
    seconds = (workspace.clock.now() - began).total_seconds()
    return _document(workspace, request, tasks, outcomes, seconds=round(max(0.0, seconds), 3))


class _Run:
    """One download: its tasks one after the other, until something happens that concerns them all."""

    def __init__(
        self, *, workspace: Workspace, client: KiteClient, request: IngestRequest, on_progress: OnProgress, n_planned: int
    ) -> None:
        self._workspace = workspace
        self._client = client
        self._request = request
        self._on_progress = on_progress
        self._n_planned = n_planned
        self._n_done = 0
        self._ledger = FetchLedger(workspace.control.database)

    def all(self, tasks: Sequence[_Task]) -> tuple[SeriesOutcome, ...]:
        """Return what came of every task."""
        outcomes: list[SeriesOutcome] = []
        ended: QtsError | None = None
        for task in tasks:
            tally = _Tally(error=ended)
            if ended is None:
                ended = self._one(task, tally)
            outcomes.append(_outcome(task, tally))
        return tuple(outcomes)

    def _one(self, task: _Task, tally: _Tally) -> QtsError | None:
        """Carry out a task, and return the error that ends the whole download, if there was one."""
        try:
            if self._windows(task, tally):
                again = _task(self._workspace, self._request, task.listing, anew=True)
                self._n_planned += len(again.spans)
                self._windows(again, tally)
        except QtsError as error:
            tally.error = error
            return error if isinstance(error, (AuthExpired, AccessDenied, SourceDown)) else None
        return None

    def _windows(self, task: _Task, tally: _Tally) -> bool:
        """Fetch the spans of a task; return True, with the rest left, where the past was found rewritten."""
        for span in task.spans:
            window = CandleWindow(first=span.first, last=span.last)
            reply = self._client.candles(task.listing.token, task.key.instrument, task.key.interval, window)
            tally.requests += 1
            self._n_done += 1
            self._on_progress(Progress(step=STEP, done=self._n_done, total=self._n_planned, detail=str(task.key.instrument)))
            tally.n_refused += len(reply.refused)
            tally.refused += [RefusedCandle(window=f"{span.first}..{span.last}", row=row, reason=why) for row, why in reply.refused]
            if task.overlap_to is not None and _number(span.first) <= task.overlap_to and self._is_rewritten(task, reply.bars, tally):
                return True
            self._store(task.key, span, reply, tally)
        return False

    def _is_rewritten(self, task: _Task, fetched: Bars, tally: _Tally) -> bool:
        """Return whether bars that are held came back changed: the source has adjusted its past since."""
        start, end = (_micros(day) for day in (task.overlap_from or 0, (task.overlap_to or 0) + 1))
        held = _between(self._workspace.store.read(task.key), start, end)
        found = overlap_check(held, _between(fetched, start, end))
        if found.verdict is OverlapVerdict.SAME:
            return False
        tally.rewritten = found.reason or found.verdict.value
        self._ledger.forget(task.key, self._request.source)
        return True

    def _store(self, key: SeriesKey, span: Span, reply: CandleReply, tally: _Tally) -> None:
        bars, now = reply.bars, self._workspace.clock.now()
        if len(bars):
            provenance = Provenance(source=self._request.source, simulated=exchange_of(key.instrument) is Exchange.SIM)
            report = self._workspace.store.upsert([SeriesBars(key=key, bars=bars)], provenance, at=now)
            tally.stored += report.stored
            tally.changed += report.changed
            tally.unchanged += report.unchanged
        # Bars first: if we are stopped in between, the window is asked for again and nothing is lost. A session that runs by the sender's
        # clock, whatever ours says, is no day that was had.
        last = _last_final(reply.at, exchange_of(key.instrument))
        given = {day: count for day, count in _given(key, span, bars).items() if day <= last}
        self._ledger.record(key, self._request.source, given, asked_at=now)
        empty = [_EPOCH + timedelta(days=day) for day, count in given.items() if not count]
        self._workspace.known_empty.add(key, empty, source=self._request.source, asked_at=now)


@contextmanager
def _source(workspace: Workspace, name: str, transport: httpx.BaseTransport | None) -> Iterator[KiteClient]:
    with (sandbox_client if name == "sandbox" else kite_client)(workspace, transport=transport) as client:
        yield client


def _listing(workspace: Workspace, client: KiteClient, source: str, instrument: InstrumentId) -> Listing:
    """Return where the broker lists an instrument today; its list of the exchange is read once a day."""
    today = workspace.clock.now().astimezone(IST).date()
    exchange = str(exchange_of(instrument))
    master = workspace.instruments
    if not any(one.on == today for one in master.dumps(exchange)):
        dump = parse_dump(client.instruments(exchange), label=f"the list of {exchange}", on=today)
        master.load(dump, on=today, source=source, at=workspace.clock.now())
    found = master.listing(instrument, today)
    if found is None:
        near = [str(hit.instrument) for hit in workspace.finder.index(master, workspace.store, today).find(symbol_of(instrument), limit=3)]
        raise NotListed(instrument, on=today, near=near)
    return found


def _task(workspace: Workspace, request: IngestRequest, listing: Listing, *, anew: bool = False) -> _Task:
    """Return what is missing of a series, as spans; with ``anew`` everything that is held is asked for, too."""
    key = SeriesKey(instrument=listing.instrument, interval=request.interval, basis=_basis(listing))
    exchange = exchange_of(key.instrument)
    info = workspace.store.info(key)
    first, last = _number(request.start), min(_number(request.end or date.max), _last_final(workspace.clock.now(), exchange))
    if anew and info is not None:
        first = min(first, (info.first_ts + _IST_OFFSET) // _DAY)
    expected = expected_days(exchange, key.interval, first, last) if first <= last else None
    if expected is None:
        return _Task(key=key, listing=listing, spans=(), n_expected=0)
    held = {} if info is None or anew else dict(workspace.store.bars_per_day().get(key, {}))
    fetched = {} if anew else FetchLedger(workspace.control.database).counts(key, request.source)
    days = needed_days(expected.days, expected.at_least, held=held, fetched=fetched)
    n_expected = int(expected.at_least[np.isin(expected.days, days)].sum())
    most = MOST_DAYS[key.interval]
    overlap = _overlap(key, days, sorted(held))
    return _Task(
        key=key,
        listing=listing,
        spans=spans_of(sorted({*days, *overlap}), most_days=most),
        n_expected=n_expected,
        overlap_from=overlap[0] if overlap else None,
        overlap_to=overlap[-1] if overlap else None,
    )


def _overlap(key: SeriesKey, days: Sequence[int], held: Sequence[int]) -> list[int]:
    """Return the last days held, to be asked for again where an adjusted series grows at its end."""
    if key.basis is not PriceBasis.ADJUSTED or not days or not held or days[-1] < held[-1]:
        return []
    return list(held[-_OVERLAP[key.interval.is_intraday] :])


def _basis(listing: Listing) -> PriceBasis:
    # The broker adjusts the past of shares for splits and the like; contracts, indices and invented prices are as they were.
    is_share = exchange_of(listing.instrument) in _SHARES and not listing.is_index
    return PriceBasis.ADJUSTED if is_share else PriceBasis.RAW


def _last_final(at: datetime, exchange: Exchange) -> int:
    """Return the last day whose session is over at an instant: bars of the one that runs may still change."""
    now = at.astimezone(IST)
    session = session_on(exchange, now.date())
    is_over = session is None or all(window.closes_at + _SETTLING <= now for window in session.windows)
    return _number(now.date()) - (0 if is_over else 1)


def _given(key: SeriesKey, span: Span, bars: Bars) -> dict[int, int]:
    """Return how many bars came for each session of a span, and for each other day on which any came."""
    expected = expected_days(exchange_of(key.instrument), key.interval, _number(span.first), _number(span.last))
    counts = {} if expected is None else dict.fromkeys(expected.days.tolist(), 0)
    days, numbers = np.unique((bars.ts + _IST_OFFSET) // _DAY, return_counts=True)
    return counts | dict(zip(days.tolist(), numbers.tolist(), strict=True))


def _between(bars: Bars, start: int, end: int) -> Bars:
    first, stop = np.searchsorted(bars.ts, [start, end])
    return bars.window(int(first), int(stop))


def _outcome(task: _Task, tally: _Tally) -> SeriesOutcome:
    return SeriesOutcome(
        instrument=task.key.instrument,
        interval=task.key.interval.value,
        prices=task.key.basis.value,
        requests=tally.requests,
        stored=tally.stored,
        changed=tally.changed,
        unchanged=tally.unchanged,
        refused_count=tally.n_refused,
        refused=tuple(tally.refused[:_MOST_REFUSED]),
        rewritten=tally.rewritten,
        error=None if tally.error is None else tally.error.message,
        hint=None if tally.error is None else tally.error.hint,
        kind=None if tally.error is None else tally.error.kind,
    )


def _document(
    workspace: Workspace, request: IngestRequest, tasks: Sequence[_Task], outcomes: Sequence[SeriesOutcome], *, seconds: float = 0.0
) -> IngestDocument:
    n_requests = _count(tasks)
    return IngestDocument(
        source=request.source,
        dry_run=request.dry_run,
        interval=request.interval.value,
        requests=n_requests if request.dry_run else sum(one.requests for one in outcomes),
        eta_seconds=round(n_requests * SPACING[CallKind.HISTORICAL], 1),
        disk_bytes=sum(task.n_expected for task in tasks) * BYTES_A_BAR,
        windows=tuple(
            PlannedWindow(instrument=task.key.instrument, start=span.first.isoformat(), end=span.last.isoformat())
            for task in tasks
            for span in task.spans
        ),
        series=tuple(outcomes),
        stored=sum(one.stored for one in outcomes),
        snapshot=workspace.store.snapshot(),
        complete=all(one.error is None for one in outcomes),
        seconds=seconds,
    )


def _count(tasks: Sequence[_Task]) -> int:
    return sum(len(task.spans) for task in tasks)


def _number(on: date) -> int:
    return (on - _EPOCH).days


def _micros(day: int) -> int:
    return day * _DAY - _IST_OFFSET
