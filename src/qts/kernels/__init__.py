"""Arrays in, arrays out: indicators, crosses, and the loop that fills orders. Importing this costs NumPy, not the compiler."""

from qts.kernels.averages import ema, sma, wma
from qts.kernels.cache import use_cache
from qts.kernels.events import crosses_above, crosses_below, hold
from qts.kernels.oscillators import atr, rsi

__all__ = ["atr", "crosses_above", "crosses_below", "ema", "hold", "rsi", "sma", "use_cache", "wma"]
