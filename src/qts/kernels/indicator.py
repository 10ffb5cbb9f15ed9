"""What an indicator is: one step, "what one more bar does", from which the batch, the compiled and the bar-by-bar form are made.

All of them therefore give the same bits. The policy is the same for all, too: a bar with a NaN in any input does not exist, it is NaN
in the output and leaves no trace; outputs are NaN until defined, and the bars that takes are the warm-up.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from qts.core.arrays import Floats
from qts.core.errors import BadParameter
from qts.kernels.twins import Column, as_input, prefers_compiled

Row: TypeAlias = tuple[float, ...]
Numbers: TypeAlias = tuple[float, ...]
Step: TypeAlias = Callable[[Column, Numbers, Row], Row]
T = TypeVar("T")
Given: TypeAlias = Mapping[str, float | str]

LONGEST: Final = 10_000
_COMPILED: Final = "qts.kernels.compiled_indicators"


class Setting(NamedTuple):
    """A number an indicator is asked with: what it is unless given, and the range it lies in."""

    default: float
    low: float
    high: float
    is_whole: bool = True


def span_of(default: int, low: int = 1) -> Setting:
    """Return the setting of a number of bars."""
    return Setting(default, low, LONGEST)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class IndicatorSpec:
    """An indicator with all that pages, rules and documents need to know of it.

    ``inputs`` are columns of the bars, in the order of the step's row; a single one may be replaced by another column. ``params`` are
    numbers in their order, ``options`` words of which the first is the default; ``ordered`` names two parameters of which the first must
    be smaller. ``overlay`` says that it is in the prices' unit and drawn on them, but for the outputs in ``off_prices``; ``levels`` are
    worth a line. ``n_state`` is how many floats of memory the step needs, all zero at the start; ``first`` is the number of bars before
    the first defined one.
    """

    id: str
    title: str
    inputs: tuple[str, ...]
    params: Mapping[str, Setting]
    outputs: tuple[str, ...]
    overlay: bool
    step: Step
    n_state: Callable[[Numbers], float]
    first: Callable[[Numbers], float]
    definition: str
    options: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    ordered: tuple[str, str] | None = None
    levels: tuple[float, ...] = ()
    off_prices: tuple[str, ...] = ()

    def batch(self, columns: Sequence[NDArray[Any]], given: Given | None = None) -> tuple[Floats, ...]:
        """Return one array per output, each of shape ``(n_bars,)``, for input columns of that shape, oldest bar first.

        Raises
        ------
        BadParameter
            If a parameter is unknown or out of its range, or the columns are not of one length.

        Notes
        -----
        O(n_bars). Long series run compiled, short ones as plain Python, with the same bits: see ``twins``.
        """
        numbers = self.numbers(given)
        n_bars = self._length(columns)
        if prefers_compiled(n_bars):
            arrays = tuple(np.empty(n_bars) for _ in self.outputs)
            run = importlib.import_module(_COMPILED).twin_of(self)
            run(
                tuple(as_input(column.astype(np.float64, copy=False)) for column in columns),
                arrays,
                self.memory(numbers),
                numbers,
            )
            return arrays
        walker = Incremental(self, numbers)
        rows = [walker.advance(row) for row in zip(*(column.astype(np.float64, copy=False).tolist() for column in columns), strict=True)]
        return tuple(np.array([row[k] for row in rows], dtype=np.float64) for k in range(len(self.outputs)))

    def incremental(self, given: Given | None = None) -> Incremental:
        """Return the form that takes one bar at a time, fresh."""
        return Incremental(self, self.numbers(given))

    def warmup(self, given: Given | None = None) -> int:
        """Return how many bars pass before the first defined one."""
        return int(self.first(self.numbers(given)))

    def memory(self, numbers: Numbers) -> Floats:
        """Return the memory of a fresh step."""
        return np.zeros(int(self.n_state(numbers)))

    def bind(self, *values: T) -> dict[str, T]:
        """Return values in the order of ``params`` by their names.

        Raises
        ------
        BadParameter
            If there are more values than parameters.
        """
        if len(values) > len(self.params):
            raise BadParameter(self.id, list(values), f"takes {self._wanted()}", hint=f"Give at most {len(self.params)} numbers.")
        return dict(zip(self.params, values, strict=False))

    def numbers(self, given: Given | None = None) -> Numbers:
        """Return every parameter, then the place of every option, as the step takes them; what is not given is the default.

        Raises
        ------
        BadParameter
            If a name is unknown, a value out of its range or not whole, or two are in the wrong order.
        """
        given = given or {}
        for name, value in given.items():
            if name not in self.params and name not in self.options:
                raise BadParameter(name, value, f"{self.id} takes {self._wanted()}", hint="Leave it out.")
        values = [self.number(name, given.get(name, setting.default)) for name, setting in self.params.items()]
        places = [self._place(name, given.get(name, words[0])) for name, words in self.options.items()]
        if self.ordered is not None:
            smaller, larger = (values[list(self.params).index(name)] for name in self.ordered)
            if smaller >= larger:
                raise BadParameter(
                    self.ordered[0],
                    f"{smaller:g}",
                    f"must be below {self.ordered[1]} = {larger:g} in {self.id}",
                    hint="Turn the two round.",
                )
        return (*values, *places) or (0.0,)

    def number(self, name: str, value: float | str) -> float:
        """Return the value of one parameter as the step takes it.

        Raises
        ------
        BadParameter
            If it is out of its range, or not whole where it must be.
        """
        setting = self.params[name]
        if isinstance(value, (str, bool)) or not setting.low <= value <= setting.high:
            raise BadParameter(name, value, f"{self.id} needs a number from {setting.low:g} to {setting.high:g}")
        if setting.is_whole and value != int(value):
            raise BadParameter(name, value, f"{self.id} needs a whole number")
        return float(value)

    def _place(self, name: str, value: float | str) -> float:
        words = self.options[name]
        if value not in words:
            raise BadParameter(name, value, f"{self.id} knows no such {name}", hint=f"Use {' or '.join(words)}.")
        return float(words.index(str(value)))

    def _wanted(self) -> str:
        return ", ".join([*self.params, *self.options]) or "no parameters"

    def _length(self, columns: Sequence[NDArray[Any]]) -> int:
        lengths = {len(column) for column in columns}
        if len(columns) != len(self.inputs) or len(lengths) != 1:
            raise BadParameter(self.id, [len(column) for column in columns], f"needs columns of one length for {', '.join(self.inputs)}")
        return lengths.pop()


class Incremental:
    """An indicator that takes one bar at a time, in the memory that its spans need; bit for bit the batch form."""

    __slots__ = ("_n_inputs", "_numbers", "_state", "_step", "_undefined", "spec")

    def __init__(self, spec: IndicatorSpec, numbers: Numbers) -> None:
        self.spec = spec
        self._numbers = numbers
        self._n_inputs = len(spec.inputs)
        self._step = spec.step
        self._undefined = (math.nan,) * len(spec.outputs)
        self._state = spec.memory(numbers).tolist()

    def update(self, *values: float) -> float | tuple[float, ...]:
        """Take the next bar's inputs, in the order of ``spec.inputs``; return the value, or one for each of several outputs.

        Raises
        ------
        BadParameter
            If the inputs are not as many as the indicator has.
        """
        if len(values) != self._n_inputs:
            raise BadParameter(self.spec.id, list(values), f"needs {', '.join(self.spec.inputs)} of the bar")
        row = self.advance(tuple(map(float, values)))
        return row[0] if len(row) == 1 else row

    def advance(self, row: Row) -> Row:
        """Take the next bar's inputs as one tuple of floats, unchecked; return all outputs as a tuple."""
        for value in row:
            if value != value:  # noqa: PLR0124 - a NaN, told without a call
                return self._undefined
        return self._step(self._state, self._numbers, row)
