"""Backtests: settings, the engine, its exact ledger, and the look-ahead check."""

from qts.backtest.result import BacktestResult
from qts.backtest.settings import (
    BacktestSettings,
    CostKind,
    CostModel,
    FillTiming,
    Sizing,
    SizingKind,
    Slippage,
    SlippageKind,
    parse_costs,
    parse_size,
    parse_slippage,
)

__all__ = [
    "BacktestResult",
    "BacktestSettings",
    "CostKind",
    "CostModel",
    "FillTiming",
    "Sizing",
    "SizingKind",
    "Slippage",
    "SlippageKind",
    "parse_costs",
    "parse_size",
    "parse_slippage",
]
