"""What a strategy is: a title, parameters, and a way to say the exposure it wants on each bar."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import numpy as np

from qts.core.arrays import Floats
from qts.core.bars import Bars
from qts.core.discovery import line_in, said_by
from qts.core.errors import BadParameter, InputError, StrategyFailed
from qts.strategies.params import Param, ParamValue, check_constraint_text, constraint_holds, constraint_names
from qts.strategies.rule import Rule

Targets: TypeAlias = Callable[..., Floats]
Constraint: TypeAlias = str | Callable[..., bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Strategy:
    """A trading idea as one object, the same for a backtest, a sweep and, later, live trading.

    Parameters
    ----------
    title : str
        Name shown to people.
    params : Mapping[str, Param]
        The parameters; forms, flags and checks are made from them.
    targets : callable, optional
        ``targets(bars, **params)`` returns the exposure wanted at the close of each bar, shape ``(n_bars,)``, in [-1, 1] of the
        strategy's allocation: 1 is fully long, 0 flat, -1 fully short. NaN means "keep what you have"; before the first number that is
        nothing. The value at bar t may use bars up to and including t only.
    rule : Rule, optional
        The same as a declarative expression. Exactly one of ``targets`` and ``rule`` is given.
    constraint : str or callable, optional
        What must hold between parameters: an expression such as ``"fast < slow"``, or a function of all of them.
    description, tags
        Words for the catalogue.

    Raises
    ------
    BadParameter
        If the declaration contradicts itself.
    """

    title: str
    params: Mapping[str, Param] = field(default_factory=dict)
    targets: Targets | None = None
    rule: Rule | None = None
    constraint: Constraint | None = None
    description: str = ""
    tags: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if (self.targets is None) == (self.rule is None):
            raise BadParameter("strategy", self.title, "needs targets or rule, and not both", hint="Declare targets=… or rule=….")
        for name, param in self.params.items():
            if not isinstance(param, Param):
                raise BadParameter(name, param, "is not a Param", hint=f'Write params={{"{name}": Param({param!r})}}.')
        if self.rule is not None:
            self.rule.check(self.params)
        if isinstance(self.constraint, str):
            check_constraint_text(self.constraint, self.params)
        self._constrain(self.defaults())

    def defaults(self) -> dict[str, ParamValue]:
        """Return every parameter's default."""
        return {name: param.default for name, param in self.params.items()}

    def resolve(self, params: Mapping[str, object] | None = None) -> dict[str, ParamValue]:
        """Return all parameters, given ones read and checked, the others at their defaults, in the order of declaration.

        Raises
        ------
        BadParameter
            If a name is unknown, a value does not fit, or the constraint does not hold.
        """
        given = dict(params or {})
        for name, value in given.items():
            if name not in self.params:
                known = f"It has {', '.join(self.params)}." if self.params else "It has no parameters."
                raise BadParameter(name, value, f"{self.title} has no such parameter", hint=known)
        values = {name: param.parse(name, given[name]) if name in given else param.default for name, param in self.params.items()}
        self._constrain(values)
        return values

    def exposure(self, bars: Bars, params: Mapping[str, object] | None = None) -> Floats:
        """Return the target exposure on each bar, shape ``(n_bars,)``, float64 in [-1, 1] or NaN for "keep".

        The strategy gets read-only bars: one that writes into them fails instead of changing what others see.

        Raises
        ------
        BadParameter
            If the parameters do not fit.
        StrategyFailed
            If the strategy raises, or returns something of another length or kind, beyond [-1, 1], or infinite.
        """
        values = self.resolve(params)
        if self.rule is not None:
            return self.rule.exposure(bars, values)
        try:
            with np.errstate(all="ignore"):
                wanted = self.targets(read_only(bars), **values)  # type: ignore[misc]  # __post_init__ saw that one of the two is there
        except (InputError, KeyboardInterrupt):
            raise
        except BaseException as error:  # foreign code: whatever it raises is its own error
            raise StrategyFailed(self._name, said_by(error), line=line_in(error, self._file)) from error
        return self._checked(wanted, len(bars))

    @property
    def _file(self) -> str:
        code = getattr(self.targets, "__code__", None)
        return str(code.co_filename) if code is not None else ""

    @property
    def _name(self) -> str:
        return Path(self._file).name if self._file.endswith(".py") else self.title

    @property
    def _first_line(self) -> int | None:
        code = getattr(self.targets, "__code__", None)
        return int(code.co_firstlineno) if code is not None else None

    def _constrain(self, values: Mapping[str, ParamValue]) -> None:
        if self.constraint is None:
            return
        if isinstance(self.constraint, str):
            holds, names, rule = constraint_holds(self.constraint, values), constraint_names(self.constraint), self.constraint
        else:
            holds, names, rule = bool(self.constraint(**values)), tuple(values), "the strategy's constraint"
        if not holds:
            others = ", ".join(f"{name} = {values[name]}" for name in names[1:])
            raise BadParameter(names[0], values[names[0]], f"breaks {rule} with {others}", hint=f"Choose values for which {rule} holds.")

    def _checked(self, wanted: object, n_bars: int) -> Floats:
        try:
            array = np.asarray(wanted)
        except ValueError as error:
            raise self._refusal("the targets are not an array of numbers") from error
        if array.dtype.kind not in "fiub":
            raise self._refusal(f"the targets are of kind {array.dtype}, not numbers")
        if array.shape != (n_bars,):
            raise self._refusal(f"the targets have shape {array.shape} for {n_bars} bars")
        floats = np.ascontiguousarray(array, dtype=np.float64)
        # NaN is no violation and compares false; infinities are beyond the bounds.
        beyond = np.flatnonzero(np.abs(floats) > 1.0)
        if beyond.size:
            at = int(beyond[0])
            raise self._refusal(f"the target at bar {at} is {floats[at]}, outside -1..1")
        return floats

    def _refusal(self, reason: str) -> StrategyFailed:
        return StrategyFailed(self._name, reason, line=self._first_line)


def read_only(bars: Bars) -> Bars:
    """Return the same bars over views that cannot be written to."""
    whole = bars.window(0, len(bars))
    for column in (whole.ts, whole.open, whole.high, whole.low, whole.close, whole.volume, whole.oi):
        column.flags.writeable = False
    return whole
