"""Maximum drawdown: how deep the worst fall from a peak was."""

from __future__ import annotations

from typing import Final

from qts.analytics.curves import RunCurves
from qts.analytics.formulas import equity_from_capital, max_drawdown
from qts.analytics.metric import Metric, Undefined


def deepest_fall(curves: RunCurves) -> float | Undefined:
    """Return the deepest fall below the running peak, a fraction ≤ 0; the capital is the first peak."""
    return max_drawdown(equity_from_capital(curves.capital, curves.equity))


METRIC: Final = Metric(
    title="Maximum drawdown",
    unit="fraction",
    better="higher",
    order=80,
    meaning="The worst fall from a peak, as a fraction ≤ 0.",
    formula="min(E_t / max(C, E_1 … E_t) - 1)",
    reference="M. Magdon-Ismail and A. Atiya, Maximum Drawdown, Risk, 2004.",
    compute=deepest_fall,
)
