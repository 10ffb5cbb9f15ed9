"""Bars: OHLCV of one instrument over one interval, singly or as columns."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from qts.core.arrays import Floats, Ints
from qts.core.instrument import InstrumentId
from qts.core.interval import Interval

LARGEST_PRICE: Final = 1e12
"""Rupees beyond which quantities times prices leave the range in which floats count paise."""

SMALLEST_PRICE: Final = 0.0001
"""Rupees below which nothing is a price: the finest step of any Indian exchange is a quarter of a paisa, and a share of one paisa, the
least that trades, may have been split into a hundred since. Money is counted to the ten-thousandth of a rupee throughout."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One bar, stamped at its open. Prices in rupees; ``volume`` is None where the source has none, as for an index."""

    instrument: InstrumentId
    interval: Interval
    opened_at: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: int | None = None
    oi: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    """A series of bars as contiguous columns of shape ``(n_bars,)``, oldest first.

    ``ts`` is the open instant in microseconds since the epoch, UTC, strictly increasing. Prices are float64 rupees.
    ``volume`` and ``oi`` are float64 with NaN where the source has none; a zero volume means that nothing traded.
    The arrays are read-only by contract: nobody writes into them.
    """

    instrument: InstrumentId
    interval: Interval
    ts: Ints
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    oi: Floats

    def __len__(self) -> int:
        return len(self.ts)

    def window(self, start: int, stop: int) -> Bars:
        """Return bars ``start..stop-1`` as views, without copying."""
        part = slice(start, stop)
        return Bars(
            instrument=self.instrument,
            interval=self.interval,
            ts=self.ts[part],
            open=self.open[part],
            high=self.high[part],
            low=self.low[part],
            close=self.close[part],
            volume=self.volume[part],
            oi=self.oi[part],
        )
