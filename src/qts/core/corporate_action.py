"""Corporate actions: what a company does to its shares, as the one who holds them through the ex date meets it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from qts.core.errors import BadParameter
from qts.core.instrument import InstrumentId


class ActionKind(StrEnum):
    """What was done: shares cut or joined, shares given, money paid, shares offered, a part of the company split off."""

    SPLIT = "split"
    BONUS = "bonus"
    DIVIDEND = "dividend"
    RIGHTS = "rights"
    DEMERGER = "demerger"


@dataclass(frozen=True, slots=True, kw_only=True)
class CorporateAction:
    """A corporate action on one instrument.

    ``ratio`` is how many new shares one old share becomes: 5 where a face value of 10 becomes 2, 2 for a bonus of one for one, 0.1 where
    ten shares are joined into one. ``cash`` is what a holder is paid for each *old* share, in rupees: a dividend, or what a right or a
    part split off was worth where it is taken as money.

    Raises
    ------
    BadParameter
        If the ratio is not above zero, or the cash is below it.
    """

    instrument: InstrumentId
    ex_date: date
    kind: ActionKind
    ratio: Decimal = Decimal(1)
    cash: Decimal = Decimal(0)

    def __post_init__(self) -> None:
        what = f"{self.kind} of {self.instrument} on {self.ex_date}"
        if not self.ratio.is_finite() or self.ratio <= 0:
            hint = "It is new shares for one old share, such as 5 for a split of 10 into 2 rupees."
            raise BadParameter("ratio", str(self.ratio), f"is not above zero, in the {what}", hint=hint)
        if not self.cash.is_finite() or self.cash < 0:
            raise BadParameter("cash", str(self.cash), f"is below zero, in the {what}", hint="It is rupees paid for one old share.")
