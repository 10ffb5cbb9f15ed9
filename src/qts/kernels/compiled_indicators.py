"""The compiled twins of the indicators: one loop around any step, handed to Numba. Importing this costs the compiler's import."""

from __future__ import annotations

import functools
import math
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeAlias

import numba
import numba.extending
import numpy as np

from qts.kernels import averages, bands, oscillators, ranges, smoothing, statistics, stochastics, trend, volume, windows
from qts.kernels.cache import prepare_cache
from qts.kernels.indicator import IndicatorSpec, Numbers, Row, Step
from qts.kernels.indicators import INDICATORS
from qts.kernels.twins import Column, as_input

Columns: TypeAlias = "tuple[Column, ...]"
Twin: TypeAlias = Callable[[Columns, Columns, Column, Numbers], int]

_MODULES: Final = (windows, smoothing, averages, oscillators, stochastics, ranges, bands, trend, volume, statistics)


def _source_version() -> int:
    """Return a number that changes with the source of any step: the compiler's own cache looks at one file only."""
    version = 0
    for module in _MODULES:
        version = zlib.crc32(Path(str(module.__file__)).read_bytes(), version)
    return version


# A row is made of the inputs and taken apart into the outputs by functions of fixed size: the compiler needs to know how many there are.
def _row_1(columns: Columns, i: int) -> Row:
    return (columns[0][i],)


def _row_2(columns: Columns, i: int) -> Row:
    return (columns[0][i], columns[1][i])


def _row_3(columns: Columns, i: int) -> Row:
    return (columns[0][i], columns[1][i], columns[2][i])


def _row_4(columns: Columns, i: int) -> Row:
    return (columns[0][i], columns[1][i], columns[2][i], columns[3][i])


def _row_5(columns: Columns, i: int) -> Row:
    return (columns[0][i], columns[1][i], columns[2][i], columns[3][i], columns[4][i])


def _put_1(outs: Columns, i: int, row: Row) -> None:
    outs[0][i] = row[0]


def _put_2(outs: Columns, i: int, row: Row) -> None:
    outs[0][i] = row[0]
    outs[1][i] = row[1]


def _put_3(outs: Columns, i: int, row: Row) -> None:
    outs[0][i] = row[0]
    outs[1][i] = row[1]
    outs[2][i] = row[2]


_ROWS: Final = (_row_1, _row_2, _row_3, _row_4, _row_5)
_PUTS: Final = (_put_1, _put_2, _put_3)


@functools.cache
def twin_of(spec: IndicatorSpec) -> Twin:
    """Return the compiled loop of an indicator: input columns, output columns, memory, numbers. It is compiled when first called."""
    return _compile(spec.id, (spec.step, _ROWS[len(spec.inputs) - 1], _PUTS[len(spec.outputs) - 1]), (math.nan,) * len(spec.outputs))


def prepare(spec: IndicatorSpec) -> None:
    """Compile the loop of an indicator, or load it where the cache has it, by calling it for no bars."""
    numbers = spec.numbers()
    column = as_input(np.empty(0))
    twin_of(spec)((column,) * len(spec.inputs), (np.empty(0),) * len(spec.outputs), spec.memory(numbers), numbers)


def _compile(name: str, parts: tuple[Step, Callable[..., Row], Callable[..., None]], undefined: Row) -> Twin:
    """Return the loop around a step. It holds ``version`` in its closure, which makes that part of the cache's key."""
    step, row_of, put = parts
    version = _VERSION

    def loop(columns: Columns, outs: Columns, state: Column, numbers: Numbers) -> int:
        for i in range(len(outs[0])):
            row = row_of(columns, i)
            is_defined = True
            for value in row:
                if math.isnan(value):
                    is_defined = False
            put(outs, i, step(state, numbers, row) if is_defined else undefined)
        return version

    # The cache has a file for each of these names.
    loop.__qualname__ = loop.__name__ = f"{name}_nb"
    compiled: Any = numba.njit(cache=_CACHED, nogil=True, error_model="numpy")(loop)
    twin: Twin = compiled
    return twin


# All is put in line: the compiler counts references for every array at every call.
_PARTS: Final[tuple[Callable[..., Any], ...]] = (
    *(part for module in _MODULES for part in getattr(module, "PARTS", ())),
    *(spec.step for spec in INDICATORS.values()),
    *_ROWS,
    *_PUTS,
)
for _part in dict.fromkeys(_PARTS):
    numba.extending.register_jitable(error_model="numpy", forceinline=True)(_part)

_VERSION: Final = _source_version()
_CACHED: Final = prepare_cache(Path(__file__))
