"""What one set of parameters is worth on these bars, without fills, trades and curve: the measures a sweep ranks cells by.

The measures are those of a run: :func:`evaluate` and :func:`qts.backtest.run` go through the same fills and the same costs, and a formula
here gives what the metric of the same name gives. Nothing is annualised; whoever knows the calendar does that.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from qts.core.arrays import Floats
from qts.kernels.lean_account import MEASURES, NO_GAIN
from qts.kernels.state import F_BAR, F_COST, F_INSTRUMENT, F_PRICE, F_QUANTITY, F_REFERENCE
from qts.strategies import ParamValue

# As the metrics: less than this is no equity to earn on, and no swing to divide by.
HALF_PAISA: Final = 0.005
NO_VARIATION: Final = 1e-14


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """The measures of one cell.

    Parameters
    ----------
    params : Mapping[str, ParamValue]
        All parameters of the strategy, given ones and defaults.
    n_bars : int
        Bars of the timeline.
    capital, final_equity : float
        Rupees before the first bar and at the last close.
    max_drawdown : float
        Deepest fall below the running peak, a fraction ≤ 0; the capital is the first peak.
    mean_return, deviation, downside : float or None
        Of the simple returns of each bar over the one before: mean, sample standard deviation (ddof = 1), and root mean square of the
        negative ones over all bars. None where the equity fell to nothing, or there are too few bars.
    mean_equity : float
        Rupees, over all bars.
    exposure : float
        Mean absolute exposure at the close of each bar, a fraction of equity.
    bars_held : int
        Bars at whose close a position was held.
    n_fills, n_entries : int
        Executed orders; positions opened from flat or by turning round.
    n_trades, n_wins : int
        Closed round trips; those with a net profit.
    won, lost : float
        Net profit of the winning and net loss (≥ 0) of the losing closed trades, in rupees.
    costs_total, slippage_total, traded_notional : float
        Charges, what slippage took, and price times quantity of both sides, in rupees.
    equity : ndarray of shape (n_bars,), optional
        The equity at each close, where it was asked for.
    """

    params: Mapping[str, ParamValue]
    n_bars: int
    capital: float
    final_equity: float
    max_drawdown: float
    mean_return: float | None
    deviation: float | None
    downside: float | None
    mean_equity: float
    exposure: float
    bars_held: int
    n_fills: int
    n_entries: int
    n_trades: int
    n_wins: int
    won: float
    lost: float
    costs_total: float
    slippage_total: float
    traded_notional: float
    equity: Floats | None = field(default=None, compare=False)

    @property
    def net_pnl(self) -> float:
        """Return profit and loss after charges and slippage, in rupees."""
        return self.final_equity - self.capital

    @property
    def total_return(self) -> float:
        """Return the growth of the capital, a fraction."""
        return self.final_equity / self.capital - 1.0

    @property
    def sharpe(self) -> float | None:
        """Return mean over deviation of the bar returns, not annualised; None where it is not defined."""
        if self.mean_return is None or self.deviation is None or self.deviation <= NO_VARIATION:
            return None
        return self.mean_return / self.deviation

    @property
    def win_rate(self) -> float | None:
        """Return the share of closed trades with a net profit; None where no trade was closed."""
        return self.n_wins / self.n_trades if self.n_trades else None

    @property
    def profit_factor(self) -> float | None:
        """Return winnings over losses of the closed trades; None where there is no loss to divide by."""
        return self.won / self.lost if self.n_trades and self.lost >= HALF_PAISA else None

    @property
    def expectancy(self) -> float | None:
        """Return the mean net P&L of closed trades, in rupees; None where no trade was closed."""
        return (self.won - self.lost) / self.n_trades if self.n_trades else None


def evaluation_of(
    row: Floats, *, params: Mapping[str, ParamValue], n_bars: int, capital: float, equity: Floats | None = None
) -> Evaluation:
    """Return a row of a sweep's table as an evaluation; NaN means undefined."""
    named = dict(zip(MEASURES, row.tolist(), strict=True))
    optional = {name: None if math.isnan(named[name]) else named[name] for name in ("mean_return", "deviation", "downside")}
    counts = {name: int(named[name]) for name in ("bars_held", "n_fills", "n_entries", "n_trades", "n_wins")}
    return Evaluation(params=params, n_bars=n_bars, capital=capital, equity=equity, **{**named, **optional, **counts})


def measures_of(raw: Floats, equity: Floats, cash: Floats, *, capital: float) -> Floats:
    """Return the measures of a finished run of the core, in the order of ``MEASURES``.

    Parameters
    ----------
    raw : ndarray of shape (n_fills, N_FILL)
        The fills as the core booked them.
    equity, cash : ndarray of shape (n_bars,)
        The account at each close.
    capital : float
        Rupees at the start.
    """
    steps = _steps_of(raw)
    size = np.abs(raw[:, F_QUANTITY])
    named = {
        **of_curve(equity, cash, capital=capital),
        "bars_held": np.count_nonzero(_n_held(steps, len(equity))),
        "n_fills": len(raw),
        "costs_total": math.fsum(raw[:, F_COST].tolist()),
        "slippage_total": math.fsum((np.abs(raw[:, F_PRICE] - raw[:, F_REFERENCE]) * size).tolist()),
        "traded_notional": math.fsum((raw[:, F_PRICE] * size).tolist()),
        **(_of_trades(raw) if steps.is_turned else _of_plain_trades(steps)),
    }
    return np.array([named[name] for name in MEASURES], dtype=np.float64)


def of_curve(equity: Floats, cash: Floats, *, capital: float) -> dict[str, float]:
    """Return the measures of an account bar by bar, by name."""
    held = equity - cash
    exposure = np.divide(held, equity, out=np.zeros_like(held), where=equity > 0.0)
    peak = np.maximum(np.maximum.accumulate(equity), capital)
    return {
        "final_equity": float(equity[-1]),
        # Adding zero turns -0.0 into 0.0; the capital is a peak, so nothing is above zero.
        "max_drawdown": float(np.min(equity / peak - 1.0)) + 0.0,
        "mean_equity": float(np.mean(equity)),
        "exposure": float(np.mean(np.abs(exposure))),
        **_of_returns(equity),
    }


def _of_returns(equity: Floats) -> dict[str, float]:
    undefined = dict.fromkeys(("mean_return", "deviation", "downside"), math.nan)
    if len(equity) < 3 or np.any(equity[:-1] < HALF_PAISA):
        return undefined
    returns = equity[1:] / equity[:-1] - 1.0
    losses = np.minimum(returns, 0.0)
    return {
        "mean_return": float(np.mean(returns)),
        "deviation": float(np.std(returns, ddof=1)),
        "downside": math.sqrt(float(np.mean(losses * losses))),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Steps:
    """Fills sorted by instrument and time, with the position each of them found and left; fractions are cut to millionths."""

    raw: Floats
    before: Floats
    after: Floats

    @property
    def is_turned(self) -> bool:
        """Return whether any fill turned a position round."""
        return bool(np.any(self.before * self.after < 0.0))


def _steps_of(raw: Floats) -> _Steps:
    own = raw[np.argsort(raw[:, F_INSTRUMENT], kind="stable")]
    held = np.cumsum(own[:, F_QUANTITY])
    starts = np.flatnonzero(np.diff(own[:, F_INSTRUMENT], prepend=-1.0))
    bases = np.concatenate(([0.0], held))[starts]
    after = np.round(held - np.repeat(bases, np.diff(starts, append=len(own))), 6)
    before = np.concatenate(([0.0], after))[: len(own)]
    before[starts] = 0.0
    return _Steps(raw=own, before=before, after=after)


def _n_held(steps: _Steps, n_bars: int) -> Floats:
    """Return how many instruments were held at each close."""
    changes = (steps.after != 0.0).astype(np.float64) - (steps.before != 0.0)
    held: Floats = np.cumsum(np.bincount(steps.raw[:, F_BAR].astype(np.int64), weights=changes, minlength=n_bars))
    return held


def _of_plain_trades(steps: _Steps) -> dict[str, float]:
    """Return counts and sums of round trips where none was turned round: each is a stretch of fills from flat to flat."""
    begins = np.flatnonzero(steps.before == 0.0)
    raw = steps.raw
    flows = -raw[:, F_QUANTITY] * raw[:, F_PRICE] - raw[:, F_COST]
    nets = np.add.reduceat(flows, begins) if len(begins) else np.empty(0)
    nets = nets[steps.after[np.append(begins[1:], len(raw)) - 1] == 0.0] if len(begins) else nets
    return {
        "n_entries": len(begins),
        "n_trades": len(nets),
        "n_wins": int(np.count_nonzero(nets > NO_GAIN)),
        "won": math.fsum(nets[nets > 0.0].tolist()),
        "lost": -math.fsum(nets[nets < 0.0].tolist()) + 0.0,
    }


@dataclass(slots=True)  # grows until the position is closed
class _Trip:
    held: float = 0.0
    net: float = 0.0


def _of_trades(raw: Floats) -> dict[str, float]:
    """Return counts and sums of round trips; a fill that turns a position round has its charges split in proportion."""
    trips: dict[float, _Trip] = {}
    nets: list[float] = []
    n_entries = 0
    for i, quantity, price, cost in raw[:, [F_INSTRUMENT, F_QUANTITY, F_PRICE, F_COST]].tolist():
        trip = trips.setdefault(i, _Trip())
        closing = 0.0
        if trip.held * quantity < 0.0:
            closing = -trip.held if abs(quantity) > abs(trip.held) else quantity
            part = cost * closing / quantity
            trip.net -= closing * price + part
            trip.held = round(trip.held + closing, 6)
            cost -= part  # noqa: PLW2901 - the rest belongs to the next trip
            if trip.held == 0.0:
                nets.append(trip.net)
                trip.net = 0.0
        opening = round(quantity - closing, 6)
        if opening != 0.0:
            n_entries += trip.held == 0.0
            trip.net -= opening * price + cost
            trip.held += opening
    return {
        "n_entries": n_entries,
        "n_trades": len(nets),
        "n_wins": sum(net > NO_GAIN for net in nets),
        "won": math.fsum(net for net in nets if net > 0.0),
        "lost": -math.fsum(net for net in nets if net < 0.0) + 0.0,
    }
