"""What is stored: every series with its span, its holes against the calendar, and a first score of its quality."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from functools import lru_cache
from typing import Final

import numpy as np
from pydantic import BaseModel, ConfigDict

from qts.app.bars import is_simulated
from qts.app.workspace import Workspace
from qts.core.arrays import Ints
from qts.core.clock import instant_of
from qts.core.instrument import Exchange, exchange_of
from qts.core.interval import Interval
from qts.data.storage import SeriesInfo
from qts.market.sessions import bars_expected, sessions

_IST_OFFSET_MICROS: Final = 19_800_000_000
_DAY_MICROS: Final = 86_400_000_000
_EPOCH: Final = date(1970, 1, 1)
# Index levels come from many exchanges, whose calendars are not ours.
_WITHOUT_CALENDAR: Final = frozenset({Exchange.INDEX})


class SeriesDocument(BaseModel):
    """One stored series.

    ``first`` and ``last`` are the instants of its bars in IST. ``missing`` counts sessions between them without any bar. ``quality``
    is the share of expected bars that are held, 0 to 100. Both are None where we have no calendar.
    """

    model_config = ConfigDict(frozen=True, defer_build=True)

    instrument: str
    interval: str
    prices: str
    first: str
    last: str
    bars: int
    missing: int | None
    quality: float | None
    simulated: bool
    sources: tuple[str, ...]
    last_close: float


class SeriesQuality(BaseModel):
    """How much of what the calendar promises is there."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    missing_sessions: int | None
    score: float | None


def list_series(workspace: Workspace, *, as_of: str | None = None) -> tuple[SeriesDocument, ...]:
    """Return every stored series, by instrument, interval and price basis."""
    held = workspace.store.bars_per_day(as_of=as_of)
    return tuple(_document(info, held.get(info.key, {})) for info in workspace.store.series(as_of=as_of))


def series_quality(held: Mapping[int, int], exchange: Exchange, interval: Interval) -> SeriesQuality:
    """Return how many sessions lack bars and which share of the expected bars is held, between the first and the last bar.

    Bars that the calendar does not expect (a session it does not know) neither add nor take away.

    Parameters
    ----------
    held : Mapping of int to int
        How many bars each date in India holds; dates are days since 1970-01-01.
    """
    if exchange in _WITHOUT_CALENDAR or not held or interval in {Interval.WEEK, Interval.MONTH}:
        return SeriesQuality(missing_sessions=None, score=None)
    wanted = _wanted(exchange, interval, min(held), max(held))
    expected = sum(count for _, count in wanted)
    if not expected:
        return SeriesQuality(missing_sessions=None, score=None)
    missing = sum(day not in held for day, _ in wanted)
    kept = sum(min(held.get(day, 0), count) for day, count in wanted)
    return SeriesQuality(missing_sessions=missing, score=round(100.0 * kept / expected, 2))


def days_held(ts: Ints) -> dict[int, int]:
    """Return how many of these instants (microseconds UTC, shape ``(n_bars,)``) fall on each date in India."""
    days, counts = np.unique((ts + _IST_OFFSET_MICROS) // _DAY_MICROS, return_counts=True)
    return dict(zip(days.tolist(), counts.tolist(), strict=True))


def _wanted(exchange: Exchange, interval: Interval, first: int, last: int) -> Sequence[tuple[int, int]]:
    # Whole years are remembered: thousands of series share them.
    years = range((_EPOCH + timedelta(days=first)).year, (_EPOCH + timedelta(days=last)).year + 1)
    days = [one for year in years for one in _expected(exchange, interval, year)]
    return days[bisect_left(days, (first, 0)) : bisect_left(days, (last + 1, 0))]


@lru_cache(maxsize=1024)
def _expected(exchange: Exchange, interval: Interval, year: int) -> tuple[tuple[int, int], ...]:
    # Simulated shares have no derivatives, so their hours are known after the closing auction came; of others we cannot tell.
    has_derivatives = False if exchange is Exchange.SIM else None
    wanted = []
    for session in sessions(exchange, date(year, 1, 1), date(year, 12, 31)):
        count = bars_expected(exchange, session.date, interval, has_derivatives=has_derivatives) if interval.is_intraday else 1
        if count:
            wanted.append(((session.date - _EPOCH).days, count))
    return tuple(wanted)


def _document(info: SeriesInfo, held: Mapping[int, int]) -> SeriesDocument:
    quality = series_quality(held, exchange_of(info.key.instrument), info.key.interval)
    return SeriesDocument(
        instrument=info.key.instrument,
        interval=info.key.interval.value,
        prices=info.key.basis.value,
        first=instant_of(info.first_ts).isoformat(),
        last=instant_of(info.last_ts).isoformat(),
        bars=info.n_bars,
        missing=quality.missing_sessions,
        quality=quality.score,
        simulated=is_simulated(info),
        sources=info.sources,
        last_close=info.last_close,
    )
