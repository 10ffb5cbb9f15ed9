"""The benchmark: what simply buying and holding the same instruments would have done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from qts.core import Bars, Floats, Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class Benchmark:
    """Equity of buy and hold on the union of the instruments' instants; both arrays of shape (n_instants,)."""

    ts: Ints
    equity: Floats

    def total_return(self, capital: float) -> float:
        """Return what it earned on the capital, a fraction."""
        return float(self.equity[-1]) / capital - 1.0


def buy_and_hold(bars: Sequence[Bars], capital: float) -> Benchmark:
    """Return the equity of holding equal shares of the capital in each instrument from its first close to the end.

    Fractions of a share are allowed and nothing is charged. An instrument's share of the capital waits in cash until its first
    close; between its own bars its last close counts.

    Parameters
    ----------
    bars : sequence of Bars
        One series per instrument, none empty.
    capital : float
        Rupees at the start.
    """
    ts = np.unique(np.concatenate([series.ts for series in bars]))
    share = capital / len(bars)
    equity = np.zeros(len(ts))
    for series in bars:
        i_last = np.searchsorted(series.ts, ts, side="right") - 1
        equity += share * np.where(i_last < 0, 1.0, series.close[np.maximum(i_last, 0)] / series.close[0])
    return Benchmark(ts=ts, equity=equity)
