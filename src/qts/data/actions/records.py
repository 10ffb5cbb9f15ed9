"""A corporate action as it is kept: what was done on what terms, how sure we are of it, who says so and since when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final, NoReturn

from qts.core.corporate_action import ActionKind, CorporateAction
from qts.core.errors import BadParameter
from qts.core.instrument import InstrumentId, parse_instrument
from qts.core.money import rupees_from_float

DETECTED: Final = "detected:"
"""How the source of a record begins that was found in prices and not stated by anybody."""

_ONE: Final = Decimal(1)
_STEP: Final = Decimal("0.0001")
# Far beyond what companies do: a slip of the pen.
_LARGEST: Final = 10_000
_YEARS: Final = (1950, 2200)
# What two statements of one factor may differ by, when both are given: a factor is often rounded to four digits.
_AGREEMENT: Final = Decimal("0.001")


class ActionState(StrEnum):
    """How sure we are: ``confirmed`` is applied to prices and positions, ``suspected`` is only told of, ``rejected`` is neither."""

    CONFIRMED = "confirmed"
    SUSPECTED = "suspected"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedAction:
    """A corporate action on the terms that were announced, or on those seen in prices.

    ``ratio`` is shares after for one share before: 5 for a face value of 10 that becomes 2, 2 for a bonus of one for one, 1.5 for rights
    of one for two. ``price`` is what a new share of a rights issue costs. ``cash`` is a dividend in rupees for each old share.
    ``factor`` is what prices before the ex date are multiplied by, where it is stated: a demerger is known by nothing else.

    Raises
    ------
    BadParameter
        If the terms do not make up an action of the kind.
    """

    instrument: InstrumentId
    ex_date: date
    kind: ActionKind
    ratio: Decimal = _ONE
    cash: Decimal = Decimal(0)
    price: Decimal | None = None
    factor: Decimal | None = None

    def __post_init__(self) -> None:
        for name, value in (("ratio", self.ratio), ("cash", self.cash), ("price", self.price), ("factor", self.factor)):
            if value is not None and (not value.is_finite() or value < 0 or (value == 0 and name in {"ratio", "factor"})):
                raise BadParameter(name, str(value), f"is not above zero, in the {self.kind} of {self.instrument} on {self.ex_date}")
        for name, number in (("ratio", self.ratio), ("factor", self.factor)):
            if number is not None and not 1 / _LARGEST <= number <= _LARGEST:
                _refuse(self, name, number, f"is not between 1/{_LARGEST} and {_LARGEST}")
        if not _YEARS[0] <= self.ex_date.year <= _YEARS[1]:
            _refuse(self, "ex_date", self.ex_date, f"is not between {_YEARS[0]} and {_YEARS[1]}")
        _CHECKS[self.kind](self)

    @property
    def id(self) -> str:
        """Return its name: instrument, ex date and kind. An instrument has one action of a kind on a day."""
        return f"{self.instrument}/{self.ex_date.isoformat()}/{self.kind}"

    @property
    def changes_shares(self) -> bool:
        """Return whether the price before it must be read in other shares than the price after: true of all but dividends."""
        return self.kind is not ActionKind.DIVIDEND

    @property
    def needs_close(self) -> bool:
        """Return whether its price factor depends on the last close before it."""
        return self.kind is ActionKind.DIVIDEND or (self.kind is ActionKind.RIGHTS and self.factor is None)

    def price_factor(self, close: float | None = None) -> float:
        """Return what prices before the ex date are multiplied by.

        Parameters
        ----------
        close : float, optional
            The last close as traded before the ex date, in rupees; asked for where :attr:`needs_close`.

        Raises
        ------
        BadParameter
            If the close is needed and absent, or a dividend is not below it.

        Notes
        -----
        Split and bonus: ``1 / ratio``. Rights taken up: the price at which nobody gains, ``(close + (ratio - 1) * price) / ratio``, over
        the close; 1 where the new shares cost more than the old ones, as nobody takes them then. Dividend: ``(close - cash) / close``.
        """
        if self.kind in {ActionKind.SPLIT, ActionKind.BONUS}:
            return 1.0 / float(self.ratio)
        if self.factor is not None and not self.needs_close:
            return float(self.factor)
        if close is None or close <= 0.0:
            _refuse(self, "close", close, "the last close before the ex date is needed")
        if self.kind is ActionKind.DIVIDEND:
            if float(self.cash) >= close:
                _refuse(self, "cash", self.cash, f"is not below the last close of {close:g}")
            return (close - float(self.cash)) / close
        ratio, price = float(self.ratio), float(self.price or 0)
        return min(1.0, (close + (ratio - 1.0) * price) / (ratio * close))

    def held(self, close: float) -> CorporateAction:
        """Return the action as one who holds shares through it meets it; rights and parts split off are taken as money.

        Parameters
        ----------
        close : float
            The last close as traded before the ex date, in rupees.
        """
        if self.kind in {ActionKind.SPLIT, ActionKind.BONUS}:
            return CorporateAction(instrument=self.instrument, ex_date=self.ex_date, kind=self.kind, ratio=self.ratio)
        if self.kind is ActionKind.DIVIDEND:
            return CorporateAction(instrument=self.instrument, ex_date=self.ex_date, kind=self.kind, cash=self.cash)
        worth = rupees_from_float(close) * (_ONE - rupees_from_float(self.price_factor(close)))
        return CorporateAction(instrument=self.instrument, ex_date=self.ex_date, kind=self.kind, cash=worth.quantize(_STEP))


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionRecord:
    """An action with how sure we are of it.

    ``source`` names who says so: ``file:NAME``, or ``detected:METHOD`` where it was found in prices. ``evidence`` are the figures it was
    found by. ``confidence`` counts them, 0 to 1; None where somebody stated the action. The record held from ``recorded_at`` until
    ``ended_at``, None while it does.
    """

    action: StatedAction
    state: ActionState
    source: str
    evidence: Mapping[str, float | str] = field(default_factory=dict)
    confidence: float | None = None
    recorded_at: datetime | None = None
    ended_at: datetime | None = None

    @property
    def is_detected(self) -> bool:
        """Return whether it was found in prices."""
        return self.source.startswith(DETECTED)

    def says_the_same(self, other: ActionRecord) -> bool:
        """Return whether both hold the same action on the same terms, in the same state."""
        return self.action == other.action and self.state is other.state


def parse_action_id(text: str) -> tuple[InstrumentId, date, ActionKind]:
    """Return the parts of an action's name.

    Raises
    ------
    BadParameter
        If it is not ``EXCHANGE:SYMBOL/YYYY-MM-DD/KIND``.

    >>> parse_action_id("nse:infy/2018-09-04/bonus")
    ('NSE:INFY', datetime.date(2018, 9, 4), <ActionKind.BONUS: 'bonus'>)
    """
    hint = "`qts actions list` and `qts actions suspected` show the ids; one looks like NSE:INFY/2018-09-04/bonus."
    parts = text.strip().split("/")
    if len(parts) != 3:
        raise BadParameter("id", text, "is not of the form INSTRUMENT/EX-DATE/KIND", hint=hint)
    try:
        on, kind = date.fromisoformat(parts[1]), ActionKind(parts[2].lower())
    except ValueError as error:
        raise BadParameter("id", text, f"names no date and kind of action ({', '.join(ActionKind)})", hint=hint) from error
    return parse_instrument(parts[0]), on, kind


def _refuse(action: StatedAction, name: str, value: object, reason: str, *, hint: str = "") -> NoReturn:
    raise BadParameter(name, value, f"{reason}, for the {action.kind} of {action.instrument} on {action.ex_date}", hint=hint)


def _check_shares(action: StatedAction) -> None:
    if action.ratio == _ONE:
        _refuse(action, "ratio", action.ratio, "changes nothing", hint="Write how many shares one share becomes, such as 1:1 or 10->2.")
    if action.kind is ActionKind.BONUS and action.ratio < _ONE:
        _refuse(action, "ratio", action.ratio, "a bonus makes shares more, not fewer", hint="Write it as the exchange does, such as 1:2.")
    if action.factor is not None and abs(action.factor * action.ratio - _ONE) > _AGREEMENT:
        _refuse(action, "factor", action.factor, f"contradicts {action.ratio.normalize():f} shares for one", hint="Give one of the two.")


def _check_dividend(action: StatedAction) -> None:
    if action.cash == 0:
        _refuse(action, "cash", action.cash, "no amount is stated", hint="Write the rupees paid for each share.")


def _check_rights(action: StatedAction) -> None:
    if action.factor is None and (action.price is None or action.ratio <= _ONE):
        hint = "Write the ratio and the price of a new share, or the price factor."
        _refuse(action, "price", action.price, "ratio and price of the new shares are not both stated", hint=hint)


def _check_demerger(action: StatedAction) -> None:
    if action.factor is None or action.factor >= _ONE:
        hint = "It is the part of the price that stays, below 1; companies publish it as the split of the cost of acquisition."
        _refuse(action, "factor", action.factor, "the price factor is not stated", hint=hint)


_CHECKS: Final = {
    ActionKind.SPLIT: _check_shares,
    ActionKind.BONUS: _check_shares,
    ActionKind.DIVIDEND: _check_dividend,
    ActionKind.RIGHTS: _check_rights,
    ActionKind.DEMERGER: _check_demerger,
}
