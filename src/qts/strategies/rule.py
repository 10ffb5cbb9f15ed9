"""Rules: entries and exits written as expressions over indicators and parameters, kept as data.

A rule is a tree of frozen values: nothing in it is code, so it can be drawn, stored, compared, and compiled for a sweep.

>>> from qts.strategies import Indicator
>>> fast, slow = Indicator("ema", Ref("fast")), Indicator("ema", Ref("slow"))
>>> rule = Rule(enter=fast.crosses_above(slow), exit=fast.crosses_below(slow))
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from qts.core.arrays import Bools, Floats
from qts.core.bars import Bars
from qts.core.errors import BadParameter
from qts.strategies.term_values import TermValues
from qts.strategies.terms import Comparison, Condition, Ref, Term, Values, check_term

if TYPE_CHECKING:
    from qts.strategies.params import Param


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
            check_term(term, params)
        if isinstance(self.warmup, Ref):
            check_term(self.warmup, params)
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
        """Return the target exposure of each bar, shape ``(n_bars,)``: 1, 0, -1, or NaN where nothing is decided.

        Raises
        ------
        BadParameter
            If a parameter does not fit, or an interval is not longer than the bars'.
        """
        terms = TermValues(bars, values)
        defined = np.ones(len(bars), dtype=np.bool_)
        for term in self.terms():
            defined &= ~np.isnan(terms.of(term))
        defined[: self.warmup_bars(values)] = False
        signals = [terms.truth(condition) & defined for condition in self._conditions()]
        never = np.zeros(len(bars), dtype=np.bool_)
        signals += [never] * (4 - len(signals))
        return np.where(defined, _walk(*signals), np.nan)

    def _conditions(self) -> tuple[Condition, ...]:
        both = (self.enter, self.exit, self.short_enter, self.short_exit)
        return tuple(condition for condition in both if condition is not None)


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


def _terms(condition: Condition) -> Iterator[Term]:
    if isinstance(condition, Comparison):
        yield condition.left
        yield condition.right
        return
    for part in condition.parts:
        yield from _terms(part)
