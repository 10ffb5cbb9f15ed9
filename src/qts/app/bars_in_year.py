"""How many bars a year has for instruments of one timeline: what yearly figures are scaled by."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import date

from qts.core.instrument import Exchange, InstrumentId, exchange_of
from qts.core.interval import Interval
from qts.market.sessions import bars_per_year, nominal_open


def bars_in_year(instruments: Iterable[str], interval: Interval, span: tuple[date, date]) -> float:
    """Return the bars a year of the timeline has: exchanges that share their instants count once, others add up."""
    counts: dict[object, float] = {}
    for exchange in {exchange_of(InstrumentId(name)) for name in instruments}:
        instants = exchange is Exchange.INDEX if interval.is_intraday else nominal_open(exchange)
        counts[instants] = max(counts.get(instants, 0.0), bars_per_year(exchange, interval, *span))
    return math.fsum(counts.values())
