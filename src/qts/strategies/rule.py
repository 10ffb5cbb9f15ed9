"""Rules: entries and exits written as expressions over indicators and parameters, kept as data.

A rule is a tree of frozen values: nothing in it is code, so it can be drawn, stored, compared, and compiled for a sweep.

>>> fast, slow = Indicator("ema", Ref("fast")), Indicator("ema", Ref("slow"))
>>> rule = Rule(enter=fast.crosses_above(slow), exit=fast.crosses_below(slow))
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias, assert_never

import numpy as np

from qts.core.arrays import Bools, Floats
from qts.core.bars import Bars
from qts.core.errors import BadParameter
from qts.kernels import crosses_above, crosses_below, find_indicator
from qts.strategies.params import ParamValue

if TYPE_CHECKING:
    from qts.strategies.params import Param

Values: TypeAlias = Mapping[str, ParamValue]

CLOSE: Final = "close"
_COLUMNS: Final = ("open", "high", "low", "close", "volume")
_COMPARE: Final[Mapping[str, Callable[[Floats, Floats], Bools]]] = {
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
    "crosses_above": crosses_above,
    "crosses_below": crosses_below,
}


class _Comparable:
    """Terms compare into conditions."""

    __slots__ = ()

    def __lt__(self, other: Term | float) -> Comparison:
        return Comparison("<", _term(self), _term(other))

    def __le__(self, other: Term | float) -> Comparison:
        return Comparison("<=", _term(self), _term(other))

    def __gt__(self, other: Term | float) -> Comparison:
        return Comparison(">", _term(self), _term(other))

    def __ge__(self, other: Term | float) -> Comparison:
        return Comparison(">=", _term(self), _term(other))

    def crosses_above(self, other: Term | float) -> Comparison:
        """Return the condition "was at or below, is now above"; both sides defined on both bars."""
        return Comparison("crosses_above", _term(self), _term(other))

    def crosses_below(self, other: Term | float) -> Comparison:
        """Return the condition "was at or above, is now below"; both sides defined on both bars."""
        return Comparison("crosses_below", _term(self), _term(other))


class _Combinable:
    """Conditions combine with ``&``, ``|`` and ``~``."""

    __slots__ = ()

    def __and__(self, other: Condition) -> Combination:
        return Combination("and", (_condition(self), other))

    def __or__(self, other: Condition) -> Combination:
        return Combination("or", (_condition(self), other))

    def __invert__(self) -> Combination:
        return Combination("not", (_condition(self),))


@dataclass(frozen=True, slots=True)
class Column(_Comparable):
    """A column of the bars: ``Column("close")``."""

    name: str


@dataclass(frozen=True, slots=True)
class Const(_Comparable):
    """A number: ``Const(30)``; a bare number in a comparison means the same."""

    value: float


@dataclass(frozen=True, slots=True)
class Ref(_Comparable):
    """The value of a parameter: ``Ref("fast")``."""

    name: str


@dataclass(frozen=True, slots=True, init=False)
class Indicator(_Comparable):
    """An indicator by its name and numbers: ``Indicator("ema", Ref("fast"))``, ``Indicator("macd", 12, 26, 9, output="signal")``.

    Numbers left out are the indicator's defaults; without ``output`` it is the first one. ``of`` is the column that an indicator of one
    column reads; those of several read their own. ``seed`` is how an average starts, where there is a choice.
    """

    kind: str
    params: tuple[Ref | float, ...]
    of: Column
    output: str | None
    seed: str | None

    def __init__(
        self, kind: str, *params: Ref | float, of: Column = Column(CLOSE), output: str | None = None, seed: str | None = None
    ) -> None:
        for name, value in (("kind", kind), ("params", params), ("of", of), ("output", output), ("seed", seed)):
            object.__setattr__(self, name, value)

    def check(self, params: Mapping[str, Param]) -> None:
        """Refuse an indicator that does not exist, or not with these numbers, column, output or seed.

        Raises
        ------
        BadParameter
            Naming what is wrong.
        """
        spec = find_indicator(self.kind)
        fixed: dict[str, float | str] = {} if self.seed is None else {"seed": self.seed}
        for name, value in spec.bind(*self.params).items():
            if isinstance(value, Ref):
                _check(value, params)
            else:
                fixed[name] = spec.number(name, value)
        if not any(isinstance(each, Ref) for each in self.params):
            spec.numbers(fixed)
        elif self.seed is not None:
            spec.numbers({"seed": self.seed})
        if self.output is not None and self.output not in spec.outputs:
            raise BadParameter("output", self.output, f"{self.kind} has no such output", hint=f"Outputs are {', '.join(spec.outputs)}.")
        _check(self.of, params)
        if self.of.name != CLOSE and spec.inputs != (CLOSE,):
            raise BadParameter("of", self.of.name, f"{self.kind} reads {', '.join(spec.inputs)}", hint="Leave it out.")

    def given(self, values: Values) -> dict[str, float | str]:
        """Return the numbers and the seed by their names in the registry, with the values of parameters in place of references."""
        numbers = (values[each.name] if isinstance(each, Ref) else each for each in self.params)
        found: dict[str, float | str] = dict(find_indicator(self.kind).bind(*numbers))
        return found if self.seed is None else {**found, "seed": self.seed}


@dataclass(frozen=True, slots=True)
class Comparison(_Combinable):
    """Two terms and how they compare; false wherever one of them is undefined."""

    operator: str
    left: Term
    right: Term


@dataclass(frozen=True, slots=True)
class Combination(_Combinable):
    """Conditions joined by ``and`` or ``or``, or one turned round by ``not``."""

    operator: str
    parts: tuple[Condition, ...]


Term: TypeAlias = Column | Const | Ref | Indicator
Condition: TypeAlias = Comparison | Combination


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """When to go in and out.

    While flat, ``enter`` opens a long and ``short_enter`` a short; while long, ``exit`` leaves; while short, ``short_exit`` leaves. A bar
    that leaves may open the other direction at once, never the same one again; a side whose exit is true is not entered. On bars where
    any indicator of the rule is undefined, nothing is decided, nor on the first ``warmup`` bars: averages seeded with the first value are
    defined at once, but mean little before they have seen their span.
    """

    enter: Condition
    exit: Condition
    short_enter: Condition | None = None
    short_exit: Condition | None = None
    warmup: Ref | int | None = None

    def check(self, params: Mapping[str, Param]) -> None:
        """Refuse a rule that speaks of unknown parameters, columns or indicators.

        Raises
        ------
        BadParameter
            Naming what is unknown.
        """
        if (self.short_enter is None) != (self.short_exit is None):
            raise BadParameter("rule", "short", "needs both short_enter and short_exit", hint="Give both, or neither.")
        for term in self.terms():
            _check(term, params)
        if isinstance(self.warmup, Ref):
            _check(self.warmup, params)
        elif self.warmup is not None and self.warmup < 0:
            raise BadParameter("warmup", self.warmup, "is not a number of bars", hint="Give none, a whole number, or a parameter.")

    def warmup_bars(self, values: Values) -> int:
        """Return on how many bars from the first nothing is decided, whatever the indicators say."""
        given = values[self.warmup.name] if isinstance(self.warmup, Ref) else self.warmup
        return max(0, int(given or 0))

    def terms(self) -> tuple[Term, ...]:
        """Return every term of the rule once, in order of appearance."""
        found: dict[Term, None] = {}
        for condition in self._conditions():
            found.update(dict.fromkeys(_terms(condition)))
        return tuple(found)

    def exposure(self, bars: Bars, values: Values) -> Floats:
        """Return the target exposure of each bar, shape ``(n_bars,)``: 1, 0, -1, or NaN where nothing is decided."""
        memo: dict[Term, Floats] = {}
        defined = np.ones(len(bars), dtype=np.bool_)
        for term in self.terms():
            defined &= ~np.isnan(_values(term, bars, values, memo))
        defined[: self.warmup_bars(values)] = False
        signals = [_truth(condition, bars, values, memo) & defined for condition in self._conditions()]
        never = np.zeros(len(bars), dtype=np.bool_)
        signals += [never] * (4 - len(signals))
        return np.where(defined, _walk(*signals), np.nan)

    def _conditions(self) -> tuple[Condition, ...]:
        both = (self.enter, self.exit, self.short_enter, self.short_exit)
        return tuple(condition for condition in both if condition is not None)


def values_of(term: Term, bars: Bars) -> Floats:
    """Return a term without parameters on each bar, shape ``(n_bars,)``; NaN where it is not defined.

    Raises
    ------
    BadParameter
        If it speaks of an unknown column, indicator or parameter.
    """
    _check(term, {})
    return _values(term, bars, {}, {})


def _walk(enter: Bools, leave: Bools, short_enter: Bools, short_leave: Bools) -> Floats:
    """Return the state after each bar; only bars where something is true are visited."""
    events = np.flatnonzero(enter | leave | short_enter | short_leave)
    states = np.empty(len(events) + 1)
    states[0] = state = 0.0
    for k, at in enumerate(events.tolist()):
        opens_long = enter[at] and not leave[at]
        opens_short = short_enter[at] and not short_leave[at]
        if (state > 0 and leave[at]) or (state < 0 and short_leave[at]):
            opens_long, opens_short = opens_long and state < 0, opens_short and state > 0
            state = 0.0
        if state == 0.0:
            state = 1.0 if opens_long else -1.0 if opens_short else 0.0
        states[k + 1] = state
    lengths = np.diff(np.concatenate(([0], events, [len(enter)])))
    return np.repeat(states, lengths)


def _values(term: Term, bars: Bars, values: Values, memo: dict[Term, Floats]) -> Floats:
    if term not in memo:
        memo.update(_compute(term, bars, values))
    return memo[term]


def _compute(term: Term, bars: Bars, values: Values) -> dict[Term, Floats]:
    match term:
        case Column(name):
            return {term: getattr(bars, name)}
        case Const(value):
            return {term: np.full(len(bars), float(value))}
        case Ref(name):
            return {term: np.full(len(bars), float(values[name]))}
        case Indicator():
            return _outputs(term, bars, values)
        case _:
            assert_never(term)


def _outputs(term: Indicator, bars: Bars, values: Values) -> dict[Term, Floats]:
    """Return the term with all its other outputs, which cost nothing more."""
    spec = find_indicator(term.kind)
    columns = [getattr(bars, term.of.name if name == CLOSE and len(spec.inputs) == 1 else name) for name in spec.inputs]
    arrays = spec.batch(columns, term.given(values))
    found: dict[Term, Floats] = {}
    for output, array in zip(spec.outputs, arrays, strict=True):
        found[Indicator(term.kind, *term.params, of=term.of, output=output, seed=term.seed)] = array
    return {Indicator(term.kind, *term.params, of=term.of, seed=term.seed): arrays[0], **found}


def _truth(condition: Condition, bars: Bars, values: Values, memo: dict[Term, Floats]) -> Bools:
    if isinstance(condition, Comparison):
        left, right = (_values(term, bars, values, memo) for term in (condition.left, condition.right))
        return _COMPARE[condition.operator](left, right)
    parts = [_truth(part, bars, values, memo) for part in condition.parts]
    if condition.operator == "not":
        return ~parts[0]
    return np.logical_and(*parts) if condition.operator == "and" else np.logical_or(*parts)


def _terms(condition: Condition) -> Iterator[Term]:
    if isinstance(condition, Comparison):
        yield condition.left
        yield condition.right
        return
    for part in condition.parts:
        yield from _terms(part)


def _check(term: Term, params: Mapping[str, Param]) -> None:
    match term:
        case Column(name) if name not in _COLUMNS:
            raise BadParameter("rule", name, "bars have no such column", hint=f"Columns are {', '.join(_COLUMNS)}.")
        case Ref(name) if name not in params:
            raise BadParameter("rule", name, "the strategy has no such parameter", hint=f"Parameters are {', '.join(params)}.")
        case Indicator():
            term.check(params)
        case _:
            pass


def _term(value: object) -> Term:
    if isinstance(value, (Column, Const, Ref, Indicator)):
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return Const(float(value))
    raise BadParameter("rule", value, "is neither a term nor a number", hint="Compare columns, indicators, parameters and numbers.")


def _condition(value: object) -> Condition:
    if isinstance(value, (Comparison, Combination)):
        return value
    raise BadParameter("rule", value, "is not a condition", hint="Combine comparisons with & | ~.")
