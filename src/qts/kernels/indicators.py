"""All indicators by name: what rules, pages and the reference read.

>>> one = incremental("ema", 3)
>>> [one.update(price) for price in (1.0, 2.0, 6.0, 5.0)]
[nan, nan, 3.0, 4.0]
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from qts.core.errors import BadParameter
from qts.kernels.averages import AVERAGES
from qts.kernels.bands import BANDS
from qts.kernels.indicator import Incremental, IndicatorSpec
from qts.kernels.oscillators import OSCILLATORS
from qts.kernels.ranges import RANGES
from qts.kernels.statistics import STATISTICS
from qts.kernels.stochastics import STOCHASTICS
from qts.kernels.trend import TRENDS
from qts.kernels.volume import VOLUMES

FAMILIES: Final[Mapping[str, tuple[IndicatorSpec, ...]]] = MappingProxyType(
    {
        "Averages": AVERAGES,
        "Bands and channels": BANDS,
        "Momentum": OSCILLATORS,
        "Place in the range": STOCHASTICS,
        "Trend": TRENDS,
        "Ranges": RANGES,
        "Volume": VOLUMES,
        "Statistics": STATISTICS,
    }
)
INDICATORS: Final[Mapping[str, IndicatorSpec]] = MappingProxyType({spec.id: spec for family in FAMILIES.values() for spec in family})


def find_indicator(name: str) -> IndicatorSpec:
    """Return the indicator of this name.

    Raises
    ------
    BadParameter
        If there is none, with the nearest ones.
    """
    if name not in INDICATORS:
        near = difflib.get_close_matches(name, INDICATORS, n=3) or INDICATORS
        raise BadParameter("indicator", name, "there is no such indicator", hint=f"Indicators are {', '.join(near)}.")
    return INDICATORS[name]


def incremental(name: str, *values: float, **options: float | str) -> Incremental:
    """Return a fresh indicator that takes one bar at a time: ``incremental("macd", 12, 26, 9)``, ``incremental("ema", 9, seed="first")``.

    Raises
    ------
    BadParameter
        If there is no such indicator, or the parameters are not its own.
    """
    spec = find_indicator(name)
    return spec.incremental({**spec.bind(*values), **options})
