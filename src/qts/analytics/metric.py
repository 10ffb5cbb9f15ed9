"""The contract of a metric: one number about a run, or the reason why there is none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from qts.analytics.curves import RunCurves

MetricUnit: TypeAlias = Literal["rupees", "fraction", "count", "ratio", "per_year"]
Better: TypeAlias = Literal["higher", "lower"]


@dataclass(frozen=True, slots=True)
class Undefined:
    """The number does not exist; ``reason`` says why in words a trader reads. It becomes ``null``, never NaN or infinity."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One number about a run, with the formula that a reader can check it by.

    Parameters
    ----------
    title : str
        The name on screen.
    unit : MetricUnit
        What the number counts; ``ratio`` has no unit, ``per_year`` is a ratio per year.
    better : Better or None
        Which direction is good, None where neither is.
    order : int
        Place in the table; equal places are ordered by id. Metrics of others go after ours when they leave it out.
    meaning : str
        What the number tells a trader, one sentence.
    formula : str
        How it is computed, in the symbols explained in ``docs/reference/metrics.md``.
    undefined_when : str
        When it is null; empty if it always exists.
    reference : str
        Where the definition comes from.
    compute : callable
        The function itself.
    """

    title: str
    unit: MetricUnit
    better: Better | None
    meaning: str
    formula: str
    reference: str
    compute: Callable[[RunCurves], float | Undefined]
    undefined_when: str = ""
    order: int = 1000
