"""Grids of parameters: ``fast=5:50:5`` and ``kind=sma,ema`` become every combination that the strategy allows."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Final

from qts.core.errors import BadParameter
from qts.strategies import Param, ParamKind, ParamValue, Strategy

LARGEST_GRID: Final = 1_000_000
"""Cells beyond which a grid is refused: so many trials say more of luck than of the strategy."""

_FORM: Final = "Write a range as 5:50:5 (both ends included) or a list as 5,10,20."


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """The cells of a grid in order, the last axis fastest, and how many combinations broke the strategy's constraint.

    ``axes`` are the values of each parameter that varies, as they were read.
    """

    cells: tuple[Mapping[str, ParamValue], ...]
    n_skipped: int
    axes: Mapping[str, tuple[ParamValue, ...]]


def expand_grid(strategy: Strategy, axes: Mapping[str, str | Sequence[object]], params: Mapping[str, object] | None = None) -> Grid:
    """Return every allowed combination of the axes' values, the other parameters as given or at their defaults.

    Parameters
    ----------
    strategy : Strategy
        Whose parameters they are.
    axes : Mapping[str, str or sequence]
        For each parameter that varies a range ``low:high:step`` or a list ``a,b,c`` as text, or the values themselves.
    params : Mapping[str, object], optional
        Parameters that are the same in every cell.

    Raises
    ------
    BadParameter
        If there is no axis, a parameter is unknown or given twice, a range is no range, a value does not fit, there are more than
        ``LARGEST_GRID`` combinations, or none of them keeps the constraint.
    """
    fixed = dict(params or {})
    if not axes:
        raise BadParameter("grid", "", "names no parameter to vary", hint="Give for example --grid fast=5:50:5.")
    for name in axes:
        if name in fixed:
            raise BadParameter(name, fixed[name], "is both fixed and varied", hint="Give it as a parameter or in the grid, not both.")
    strategy.resolve({name: value for name, value in fixed.items() if name not in strategy.params})
    read = {name: _axis(strategy, name, given) for name, given in axes.items()}
    size = math.prod(len(values) for values in read.values())
    if size > LARGEST_GRID:
        hint = "Take larger steps, or vary fewer parameters at a time."
        raise BadParameter("grid", f"{size:,} cells", f"is more than {LARGEST_GRID:,}", hint=hint)
    cells: list[Mapping[str, ParamValue]] = []
    refused: BadParameter | None = None
    for values in itertools.product(*read.values()):
        try:
            cells.append(strategy.resolve({**fixed, **dict(zip(read, values, strict=True))}))
        except BadParameter as error:
            # Every value fits by itself, so what is broken is a constraint between them.
            refused = error
    if not cells:
        raise BadParameter(
            "grid", f"{size:,} cells", f"no combination is allowed: {str(refused).rstrip('.')}", hint="Choose ranges that keep it."
        )
    return Grid(cells=tuple(cells), n_skipped=size - len(cells), axes=read)


def _axis(strategy: Strategy, name: str, given: str | Sequence[object]) -> tuple[ParamValue, ...]:
    if name not in strategy.params:
        # Says which parameters there are.
        strategy.resolve({name: given})
    param = strategy.params[name]
    values = _values(name, given, param) if isinstance(given, str) else given
    if not values:
        raise BadParameter(f"grid {name}", given, "has no value", hint=_FORM)
    return tuple(dict.fromkeys(param.parse(name, value) for value in values))


def _values(name: str, text: str, param: Param) -> Sequence[object]:
    if ":" not in text:
        return [part.strip() for part in text.split(",") if part.strip()]
    if param.kind in {ParamKind.BOOL, ParamKind.CHOICE}:
        raise BadParameter(f"grid {name}", text, "is a range of what has no order", hint="List the values: a,b,c.")
    parts = [_number(name, text, part) for part in text.split(":")]
    if len(parts) not in {2, 3}:
        raise BadParameter(f"grid {name}", text, "is not a range", hint=_FORM)
    low, high = parts[0], parts[1]
    step = parts[2] if len(parts) == 3 else Decimal(str(param.step or 1))
    if step <= 0:
        raise BadParameter(f"grid {name}", text, f"a step of {step} leads nowhere", hint="Use a step above zero.")
    if low > high:
        raise BadParameter(f"grid {name}", text, f"begins at {low}, above its end {high}", hint="Turn the two round.")
    n = int((high - low) / step) + 1
    if n > LARGEST_GRID:
        raise BadParameter(f"grid {name}", text, f"has {n:,} values, more than {LARGEST_GRID:,}", hint="Use a larger step.")
    return [str(low + k * step) for k in range(n)]


def _number(name: str, text: str, part: str) -> Decimal:
    try:
        number = Decimal(part.strip())
    except InvalidOperation as error:
        raise BadParameter(f"grid {name}", text, f"{part!r} is not a number", hint=_FORM) from error
    if not number.is_finite():
        raise BadParameter(f"grid {name}", text, f"{part!r} is not a number", hint=_FORM)
    return number
