"""What is stored: every series with its span, its holes against the calendar, and a first score of its quality."""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache
from typing import Final

import numpy as np
from pydantic import BaseModel, ConfigDict

from qts.app.workspace import Workspace
from qts.core.arrays import Ints
from qts.core.clock import instant_of, session_date_of
from qts.core.instrument import Exchange, exchange_of
from qts.core.interval import Interval
from qts.data.storage import SeriesInfo
from qts.market.sessions import bars_expected, sessions

_IST_OFFSET_MICROS: Final = 19_800_000_000
_DAY_MICROS: Final = 86_400_000_000
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
    return tuple(_document(workspace, info, as_of) for info in workspace.store.series(as_of=as_of))


def series_quality(ts: Ints, exchange: Exchange, interval: Interval) -> SeriesQuality:
    """Return how many sessions lack bars and which share of the expected bars is held, between the first and the last bar.

    Bars that the calendar does not expect (a session it does not know) neither add nor take away.

    Parameters
    ----------
    ts : ndarray of shape (n_bars,)
        Open instants in microseconds UTC, strictly increasing.
    """
    if exchange in _WITHOUT_CALENDAR or len(ts) == 0 or interval in {Interval.WEEK, Interval.MONTH}:
        return SeriesQuality(missing_sessions=None, score=None)
    days, counts = np.unique((ts + _IST_OFFSET_MICROS) // _DAY_MICROS, return_counts=True)
    held = dict(zip(days.tolist(), counts.tolist(), strict=True))
    wanted = _expected(exchange, interval, session_date_of(int(ts[0])), session_date_of(int(ts[-1])))
    expected = sum(wanted.values())
    if not expected:
        return SeriesQuality(missing_sessions=None, score=None)
    missing = sum(day not in held for day in wanted)
    kept = sum(min(held.get(day, 0), count) for day, count in wanted.items())
    return SeriesQuality(missing_sessions=missing, score=round(100.0 * kept / expected, 2))


@lru_cache(maxsize=256)
def _expected(exchange: Exchange, interval: Interval, first: date, last: date) -> dict[int, int]:
    epoch = date(1970, 1, 1)
    wanted = {}
    for session in sessions(exchange, first, last):
        count = bars_expected(exchange, session.date, interval) if interval.is_intraday else 1
        if count:
            wanted[(session.date - epoch) // timedelta(days=1)] = count
    return wanted


def _document(workspace: Workspace, info: SeriesInfo, as_of: str | None) -> SeriesDocument:
    quality = _quality(workspace, info, as_of)
    return SeriesDocument(
        instrument=info.key.instrument,
        interval=info.key.interval.value,
        prices=info.key.basis.value,
        first=instant_of(info.first_ts).isoformat(),
        last=instant_of(info.last_ts).isoformat(),
        bars=info.n_bars,
        missing=quality.missing_sessions,
        quality=quality.score,
        simulated=info.simulated,
        sources=info.sources,
        last_close=info.last_close,
    )


# Stored bars never disappear: a series of the same span and count has the same instants, so its quality needs reading once.
_KNOWN: Final[dict[tuple[object, ...], SeriesQuality]] = {}


def _quality(workspace: Workspace, info: SeriesInfo, as_of: str | None) -> SeriesQuality:
    name = (workspace.settings.home, info.key, info.first_ts, info.last_ts, info.n_bars)
    if name not in _KNOWN:
        exchange = exchange_of(info.key.instrument)
        ts = workspace.store.read(info.key, as_of=as_of).ts if exchange not in _WITHOUT_CALENDAR else np.empty(0, np.int64)
        _KNOWN[name] = series_quality(ts, exchange, info.key.interval)
    return _KNOWN[name]
