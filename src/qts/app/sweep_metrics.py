"""From the measures of cells to the metrics people know, and the order of cells by one of them.

A cell's metric is that of the run of its parameters: same name, same formula, same cases in which it does not exist.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np

from qts.analytics.formulas import HALF_PAISA, NO_VARIATION, growth_per_year
from qts.analytics.metric import Undefined
from qts.backtest import Evaluation, SweepResult
from qts.core.arrays import Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """What yearly figures are scaled by: bars in a year, and calendar days of the span."""

    bars_per_year: float
    days: int


def cell_metrics(found: Evaluation, scale: Scale) -> dict[str, float | int | None]:
    """Return the metrics of one cell in the order of a result document; None where one is not defined."""
    year = math.sqrt(scale.bars_per_year)
    growth = growth_per_year(found.capital, found.final_equity, scale.days)
    cagr = None if isinstance(growth, Undefined) else growth
    years = found.n_bars / scale.bars_per_year
    return {
        "final_equity": found.final_equity,
        "total_return": found.total_return,
        "cagr": cagr,
        "volatility": None if found.deviation is None else found.deviation * year,
        "sharpe": None if found.sharpe is None else found.sharpe * year,
        "sortino": _ratio(found.mean_return, found.downside, NO_VARIATION, year),
        "calmar": None if cagr is None or found.max_drawdown == 0.0 else cagr / -found.max_drawdown,
        "max_drawdown": found.max_drawdown,
        "n_trades": found.n_trades,
        "n_entries": found.n_entries,
        "win_rate": found.win_rate,
        "profit_factor": found.profit_factor,
        "expectancy": found.expectancy,
        "exposure": found.exposure,
        "turnover": found.traded_notional / found.mean_equity / years if found.mean_equity >= HALF_PAISA else None,
        "gross_pnl": found.net_pnl + found.costs_total,
        "costs_total": found.costs_total,
        "slippage_total": found.slippage_total,
        "net_pnl": found.net_pnl,
    }


def ranked(result: SweepResult, objective: str, scale: Scale) -> list[int]:
    """Return the finished cells by their objective, highest first, those without one last; equal ones in the order of the grid."""
    with np.errstate(divide="ignore", invalid="ignore"):
        values = OBJECTIVES[objective](result, scale)
    order = np.argsort(-np.where(np.isfinite(values), values, -np.inf), kind="stable")
    return [int(at) for at in order if result.done[at]]


def _ratio(mean: float | None, swing: float | None, least: float, year: float) -> float | None:
    return None if mean is None or swing is None or swing <= least else mean / swing * year


def _over(result: SweepResult, swing: str) -> Floats:
    values: Floats = result.column("mean_return") / np.where(result.column(swing) > NO_VARIATION, result.column(swing), np.nan)
    return values


def _growth(result: SweepResult, scale: Scale) -> Floats:
    if scale.days <= 0:
        return np.full(len(result), np.nan)
    values: Floats = np.expm1(np.log(result.column("final_equity") / result.capital) * 365 / scale.days)
    return values


def _calmar(result: SweepResult, scale: Scale) -> Floats:
    depth = result.column("max_drawdown")
    values: Floats = _growth(result, scale) / np.where(depth < 0.0, -depth, np.nan)
    return values


def _profit_factor(result: SweepResult, scale: Scale) -> Floats:
    del scale
    lost = result.column("lost")
    values: Floats = result.column("won") / np.where(lost >= HALF_PAISA, lost, np.nan)
    return values


def _expectancy(result: SweepResult, scale: Scale) -> Floats:
    del scale
    values: Floats = (result.column("won") - result.column("lost")) / result.column("n_trades")
    return values


OBJECTIVES: Final[Mapping[str, Callable[[SweepResult, Scale], Floats]]] = MappingProxyType(
    {
        "sharpe": lambda result, _: _over(result, "deviation"),
        "sortino": lambda result, _: _over(result, "downside"),
        "calmar": _calmar,
        "cagr": _growth,
        "total_return": lambda result, _: result.column("final_equity") / result.capital - 1.0,
        "net_pnl": lambda result, _: result.column("final_equity") - result.capital,
        "final_equity": lambda result, _: result.column("final_equity"),
        "max_drawdown": lambda result, _: result.column("max_drawdown"),
        "profit_factor": _profit_factor,
        "expectancy": _expectancy,
        "win_rate": lambda result, _: result.column("n_wins") / result.column("n_trades"),
    }
)
"""What cells can be ordered by; of each, more is better."""
