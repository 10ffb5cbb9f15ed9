"""Arrays in, arrays out: indicators, crosses, and the loop that fills orders. Importing this costs NumPy, not the compiler."""

from qts.kernels.averages import dema, ema, kama, sma, tema, trima, wma
from qts.kernels.cache import use_cache
from qts.kernels.events import crosses_above, crosses_below, hold
from qts.kernels.indicator import Incremental, IndicatorSpec, Setting
from qts.kernels.indicators import INDICATORS, find_indicator, incremental
from qts.kernels.oscillators import macd, rsi
from qts.kernels.ranges import atr, natr, trange

__all__ = [
    "INDICATORS",
    "Incremental",
    "IndicatorSpec",
    "Setting",
    "atr",
    "crosses_above",
    "crosses_below",
    "dema",
    "ema",
    "find_indicator",
    "hold",
    "incremental",
    "kama",
    "macd",
    "natr",
    "rsi",
    "sma",
    "tema",
    "trange",
    "trima",
    "use_cache",
    "wma",
]
