"""Rules as rows of numbers: what the compiled sweep reads of each cell, and which series its comparisons are made of.

Cells that compare the same thing share it: a series is listed once, whatever number of cells reads it.
"""

from __future__ import annotations

import functools
import itertools
import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import numpy as np

from qts.core.arrays import Floats, Ints
from qts.kernels import find_indicator
from qts.kernels.crosses import ABOVE, AT_LEAST, CROSS, NEVER
from qts.kernels.indicator import IndicatorSpec, Numbers
from qts.kernels.tiles import CONSTANT, EXPONENTIAL, GIVEN, N_MEMORY, N_SERIES, NEEDED, SPAN
from qts.strategies import Column, Combination, Comparison, Condition, Const, Indicator, ParamValue, Ref, Rule, Term

CLOSE: Final = "close"
Values: TypeAlias = Mapping[str, ParamValue]
Compared: TypeAlias = tuple[int, int, int]
# Terms with a row of their own; those of a longer interval, of bars ago and of arithmetic have none.
Plain: TypeAlias = Column | Const | Ref | Indicator
Sides: TypeAlias = tuple[str, Plain, Plain]
Number: TypeAlias = Const | Ref

# How each operator is made of "above", "at least" and "crosses above": the last says whether the sides change places.
_OPERATORS: Final = {
    ">": (ABOVE, False),
    ">=": (AT_LEAST, False),
    "<": (ABOVE, True),
    "<=": (AT_LEAST, True),
    "crosses_above": (CROSS, False),
    "crosses_below": (CROSS, True),
}
_NEVER: Final[Compared] = (NEVER, 0, 0)
# How numbers compare; they never cross.
_OF_NUMBERS: Final[Mapping[str, Callable[[float, float], bool]]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A series made by an indicator of the registry, or a column as it is where ``spec`` is None; ``output`` is which of several."""

    columns: tuple[str, ...]
    spec: IndicatorSpec | None = None
    numbers: Numbers = ()
    output: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A condition of a rule: two sides that are compared, and comparisons of numbers that hold or not for a whole cell."""

    sides: Sides
    only_if: tuple[tuple[str, Number, Number], ...] = ()

    def holds(self, values: Values) -> bool:
        """Return whether the numbers of this cell compare as they must."""
        return all(_OF_NUMBERS[how](_number(left, values), _number(right, values)) for how, left, right in self.only_if)


@dataclass(slots=True)  # grows while cells are read
class SeriesList:
    """Every series of a sweep once: closes averaged exponentially, numbers, and what is made outside the loop."""

    rows: dict[object, int] = field(default_factory=dict)
    sources: list[tuple[int, int]] = field(default_factory=list)
    numbers: list[tuple[float, float]] = field(default_factory=list)
    first: list[int] = field(default_factory=list)
    made: list[Made] = field(default_factory=list)

    def constant(self, value: float) -> int:
        """Return the row of a number."""
        return self._row(("constant", value), (CONSTANT, 0), (value, 0.0), 0)

    def average(self, span: float, needed: float) -> int:
        """Return the row of an exponential average of closes that begins with the mean of its first ``needed`` values."""
        return self._row(("average", span, needed), (EXPONENTIAL, 0), (span, needed), int(needed) - 1)

    def outside(self, made: Made, first: int) -> int:
        """Return the row of a series made outside the loop, defined from bar ``first`` on."""
        key = (made.columns, made.spec and made.spec.id, made.numbers, made.output)
        if key not in self.rows:
            self.made.append(made)
        return self._row(key, (GIVEN, len(self.made) - 1), (0.0, 0.0), first)

    def table(self) -> tuple[Ints, Floats]:
        """Return ``series`` and ``memory``."""
        series = np.array(self.sources, dtype=np.int64).reshape(-1, N_SERIES)
        memory = np.zeros((len(series), N_MEMORY))
        memory[:, [SPAN, NEEDED]] = np.array(self.numbers, dtype=np.float64).reshape(-1, 2)
        return series, memory

    def _row(self, key: object, source: tuple[int, int], numbers: tuple[float, float], first: int) -> int:
        if key not in self.rows:
            self.rows[key] = len(self.sources)
            self.sources.append(source)
            self.numbers.append(numbers)
            self.first.append(first)
        return self.rows[key]


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleCells:
    """Cells as rows, and their series, as ``qts.kernels.tiles`` reads them; ``memory`` is that of the first bar, to be copied.

    ``columns`` are the columns of the bars that anything reads.
    """

    cells: Ints
    series: Ints
    memory: Floats
    made: tuple[Made, ...]
    columns: tuple[str, ...]


def rule_cells(rule: Rule, values: Sequence[Values]) -> RuleCells | None:
    """Return the cells of a sweep as rows; None for a rule that is more than four comparisons of plain terms.

    Each of them may stand under conditions of numbers alone, such as a parameter that says whether to go short.
    """
    conditions: list[Said | None] = []
    for condition in (rule.enter, rule.exit, rule.short_enter, rule.short_exit):
        said = None if condition is None else _said(condition)
        if condition is not None and said is None:
            return None
        conditions.append(said)
    found = SeriesList()
    reader = _Reader(found, rule, conditions)
    cells = np.array([reader.row(cell) for cell in values], dtype=np.int64)
    used = {CLOSE, *(name for made in found.made for name in made.columns)}
    series, memory = found.table()
    return RuleCells(cells=cells, series=series, memory=memory, made=tuple(found.made), columns=tuple(sorted(used)))


def rule_cell(rule: Rule, values: Values) -> RuleCells | None:
    """Return one cell as :func:`rule_cells` does; those asked for lately are remembered, as reading one takes as long as a short run."""
    return _known_cell(rule, tuple(values.items()))


@functools.lru_cache(maxsize=64)
def _known_cell(rule: Rule, values: tuple[tuple[str, ParamValue], ...]) -> RuleCells | None:
    return rule_cells(rule, (dict(values),))


class _Reader:
    """Reads cells one after the other; what two of them share is looked up once."""

    def __init__(self, series: SeriesList, rule: Rule, conditions: Sequence[Said | None]) -> None:
        self._series = series
        self._rule = rule
        places: dict[Plain, _Placer] = {}
        self._sides: list[tuple[Said, _Placer, _Placer] | None] = []
        for one in conditions:
            if one is None:
                self._sides.append(None)
            else:
                left, right = (places.setdefault(term, _Placer(series, term)) for term in one.sides[1:])
                self._sides.append((one, left, right))

    def row(self, values: Values) -> list[int]:
        """Return the row of one cell."""
        compared: list[Compared] = []
        first = self._rule.warmup_bars(values)
        for sides in self._sides:
            if sides is None:
                compared.append(_NEVER)
                continue
            said, left, right = sides[0], sides[1](values), sides[2](values)
            first = max(first, self._series.first[left], self._series.first[right])
            # What never holds must be defined all the same.
            how, *rows = _comparison(said.sides[0], left, right)
            compared.append((how if said.holds(values) else NEVER, rows[0], rows[1]))
        if compared[2][0] == NEVER:
            # What is never entered is never left.
            compared[3] = (NEVER, *compared[3][1:])
        return [first, int(_is_pair(compared)), *itertools.chain.from_iterable(compared)]


class _Placer:
    """Finds the row of one term, whatever the parameters' values."""

    def __init__(self, series: SeriesList, term: Plain) -> None:
        self._series = series
        self._term = term
        self._names = tuple(each.name for each in term.params if isinstance(each, Ref)) if isinstance(term, Indicator) else ()
        if isinstance(term, Ref):
            self._names = (term.name,)
        self._known: dict[tuple[ParamValue, ...], int] = {}

    def __call__(self, values: Values) -> int:
        key = tuple([values[name] for name in self._names])
        row = self._known.get(key)
        if row is None:
            row = self._known[key] = self._found(values)
        return row

    def _found(self, values: Values) -> int:
        match self._term:
            case Const(value):
                return self._series.constant(float(value))
            case Ref(name):
                return self._series.constant(float(values[name]))
            case Column(name):
                return self._series.outside(Made(columns=(name,)), 0)
            case _:
                return self._indicator(self._term, values)

    def _indicator(self, term: Indicator, values: Values) -> int:
        spec = find_indicator(term.kind)
        numbers = spec.numbers(term.given(values))
        columns = tuple(term.of.name if name == CLOSE and len(spec.inputs) == 1 else name for name in spec.inputs)
        if spec.id == "ema" and columns == (CLOSE,):
            return self._series.average(numbers[0], 1.0 if numbers[1] > 0.0 else numbers[0])
        output = spec.outputs.index(term.output) if term.output is not None else 0
        return self._series.outside(Made(columns=columns, spec=spec, numbers=numbers, output=output), math.ceil(spec.first(numbers)))


def _said(condition: Condition) -> Said | None:
    """Return a comparison of two plain terms, alone or joined by ``and`` with comparisons of numbers; None for anything else."""
    if not isinstance(condition, Combination) or condition.operator != "and":
        sides = _sides(condition)
        return None if sides is None else Said(sides=sides)
    numbers = [found for part in condition.parts if (found := _numbers(part)) is not None]
    others = [sides for part in condition.parts if _numbers(part) is None and (sides := _sides(part)) is not None]
    if len(others) != 1 or len(numbers) + 1 != len(condition.parts):
        return None
    return Said(sides=others[0], only_if=tuple(numbers))


def _numbers(condition: Condition) -> tuple[str, Number, Number] | None:
    """Return a comparison of two numbers, such as a parameter and a constant; None for anything else."""
    if not isinstance(condition, Comparison) or condition.operator not in _OF_NUMBERS:
        return None
    left, right = condition.left, condition.right
    return (condition.operator, left, right) if isinstance(left, (Const, Ref)) and isinstance(right, (Const, Ref)) else None


def _number(term: Number, values: Values) -> float:
    return float(term.value) if isinstance(term, Const) else float(values[term.name])


def _sides(condition: Condition) -> Sides | None:
    """Return a comparison of two plain terms; None for anything else."""
    if not isinstance(condition, Comparison):
        return None
    left, right = _plain(condition.left), _plain(condition.right)
    return None if left is None or right is None else (condition.operator, left, right)


def _plain(term: Term) -> Plain | None:
    if isinstance(term, (Const, Ref)) or (isinstance(term, (Column, Indicator)) and term.interval is None):
        return term
    return None


def _comparison(operator: str, left: int, right: int) -> Compared:
    how, turned = _OPERATORS[operator]
    return (how, right, left) if turned else (how, left, right)


def _is_pair(compared: Sequence[Compared]) -> bool:
    """Return whether all is the crosses of one pair of series: up goes long, down leaves, and the other way round for shorts."""
    (how, left, right), leave, short_enter, short_leave = compared
    if how != CROSS or leave != (CROSS, right, left):
        return False
    return (short_enter[0], short_leave[0]) == (NEVER, NEVER) or (short_enter, short_leave) == (leave, compared[0])
