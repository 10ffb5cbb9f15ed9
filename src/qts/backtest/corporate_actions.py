"""Corporate actions of a run: on which bars they take effect, what they do to prices of the past, and what they did to positions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, localcontext
from typing import Final

import numpy as np

from qts.backtest.exact import EXACT, exact_shares, kept_short
from qts.backtest.inputs import Timeline
from qts.backtest.result import ActionEffect
from qts.core.arrays import Floats
from qts.core.clock import instant_of, session_date_of
from qts.core.corporate_action import CorporateAction
from qts.core.errors import BadParameter
from qts.core.instrument import exchange_of
from qts.core.interval import Interval
from qts.core.money import rupees_from_float
from qts.kernels.state import D_AFTER, D_BEFORE, F_BAR, F_COST, F_INSTRUMENT, F_PRICE, F_QUANTITY, F_REFERENCE, N_FILL
from qts.market.listing import DERIVATIVE_EXCHANGES

_DAY: Final = 86_400_000_000
_IST: Final = 19_800_000_000
_EPOCH: Final = date(1970, 1, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class LocatedAction:
    """An action on the timeline: it takes effect at the start of bar ``bar`` of instrument number ``instrument``."""

    bar: int
    instrument: int
    action: CorporateAction


@dataclass(frozen=True, slots=True, kw_only=True)
class LocatedEffect:
    """What an action did to a position, and where."""

    bar: int
    instrument: int
    effect: ActionEffect


def locate_actions(timeline: Timeline, actions: Sequence[CorporateAction]) -> tuple[LocatedAction, ...]:
    """Return the actions that fall between the bars of their instruments, in the order they take effect.

    That is the instrument's first bar on or after the ex date. Those that take effect with its first bar, or after its last, change nothing
    and are left out. Of one bar, those of the instrument given first come first, then those of the earlier ex date, then those given first.

    Raises
    ------
    BadParameter
        If an action is of no instrument of the run, of a future or an option, given twice, or if a bar longer than a day begins before it
        and ends after it.
    """
    if not actions:
        return ()
    numbers = {name: i for i, name in enumerate(timeline.instruments)}
    days = (timeline.ts + _IST) // _DAY
    own = [np.flatnonzero(~np.isnan(closes)) for closes in timeline.close]
    found: list[LocatedAction] = []
    for n, action in enumerate(actions):
        _check(action, known=action.instrument in numbers, again=action in actions[:n])
        i = numbers[action.instrument]
        _check_within(timeline, action, days[own[i]].tolist())
        place = int(np.searchsorted(days[own[i]], (action.ex_date - _EPOCH).days))
        if 0 < place < len(own[i]):
            found.append(LocatedAction(bar=int(own[i][place]), instrument=i, action=action))
    return tuple(sorted(found, key=lambda one: (one.bar, one.instrument, one.action.ex_date)))


def action_rows(actions: Sequence[LocatedAction]) -> Floats:
    """Return the actions as the column that the loops read, named in ``qts.kernels.state``."""
    rows = [(one.bar, one.instrument, float(one.action.ratio), float(one.action.cash)) for one in actions]
    return np.array(rows, dtype=np.float64).reshape(-1)


def shares_of(actions: Sequence[LocatedAction], instrument: int, n_bars: int) -> Floats | None:
    """Return how many shares one share of the first bar has become at each bar, or None where it stays one throughout.

    A price times this number is comparable over the whole run, and knows nothing of actions to come.
    """
    own = [one for one in actions if one.instrument == instrument and one.action.ratio != 1]
    if not own:
        return None
    shares = np.ones(n_bars)
    for one in own:
        shares[one.bar :] *= float(one.action.ratio)
    return shares


def effects_of(actions: Sequence[LocatedAction], acted: Floats, timeline: Timeline) -> tuple[LocatedEffect, ...]:
    """Return what the actions did to the positions they met, in exact numbers; ``acted`` is what the core wrote down of each."""
    found: list[LocatedEffect] = []
    # Several actions of one bar: each finds the shares that the one before has made.
    shares: dict[tuple[int, int], Decimal] = {}
    with localcontext(EXACT):
        for one, row in zip(actions, acted, strict=True):
            place = (one.bar, one.instrument)
            shares[place] = shares.get(place, Decimal(1)) * one.action.ratio
            if row[D_BEFORE] != 0.0:
                found.append(_effect(one, row, timeline, shares=shares[place]))
    return tuple(found)


def fills_in_new_shares(raw: Floats, effects: Sequence[LocatedEffect]) -> Floats:
    """Return the core's fills as if every trade had been in the shares of its end: quantities times the ratios to come, prices over them.

    A fraction that was paid in cash stands there as a sale (of a short: a purchase) at what was paid, free of charge.
    """
    stated = raw.copy()
    for one in effects:
        if one.effect.action.ratio == 1:
            continue
        ratio = float(one.effect.action.ratio)
        before = (stated[:, F_INSTRUMENT] == one.instrument) & (stated[:, F_BAR] < one.bar)
        stated[before, F_QUANTITY] *= ratio
        stated[np.ix_(before, [F_PRICE, F_REFERENCE])] /= ratio
        part = float(one.effect.quantity_before) * ratio - float(one.effect.quantity_after)
        if part != 0.0:
            paid = np.zeros((1, N_FILL))
            price = float(one.effect.in_lieu) / part
            paid[0, [F_BAR, F_INSTRUMENT, F_QUANTITY, F_PRICE, F_REFERENCE, F_COST]] = (one.bar, one.instrument, -part, price, price, 0.0)
            at = int(np.searchsorted(stated[:, F_BAR], one.bar))
            stated = np.concatenate((stated[:at], paid, stated[at:]))
    return stated


def _effect(one: LocatedAction, row: Floats, timeline: Timeline, *, shares: Decimal) -> LocatedEffect:
    action = one.action
    before, after = exact_shares(float(row[D_BEFORE])), exact_shares(float(row[D_AFTER]))
    closes = timeline.close[one.instrument, : one.bar]
    mark = rupees_from_float(float(closes[np.flatnonzero(~np.isnan(closes))[-1]]))
    in_lieu = kept_short((before * action.ratio - after) * mark / shares)
    effect = ActionEffect(
        at=instant_of(int(timeline.ts[one.bar])),
        action=action,
        quantity_before=before,
        quantity_after=after,
        in_lieu=in_lieu,
        paid=before * action.cash,
    )
    return LocatedEffect(bar=one.bar, instrument=one.instrument, effect=effect)


def _check(action: CorporateAction, *, known: bool, again: bool) -> None:
    named = f"{action.kind} of {action.instrument} on {action.ex_date}"
    if not known:
        raise BadParameter("actions", named, "is of no instrument of this run", hint="Leave it out.")
    if exchange_of(action.instrument) in DERIVATIVE_EXCHANGES:
        raise BadParameter("actions", named, "is of a contract, and only shares have corporate actions", hint="Name the share itself.")
    if again:
        raise BadParameter("actions", named, "is given twice", hint="Give it once; two payments of one date add up to one.")


def _check_within(timeline: Timeline, action: CorporateAction, days: Sequence[int]) -> None:
    """Refuse a change of the shares within a bar longer than a day: such a bar has prices of old shares and of new ones."""
    if action.ratio == 1 or timeline.interval not in {Interval.WEEK, Interval.MONTH}:
        return
    place = int(np.searchsorted(days, (action.ex_date - _EPOCH).days))
    if place == 0:
        return
    begun = session_date_of(int(days[place - 1]) * _DAY)
    if timeline.interval is Interval.MONTH:
        is_within = (begun.year, begun.month) == (action.ex_date.year, action.ex_date.month)
    else:
        is_within = begun.isocalendar()[:2] == action.ex_date.isocalendar()[:2]
    if is_within:
        named = f"{action.kind} of {action.instrument} on {action.ex_date}"
        reason = f"falls into the {timeline.interval} bar that begins on {begun}, which has prices from before and after it"
        raise BadParameter("actions", named, reason, hint="Use bars of a day or less, or adjusted prices.")
