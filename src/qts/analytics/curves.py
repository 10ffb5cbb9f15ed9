"""What a finished run hands to the analysis: its equity, its exposure, its closed trades and its totals."""

from __future__ import annotations

from dataclasses import dataclass

from qts.core import Floats, Ints, session_date_of


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCurves:
    """The arrays and totals every metric is computed from.

    Parameters
    ----------
    ts : ndarray of shape (n_bars,)
        Open instants of the bars in microseconds since the epoch, strictly increasing.
    equity : ndarray of shape (n_bars,)
        Cash plus positions marked at each bar's close, in rupees, after all charges so far. Finite.
    exposure : ndarray of shape (n_bars,)
        Signed notional over equity at each bar's close, a fraction. Finite.
    capital : float
        Rupees at the start, > 0.
    bars_per_year : float
        Real number of such bars in a year of this calendar, > 0: what ``qts.market.sessions.bars_per_year`` gives.
    trade_net_pnl, trade_gross_pnl, trade_returns : ndarray of shape (n_trades,)
        Closed trades only: rupees after charges, rupees before charges, and net P&L over entry notional.
    costs_total : float
        All charges, in rupees, ≥ 0.
    slippage_total : float
        What slippage took, in rupees; it is already inside the fill prices and so inside the equity.
    traded_notional : float
        Price times quantity summed over all fills, both sides, in rupees.
    """

    ts: Ints
    equity: Floats
    exposure: Floats
    capital: float
    bars_per_year: float
    trade_net_pnl: Floats
    trade_gross_pnl: Floats
    trade_returns: Floats
    costs_total: float
    slippage_total: float
    traded_notional: float

    @property
    def n_bars(self) -> int:
        """Return the number of bars."""
        return len(self.equity)

    @property
    def calendar_days(self) -> int:
        """Return the whole days between the dates (in India) of the first and the last bar."""
        if self.n_bars == 0:
            return 0
        return (session_date_of(int(self.ts[-1])) - session_date_of(int(self.ts[0]))).days

    @property
    def final_equity(self) -> float:
        """Return the equity at the last close, or the capital where there is no bar."""
        return float(self.equity[-1]) if self.n_bars else self.capital
