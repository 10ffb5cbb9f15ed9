"""What a finished run is worth: metrics, drawdowns, benchmark, and how far to trust them."""

from qts.analytics.benchmark import Benchmark, buy_and_hold
from qts.analytics.curves import RunCurves
from qts.analytics.deflation import deflated_sharpe
from qts.analytics.document import metrics_document
from qts.analytics.formulas import drawdown, equity_from_capital
from qts.analytics.honesty import Honesty, Lookahead, RunContext, judge
from qts.analytics.metric import Better, Metric, MetricUnit, Undefined
from qts.analytics.periods import PeriodReturn, monthly_returns, yearly_returns
from qts.analytics.table import MetricTable, built_in_metrics, compute_metrics, in_table_order

__all__ = [
    "Benchmark",
    "Better",
    "Honesty",
    "Lookahead",
    "Metric",
    "MetricTable",
    "MetricUnit",
    "PeriodReturn",
    "RunContext",
    "RunCurves",
    "Undefined",
    "built_in_metrics",
    "buy_and_hold",
    "compute_metrics",
    "deflated_sharpe",
    "drawdown",
    "equity_from_capital",
    "in_table_order",
    "judge",
    "metrics_document",
    "monthly_returns",
    "yearly_returns",
]
