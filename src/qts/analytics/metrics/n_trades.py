"""Trades: how many round trips were completed."""

from __future__ import annotations

from typing import Final

from qts.analytics.curves import RunCurves
from qts.analytics.metric import Metric


def n_trades(curves: RunCurves) -> float:
    """Return the number of closed trades."""
    return len(curves.trade_net_pnl)


METRIC: Final = Metric(
    title="Trades",
    unit="count",
    better=None,
    order=90,
    meaning="How many round trips were completed; a position still open at the end does not count.",
    formula="n",
    reference="Count.",
    compute=n_trades,
)
