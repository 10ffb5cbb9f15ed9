"""Bar lengths: what ``1m`` or ``1d`` means and which ones there are."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from qts.core.errors import BadParameter


class Interval(StrEnum):
    """The length of a bar."""

    MINUTE_1 = "1m"
    MINUTE_3 = "3m"
    MINUTE_5 = "5m"
    MINUTE_10 = "10m"
    MINUTE_15 = "15m"
    MINUTE_30 = "30m"
    MINUTE_60 = "60m"
    DAY = "1d"
    WEEK = "1w"
    MONTH = "1mo"

    @property
    def minutes(self) -> int | None:
        """Return the length in minutes, or None for bars of a session or more."""
        return _MINUTES.get(self)

    @property
    def is_intraday(self) -> bool:
        """Return whether several bars make up one session."""
        return self in _MINUTES


_MINUTES: Final = {
    Interval.MINUTE_1: 1,
    Interval.MINUTE_3: 3,
    Interval.MINUTE_5: 5,
    Interval.MINUTE_10: 10,
    Interval.MINUTE_15: 15,
    Interval.MINUTE_30: 30,
    Interval.MINUTE_60: 60,
}

# Spellings of brokers and vendors; the canonical ones are the enum's values.
_ALIASES: Final = {
    "minute": Interval.MINUTE_1,
    "3minute": Interval.MINUTE_3,
    "5minute": Interval.MINUTE_5,
    "10minute": Interval.MINUTE_10,
    "15minute": Interval.MINUTE_15,
    "30minute": Interval.MINUTE_30,
    "60minute": Interval.MINUTE_60,
    "1h": Interval.MINUTE_60,
    "day": Interval.DAY,
    "d": Interval.DAY,
    "week": Interval.WEEK,
    "month": Interval.MONTH,
}


def parse_interval(text: str) -> Interval:
    """Return the interval of this name, taking brokers' spellings too.

    Raises
    ------
    BadParameter
        If no interval has the name.

    >>> parse_interval("15minute")
    <Interval.MINUTE_15: '15m'>
    """
    name = text.strip().lower()
    if name in _ALIASES:
        return _ALIASES[name]
    try:
        return Interval(name)
    except ValueError as error:
        raise BadParameter("interval", text, "there is no such interval", hint=f"Use one of {', '.join(Interval)}.") from error
