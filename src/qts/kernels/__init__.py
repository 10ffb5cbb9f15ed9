"""Arrays in, arrays out: indicators, crosses, and the loop that fills orders. Importing this costs NumPy, not the compiler."""

from qts.kernels.averages import dema, ema, kama, sma, tema, trima, wma
from qts.kernels.bands import bbands, donchian, keltner, supertrend
from qts.kernels.cache import use_cache
from qts.kernels.events import crosses_above, crosses_below, hold
from qts.kernels.indicator import Incremental, IndicatorSpec, Setting
from qts.kernels.indicators import INDICATORS, find_indicator, incremental
from qts.kernels.oscillators import cmo, macd, mom, ppo, roc, rsi, trix
from qts.kernels.ranges import atr, natr, trange
from qts.kernels.statistics import highest, linreg, linreg_slope, lowest, midpoint, stddev, var
from qts.kernels.stochastics import cci, stoch, stochrsi, willr
from qts.kernels.trend import adx, aroon, minus_di, plus_di, psar
from qts.kernels.volume import ad, mfi, obv, vwap

__all__ = [
    "INDICATORS",
    "Incremental",
    "IndicatorSpec",
    "Setting",
    "ad",
    "adx",
    "aroon",
    "atr",
    "bbands",
    "cci",
    "cmo",
    "crosses_above",
    "crosses_below",
    "dema",
    "donchian",
    "ema",
    "find_indicator",
    "highest",
    "hold",
    "incremental",
    "kama",
    "keltner",
    "linreg",
    "linreg_slope",
    "lowest",
    "macd",
    "mfi",
    "midpoint",
    "minus_di",
    "mom",
    "natr",
    "obv",
    "plus_di",
    "ppo",
    "psar",
    "roc",
    "rsi",
    "sma",
    "stddev",
    "stoch",
    "stochrsi",
    "supertrend",
    "tema",
    "trange",
    "trima",
    "trix",
    "use_cache",
    "var",
    "vwap",
    "willr",
    "wma",
]
