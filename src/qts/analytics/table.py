"""All metrics of a run as one table, in the order of the result document."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from qts.analytics import metrics as built_in
from qts.analytics.curves import RunCurves
from qts.analytics.metric import Metric, Undefined
from qts.core import discover


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricTable:
    """Values by metric id, in table order; ``None`` where a metric is undefined, with the reason under the same id."""

    values: Mapping[str, float | int | None]
    reasons: Mapping[str, str]

    def warnings(self) -> tuple[str, ...]:
        """Return one sentence for every undefined metric."""
        return tuple(f"{name} is not defined: {reason}." for name, reason in self.reasons.items())


@cache
def built_in_metrics() -> Mapping[str, Metric]:
    """Return the metrics of this package by id, in table order."""
    return in_table_order(discover(built_in, "METRIC", Metric))


def in_table_order(metrics: Mapping[str, Metric]) -> Mapping[str, Metric]:
    """Return the metrics ordered by their place, then by id."""
    return MappingProxyType(dict(sorted(metrics.items(), key=lambda item: (item[1].order, item[0]))))


def compute_metrics(curves: RunCurves, metrics: Mapping[str, Metric] | None = None) -> MetricTable:
    """Return every metric of a run.

    Parameters
    ----------
    curves : RunCurves
        The finished run.
    metrics : mapping of str to Metric, optional
        The metrics to compute, in this order; the built-in ones by default.
    """
    values: dict[str, float | int | None] = {}
    reasons: dict[str, str] = {}
    for name, metric in (built_in_metrics() if metrics is None else metrics).items():
        value = metric.compute(curves)
        if isinstance(value, Undefined):
            values[name], reasons[name] = None, value.reason
        elif not math.isfinite(value):
            values[name], reasons[name] = None, "its value is beyond what a number can hold"
        else:
            values[name] = int(value) if metric.unit == "count" else float(value)
    return MetricTable(values=MappingProxyType(values), reasons=MappingProxyType(reasons))
