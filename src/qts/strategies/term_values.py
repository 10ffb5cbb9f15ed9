"""What the terms and conditions of a rule come to on each bar, everything computed once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias, assert_never

import numpy as np

from qts.core.arrays import Bools, Floats
from qts.core.bars import Bars
from qts.kernels import crosses_above, crosses_below, find_indicator
from qts.strategies.higher import HigherBars, higher_bars
from qts.strategies.terms import CLOSE, Arithmetic, Column, Comparison, Condition, Const, Indicator, Lag, Ref, Term, Values, check_term

_COMPARE: Final[Mapping[str, Callable[[Floats, Floats], Bools]]] = {
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
    "crosses_above": crosses_above,
    "crosses_below": crosses_below,
}
_COMPUTE: Final[Mapping[str, Callable[[Floats, Floats], Floats]]] = {"+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide}
_OfInterval: TypeAlias = Column | Indicator | Lag


def values_of(term: Term, bars: Bars) -> Floats:
    """Return a term without parameters on each bar, shape ``(n_bars,)``; NaN where it is not defined.

    Raises
    ------
    BadParameter
        If it speaks of an unknown column, indicator or parameter, or of an interval that is not longer than the bars'.
    """
    check_term(term, {})
    return TermValues(bars, {}).of(term)


class TermValues:
    """The terms and conditions of a rule on one instrument's bars, under these values of its parameters."""

    __slots__ = ("_bars", "_known", "_longer", "_values")

    def __init__(self, bars: Bars, values: Values) -> None:
        self._bars = bars
        self._values = values
        self._known: dict[Term, Floats] = {}
        self._longer: dict[str, tuple[HigherBars, TermValues]] = {}

    def of(self, term: Term) -> Floats:
        """Return the term on each bar, shape ``(n_bars,)``; NaN where it is not defined.

        Raises
        ------
        BadParameter
            If a parameter does not fit, or an interval is not longer than the bars'.
        """
        if term not in self._known:
            self._known.update(self._compute(term))
        return self._known[term]

    def truth(self, condition: Condition) -> Bools:
        """Return on which bars the condition is true, shape ``(n_bars,)``.

        Raises
        ------
        BadParameter
            As of :meth:`of`.
        """
        if isinstance(condition, Comparison):
            return _COMPARE[condition.operator](self.of(condition.left), self.of(condition.right))
        parts = [self.truth(part) for part in condition.parts]
        if condition.operator == "not":
            return ~parts[0]
        return np.logical_and(*parts) if condition.operator == "and" else np.logical_or(*parts)

    def _compute(self, term: Term) -> dict[Term, Floats]:
        if isinstance(term, (Column, Indicator, Lag)) and term.interval is not None:
            return {term: self._of_longer(term, term.interval)}
        return self._outputs(term) if isinstance(term, Indicator) else {term: self._single(term)}

    def _single(self, term: Column | Const | Ref | Lag | Arithmetic) -> Floats:
        found: Floats
        match term:
            case Column(name):
                found = getattr(self._bars, name)
            case Const(value):
                found = np.full(len(self._bars), float(value))
            case Ref(name):
                found = np.full(len(self._bars), float(self._values[name]))
            case Lag(inner):
                found = _before(self.of(inner), term.bars_ago(self._values))
            case Arithmetic(operator, left, right):
                found = _computed(operator, self.of(left), self.of(right))
            case _:
                assert_never(term)
        return found

    def _of_longer(self, term: _OfInterval, interval: str) -> Floats:
        if interval not in self._longer:
            longer = higher_bars(self._bars, interval)
            self._longer[interval] = (longer, TermValues(longer.bars, self._values))
        longer, terms = self._longer[interval]
        return longer.of(terms.of(_on_own_bars(term)))

    def _outputs(self, term: Indicator) -> dict[Term, Floats]:
        """Return the term with all its other outputs, which cost nothing more."""
        spec = find_indicator(term.kind)
        columns = [getattr(self._bars, term.of.name if name == CLOSE and len(spec.inputs) == 1 else name) for name in spec.inputs]
        arrays = spec.batch(columns, term.given(self._values))
        found: dict[Term, Floats] = {}
        for output, array in zip(spec.outputs, arrays, strict=True):
            found[Indicator(term.kind, *term.params, of=term.of, output=output, seed=term.seed)] = array
        return {Indicator(term.kind, *term.params, of=term.of, seed=term.seed): arrays[0], **found}


def _on_own_bars(term: _OfInterval) -> Term:
    match term:
        case Column(name):
            return Column(name)
        case Indicator():
            return Indicator(term.kind, *term.params, of=term.of, output=term.output, seed=term.seed)
        case Lag(inner, n):
            return Lag(inner, n)
        case _:
            assert_never(term)


def _before(values: Floats, n: int) -> Floats:
    n = min(n, len(values))
    return np.concatenate((np.full(n, np.nan), values[: len(values) - n]))


def _computed(operator: str, left: Floats, right: Floats) -> Floats:
    with np.errstate(all="ignore"):
        found = _COMPUTE[operator](left, right)
    return np.where(np.isfinite(found), found, np.nan)
