"""The parts of a download: what is missing of one series, and one request for it, stored at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final

import numpy as np

from qts.app.ingest_document import IngestRequest, RefusedCandle, SeriesOutcome
from qts.app.instruments import NotListed
from qts.app.workspace import Workspace
from qts.core.arrays import Ints
from qts.core.bars import Bars
from qts.core.clock import IST, instant_of
from qts.core.errors import BadReply, EmptySpan, QtsError
from qts.core.instrument import Exchange, InstrumentId, exchange_of, symbol_of
from qts.data.actions import OverlapVerdict, overlap_check
from qts.data.coverage import expected_days
from qts.data.fetching import STALE, FetchLedger, Span, closed_days, lost_days, needed_days, spans_of
from qts.data.source import BarSource, Delivery, Listed, asked_sources
from qts.data.storage import PriceBasis, Provenance, SeriesBars, SeriesKey
from qts.market.sessions import session_on

_EPOCH: Final = date(1970, 1, 1)
_IST_OFFSET: Final = 19_800_000_000
_DAY: Final = 86_400_000_000
_SETTLING: Final = timedelta(minutes=5)
# Sessions asked for again when a series grows, to see whether its past was rewritten.
_OVERLAP: Final = {True: 1, False: 5}
_MOST_REFUSED: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesPlan:
    """A series to download: where it is listed, and the spans to ask for, with days among them that only repeat what is held."""

    key: SeriesKey
    listing: Listed
    spans: tuple[Span, ...]
    n_expected: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowResult:
    """What came of one request. Where ``rewritten`` says how the past had changed, nothing of it was stored."""

    stored: int = 0
    changed: int = 0
    unchanged: int = 0
    n_refused: int = 0
    refused: tuple[RefusedCandle, ...] = ()
    rewritten: str | None = None


def find_listing(workspace: Workspace, source: BarSource, instrument: InstrumentId) -> Listed:
    """Return how a source knows an instrument today.

    Raises
    ------
    NotListed
        If it does not.
    SourceError
        If it could not be asked.
    """
    found = source.find(instrument)
    if found is not None:
        return found
    today = workspace.clock.now().astimezone(IST).date()
    index = workspace.finder.index(workspace.instruments, workspace.store, today)
    raise NotListed(instrument, on=today, near=[str(hit.instrument) for hit in index.find(symbol_of(instrument), limit=3)])


def plan_series(workspace: Workspace, request: IngestRequest, listing: Listed, *, anew: bool = False) -> SeriesPlan:
    """Return what is missing of a series, as spans; with ``anew`` everything that is held is asked for, too."""
    key = SeriesKey(instrument=listing.instrument, interval=request.interval, basis=listing.basis)
    exchange = exchange_of(key.instrument)
    info = workspace.store.info(key)
    first, last = _number(request.first), min(_number(request.end or date.max), _last_final(workspace.clock.now(), exchange))
    if anew and info is not None:
        first = min(first, (info.first_ts + _IST_OFFSET) // _DAY)
    ledger = FetchLedger(workspace.control.database)
    counts = ledger.counts(key, request.source)
    # Days of a past that was rewritten are asked for whatever the request says: half of the series is of before, half of after.
    stale = {day for day, count in counts.items() if count == STALE}
    if stale:
        first, last = min(first, *stale), max(last, *stale)
    expected = expected_days(exchange, key.interval, first, last) if first <= last else None
    if expected is None:
        return SeriesPlan(key=key, listing=listing, spans=(), n_expected=0)
    held = {} if info is None or anew else dict(workspace.store.bars_per_day().get(key, {}))
    doubted = ledger.empty_once(key, request.source, before=workspace.clock.now())
    fetched = {} if anew else {day: count for day, count in counts.items() if day not in doubted}
    needed = needed_days(expected.days, expected.at_least, held=held, fetched=fetched)
    lost = lost_days(fetched, expected.days, held=held, span=(first, last))
    days = sorted({*needed, *lost, *(stale if not anew else ())})
    n_expected = int(expected.at_least[np.isin(expected.days, days)].sum())
    most = asked_sources()[request.source].most_days[key.interval]
    overlap = _overlap(key, days, sorted(held.keys() - stale))
    closed = closed_days(needed, expected.days, first=first, asked={} if anew else counts)
    spans = spans_of(sorted({*days, *overlap, *closed}), most_days=most)
    # What shows a rewritten past comes first: nothing is to be stored beside bars of another time.
    first_those = sorted(spans, key=lambda span: not any(_number(span.first) <= day <= _number(span.last) for day in overlap))
    return SeriesPlan(key=key, listing=listing, spans=tuple(first_those), n_expected=n_expected)


def fetch_window(
    workspace: Workspace,
    source: BarSource,
    plan: SeriesPlan,
    span: Span,
    *,
    source_id: str,
    before_store: Callable[[], object] = lambda: None,
) -> WindowResult:
    """Ask for one span of a series and store the reply, unless it shows that the past was rewritten: then all that is held is stale.

    ``before_store`` is called once the reply is here; what it raises keeps it out of the store.

    Raises
    ------
    SourceError
        If the reply could not be had, or holds none of the days of the span that the source gave before.
    """
    key, ledger = plan.key, FetchLedger(workspace.control.database)
    reply = source.bars(plan.listing, key.interval, first=span.first, last=span.last)
    refused = tuple(RefusedCandle(window=f"{span.first}..{span.last}", row=row, reason=why) for row, why in reply.refused)
    before_store()
    held, counts = _held(workspace, key, span), ledger.counts(key, source_id)
    last, stale = _last_final(reply.at, exchange_of(key.instrument)), {day for day, count in counts.items() if count == STALE}
    # The first minutes of a session that runs by the sender's clock could pass for all of it.
    bars = reply.bars.window(0, int(np.searchsorted(reply.bars.ts, _micros(last + 1))))
    if held is not None:
        _require_known(bars, [day for day in np.unique(_days_of(held)).tolist() if day <= last and counts.get(day)])
    if held is not None and key.basis is PriceBasis.ADJUSTED:
        rewritten = _rewritten(held, bars, stale=stale)
        if rewritten is not None:
            days = workspace.store.bars_per_day().get(key, {})
            ledger.record(key, source_id, dict.fromkeys(days, STALE), asked_at=workspace.clock.now())
            return WindowResult(n_refused=len(refused), refused=refused[:_MOST_REFUSED], rewritten=rewritten)
    spoiled = {None if on is None else _number(on) for on in reply.spoiled}
    # No day was had of which a candle was refused, or that runs; nor one that is gone though bars of before are held.
    given = {
        day: count
        for day, count in _given(key, span, bars).items()
        if day <= last and day not in spoiled and (count or (None not in spoiled and day not in stale))
    }
    stored, changed, unchanged = _store(workspace, key, replace(reply, bars=bars), source_id=source_id, given=given)
    return WindowResult(stored=stored, changed=changed, unchanged=unchanged, n_refused=len(refused), refused=refused[:_MOST_REFUSED])


def outcome_of(plan: SeriesPlan, results: Sequence[WindowResult], error: QtsError | None = None) -> SeriesOutcome:
    """Return what came of a series: the sum of its requests, and what ended it."""
    return SeriesOutcome(
        instrument=plan.key.instrument,
        interval=plan.key.interval.value,
        prices=plan.key.basis.value,
        requests=len(results),
        stored=sum(one.stored for one in results),
        changed=sum(one.changed for one in results),
        unchanged=sum(one.unchanged for one in results),
        refused_count=sum(one.n_refused for one in results),
        refused=tuple(candle for one in results for candle in one.refused)[:_MOST_REFUSED],
        rewritten=next((one.rewritten for one in results if one.rewritten is not None), None),
        error=None if error is None else error.message,
        hint=None if error is None else error.hint,
        kind=None if error is None else error.kind,
    )


def _held(workspace: Workspace, key: SeriesKey, span: Span) -> Bars | None:
    if workspace.store.info(key) is None:
        return None
    start, end = (instant_of(_micros(day)) for day in (_number(span.first), _number(span.last) + 1))
    try:
        return workspace.store.read(key, start=start, end=end)
    except EmptySpan:
        return None


def _require_known(bars: Bars, known: Sequence[int]) -> None:
    """Refuse a reply without any bar of the days that the source gave before and that are held: it would make known holes of others."""
    if known and not np.isin(_days_of(bars), known).any():
        raise BadReply(f"of {len(known)} days that it gave before, from {_EPOCH + timedelta(days=known[0])}, it gives none now")


def _rewritten(held: Bars, fetched: Bars, *, stale: AbstractSet[int]) -> str | None:
    """Return how bars that are held came back changed, None where they did not: the source may have adjusted its past since."""
    ts = np.intersect1d(held.ts, fetched.ts)
    ts = ts[~np.isin((ts + _IST_OFFSET) // _DAY, sorted(stale))]
    if not len(ts):
        return None
    found = overlap_check(_at(held, ts), _at(fetched, ts))
    return None if found.verdict is OverlapVerdict.SAME else found.reason or found.verdict.value


def _store(workspace: Workspace, key: SeriesKey, reply: Delivery, *, source_id: str, given: Mapping[int, int]) -> tuple[int, int, int]:
    now, counts = workspace.clock.now(), (0, 0, 0)
    if len(reply.bars):
        provenance = Provenance(source=source_id, simulated=exchange_of(key.instrument) is Exchange.SIM)
        report = workspace.store.upsert([SeriesBars(key=key, bars=reply.bars)], provenance, at=now)
        counts = (report.stored, report.changed, report.unchanged)
    # The ledger last: if we are stopped before, the window is asked for again and nothing is lost.
    ledger = FetchLedger(workspace.control.database)
    said_before = ledger.empty(key, source_id) | ledger.empty_once(key, source_id, before=now)
    empty = [_EPOCH + timedelta(days=day) for day, count in given.items() if not count and day in said_before]
    workspace.known_empty.add(key, empty, source=source_id, asked_at=now)
    ledger.record(key, source_id, given, asked_at=now)
    return counts


def _overlap(key: SeriesKey, days: Sequence[int], held: Sequence[int]) -> list[int]:
    """Return days held to be asked for again with those that are missing, so that a past rewritten since is found.

    They are the last ones where an adjusted series grows, and beside every day of which nothing is held the nearest before it, or after.
    """
    if key.basis is not PriceBasis.ADJUSTED or not days or not held:
        return []
    found = set(held[-_OVERLAP[key.interval.is_intraday] :]) if days[-1] >= held[-1] else set()
    places = np.searchsorted(held, days)
    for day, place in zip(days, places.tolist(), strict=True):
        if place == len(held) or held[place] != day:
            found.add(held[max(0, place - 1)])
    return sorted(found)


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
    days, numbers = np.unique(_days_of(bars), return_counts=True)
    return counts | dict(zip(days.tolist(), numbers.tolist(), strict=True))


def _days_of(bars: Bars) -> Ints:
    return np.asarray((bars.ts + _IST_OFFSET) // _DAY)


def _at(bars: Bars, ts: Ints) -> Bars:
    places = np.searchsorted(bars.ts, ts)
    columns = {name: getattr(bars, name)[places] for name in ("ts", "open", "high", "low", "close", "volume", "oi")}
    return replace(bars, **columns)


def _number(on: date) -> int:
    return (on - _EPOCH).days


def _micros(day: int) -> int:
    return day * _DAY - _IST_OFFSET
