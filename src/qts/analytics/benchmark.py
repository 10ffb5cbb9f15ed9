"""The benchmark: what simply buying and holding the same instruments would have done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np

from qts.core import Bars, CorporateAction, Floats, Ints

_DAY: Final = 86_400_000_000
_IST: Final = 19_800_000_000
_EPOCH: Final = date(1970, 1, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Benchmark:
    """Equity of buy and hold on the union of the instruments' instants; both arrays of shape (n_instants,)."""

    ts: Ints
    equity: Floats

    def total_return(self, capital: float) -> float:
        """Return what it earned on the capital, a fraction."""
        return float(self.equity[-1]) / capital - 1.0


def buy_and_hold(bars: Sequence[Bars], capital: float, *, actions: Sequence[CorporateAction] = ()) -> Benchmark:
    """Return the equity of holding equal shares of the capital in each instrument from its first close to the end.

    Fractions of a share are allowed and nothing is charged. An instrument's share of the capital waits in cash until its first
    close; between its own bars its last close counts.

    Parameters
    ----------
    bars : sequence of Bars
        One series per instrument, none empty.
    capital : float
        Rupees at the start.
    actions : sequence of CorporateAction, optional
        What companies did to their shares, for prices as traded: shares held become new ones from the first bar on or after the ex date
        on, and what is paid for them stays in cash.
    """
    ts = np.unique(np.concatenate([series.ts for series in bars]))
    share = capital / len(bars)
    equity = np.zeros(len(ts))
    for series in bars:
        i_last = np.searchsorted(series.ts, ts, side="right") - 1
        worth = series.close
        own = [one for one in actions if one.instrument == series.instrument]
        if own:
            shares, cash = held_through(series, own)
            worth = shares * series.close + cash
        equity += share * np.where(i_last < 0, 1.0, worth[np.maximum(i_last, 0)] / series.close[0])
    return Benchmark(ts=ts, equity=equity)


def held_through(bars: Bars, actions: Sequence[CorporateAction]) -> tuple[Floats, Floats]:
    """Return what one share bought at the first close has become at each bar: shares, and rupees it has been paid."""
    shares, cash = np.ones(len(bars)), np.zeros(len(bars))
    days = (bars.ts + _IST) // _DAY
    for action in sorted(actions, key=lambda one: one.ex_date):
        at = int(np.searchsorted(days, (action.ex_date - _EPOCH).days))
        if 0 < at < len(bars):
            cash[at:] += shares[at] * float(action.cash)
            shares[at:] *= float(action.ratio)
    return shares, cash
