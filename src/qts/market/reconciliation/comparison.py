"""Line by line: what a bill states, what our schedule gives, and whether the two agree as far as rounding lets one tell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Final

from qts.market.charges import RoundingMode
from qts.market.charges.netting import ZERO
from qts.market.reconciliation.bill import Base, PricedBill
from qts.market.reconciliation.statement import StatedCharges

HALF_A_PAISA: Final = Decimal("0.005")
HALF_A_RUPEE: Final = Decimal("0.5")
# Amounts that went through binary floats end like 0.0033767999999999997.
FLOAT_NOISE: Final = Decimal("1e-9")
CHARGE_LINES: Final = ("brokerage", "stt", "exchange", "clearing", "ipft", "sebi", "stamp", "gst", "dp")
# Tax is rounded on each of the lines it is levied on, and once more where it is split in two.
_GST_ROUNDINGS: Final = 4
_UNROUNDED: Final = frozenset({RoundingMode.API, RoundingMode.EXACT})
_TO_THE_RUPEE: Final = frozenset({"stt", "stamp"})
_OPTIONAL: Final = frozenset({"clearing", "ipft", "dp", "net"})


class Verdict(StrEnum):
    """What is to be said of a line."""

    AGREES = "agrees"
    ROUNDING = "agrees within rounding"
    FOLLOWS = "follows from another line"
    DIFFERS = "differs"
    NOT_STATED = "not stated"


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedLine:
    """One line of a bill in rupees; ``difference`` is theirs less ours, None where the bill does not state the line."""

    line: str
    theirs: Decimal | None
    ours: Decimal
    difference: Decimal | None
    verdict: Verdict
    remark: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What a stated line says about a rate: it lies in ``low..high``, both included, with our rate beside it."""

    line: str
    on: date
    base: Base
    low: Decimal
    high: Decimal
    agrees: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The lines of a bill and what they say about our rates."""

    lines: tuple[ComparedLine, ...]
    observations: tuple[Observation, ...] = ()

    @property
    def n_differing(self) -> int:
        """Return how many lines differ by themselves."""
        return sum(line.verdict is Verdict.DIFFERS for line in self.lines)


def compare(stated: StatedCharges | None, priced: PricedBill, mode: RoundingMode) -> Comparison:
    """Return the lines of a bill beside ours.

    Notes
    -----
    On unrounded bills (modes ``exact`` and ``api``) a line agrees within half a unit of its last decimal, at most half a paisa. On notes,
    with ``n`` the larger of the bill's securities and the amounts a line was summed from:

    - brokerage agrees within half a paisa per order, the turnover charges within ``n`` half paise of the unrounded amount;
    - STT and stamp duty agree when they are ours to the half paisa, or the unrounded amount to half a rupee per amount stated;
    - GST agrees within four half paise per ``n``.

    GST that is right for the lines stated beside it, and a total that is their sum, follow from them: they do not differ by themselves.
    """
    amounts = {} if stated is None else stated.amounts
    compared = _Compared(amounts=amounts, priced=priced, mode=mode, pieces=1 if stated is None else stated.pieces)
    lines = tuple(compared.lines())
    return Comparison(lines=lines, observations=tuple(compared.observations(lines)))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Compared:
    amounts: Mapping[str, Decimal]
    priced: PricedBill
    mode: RoundingMode
    pieces: int

    @property
    def _many(self) -> int:
        return max(self.pieces, self.priced.n_securities)

    @property
    def _is_apart(self) -> bool:
        """Return whether the bill shows the protection fund's part by itself, or nothing at all and so leaves it to us."""
        return "ipft" in self.amounts or not self.amounts

    def lines(self) -> Iterator[ComparedLine]:
        charges = [self._line(name) for name in CHARGE_LINES if self._is_shown(name)]
        yield from charges
        yield self._total(charges)
        if "net" in self.amounts:
            yield self._net(charges)

    def observations(self, lines: tuple[ComparedLine, ...]) -> Iterator[Observation]:
        for line in lines:
            base = self._base(line)
            if line.theirs is None or base is None or base.amount <= 0:
                continue
            slack = self._width(line.line, line.theirs)
            low, high = ((line.theirs + sign * slack) / base.amount for sign in (-1, 1))
            agrees = line.verdict is not Verdict.DIFFERS
            yield Observation(line=line.line, on=self.priced.on, base=base, low=max(low, ZERO), high=high, agrees=agrees)

    def _is_shown(self, name: str) -> bool:
        if name == "ipft" and not self.amounts:
            return self.priced.charges.ipft > 0
        return name not in _OPTIONAL or name in self.amounts

    def _ours(self, name: str) -> Decimal:
        """Return our amount of a line."""
        if name == "clearing":
            return ZERO  # the schedule knows no such fee
        charges = self.priced.charges
        if name == "exchange" and not self._is_apart:
            return charges.exchange + charges.ipft
        amount: Decimal = getattr(charges, name)
        return amount

    def _exact(self, name: str) -> Decimal:
        exact = self.priced.exact
        if name == "exchange" and not self._is_apart:
            return exact.exchange + exact.ipft
        amount: Decimal = getattr(exact, name)
        return amount

    def _line(self, name: str) -> ComparedLine:
        ours, theirs = self._ours(name), self.amounts.get(name)
        if theirs is None:
            return ComparedLine(line=name, theirs=None, ours=ours, difference=None, verdict=Verdict.NOT_STATED)
        verdict, remark = self._judge(name, theirs, ours)
        if name == "exchange" and remark:
            ours = self.priced.exact.exchange
        return ComparedLine(line=name, theirs=theirs, ours=ours, difference=theirs - ours, verdict=verdict, remark=remark)

    def _judge(self, name: str, theirs: Decimal, ours: Decimal) -> tuple[Verdict, str]:
        fine = self._fine(theirs)
        if abs(theirs - ours) <= fine:
            return Verdict.AGREES, ""
        if name == "gst":
            return self._judge_gst(theirs, ours)
        if name == "exchange" and not self._is_apart and abs(theirs - self.priced.exact.exchange) <= fine:
            return Verdict.AGREES, "without the investor protection fund's part"
        if name == "clearing":
            return Verdict.DIFFERS, "the schedule knows no such charge"
        if self.mode in _UNROUNDED or name == "dp":
            return Verdict.DIFFERS, ""
        return self._judge_rounding(name, theirs, ours)

    def _judge_rounding(self, name: str, theirs: Decimal, ours: Decimal) -> tuple[Verdict, str]:
        if name in _TO_THE_RUPEE:
            is_near, remark = abs(theirs - self._exact(name)) <= HALF_A_RUPEE * self.pieces, "rounded otherwise"
        else:
            exact = ours if name == "brokerage" else self._exact(name)
            is_near, remark = abs(theirs - exact) <= self._width(name, theirs), ""
        return (Verdict.ROUNDING, remark) if is_near else (Verdict.DIFFERS, "")

    def _judge_gst(self, theirs: Decimal, ours: Decimal) -> tuple[Verdict, str]:
        slack = self._width("gst", theirs)
        if abs(theirs - ours) <= slack:
            return Verdict.ROUNDING, ""
        if any(abs(theirs - self.priced.gst_rate * taxed) <= slack for taxed in self._taxed()):
            return Verdict.FOLLOWS, "right for the lines it is levied on"
        return Verdict.DIFFERS, ""

    def _taxed(self) -> tuple[Decimal, ...]:
        """Return what the bill's own lines make GST's base, with and without the protection fund's part."""
        fund = self.amounts.get("ipft", self.priced.exact.ipft)
        taxed = ("brokerage", "exchange", "clearing", *(("sebi",) if self.priced.is_sebi_taxed else ()))
        base = sum((self.amounts.get(name, ZERO if name == "clearing" else self._ours(name)) for name in taxed), ZERO)
        return (base, base + fund) if "ipft" in self.amounts else (base, base - fund)

    def _total(self, charges: list[ComparedLine]) -> ComparedLine:
        ours, theirs = sum((line.ours for line in charges), ZERO), self.amounts.get("total")
        if theirs is None:
            return ComparedLine(line="total", theirs=None, ours=ours, difference=None, verdict=Verdict.NOT_STATED)
        verdict, remark = self._judge_sum(theirs, ours, charges)
        return ComparedLine(line="total", theirs=theirs, ours=ours, difference=theirs - ours, verdict=verdict, remark=remark)

    def _judge_sum(self, theirs: Decimal, ours: Decimal, charges: list[ComparedLine]) -> tuple[Verdict, str]:
        slack = self._fine(theirs)
        if abs(theirs - ours) <= slack:
            return Verdict.AGREES, ""
        own = sum((line.ours if line.theirs is None else line.theirs for line in charges), ZERO)
        if abs(theirs - own) <= max(slack, HALF_A_PAISA * self.pieces):
            is_sound = all(line.verdict is not Verdict.DIFFERS for line in charges)
            return (Verdict.ROUNDING, "") if is_sound else (Verdict.FOLLOWS, "the sum of the lines above")
        return Verdict.DIFFERS, "not the sum of the lines above"

    def _net(self, charges: list[ComparedLine]) -> ComparedLine:
        costs = sum((line.ours for line in charges), ZERO)
        ours, theirs = self.priced.net_value - costs, self.amounts["net"]
        own = self.priced.net_value - sum((line.ours if line.theirs is None else line.theirs for line in charges), ZERO)
        # Notes write what the client pays with a minus, in brackets, or not marked at all.
        theirs = -abs(theirs) if ours < 0 else theirs
        if abs(theirs - ours) <= HALF_A_PAISA:
            verdict, remark = Verdict.AGREES, ""
        elif abs(theirs - own) <= HALF_A_PAISA * self._many:
            is_sound = all(line.verdict is not Verdict.DIFFERS for line in charges)
            verdict, remark = (Verdict.ROUNDING, "") if is_sound else (Verdict.FOLLOWS, "the trades less the charges above")
        else:
            verdict, remark = Verdict.DIFFERS, "not the trades less the charges above"
        return ComparedLine(line="net", theirs=theirs, ours=ours, difference=theirs - ours, verdict=verdict, remark=remark)

    def _fine(self, theirs: Decimal) -> Decimal:
        """Return half a paisa; where nothing is rounded, half of the stated amount's last place if that is finer."""
        exponent = theirs.as_tuple().exponent
        if self.mode not in _UNROUNDED or not isinstance(exponent, int):
            return HALF_A_PAISA
        return min(HALF_A_PAISA, max(FLOAT_NOISE, Decimal(5).scaleb(exponent - 1)))

    def _width(self, name: str, theirs: Decimal) -> Decimal:
        """Return how far rounding may have moved a stated amount."""
        if self.mode in _UNROUNDED:
            is_whole = name == "stamp" and theirs == theirs.to_integral_value()
            return HALF_A_RUPEE if is_whole else HALF_A_PAISA if name == "stamp" else self._fine(theirs)
        if name in _TO_THE_RUPEE:
            return HALF_A_RUPEE * self._many
        if name == "brokerage":
            return HALF_A_PAISA * max(self.pieces, self.priced.n_orders)
        return HALF_A_PAISA * self._many * (_GST_ROUNDINGS if name == "gst" else 1)

    def _base(self, line: ComparedLine) -> Base | None:
        base = self.priced.bases.get("exchange" if line.line == "gst" else line.line)
        if base is None or line.line not in {*CHARGE_LINES}:
            return None
        if line.line == "gst":
            is_fund_taxed = "ipft" in self.amounts or self.mode is RoundingMode.API
            return replace(base, rate=self.priced.gst_rate, amount=self._taxed()[1 if is_fund_taxed else 0])
        fund = self.priced.bases.get("ipft")
        if line.line == "exchange" and not self._is_apart and fund is not None:
            return replace(base, rate=base.rate + fund.rate, fund=fund.rate)
        return base
