"""When the compiled twin of a loop is used instead of the plain one.

Both are made from the same source and give the same bits, so the choice is one of time only: importing the compiler costs more than a
second, and the first call of a twin another, which a short series does not need.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from qts.core.arrays import Floats

Column: TypeAlias = "Floats | list[float]"

# Below this many bars the plain loop is done before the compiler would be imported.
COMPILE_FROM: Final = 200_000
_COMPILED: Final = "qts.kernels.compiled"
_COMPILER: Final = "numba"


def prefers_compiled(n_bars: int) -> bool:
    """Return whether the compiled twin is worth it: for long series, and always once the compiler is there."""
    return n_bars >= COMPILE_FROM or _COMPILER in sys.modules


def load_compiler() -> None:
    """Import the compiler, so that it is preferred from now on: for short series that are played many times."""
    importlib.import_module(_COMPILER)


def as_input(values: NDArray[Any]) -> NDArray[Any]:
    """Return the values as a contiguous read-only view: the one kind of input the twins are compiled for."""
    view = np.ascontiguousarray(values).view()
    view.flags.writeable = False
    return view


def twin(name: str) -> Callable[..., Any]:
    """Return the compiled twin of a loop, importing the compiler on first use."""
    compiled: Callable[..., Any] = getattr(importlib.import_module(_COMPILED), f"{name}_nb")
    return compiled
