"""Which requests a span of candles takes: no request may ask for more days than its interval allows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final

from qts.core import IST, Interval
from qts.core.errors import BadParameter

_LAST_SECOND: Final = time(23, 59, 59)
# Days a request may span. Source: staff on the forum of Kite Connect, 2020; still the figures of clients of 2026.
MOST_DAYS: Final[Mapping[Interval, int]] = {
    Interval.MINUTE_1: 60,
    Interval.MINUTE_3: 100,
    Interval.MINUTE_5: 100,
    Interval.MINUTE_10: 100,
    Interval.MINUTE_15: 200,
    Interval.MINUTE_30: 200,
    Interval.MINUTE_60: 400,
    Interval.DAY: 2000,
}
SPELLINGS: Final[Mapping[Interval, str]] = {
    Interval.MINUTE_1: "minute",
    Interval.MINUTE_3: "3minute",
    Interval.MINUTE_5: "5minute",
    Interval.MINUTE_10: "10minute",
    Interval.MINUTE_15: "15minute",
    Interval.MINUTE_30: "30minute",
    Interval.MINUTE_60: "60minute",
    Interval.DAY: "day",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CandleWindow:
    """The dates of one request, both included."""

    first: date
    last: date

    @property
    def start(self) -> datetime:
        """Return the first second asked for, in India."""
        return datetime.combine(self.first, time(), tzinfo=IST)

    @property
    def end(self) -> datetime:
        """Return the last second asked for: the end of a minute would give one candle of the next interval."""
        return datetime.combine(self.last, _LAST_SECOND, tzinfo=IST)


def candle_windows(interval: Interval, first: date, last: date) -> tuple[CandleWindow, ...]:
    """Return the fewest windows that cover these dates, oldest first, the last one filled up.

    Raises
    ------
    BadParameter
        If the broker has no candles of this interval.
    """
    if interval not in MOST_DAYS:
        raise BadParameter("interval", interval, "the broker has no such candles", hint=f"Use one of {', '.join(MOST_DAYS)}.")
    step = timedelta(days=MOST_DAYS[interval])
    windows = []
    while first <= last:
        windows.append(CandleWindow(first=first, last=min(first + step - timedelta(days=1), last)))
        first += step
    return tuple(windows)
