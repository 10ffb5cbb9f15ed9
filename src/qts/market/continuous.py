"""Which futures contract stands for which day in a continuous series, and what its prices are adjusted by.

A continuous series holds one contract after another. It rolls after the close of a day: that day is the last of the old contract, the
next session the first of the new one, and everything the decision needs is known at that close. Adjusted series are level at each roll:
the latest contract keeps its prices, and older ones are moved by what the two contracts differed by at the close of the roll day.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from itertools import pairwise
from typing import Final, assert_never

from qts.core import InstrumentId
from qts.core.errors import BadParameter

ROLLS: Final = "last-day, days:N (sessions before the last day) or open-interest"
_MAX_DAYS: Final = 60


class RollKind(StrEnum):
    """When a series goes over to the next contract."""

    LAST_DAY = "last-day"
    DAYS_BEFORE = "days"
    OPEN_INTEREST = "open-interest"


class Adjustment(StrEnum):
    """How the jump between two contracts is taken out of older prices."""

    NONE = "none"
    DIFFERENCE = "difference"
    RATIO = "ratio"


@dataclass(frozen=True, slots=True, kw_only=True)
class Roll:
    """A rule of rolling; ``days`` counts sessions before the last day of a contract."""

    kind: RollKind
    days: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class FutureDays:
    """What one contract did day by day: its last close in rupees and its open interest at the close, where it is known."""

    instrument: InstrumentId
    expiry: date
    closes: Mapping[date, float]
    open_interest: Mapping[date, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """The days that a contract stands for, both included, and what its prices are multiplied by and moved by."""

    instrument: InstrumentId
    first: date
    last: date
    factor: float = 1.0
    offset: float = 0.0


def parse_roll(text: str) -> Roll:
    """Return a rule of rolling.

    Raises
    ------
    BadParameter
        If it is none.

    >>> parse_roll("days:3")
    Roll(kind=<RollKind.DAYS_BEFORE: 'days'>, days=3)
    """
    name, colon, number = text.strip().lower().partition(":")
    if name == RollKind.DAYS_BEFORE:
        if not number.isdecimal() or int(number) > _MAX_DAYS:
            raise BadParameter("roll", text, f"is not days:N with N from 0 to {_MAX_DAYS}", hint=f"Rolls are {ROLLS}.")
        return Roll(kind=RollKind.DAYS_BEFORE, days=int(number))
    if colon or name not in set(RollKind):
        raise BadParameter("roll", text, "is no rule of rolling", hint=f"Rolls are {ROLLS}.")
    return Roll(kind=RollKind(name))


def continuous_legs(contracts: Sequence[FutureDays], roll: Roll, adjustment: Adjustment, *, sessions: Sequence[date]) -> tuple[Leg, ...]:
    """Return which contract stands for which days, oldest first.

    Parameters
    ----------
    contracts : sequence of FutureDays
        The futures on one underlying, in any order. Days after a contract's expiry are not used.
    roll : Roll
        When to go over to the next one. Under ``open-interest`` that is after the first close at which the next contract has more of it
        than the present one; where that never comes, or is not known, after the last day.
    adjustment : Adjustment
        What older prices are adjusted by.
    sessions : sequence of date
        The days on which the exchange trades, at least from the first day to the last expiry but one: days before an expiry are counted
        on them, also where the prices end earlier.

    Raises
    ------
    BadParameter
        If there are no days, two contracts expire on one day, or two that follow each other have no day in common to adjust by.
    """
    ordered = sorted((one for one in contracts if _days(one)), key=lambda one: one.expiry)
    if not ordered:
        raise BadParameter("contracts", len(contracts), "have no day on which one of them traded", hint="Import their prices.")
    for one, other in pairwise(ordered):
        if one.expiry == other.expiry:
            raise BadParameter("contracts", other.instrument, f"expires on the day that {one.instrument} does: {one.expiry}")
    traded = sorted({*sessions, *(day for one in ordered for day in one.closes)})
    legs: list[Leg] = []
    after: date | None = None
    for i, contract in enumerate(ordered):
        following = ordered[i + 1] if i + 1 < len(ordered) else None
        days = [day for day in _days(contract) if after is None or day > after]
        if not days:
            continue
        last = days[-1] if following is None else _last_day(contract, following, roll, traded)
        if last < days[0]:
            continue
        legs.append(Leg(instrument=contract.instrument, first=days[0], last=last))
        after = last
    return _adjusted(legs, {one.instrument: one for one in ordered}, adjustment)


def leg_of(legs: Sequence[Leg], on: date) -> Leg | None:
    """Return the leg that stands for a day, or None where none does."""
    at = bisect_right([leg.first for leg in legs], on) - 1
    return legs[at] if at >= 0 and on <= legs[at].last else None


def _days(contract: FutureDays) -> list[date]:
    return sorted(day for day in contract.closes if day <= contract.expiry)


def _last_day(contract: FutureDays, following: FutureDays, roll: Roll, traded: Sequence[date]) -> date:
    """Return the last day on which a contract is held; the first of all dates where that is before all sessions."""
    until = bisect_right(traded, contract.expiry)
    match roll.kind:
        case RollKind.LAST_DAY:
            return traded[until - 1]
        case RollKind.DAYS_BEFORE:
            return traded[until - 1 - roll.days] if roll.days < until else date.min
        case RollKind.OPEN_INTEREST:
            overtaken = (day for day in _days(contract) if _is_overtaken(contract, following, day))
            return next(overtaken, traded[until - 1])
        case _:
            assert_never(roll.kind)


def _is_overtaken(contract: FutureDays, following: FutureDays, day: date) -> bool:
    mine, theirs = contract.open_interest.get(day), following.open_interest.get(day)
    return mine is not None and theirs is not None and theirs > mine


def _adjusted(legs: Sequence[Leg], contracts: Mapping[InstrumentId, FutureDays], adjustment: Adjustment) -> tuple[Leg, ...]:
    if adjustment is Adjustment.NONE:
        return tuple(legs)
    adjusted = [legs[-1]]
    for leg in reversed(legs[:-1]):
        newer = adjusted[0]
        old, new = _closes_at_roll(contracts[leg.instrument], contracts[newer.instrument], leg.last)
        if adjustment is Adjustment.DIFFERENCE:
            adjusted.insert(0, replace(leg, offset=newer.offset + new - old))
        else:
            adjusted.insert(0, replace(leg, factor=newer.factor * new / old))
    return tuple(adjusted)


def _closes_at_roll(old: FutureDays, new: FutureDays, on: date) -> tuple[float, float]:
    """Return the closes of two contracts on the latest day up to a roll on which both traded."""
    common = max((day for day in old.closes if day <= on and day in new.closes), default=None)
    if common is None:
        reason = f"did not trade on any day that {old.instrument} did until {on}, so that nothing tells their difference"
        raise BadParameter("contracts", new.instrument, reason, hint="Leave the prices unadjusted: --adjust none.")
    return old.closes[common], new.closes[common]
