"""How a simulated share gets from its open to its close: minute by minute, lively at both ends of the session."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from qts.core import Floats

# How much of a minute's move is the whole market's, as a correlation.
MARKET_CORRELATION: Final = 0.45
# The first trade of a minute stands a little off the last one of the minute before.
OPEN_NOISE: Final = 0.08


@dataclass(frozen=True, slots=True, kw_only=True)
class MinutePath:
    """One session of one share: logs of prices and the share of the day's volume in each minute, each of shape (n_minutes,)."""

    log_open: Floats
    log_high: Floats
    log_low: Floats
    log_close: Floats
    volume_share: Floats


def minute_path(*, log_open: float, log_close: float, spread: float, market: Floats, rng: np.random.Generator) -> MinutePath:
    """Return a path from open to close.

    It is a Brownian bridge whose pace follows the hour; highs and lows are drawn from the law of the extreme of a bridge.

    Parameters
    ----------
    log_open, log_close : float
        Where the session starts and ends.
    spread : float
        Standard deviation of the log return from open to close.
    market : ndarray of shape (n_minutes,)
        Standard normal shocks that all shares have in common.
    rng : Generator
        The share's own.
    """
    n = len(market)
    pace = np.sqrt(_lively(n, opening=2.5, closing=0.8))
    deviation = spread * pace / np.sqrt(np.sum(pace * pace))
    own = rng.standard_normal(n)
    steps = deviation * (MARKET_CORRELATION * market + np.sqrt(1.0 - MARKET_CORRELATION**2) * own)
    variance = deviation * deviation
    steps += (log_close - log_open - np.sum(steps)) * variance / np.sum(variance)
    close = log_open + np.cumsum(steps)
    opened = np.concatenate(([log_open], close[:-1] + OPEN_NOISE * deviation[1:] * rng.standard_normal(n - 1)))
    high, low = bridge_extremes(opened, close, variance, rng)
    bustle = _lively(n, opening=3.0, closing=2.2) * np.exp(0.45 * rng.standard_normal(n) + 0.3 * np.abs(own))
    return MinutePath(log_open=opened, log_high=high, log_low=low, log_close=close, volume_share=bustle / np.sum(bustle))


def bridge_extremes(start: Floats, end: Floats, variance: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Return a high and a low of Brownian bridges between these ends, each drawn by inverting its distribution.

    Notes
    -----
    P(max > m) = exp(-2 (m - start)(m - end) / variance); the low is the same turned over. The two are drawn independently.
    """
    move = end - start
    up = np.sqrt(move * move - 2.0 * variance * np.log1p(-rng.random(len(start))))
    down = np.sqrt(move * move - 2.0 * variance * np.log1p(-rng.random(len(start))))
    middle = (start + end) / 2.0
    return middle + up / 2.0, middle - down / 2.0


def _lively(n: int, *, opening: float, closing: float) -> Floats:
    # x runs over the session from 0 to 1; both ends fade within a few hundredths of it.
    x = (np.arange(n) + 0.5) / n
    return 1.0 + opening * np.exp(-x / 0.07) + closing * np.exp((x - 1.0) / 0.06)
