"""The prices every engine is measured on: geometric random walks with a fixed seed, rounded to the paisa."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

SEED: Final = 20_260_101
OPEN, HIGH, LOW, CLOSE, VOLUME = range(5)
MINUTE_STEP: Final = 0.0004
DAY_STEP: Final = 0.01


def walk(n_bars: int, *, start: float, step: float, number: int = 0) -> NDArray[np.float64]:
    """Return open, high, low, close and volume as rows, shape ``(5, n_bars)``; the same for the same arguments, on any machine."""
    rng = np.random.default_rng([SEED, n_bars, number])
    close = paise(start * np.exp(np.cumsum(rng.normal(0.0, step, n_bars))))
    open_ = paise(np.concatenate([close[:1], close[:-1]]) * np.exp(rng.normal(0.0, step / 4, n_bars)))
    reach = np.abs(rng.normal(0.0, step / 2, (2, n_bars)))
    upper, lower = np.maximum(open_, close), np.minimum(open_, close)
    high = np.maximum(paise(upper * np.exp(reach[0])), upper)
    low = np.minimum(paise(lower * np.exp(-reach[1])), lower)
    return np.stack([open_, high, low, close, np.floor(rng.lognormal(8.0, 1.0, n_bars)) + 1.0])


def paise(prices: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return prices rounded to the paisa, at least one."""
    rounded: NDArray[np.float64] = np.maximum(np.round(prices * 100.0), 1.0) / 100.0
    return rounded


def many(n_symbols: int, n_bars: int, *, start: float, step: float) -> NDArray[np.float64]:
    """Return walks of several symbols, shape ``(n_symbols, 5, n_bars)``."""
    return np.stack([walk(n_bars, start=start, step=step, number=1 + number) for number in range(n_symbols)])


def saved(folder: Path, name: str, prices: NDArray[np.float64]) -> Path:
    """Write prices where the engines' processes read them."""
    path = folder / f"{name}.npy"
    np.save(path, prices)
    return path
