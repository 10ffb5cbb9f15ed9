"""The contest's cases in ``limit.c``, called through ctypes: not a peer but the mark of what this machine can do."""

from __future__ import annotations

import ctypes
from ctypes import POINTER, byref, c_double, c_int64, c_void_p
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers.worker import Engine, Outcome, Run, Spec, serve
from benchmarks.walk import CLOSE, OPEN

Floats = NDArray[np.float64]


class Terms(ctypes.Structure):
    """As in ``limit.c``."""

    _fields_ = (("capital", c_double), ("shares", c_double), ("fee", c_double))


class Numbers(ctypes.Structure):
    """As in ``limit.c``."""

    _fields_ = (("final_equity", c_double), ("max_drawdown", c_double), ("sharpe", c_double), ("entries", c_int64))


def single(prices: Floats, spec: Spec) -> Run:
    """Prepare one run without a curve."""
    return _single(prices, spec, curve=None)


def curve(prices: Floats, spec: Spec) -> Run:
    """Prepare one run that also writes the equity of each bar."""
    return _single(prices, spec, curve=np.empty(prices.shape[1]))


def sweep(prices: Floats, spec: Spec) -> Run:
    """Prepare a sweep."""
    library = load(spec)
    open_, close = (np.ascontiguousarray(prices[row]) for row in (OPEN, CLOSE))

    def run() -> Outcome:
        spans = sorted({span for pair in spec.pairs for span in pair})
        fast, slow = (np.array([spans.index(pair[side]) for pair in spec.pairs], dtype=np.int64) for side in (0, 1))
        numbers = (Numbers * len(spec.pairs))()
        given = np.array(spans, dtype=np.int64)
        columns = (place(open_), place(close), len(close), place(given), len(spans), place(fast), place(slow), len(spec.pairs))
        if library.sweep(*columns, byref(terms(spec)), numbers):
            raise MemoryError
        return outcome(list(numbers))

    return run


def _single(prices: Floats, spec: Spec, *, curve: Floats | None) -> Run:
    library = load(spec)
    open_, close = (np.ascontiguousarray(prices[row]) for row in (OPEN, CLOSE))
    ((fast, slow),) = spec.pairs

    def run() -> Outcome:
        numbers = Numbers()
        written = None if curve is None else place(curve)
        library.single(place(open_), place(close), len(close), fast, slow, byref(terms(spec)), written, byref(numbers))
        return outcome([numbers])

    return run


def load(spec: Spec) -> Any:  # noqa: ANN401 - a foreign library
    """Open the library that was compiled for this run of the benchmark."""
    library = ctypes.CDLL(spec.option)
    library.single.argtypes = (c_void_p, c_void_p, c_int64, c_int64, c_int64, POINTER(Terms), c_void_p, POINTER(Numbers))
    library.single.restype = None
    arrays = (c_void_p, c_void_p, c_int64, c_void_p, c_int64, c_void_p, c_void_p, c_int64)
    library.sweep.argtypes = (*arrays, POINTER(Terms), POINTER(Numbers))
    return library


def terms(spec: Spec) -> Terms:
    return Terms(spec.capital, float(spec.shares), spec.fee)


def place(column: NDArray[Any]) -> int:
    return int(column.ctypes.data)


def outcome(found: list[Numbers]) -> Outcome:
    return Outcome(
        final_equity=[numbers.final_equity for numbers in found],
        max_drawdown=[numbers.max_drawdown for numbers in found],
        entries=[numbers.entries for numbers in found],
        sharpe=[numbers.sharpe for numbers in found],
    )


if __name__ == "__main__":
    serve(Engine(version=lambda: "limit.c", cases={"single": single, "curve": curve, "sweep": sweep}))
