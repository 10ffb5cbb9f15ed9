"""Opening range breakout: trade the first close beyond the range of the session's first minutes, and be flat before the session ends."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import numpy as np

from qts.core import Bars, Floats, Ints
from qts.core.errors import BadParameter
from qts.strategies import Param, Ref, Strategy, session_time


def targets(bars: Bars, *, minutes: int, leave: int, stop: float, short: bool) -> Floats:
    """Return 1 or -1 from the close beyond the opening range on, 0 from a close beyond its other side on, or from ``leave`` on."""
    del stop  # guards the position between closes, see protection below
    time = session_time(bars)
    if minutes % (bars.interval.minutes or 1):
        hint = f"Choose minutes that bars of {bars.interval} divide, or shorter bars."
        raise BadParameter("minutes", minutes, f"is not a number of whole bars of {bars.interval}", hint=hint)
    wanted = np.zeros(len(bars))
    edges = [0, *(np.flatnonzero(np.diff(time.day)) + 1).tolist(), len(bars)]
    for first, end in pairwise(edges):
        wanted[first:end] = traded(bars.window(first, end), time.closed[first:end], hours=(minutes, leave), short=short)
    return wanted


def traded(session: Bars, closed: Ints, *, hours: tuple[int, int], short: bool) -> Floats:
    """Return the exposure in one session: one trade at most."""
    wanted = np.zeros(len(session))
    opening = (closed > 0) & (closed <= hours[0])
    if not opening.any():
        return wanted
    top, bottom = np.fmax.reduce(session.high[opening]), np.fmin.reduce(session.low[opening])
    above, below = session.close > top, session.close < bottom
    entries = np.flatnonzero((above | (below & short)) & (closed > hours[0]) & (closed < hours[1]))
    if not entries.size:
        return wanted
    entry = entries[0]
    ends = np.flatnonzero(((below if above[entry] else above) | (closed >= hours[1])) & (np.arange(len(session)) > entry))
    wanted[entry : ends[0] if ends.size else len(session)] = 1.0 if above[entry] else -1.0
    return wanted


STRATEGY: Final = Strategy(
    title="Opening range breakout",
    description=(
        "For bars of minutes, with the product MIS: buys the first close above the range of the session's first minutes, sells short the "
        "first below it; leaves beyond the other side, at the stop, or at the set time. One trade a session at most. It loses on days "
        "without a direction, and costs and slippage take much of a small range."
    ),
    tags=("intraday", "breakout"),
    params={
        "minutes": Param(15, low=5, high=180, step=15, help="Length of the opening range, in minutes from the session's open"),
        "leave": Param(345, low=30, high=375, step=15, help="When to be flat, in minutes from the session's open: 345 is 15:00 for shares"),
        "stop": Param(0.01, low=0.0, high=0.5, step=0.0025, help="Loss from the entry at which it is closed, as a fraction; 0 for none"),
        "short": Param(True, help="Sell short below the range, too"),
    },
    constraint="minutes < leave",
    targets=targets,
    protection={"stop_loss": Ref("stop")},
)
