"""What a sweep can be asked for: what a backtest can, and a grid."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from qts.app.requests import BacktestRequest, ParamText


class SweepRequest(BacktestRequest):
    """A grid of parameters to try; the rest is as for a backtest."""

    grid: dict[str, str | tuple[ParamText, ...]] = Field(
        min_length=1, description="Values of each parameter that varies: a range low:high:step or a list a,b,c."
    )
    objective: Literal[
        "sharpe",
        "sortino",
        "calmar",
        "cagr",
        "total_return",
        "net_pnl",
        "final_equity",
        "max_drawdown",
        "profit_factor",
        "expectancy",
        "win_rate",
    ] = Field(default="sharpe", description="Metric by which cells are ordered, the highest first.")
    workers: int | None = Field(default=None, ge=1, le=256, description="Threads to work with; as many as there are cores when absent.")
    top: int = Field(default=10, ge=1, description="How many of the best cells to answer with.")
