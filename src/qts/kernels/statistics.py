"""Statistics of the last bars: spread, fitted line, extremes.

Each function takes an array of shape ``(n_bars,)``, oldest first, and returns one. A NaN bar does not exist: it is NaN in the output. All
are NaN on the first ``span - 1`` bars. O(n_bars), whatever the span. Definitions are TA-Lib's.
"""

from __future__ import annotations

import math
from typing import Final

from qts.core.arrays import Floats
from qts.kernels import windows
from qts.kernels.indicator import IndicatorSpec, Numbers, Row, span_of
from qts.kernels.twins import Column
from qts.kernels.windows import extreme_size, rolling_line, rolling_spread, window_size


def stddev(values: Floats, span: int) -> Floats:
    """Return the population standard deviation of the last ``span`` values, in their unit."""
    return STDDEV.batch((values,), {"span": span})[0]


def var(values: Floats, span: int) -> Floats:
    """Return the population variance of the last ``span`` values, in their unit squared."""
    return VAR.batch((values,), {"span": span})[0]


def linreg(values: Floats, span: int) -> Floats:
    """Return where the line fitted to the last ``span`` values ends, in their unit."""
    return LINREG.batch((values,), {"span": span})[0]


def linreg_slope(values: Floats, span: int) -> Floats:
    """Return the slope of the line fitted to the last ``span`` values, in their unit per bar."""
    return LINREG_SLOPE.batch((values,), {"span": span})[0]


def highest(values: Floats, span: int) -> Floats:
    """Return the highest of the last ``span`` values."""
    return MAX.batch((values,), {"span": span})[0]


def lowest(values: Floats, span: int) -> Floats:
    """Return the lowest of the last ``span`` values."""
    return MIN.batch((values,), {"span": span})[0]


def midpoint(values: Floats, span: int) -> Floats:
    """Return the middle between the highest and the lowest of the last ``span`` values."""
    return MIDPOINT.batch((values,), {"span": span})[0]


def stddev_step(state: Column, numbers: Numbers, row: Row) -> Row:
    """Take one value; memory of a window."""
    return (math.sqrt(rolling_spread(state, 0, numbers[0], row[0])[1]),)


def var_step(state: Column, numbers: Numbers, row: Row) -> Row:
    """Take one value; memory of a window."""
    return (rolling_spread(state, 0, numbers[0], row[0])[1],)


def linreg_step(state: Column, numbers: Numbers, row: Row) -> Row:
    """Take one value; memory of a window."""
    mean, _, slope = rolling_line(state, 0, numbers[0], row[0])
    return (mean + slope * ((numbers[0] - 1.0) / 2.0),)


def linreg_slope_step(state: Column, numbers: Numbers, row: Row) -> Row:
    """Take one value; memory of a window."""
    return (rolling_line(state, 0, numbers[0], row[0])[2],)


def max_step(state: Column, numbers: Numbers, row: Row) -> Row:
    """Take one value; memory of an extreme."""
    return (windows.highest(state, 0, numbers[0], row[0])[0],)


def min_step(state: Column, numbers: Numbers, row: Row) -> Row:
    """Take one value; memory of an extreme."""
    return (windows.lowest(state, 0, numbers[0], row[0])[0],)


def midpoint_step(state: Column, numbers: Numbers, row: Row) -> Row:
    """Take one value; memory of two extremes."""
    top = windows.highest(state, 0, numbers[0], row[0])[0]
    bottom = windows.lowest(state, int(extreme_size(numbers[0])), numbers[0], row[0])[0]
    return ((top + bottom) / 2.0,)


STDDEV: Final = IndicatorSpec(
    id="stddev",
    title="Standard deviation",
    inputs=("close",),
    params={"span": span_of(20, 2)},
    outputs=("stddev",),
    overlay=False,
    step=stddev_step,
    n_state=lambda numbers: window_size(numbers[0]),
    first=lambda numbers: numbers[0] - 1,
    definition="The square root of `var`. TA-Lib `STDDEV`.",
)
VAR: Final = IndicatorSpec(
    id="var",
    title="Variance",
    inputs=("close",),
    params={"span": span_of(20, 2)},
    outputs=("var",),
    overlay=False,
    step=var_step,
    n_state=lambda numbers: window_size(numbers[0]),
    first=lambda numbers: numbers[0] - 1,
    definition="The mean of the squared distances of the last `span` values from their mean. TA-Lib `VAR`.",
)
LINREG: Final = IndicatorSpec(
    id="linreg",
    title="Linear regression",
    inputs=("close",),
    params={"span": span_of(14, 2)},
    outputs=("linreg",),
    overlay=True,
    step=linreg_step,
    n_state=lambda numbers: window_size(numbers[0]),
    first=lambda numbers: numbers[0] - 1,
    definition="The last point of the least-squares line through the last `span` values. TA-Lib `LINEARREG`.",
)
LINREG_SLOPE: Final = IndicatorSpec(
    id="linreg_slope",
    title="Slope of the linear regression",
    inputs=("close",),
    params={"span": span_of(14, 2)},
    outputs=("linreg_slope",),
    overlay=False,
    step=linreg_slope_step,
    n_state=lambda numbers: window_size(numbers[0]),
    first=lambda numbers: numbers[0] - 1,
    definition="The slope per bar of the least-squares line through the last `span` values. TA-Lib `LINEARREG_SLOPE`.",
    levels=(0.0,),
)
MAX: Final = IndicatorSpec(
    id="max",
    title="Highest value",
    inputs=("close",),
    params={"span": span_of(20)},
    outputs=("max",),
    overlay=True,
    step=max_step,
    n_state=lambda numbers: extreme_size(numbers[0]),
    first=lambda numbers: numbers[0] - 1,
    definition="The highest of the last `span` values, the bar itself included. TA-Lib `MAX`.",
)
MIN: Final = IndicatorSpec(
    id="min",
    title="Lowest value",
    inputs=("close",),
    params={"span": span_of(20)},
    outputs=("min",),
    overlay=True,
    step=min_step,
    n_state=lambda numbers: extreme_size(numbers[0]),
    first=lambda numbers: numbers[0] - 1,
    definition="The lowest of the last `span` values, the bar itself included. TA-Lib `MIN`.",
)
MIDPOINT: Final = IndicatorSpec(
    id="midpoint",
    title="Middle of the range",
    inputs=("close",),
    params={"span": span_of(14)},
    outputs=("midpoint",),
    overlay=True,
    step=midpoint_step,
    n_state=lambda numbers: 2 * extreme_size(numbers[0]),
    first=lambda numbers: numbers[0] - 1,
    definition="The middle between `max` and `min`. TA-Lib `MIDPOINT`.",
)

STATISTICS: Final = (STDDEV, VAR, LINREG, LINREG_SLOPE, MAX, MIN, MIDPOINT)
