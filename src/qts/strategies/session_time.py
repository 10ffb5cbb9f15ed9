"""Where in its session each bar stands: the day, and the minutes since the session's nominal open."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import numpy as np

from qts.core import Bars, Ints, exchange_of, micros_of
from qts.core.errors import BadParameter
from qts.market.sessions import daily_stamp

_MINUTE: Final = 60_000_000
_DAY: Final = 86_400_000_000
_IST: Final = 19_800_000_000
_EPOCH: Final = date(1970, 1, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionTime:
    """The place of each bar in its session, columns of shape ``(n_bars,)``.

    ``day`` is the same number for all bars of one date in India and grows from date to date. ``opened`` and ``closed`` are the minutes from
    the nominal open (09:15 for shares) to the bar's open and to its close; on evenings such as Muhurat they begin late.
    """

    day: Ints
    opened: Ints
    closed: Ints


def session_time(bars: Bars) -> SessionTime:
    """Return where each bar stands in its session.

    Raises
    ------
    BadParameter
        If the bars are of a day or more.
    """
    minutes = bars.interval.minutes
    if minutes is None:
        raise BadParameter("interval", bars.interval, "has no time of day", hint="Choose bars of minutes, such as 5m.")
    day = (bars.ts + _IST) // _DAY
    distinct, place = np.unique(day, return_inverse=True)
    exchange = exchange_of(bars.instrument)
    opens = np.array([micros_of(daily_stamp(exchange, _EPOCH + timedelta(days=int(each)))) for each in distinct], dtype=np.int64)
    opened = (bars.ts - opens[place]) // _MINUTE
    return SessionTime(day=day, opened=opened, closed=opened + minutes)
