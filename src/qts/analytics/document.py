"""The reference page of the metrics, written from their declarations so that it cannot differ from the code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from qts.analytics.metric import Metric
from qts.analytics.table import built_in_metrics

_UNITS: Final = {
    "rupees": "rupees",
    "fraction": "fraction (0.05 is 5 %)",
    "count": "count",
    "ratio": "ratio, no unit",
    "per_year": "times per year",
}

_HEAD: Final = """\
# Metrics

Every metric of a result, with the formula it is computed by. This page is written from the declarations in
`qts/analytics/metrics/`; the keys are those of `metrics` in the result document.

All metrics are computed from the **net** equity: cash plus positions marked at each bar's close, after every charge so far.
A metric that does not exist for a run is `null`, and the reason stands in `warnings`; NaN and Infinity never appear.

## Symbols

| symbol | meaning |
|---|---|
| `C` | capital at the start, rupees |
| `E_1 … E_last` | net equity at the close of each bar, rupees |
| `r` | bar returns `E_t / E_(t-1) - 1` from the second bar on; a loss on the first bar is in the return and the drawdown |
| `B` | bars per year: the calendar's real sessions times the bars of a session, not a flat 252; exchanges of other hours add up |
| `x` | signed exposure at each close: notional held / equity, below 0 when short |
| `p` | net P&L of each closed trade, rupees; a position still open at the end is no trade here, its value is in the equity |
| `n` | number of closed trades |
| `N` | traded notional, buys and sells, rupees |
| `std(…, ddof = 1)` | sample standard deviation, divided by the number of observations less one |

Gross, charges, slippage and net fit together like this: `net_pnl = gross_pnl - costs_total`. Slippage is no separate line of it:
orders fill at prices that slippage has already worsened, so `gross_pnl` has it inside, and profit at the prices of the
bars themselves would be `gross_pnl + slippage_total`.

## Drawdown

`drawdown_t = E_t / max(C, E_1 … E_t) - 1`: the distance below the highest equity so far, a fraction ≤ 0.

"""

_TAIL: Final = """\
## Deflated Sharpe ratio

Stands in `honesty.deflated_sharpe`: the probability that the true Sharpe ratio of the run is above what luck alone gives the best
of all trials of the same idea.

`Phi((SR - SR*) * sqrt(T - 1) / sqrt(1 - skew * SR + (kurtosis - 1) / 4 * SR^2))`

`SR* = sqrt(V) * ((1 - g) * Z(1 - 1/N) + g * Z(1 - 1/(N * e)))`

`SR` is the Sharpe ratio per bar, `T` the number of bar returns, `V` the variance of the trials' Sharpe ratios per bar, `N` the
number of trials, `Phi` and `Z` the normal distribution and its quantile, `g` = 0.5772… (Euler-Mascheroni). Null with one trial.
It takes the trials as independent; runs of one idea resemble each other, so `N` overstates how many tries there truly were.

Reference: D. H. Bailey and M. López de Prado, The Deflated Sharpe Ratio, Journal of Portfolio Management 40 (5), 2014.

## Buy and hold

The benchmark holds equal shares of the capital in each instrument from its first close to the end, in fractions of a share and
without charges.
"""


def metrics_document(metrics: Mapping[str, Metric] | None = None) -> str:
    """Return the Markdown of ``docs/reference/metrics.md``."""
    chosen = built_in_metrics() if metrics is None else metrics
    return _HEAD + "\n".join(_section(name, metric) for name, metric in chosen.items()) + "\n" + _TAIL


def _section(name: str, metric: Metric) -> str:
    better = {"higher": "higher is better", "lower": "lower is better", None: "neither direction is better in itself"}[metric.better]
    lines = [
        f"## {metric.title}",
        "",
        f"`{name}` · {_UNITS[metric.unit]} · {better}",
        "",
        metric.meaning,
        "",
        f"`{metric.formula}`",
        "",
    ]
    if metric.undefined_when:
        lines += [f"Null when {metric.undefined_when}.", ""]
    return "\n".join([*lines, f"Reference: {metric.reference}", ""])
