"""What a finished run is worth: metrics, drawdowns, benchmark, and how far to trust them."""

from qts.analytics.curves import RunCurves
from qts.analytics.formulas import drawdown
from qts.analytics.metric import Better, Metric, MetricUnit, Undefined
from qts.analytics.table import MetricTable, built_in_metrics, compute_metrics, in_table_order

__all__ = [
    "Better",
    "Metric",
    "MetricTable",
    "MetricUnit",
    "RunCurves",
    "Undefined",
    "built_in_metrics",
    "compute_metrics",
    "drawdown",
    "in_table_order",
]
