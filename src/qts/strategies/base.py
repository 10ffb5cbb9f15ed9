"""What a strategy is: a title, parameters, and a way to say the exposure it wants on each bar."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final, TypeAlias, assert_never

import numpy as np

from qts.core.arrays import Floats
from qts.core.bars import Bars
from qts.core.discovery import line_in, said_by
from qts.core.errors import BadParameter, InputError, StrategyFailed
from qts.strategies.context import Context
from qts.strategies.panel import Panel, panel_of
from qts.strategies.params import Param, ParamValue, check_constraint_text, constraint_holds, constraint_names
from qts.strategies.rule import Rule
from qts.strategies.terms import Ref

Targets: TypeAlias = Callable[..., Floats]
OnBar: TypeAlias = Callable[[Context], object]
Constraint: TypeAlias = str | Callable[..., bool]
GUARDS: Final = ("stop_loss", "take_profit", "trailing")


class Form(StrEnum):
    """The way a strategy says what it wants; all become the same orders."""

    TARGETS = "targets"
    MATRIX = "matrix"
    RULE = "rule"
    ON_BAR = "on_bar"


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
    matrix : bool
        Whether ``targets`` weighs all instruments at once: it gets a :class:`~qts.strategies.Panel` and returns shape
        ``(n_instruments, n_bars)``. Targets are then weights of the account instead of parts of each instrument's equal share, also those
        that ``on_bar`` asks for. One said again brings its position back to its weight: of ``targets`` on a bar on which any changes,
        of ``on_bar`` whenever it is asked for.
    rule : Rule, optional
        The same as a declarative expression.
    on_bar : callable, optional
        ``on_bar(context)`` is called at the close of each bar and gives orders; for logic that arrays cannot say. Exactly one of
        ``targets``, ``rule`` and ``on_bar`` is given.
    on_start : callable, optional
        ``on_start(context)`` is called once before the first ``on_bar``: the place to ask for indicators.
    protection : Mapping[str, Ref or float], optional
        What guards each position that a target opens: ``stop_loss``, ``take_profit`` and ``trailing``, each a fraction of the price or the
        parameter that holds it, which ``targets`` gets like all others. What the run's settings say of the same wins.
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
    matrix: bool = False
    rule: Rule | None = None
    on_bar: OnBar | None = None
    on_start: OnBar | None = None
    protection: Mapping[str, Ref | float] = field(default_factory=dict)
    constraint: Constraint | None = None
    description: str = ""
    tags: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if sum(way is not None for way in (self.targets, self.rule, self.on_bar)) != 1:
            hint = "Declare targets=…, rule=… or on_bar=…."
            raise BadParameter("strategy", self.title, "needs exactly one of targets, rule and on_bar", hint=hint)
        if self.matrix and self.rule is not None:
            hint = "Declare targets=… or on_bar=… with matrix=True."
            raise BadParameter("strategy", self.title, "is a rule, which sees one instrument, with matrix=True", hint=hint)
        if self.on_start is not None and self.on_bar is None:
            raise BadParameter("strategy", self.title, "has on_start without on_bar", hint="Declare on_bar=… too.")
        self._check_protection()
        for name, param in self.params.items():
            if not isinstance(param, Param):
                raise BadParameter(name, param, "is not a Param", hint=f'Write params={{"{name}": Param({param!r})}}.')
        if self.rule is not None:
            self.rule.check(self.params)
        if isinstance(self.constraint, str):
            check_constraint_text(self.constraint, self.params)
        self._constrain(self.defaults())

    @property
    def form(self) -> Form:
        """Return the way it says what it wants."""
        if self.on_bar is not None:
            return Form.ON_BAR
        if self.rule is not None:
            return Form.RULE
        return Form.MATRIX if self.matrix else Form.TARGETS

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

    def guards(self, params: Mapping[str, object] | None = None) -> dict[str, float]:
        """Return what guards its positions under these parameters: fractions of the price by name.

        Raises
        ------
        BadParameter
            If the parameters do not fit.
        """
        values = self.resolve(params)
        return {name: float(values[part.name]) if isinstance(part, Ref) else part for name, part in self.protection.items()}

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
        return self.exposures([bars], params)[0]

    def exposures(self, bars: Sequence[Bars], params: Mapping[str, object] | None = None) -> list[Floats]:
        """Return the target exposures of each instrument on its own bars, or for a matrix strategy on the bars of all.

        Parameters
        ----------
        bars : sequence of Bars
            One series per instrument, of one interval.
        params : Mapping[str, object], optional
            As of :meth:`resolve`.

        Returns
        -------
        list of ndarray
            For each instrument shape ``(n_bars,)`` of its own series; for a matrix strategy ``(n_union,)``, the union of all instants.

        Raises
        ------
        BadParameter
            If the parameters do not fit, or the strategy gives orders instead of targets.
        StrategyFailed
            As of :meth:`exposure`.
        """
        values = self.resolve(params)
        match self.form:
            case Form.RULE:
                rule = self.rule
                return [rule.exposure(series, values) for series in bars] if rule is not None else []
            case Form.TARGETS:
                return [self._checked(self._asked(read_only(series), values), (len(series),)) for series in bars]
            case Form.MATRIX:
                panel = panel_of(bars)
                return list(self._checked(self._asked(panel, values), panel.close.shape))
            case Form.ON_BAR:
                raise BadParameter("strategy", self.title, "gives orders bar by bar and has no targets", hint="Run it as a backtest.")
            case _:
                assert_never(self.form)

    def call(self, hook: OnBar, context: Context) -> None:
        """Call ``on_start`` or ``on_bar`` and translate whatever it raises.

        Raises
        ------
        StrategyFailed
            If the strategy raises.
        """
        try:
            hook(context)
        except (InputError, KeyboardInterrupt):
            raise
        except BaseException as error:  # foreign code: whatever it raises is its own error
            raise StrategyFailed(self.name, said_by(error), line=line_in(error, self._file)) from error

    def _check_protection(self) -> None:
        for name, part in self.protection.items():
            if name not in GUARDS:
                raise BadParameter("protection", name, "there is no such guard", hint=f"There are {', '.join(GUARDS)}.")
            if isinstance(part, Ref) and part.name not in self.params:
                known = f"Parameters are {', '.join(self.params)}." if self.params else "The strategy has no parameters."
                raise BadParameter("protection", part.name, "the strategy has no such parameter", hint=known)

    def _asked(self, seen: Bars | Panel, values: Mapping[str, ParamValue]) -> object:
        try:
            with np.errstate(all="ignore"):
                return self.targets(seen, **values)  # type: ignore[misc]  # the form says that it is there
        except (InputError, KeyboardInterrupt):
            raise
        except BaseException as error:  # foreign code: whatever it raises is its own error
            raise StrategyFailed(self.name, said_by(error), line=line_in(error, self._file)) from error

    @property
    def _file(self) -> str:
        code = getattr(self._function, "__code__", None)
        return str(code.co_filename) if code is not None else ""

    @property
    def _function(self) -> Callable[..., object] | None:
        return self.targets if self.targets is not None else self.on_bar

    @property
    def name(self) -> str:
        """Return what errors call it: its file's name, or its title where it has none."""
        return Path(self._file).name if self._file.endswith(".py") else self.title

    @property
    def _first_line(self) -> int | None:
        code = getattr(self._function, "__code__", None)
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

    def _checked(self, wanted: object, shape: tuple[int, ...]) -> Floats:
        try:
            array = np.asarray(wanted)
        except ValueError as error:
            raise self._refusal("the targets are not an array of numbers") from error
        if array.dtype.kind not in "fiub":
            raise self._refusal(f"the targets are of kind {array.dtype}, not numbers")
        if array.shape != shape:
            wished = f"{shape[0]} instruments and {shape[1]} bars" if self.matrix else f"{shape[0]} bars"
            raise self._refusal(f"the targets have shape {array.shape} for {wished}")
        floats = np.ascontiguousarray(array, dtype=np.float64)
        # NaN is no violation and compares false; infinities are beyond the bounds.
        beyond = np.argwhere(np.abs(floats) > 1.0)
        if beyond.size:
            at = tuple(int(k) for k in beyond[0])
            raise self._refusal(f"the target at bar {at[-1]} is {floats[at]}, outside -1..1")
        return floats

    def _refusal(self, reason: str) -> StrategyFailed:
        return StrategyFailed(self.name, reason, line=self._first_line)


def read_only(bars: Bars) -> Bars:
    """Return the same bars over views that cannot be written to."""
    whole = bars.window(0, len(bars))
    for column in (whole.ts, whole.open, whole.high, whole.low, whole.close, whole.volume, whole.oi):
        column.flags.writeable = False
    return whole
