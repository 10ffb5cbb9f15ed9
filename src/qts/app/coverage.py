"""Which days of the stored series are whole, which are not, and where the holes are."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from qts.app.derived import known_until
from qts.app.requests import IntervalName, Prices, Request
from qts.app.series_days import SeriesDays, series_days
from qts.app.workspace import Workspace
from qts.core.clock import IST
from qts.core.errors import BadParameter, EmptySpan, UnknownInstrument
from qts.core.instrument import InstrumentId, exchange_of
from qts.core.interval import Interval
from qts.data.coverage import Coverage, DayState, Hole, Tally, missing_stretches
from qts.data.storage import SeriesInfo, SeriesKey
from qts.data.storage.lookup import near_matches, sort_key
from qts.market.sessions import holidays

MOST_READ: Final = 100
"""Days of which only a part is held that are read to tell the missing bars; all are listed."""
_EPOCH: Final = date(1970, 1, 1)
_ONE_DAY: Final = timedelta(days=1)


class CoverageRequest(Request):
    """Which series to look at, and over which dates."""

    instrument: str | None = Field(default=None, description="Instrument, as EXCHANGE:SYMBOL, whose days are listed; all when absent.")
    interval: IntervalName | None = Field(default=None, description="Only series of bars of this length.")
    prices: Prices = Field(default="auto", description="Price basis: both when auto, or the one named.")
    start: date | None = Field(default=None, alias="from", description="First date; that of the first bar when absent.")
    end: date | None = Field(default=None, alias="to", description="Last date, included; that of the last bar when absent.")
    as_of: str | None = Field(default=None, description="Snapshot of the store to read; the present one when absent.")


class HoleDocument(BaseModel):
    """Sessions in a row without a bar: first and last date, and how many sessions and bars are missing at least."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    first: str
    last: str
    sessions: int
    bars: int


class StretchDocument(BaseModel):
    """Bars in a row that a day lacks, by the instants at which the first and the last of them would open."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    first: str
    last: str
    bars: int


class DayDocument(BaseModel):
    """One day of a series. ``missing`` tells the bars that a partial day lacks; it is None where they were not looked up."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    date: str
    state: str
    held: int
    at_least: int
    at_most: int
    note: str
    is_estimate: bool
    missing: tuple[StretchDocument, ...] | None = None


class SeriesCoverage(BaseModel):
    """The days of one series, counted by state; for weeks and months, weeks and months are counted.

    ``share`` is the share of the expected bars that is held, 0 to 100. ``holes`` lists the runs of missing sessions, of which there are
    ``n_holes``, where an instrument was named. What rests on the calendar is None where none is on record.
    """

    model_config = ConfigDict(frozen=True, defer_build=True)

    instrument: str
    interval: str
    prices: str
    start: str = Field(serialization_alias="from")
    end: str = Field(serialization_alias="to")
    counts: dict[str, int] | None
    bars_held: int | None
    bars_expected: int | None
    share: float | None
    n_holes: int | None
    holes: tuple[HoleDocument, ...]
    estimated_days: int


class CoverageDocument(BaseModel):
    """Every series asked for, and the days of each where an instrument was named."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    series: tuple[SeriesCoverage, ...]
    days: tuple[tuple[DayDocument, ...], ...]
    snapshot: str


def coverage(workspace: Workspace, request: CoverageRequest) -> CoverageDocument:
    """Return which days of the stored series are whole, partial, missing, or have nothing to hold.

    No bar is read but those of partial days of a named instrument, to tell which of their minutes are missing.

    Raises
    ------
    UnknownInstrument
        If nothing is stored under the instrument.
    EmptySpan
        If it has no bars of the interval and price basis.
    BadParameter
        If the dates are turned round.
    """
    if request.start is not None and request.end is not None and request.end < request.start:
        raise BadParameter("to", request.end, f"is before {request.start}", hint="Turn the two dates round.")
    # Of a past state the days that were known to be empty then.
    known = series_days(workspace, as_of=request.as_of, known_at=known_until(workspace, workspace.snapshot_id(request.as_of)))
    chosen = _chosen(known, request)
    spans = [_span(known, info.key, request) for info in chosen]
    found = [_covered(known, info.key, span, request) for info, span in zip(chosen, spans, strict=True)]
    days: tuple[tuple[DayDocument, ...], ...] = ()
    if request.instrument is not None:
        days = tuple(_days(workspace, info.key, covered, request) for info, (covered, _) in zip(chosen, found, strict=True))
    return CoverageDocument(
        series=tuple(_summary(info, *one, span) for info, one, span in zip(chosen, found, spans, strict=True)),
        days=days,
        snapshot=workspace.snapshot_id(request.as_of) or workspace.store.snapshot(),
    )


def _covered(known: SeriesDays, key: SeriesKey, span: tuple[int, int], request: CoverageRequest) -> tuple[Coverage | None, Tally | None]:
    """Return the days of a series, where an instrument was named, and their figures."""
    if request.instrument is None and request.start is None and request.end is None:
        return None, known.tally(key)
    covered = known.coverage(key, span=span)
    return covered if request.instrument is not None else None, None if covered is None else covered.tally()


def _chosen(known: SeriesDays, request: CoverageRequest) -> list[SeriesInfo]:
    infos = sorted(known.infos.values(), key=sort_key)
    if request.instrument is not None:
        name = InstrumentId(request.instrument)
        mine = [info for info in infos if info.key.instrument == name]
        if not mine:
            raise UnknownInstrument(name, near=near_matches(name, sorted({info.key.instrument for info in infos})))
        infos = mine
    wanted = [info for info in infos if request.interval in {None, info.key.interval} and request.prices in {"auto", info.key.basis.value}]
    if not wanted and request.instrument is not None:
        raise EmptySpan(request.instrument, str(request.interval or "such"), start=None, end=None, stored=None)
    return wanted


def _span(known: SeriesDays, key: SeriesKey, request: CoverageRequest) -> tuple[int, int]:
    held = known.span(key)
    first = held[0] if request.start is None else (request.start - _EPOCH).days
    last = held[1] if request.end is None else (request.end - _EPOCH).days
    return first, max(first, last)


def _summary(info: SeriesInfo, covered: Coverage | None, tally: Tally | None, span: tuple[int, int]) -> SeriesCoverage:
    return SeriesCoverage(
        instrument=info.key.instrument,
        interval=info.key.interval.value,
        prices=info.key.basis.value,
        start=_iso(span[0]),
        end=_iso(span[1]),
        counts=None if tally is None else {state.value: n_days for state, n_days in tally.counts.items()},
        bars_held=None if tally is None else tally.n_held,
        bars_expected=None if tally is None else tally.n_expected,
        share=None if tally is None else tally.share,
        n_holes=None if tally is None else tally.n_holes,
        holes=() if covered is None else tuple(_hole(hole) for hole in covered.holes()),
        estimated_days=0 if tally is None else tally.n_estimated,
    )


def _hole(hole: Hole) -> HoleDocument:
    return HoleDocument(first=hole.first.isoformat(), last=hole.last.isoformat(), sessions=hole.n_sessions, bars=hole.n_bars)


def _days(workspace: Workspace, key: SeriesKey, covered: Coverage | None, request: CoverageRequest) -> tuple[DayDocument, ...]:
    if covered is None:
        return ()
    partial = [part.on for part in covered.partial_days()] if key.interval.is_intraday else []
    looked_up = set(partial[:MOST_READ])
    rows = []
    for i, day in enumerate(covered.days.tolist()):
        on = _EPOCH + day * _ONE_DAY
        rows.append(
            DayDocument(
                date=on.isoformat(),
                state=covered.state_of(i).value,
                held=int(covered.held[i]),
                at_least=int(covered.at_least[i]),
                at_most=int(covered.at_most[i]),
                note="",
                is_estimate=bool(covered.is_estimate[i]),
                missing=_missing(workspace, key, on, as_of=request.as_of) if on in looked_up else None,
            )
        )
    if key.interval.is_intraday or key.interval is Interval.DAY:
        rows += _holidays(key, covered, {row.date for row in rows})
    return tuple(sorted(rows, key=lambda row: row.date))


def _missing(workspace: Workspace, key: SeriesKey, on: date, *, as_of: str | None) -> tuple[StretchDocument, ...]:
    begin = datetime.combine(on, time(), IST)
    bars = workspace.store.read(key, start=begin, end=begin + _ONE_DAY, as_of=as_of)
    return tuple(
        StretchDocument(first=one.first.isoformat(), last=one.last.isoformat(), bars=one.n_bars)
        for one in missing_stretches(bars.ts, exchange_of(key.instrument), on, key.interval)
    )


def _holidays(key: SeriesKey, covered: Coverage, told: set[str]) -> Sequence[DayDocument]:
    span = _EPOCH + covered.first * _ONE_DAY, _EPOCH + covered.last * _ONE_DAY
    return [
        DayDocument(
            date=holiday.date.isoformat(),
            state=DayState.HOLIDAY.value,
            held=0,
            at_least=0,
            at_most=0,
            note=holiday.name,
            is_estimate=holiday.is_estimate,
        )
        for holiday in holidays(exchange_of(key.instrument), *span)
        if holiday.date.isoformat() not in told
    ]


def _iso(day: int) -> str:
    return (_EPOCH + day * _ONE_DAY).isoformat()
