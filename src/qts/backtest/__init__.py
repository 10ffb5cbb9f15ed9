"""Backtests: settings, the engine, its exact ledger, and the look-ahead check."""

from qts.backtest.engine import ENGINE_VERSION, run
from qts.backtest.evaluation import Evaluation
from qts.backtest.grid import LARGEST_GRID, Grid, expand_grid
from qts.backtest.lookahead import LookaheadVerdict, Verdict
from qts.backtest.result import ActionEffect, BacktestResult
from qts.backtest.settings import (
    BacktestSettings,
    CostKind,
    CostModel,
    FillTiming,
    Protection,
    RiskLimits,
    Sizing,
    SizingKind,
    Slippage,
    SlippageKind,
    parse_costs,
    parse_size,
    parse_slippage,
)
from qts.backtest.sweep import SweepResult, evaluate, sweep

__all__ = [
    "ENGINE_VERSION",
    "LARGEST_GRID",
    "ActionEffect",
    "BacktestResult",
    "BacktestSettings",
    "CostKind",
    "CostModel",
    "Evaluation",
    "FillTiming",
    "Grid",
    "LookaheadVerdict",
    "Protection",
    "RiskLimits",
    "Sizing",
    "SizingKind",
    "Slippage",
    "SlippageKind",
    "SweepResult",
    "Verdict",
    "evaluate",
    "expand_grid",
    "parse_costs",
    "parse_size",
    "parse_slippage",
    "run",
    "sweep",
]
