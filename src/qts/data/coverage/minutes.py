"""Which bars of one intraday day are not there: the slots of the session's windows less the bars that are held."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

import numpy as np

from qts.core import Exchange, Interval, Ints, Session, WindowKind, instant_of, micros_of
from qts.market.sessions import daily_stamp, session_on

_MINUTE: Final = 60_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Bars in a row that are not there: they would open from ``first`` to ``last``, both included, instants in IST."""

    first: datetime
    last: datetime
    n_bars: int


def missing_stretches(
    ts: Ints, exchange: Exchange, on: date, interval: Interval, *, has_derivatives: bool | None = None
) -> tuple[Stretch, ...]:
    """Return the bars of continuous trading that a day lacks, as stretches, oldest first; none where no hours are on record.

    Parameters
    ----------
    ts : ndarray of shape (n_bars,)
        When the bars of the day open, in microseconds UTC.
    has_derivatives : bool or None
        Whether the security has derivatives; None asks only for what every security must have.
    """
    length = interval.minutes
    if length is None:
        return ()
    # Where the kind of security matters and nobody says, one with derivatives has the shorter day.
    session = session_on(exchange, on, has_derivatives=True if has_derivatives is None else has_derivatives)
    slots = _slots(session, exchange, on, length * _MINUTE)
    absent = slots[~np.isin(slots, ts)]
    if not len(absent):
        return ()
    breaks = np.flatnonzero(np.diff(absent) != length * _MINUTE) + 1
    return tuple(
        Stretch(first=instant_of(int(part[0])), last=instant_of(int(part[-1])), n_bars=len(part)) for part in np.split(absent, breaks)
    )


def _slots(session: Session | None, exchange: Exchange, on: date, length: int) -> Ints:
    if session is None:
        return np.zeros(0, np.int64)
    opened = micros_of(daily_stamp(exchange, on))
    found: set[int] = set()
    for window in session.windows:
        if window.kind is WindowKind.CONTINUOUS:
            first = (micros_of(window.opens_at) - opened) // length
            last = (micros_of(window.closes_at - timedelta(minutes=1)) - opened) // length
            found.update(range(first, last + 1))
    slots: Ints = opened + np.array(sorted(found), dtype=np.int64) * length
    return slots
