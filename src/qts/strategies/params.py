"""Parameters of a strategy: typed values with bounds, read alike from forms, flags, files and code."""

from __future__ import annotations

import ast
import functools
import math
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from enum import StrEnum
from types import CodeType
from typing import Final, TypeAlias, assert_never

from qts.core.errors import BadParameter

ParamValue: TypeAlias = int | float | str | bool

_TRUE: Final = ("true", "yes", "on", "1")
_FALSE: Final = ("false", "no", "off", "0")
_ALLOWED: Final = (
    ast.Expression, ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.Not, ast.USub, ast.Compare, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq,
    ast.NotEq, ast.BinOp, ast.Add, ast.Sub, ast.Mult, ast.Name, ast.Load, ast.Constant,
)  # fmt: skip


class ParamKind(StrEnum):
    """What a parameter's value is; decides its form field and how its text is read."""

    INT = "int"
    FLOAT = "float"
    BOOL = "bool"
    CHOICE = "choice"


@dataclass(frozen=True, slots=True)
class Param:
    """One parameter: its default tells its kind, the rest its bounds.

    ``Param(12, low=2, high=200)`` is a whole number, ``Param(0.5)`` a number, ``Param(False)`` a switch and
    ``Param("sma", choices=("sma", "wma"))`` a choice. Both bounds are inclusive. ``step`` guides forms and sweeps and refuses nothing.

    Raises
    ------
    BadParameter
        If the default breaks its own bounds.
    """

    default: ParamValue
    _: KW_ONLY
    low: float | None = None
    high: float | None = None
    step: float | None = None
    choices: tuple[ParamValue, ...] = ()
    help: str = ""

    def __post_init__(self) -> None:
        if not self.choices and isinstance(self.default, str):
            raise BadParameter("default", self.default, "a text parameter needs its choices", hint="Write choices=(…).")
        self.parse("default", self.default)

    @property
    def kind(self) -> ParamKind:
        """Return what the value is, as its default and choices tell."""
        if self.choices:
            return ParamKind.CHOICE
        if isinstance(self.default, bool):
            return ParamKind.BOOL
        return ParamKind.INT if isinstance(self.default, int) else ParamKind.FLOAT

    def parse(self, name: str, value: object) -> ParamValue:
        """Return the value in the parameter's own type; text is read as a command line or an address would give it.

        Raises
        ------
        BadParameter
            If it is of another kind, or outside the bounds.
        """
        match self.kind:
            case ParamKind.CHOICE:
                return self._choice(name, value)
            case ParamKind.BOOL:
                return _as_bool(name, value)
            case ParamKind.INT:
                return self._within(name, _as_int(name, value))
            case ParamKind.FLOAT:
                return self._within(name, _as_float(name, value))
            case _:
                assert_never(self.kind)

    def _choice(self, name: str, value: object) -> ParamValue:
        for choice in self.choices:
            if str(choice) == str(value):
                return choice
        raise BadParameter(
            name, value, "is not one of the choices", hint=f"Use one of {', '.join(str(choice) for choice in self.choices)}."
        )

    def _within(self, name: str, value: float) -> ParamValue:
        if self.low is not None and value < self.low:
            raise BadParameter(name, value, f"is below {self.low}", hint=f"Give {name} at least {self.low}.")
        if self.high is not None and value > self.high:
            raise BadParameter(name, value, f"is above {self.high}", hint=f"Give {name} at most {self.high}.")
        return value


def _as_bool(name: str, value: object) -> bool:
    if isinstance(value, bool):
        return value
    text = str(value).strip().lower()
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise BadParameter(name, value, "is neither true nor false", hint="Use true or false.")


def _as_int(name: str, value: object) -> int:
    number = _as_float(name, value)
    if number != int(number):
        raise BadParameter(name, value, "is not a whole number")
    return int(number)


def _as_float(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise BadParameter(name, value, "is not a number")
    try:
        number = float(value)
    except (ValueError, OverflowError) as error:
        raise BadParameter(name, value, "is not a number") from error
    if not math.isfinite(number):
        raise BadParameter(name, value, "is not a finite number")
    return number


def check_constraint_text(text: str, names: Mapping[str, Param]) -> None:
    """Refuse a constraint that is no comparison of the strategy's own parameters.

    Raises
    ------
    BadParameter
        If the text is not an expression of parameter names, numbers, comparisons, ``+ - *`` and ``and or not``.
    """
    try:
        tree = ast.parse(text, mode="eval")
    except (SyntaxError, ValueError) as error:
        raise BadParameter("constraint", text, "is not an expression", hint='Write it like "fast < slow".') from error
    for node in ast.walk(tree):
        if not isinstance(node, _ALLOWED):
            raise BadParameter("constraint", text, f"{type(node).__name__} is not allowed", hint='Write it like "fast < slow".')
        if isinstance(node, ast.Name) and node.id not in names:
            raise BadParameter("constraint", text, f"there is no parameter {node.id}", hint=f"Parameters are {', '.join(names)}.")


@functools.cache
def constraint_names(text: str) -> tuple[str, ...]:
    """Return the parameters a constraint text speaks of, in order of appearance.

    >>> constraint_names("fast < slow")
    ('fast', 'slow')
    """
    names = [node for node in ast.walk(ast.parse(text, mode="eval")) if isinstance(node, ast.Name)]
    return tuple(dict.fromkeys(node.id for node in sorted(names, key=lambda node: node.col_offset)))


def constraint_holds(text: str, values: Mapping[str, ParamValue]) -> bool:
    """Return whether a checked constraint text is true of these values.

    >>> constraint_holds("fast < slow", {"fast": 12, "slow": 26})
    True
    """
    return bool(eval(_code_of(text), {"__builtins__": {}}, dict(values)))  # noqa: S307 - only names, numbers and comparisons pass the check


@functools.cache
def _code_of(text: str) -> CodeType:
    return compile(ast.parse(text, mode="eval"), "<constraint>", "eval")
