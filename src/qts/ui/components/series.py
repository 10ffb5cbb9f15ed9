"""Choosing what to look at: instrument, interval and span, and reading its bars."""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Final

import streamlit as st

from qts.app.bars import BarsAnswer, read_bars
from qts.app.catalog import SeriesDocument
from qts.app.requests import BarsRequest
from qts.core import IST, Exchange, InstrumentId, Interval, exchange_of
from qts.ui.workspace import workspace

RANGES: Final = {"1M": 1, "3M": 3, "6M": 6, "1Y": 12, "3Y": 36, "5Y": 60, "Max": None}
DEFAULT_RANGE: Final = "1Y"
_MINUTES_A_DAY: Final = 375.0
_BARS_A_DAY: Final = {Interval.WEEK: 0.2, Interval.MONTH: 0.045}
# Calendar days to a trading day, generously.
_CALENDAR_DAYS: Final = 1.6
_DERIVATIVES: Final = (Exchange.NFO, Exchange.BFO, Exchange.CDS, Exchange.BCD, Exchange.MCX, Exchange.NCO)
_RANKS: Final = {**dict.fromkeys(_DERIVATIVES, 1), Exchange.SIM: 2, Exchange.INDEX: 3}


def instruments(series: Sequence[SeriesDocument]) -> list[str]:
    """Return the instruments held: shares first, then contracts, invented ones, indices last; by name within."""
    return sorted({each.instrument for each in series}, key=lambda name: (rank(name), name))


def first_choice(series: Sequence[SeriesDocument]) -> str | None:
    """Return the instrument to begin with: of the foremost kind, the one with most daily bars; None where nothing is held."""
    best = min(series, key=lambda each: (rank(each.instrument), each.interval != Interval.DAY, -each.bars, each.instrument), default=None)
    return None if best is None else best.instrument


def intervals(series: Sequence[SeriesDocument], wanted: Sequence[str]) -> list[str]:
    """Return the intervals that all of these instruments are held at, shortest first."""
    held = [{each.interval for each in series if each.instrument == instrument} for instrument in wanted]
    shared = set.intersection(*held) if held else set()
    return [interval.value for interval in Interval if interval.value in shared]


def last_day(series: Sequence[SeriesDocument], wanted: Sequence[str], interval: str) -> date | None:
    """Return the last date in India on which any of these has a bar, or None."""
    ends = [each.last for each in _read(series, wanted, interval)]
    return max(datetime.fromisoformat(end).astimezone(IST).date() for end in ends) if ends else None


def first_day(series: Sequence[SeriesDocument], wanted: Sequence[str], interval: str) -> date | None:
    """Return the first date in India on which any of these has a bar, or None."""
    starts = [each.first for each in _read(series, wanted, interval)]
    return min(datetime.fromisoformat(start).astimezone(IST).date() for start in starts) if starts else None


def months_before(day: date, months: int) -> date:
    """Return the date this many months earlier, the month's last day where it is shorter.

    >>> months_before(date(2026, 3, 31), 1)
    datetime.date(2026, 2, 28)
    """
    year, index = divmod(day.year * 12 + day.month - 1 - months, 12)
    return date(year, index + 1, min(day.day, calendar.monthrange(year, index + 1)[1]))


def days_of(n_bars: int, interval: Interval) -> timedelta:
    """Return a time that surely holds this many bars, holidays and weekends counted in.

    >>> days_of(100, Interval.DAY), days_of(100, Interval.MINUTE_1)
    (datetime.timedelta(days=170), datetime.timedelta(days=10))
    """
    a_day = _MINUTES_A_DAY / interval.minutes if interval.minutes else _BARS_A_DAY.get(interval, 1.0)
    return timedelta(days=10 + int(_CALENDAR_DAYS * n_bars / a_day))


def _read(series: Sequence[SeriesDocument], wanted: Sequence[str], interval: str) -> list[SeriesDocument]:
    """Return the series that are read for these instruments: adjusted prices where they are held, and raw ones otherwise."""
    held = [each for each in series if each.instrument in wanted and each.interval == interval]
    adjusted = {each.instrument for each in held if each.prices == "adjusted"}
    return [each for each in held if each.prices == "adjusted" or each.instrument not in adjusted]


def rank(instrument: str) -> int:
    """Return how far down an instrument stands: shares 0, contracts 1, invented ones 2, indices 3."""
    return _RANKS.get(exchange_of(InstrumentId(instrument)), 0)


def bars_of(request: BarsRequest) -> BarsAnswer:
    """Return the bars of a request, read once per state of the store.

    Raises
    ------
    QtsError
        As reading does.
    """
    ws = workspace()
    return _answer(str(ws.settings.home), ws.store.snapshot(), request.model_dump_json(by_alias=True))


@st.cache_resource(max_entries=32, show_spinner=False)
def _answer(home: str, snapshot: str, request: str) -> BarsAnswer:
    del home, snapshot  # they only say when an answer is out of date
    return read_bars(workspace(), BarsRequest.model_validate_json(request))
