"""What rules speak of: terms, which have a value on each bar, and conditions, which compare them. All of it is data.

>>> channel = Indicator("donchian", 20, 1, output="upper") * 1.01
>>> breakout = Column("close") > channel
>>> breakout.operator, breakout.right.right
('>', Const(value=1.01))
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from qts.core.errors import BadParameter
from qts.core.interval import Interval, parse_interval
from qts.kernels import find_indicator
from qts.kernels.indicator import LONGEST
from qts.strategies.params import ParamValue

if TYPE_CHECKING:
    from qts.strategies.params import Param

Values: TypeAlias = Mapping[str, ParamValue]

CLOSE: Final = "close"
COLUMNS: Final = ("open", "high", "low", "close", "volume")
_NO_BARS_AGO: Final = f"Give a whole number of bars from 0 to {LONGEST}, or a whole-number parameter."


def _interval_of(text: str | None) -> Interval | None:
    return None if text is None else parse_interval(text)


class _Term:
    """Terms compare into conditions, and are added, taken off, multiplied and divided into further terms."""

    __slots__ = ()

    def __lt__(self, other: Term | float) -> Comparison:
        return Comparison("<", term_of(self), term_of(other))

    def __le__(self, other: Term | float) -> Comparison:
        return Comparison("<=", term_of(self), term_of(other))

    def __gt__(self, other: Term | float) -> Comparison:
        return Comparison(">", term_of(self), term_of(other))

    def __ge__(self, other: Term | float) -> Comparison:
        return Comparison(">=", term_of(self), term_of(other))

    def __add__(self, other: Term | float) -> Arithmetic:
        return Arithmetic("+", term_of(self), term_of(other))

    def __radd__(self, other: float) -> Arithmetic:
        return Arithmetic("+", term_of(other), term_of(self))

    def __sub__(self, other: Term | float) -> Arithmetic:
        return Arithmetic("-", term_of(self), term_of(other))

    def __rsub__(self, other: float) -> Arithmetic:
        return Arithmetic("-", term_of(other), term_of(self))

    def __mul__(self, other: Term | float) -> Arithmetic:
        return Arithmetic("*", term_of(self), term_of(other))

    def __rmul__(self, other: float) -> Arithmetic:
        return Arithmetic("*", term_of(other), term_of(self))

    def __truediv__(self, other: Term | float) -> Arithmetic:
        return Arithmetic("/", term_of(self), term_of(other))

    def __rtruediv__(self, other: float) -> Arithmetic:
        return Arithmetic("/", term_of(other), term_of(self))

    def crosses_above(self, other: Term | float) -> Comparison:
        """Return the condition "was at or below, is now above"; both sides defined on both bars."""
        return Comparison("crosses_above", term_of(self), term_of(other))

    def crosses_below(self, other: Term | float) -> Comparison:
        """Return the condition "was at or above, is now below"; both sides defined on both bars."""
        return Comparison("crosses_below", term_of(self), term_of(other))


class _Condition:
    """Conditions combine with ``&``, ``|`` and ``~``."""

    __slots__ = ()

    def __and__(self, other: Condition) -> Combination:
        return Combination("and", (_condition_of(self), _condition_of(other)))

    def __or__(self, other: Condition) -> Combination:
        return Combination("or", (_condition_of(self), _condition_of(other)))

    def __invert__(self) -> Combination:
        return Combination("not", (_condition_of(self),))

    def __bool__(self) -> bool:
        # Python's own "and" would keep one half of the condition and drop the other without a word.
        raise BadParameter(
            "rule",
            "a condition",
            "is neither true nor false before there are bars",
            hint="Combine conditions with & | ~, each in brackets; not with and, or, not, nor as low < x < high.",
        )


@dataclass(frozen=True, slots=True)
class Column(_Term):
    """A column of the bars, ``Column("close")``, or of the closed bars of a longer interval, ``Column("close", interval="1d")``."""

    name: str
    interval: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "interval", _interval_of(self.interval))


@dataclass(frozen=True, slots=True)
class Const(_Term):
    """A number: ``Const(30)``; a bare number in a comparison means the same."""

    value: float


@dataclass(frozen=True, slots=True)
class Ref(_Term):
    """The value of a parameter: ``Ref("fast")``; a switch is 1 or 0."""

    name: str


@dataclass(frozen=True, slots=True, init=False)
class Indicator(_Term):
    """An indicator by its name and numbers: ``Indicator("ema", Ref("fast"))``, ``Indicator("macd", 12, 26, 9, output="signal")``.

    Numbers left out are the indicator's defaults; without ``output`` it is the first one. ``of`` is the column that an indicator of one
    column reads; those of several read their own. ``seed`` is how an average starts, where there is a choice. With ``interval`` it is
    computed on the closed bars of that longer interval.
    """

    kind: str
    params: tuple[Ref | float, ...]
    of: Column
    output: str | None
    seed: str | None
    interval: str | None

    def __init__(
        self,
        kind: str,
        *params: Ref | float,
        of: Column = Column(CLOSE),
        output: str | None = None,
        seed: str | None = None,
        interval: str | None = None,
    ) -> None:
        given = {"kind": kind, "params": params, "of": of, "output": output, "seed": seed, "interval": _interval_of(interval)}
        for name, value in given.items():
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
                check_term(value, params)
            else:
                fixed[name] = spec.number(name, value)
        if not any(isinstance(each, Ref) for each in self.params):
            spec.numbers(fixed)
        elif self.seed is not None:
            spec.numbers({"seed": self.seed})
        if self.output is not None and self.output not in spec.outputs:
            raise BadParameter("output", self.output, f"{self.kind} has no such output", hint=f"Outputs are {', '.join(spec.outputs)}.")
        self._check_column(spec.inputs, params)

    def given(self, values: Values) -> dict[str, float | str]:
        """Return the numbers and the seed by their names in the registry, with the values of parameters in place of references."""
        numbers = (values[each.name] if isinstance(each, Ref) else each for each in self.params)
        found: dict[str, float | str] = dict(find_indicator(self.kind).bind(*numbers))
        return found if self.seed is None else {**found, "seed": self.seed}

    def _check_column(self, inputs: tuple[str, ...], params: Mapping[str, Param]) -> None:
        check_term(self.of, params)
        if self.of.interval is not None:
            hint = f'Write Indicator("{self.kind}", …, interval="{self.of.interval}").'
            raise BadParameter("of", f"{self.of.name} of {self.of.interval}", "the indicator has the interval, not its column", hint=hint)
        if self.of.name != CLOSE and inputs != (CLOSE,):
            raise BadParameter("of", self.of.name, f"{self.kind} reads {', '.join(inputs)}", hint="Leave it out.")


@dataclass(frozen=True, slots=True)
class Lag(_Term):
    """The value a term had ``n`` bars ago: ``Lag(Column("close"), 5)``; undefined on the first ``n`` bars.

    Bars are the strategy's own, also where the term is of a longer interval; with ``interval``, term and bars are of that longer
    interval: ``Lag(Column("close"), 1, interval="1d")`` is the close of the closed day before the last closed one.
    """

    term: Term
    n: Ref | int
    interval: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "term", term_of(self.term))
        object.__setattr__(self, "interval", _interval_of(self.interval))

    def bars_ago(self, values: Values) -> int:
        """Return ``n`` as a number of bars.

        Raises
        ------
        BadParameter
            If it is not whole, or would look ahead.
        """
        given = values[self.n.name] if isinstance(self.n, Ref) else self.n
        name = self.n.name if isinstance(self.n, Ref) else "n"
        if isinstance(given, (bool, str)) or not 0 <= given <= LONGEST or given != int(given):
            raise BadParameter(name, given, "is not a number of bars ago", hint=_NO_BARS_AGO)
        return int(given)


@dataclass(frozen=True, slots=True)
class Arithmetic(_Term):
    """Two terms added, taken off, multiplied or divided; undefined where one of them is, and where a division is by zero."""

    operator: str
    left: Term
    right: Term


@dataclass(frozen=True, slots=True)
class Comparison(_Condition):
    """Two terms and how they compare; false wherever one of them is undefined."""

    operator: str
    left: Term
    right: Term


@dataclass(frozen=True, slots=True)
class Combination(_Condition):
    """Conditions joined by ``and`` or ``or``, or one turned round by ``not``."""

    operator: str
    parts: tuple[Condition, ...]


Term: TypeAlias = Column | Const | Ref | Indicator | Lag | Arithmetic
Condition: TypeAlias = Comparison | Combination


def check_term(term: Term, params: Mapping[str, Param]) -> None:
    """Refuse a term that speaks of an unknown column, parameter or indicator.

    Raises
    ------
    BadParameter
        Naming what is unknown.
    """
    match term:
        case Column(name) if name not in COLUMNS:
            raise BadParameter("rule", name, "bars have no such column", hint=f"Columns are {', '.join(COLUMNS)}.")
        case Ref(name):
            _check_ref(name, params)
        case Indicator():
            term.check(params)
        case Lag(inner, n):
            check_term(inner, params)
            if isinstance(n, Ref):
                check_term(n, params)
            else:
                term.bars_ago({})
        case Arithmetic(_, left, right):
            check_term(left, params)
            check_term(right, params)
        case _:
            pass


def term_of(value: object) -> Term:
    """Return a term as it is, and a number as one.

    Raises
    ------
    BadParameter
        If it is neither.
    """
    if isinstance(value, (Column, Const, Ref, Indicator, Lag, Arithmetic)):
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return Const(float(value))
    raise BadParameter("rule", value, "is neither a term nor a number", hint="Use columns, indicators, parameters and numbers.")


def _check_ref(name: str, params: Mapping[str, Param]) -> None:
    if name not in params:
        known = f"Parameters are {', '.join(params)}." if params else "The strategy has no parameters."
        raise BadParameter("rule", name, "the strategy has no such parameter", hint=known)
    if isinstance(params[name].default, str):
        raise BadParameter("rule", name, "the parameter is a word, not a number", hint="Refer to numbers and switches only.")


def _condition_of(value: object) -> Condition:
    if isinstance(value, (Comparison, Combination)):
        return value
    raise BadParameter("rule", value, "is not a condition", hint="Combine comparisons with & | ~.")
