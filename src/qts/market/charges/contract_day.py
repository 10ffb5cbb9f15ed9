"""The day of a contract: trades in it, and what its end costs.

=============  =========================================================================================================
end            what is paid, besides GST on the brokerage
=============  =========================================================================================================
``expired``    an option: its brokerage; a future: nothing
``exercised``  an option's brokerage, and STT (CTT) of its holder on what the option was worth, or on the settlement value
``assigned``   an option's brokerage
``delivered``  brokerage on the value delivered, STT of delivery on both sides, stamp duty of who receives the shares
``netted``     the smaller brokerage of deliveries that offset each other
=============  =========================================================================================================

The exchange's charge, SEBI's fee and the duty on a trade are not levied on an end, for no trade is done.
"""

from __future__ import annotations

from decimal import Decimal
from typing import assert_never

from qts.core import Charges, Side
from qts.core.errors import BadParameter
from qts.market.charges.fills import ZERO, DayFill, FilledOrder, cut
from qts.market.charges.netting import brokerage_of
from qts.market.charges.rates import SegmentRates
from qts.market.charges.segments import EQUITY_SEGMENTS, OPTION_SEGMENTS, PHYSICAL_SEGMENTS, ChargeSegment, Settlement


class ContractDay:
    """The charges of a contract's day as its fills come in."""

    def __init__(self, *, rates: SegmentRates, segment: ChargeSegment) -> None:
        self._rates = rates
        self._segment = segment
        self._traded = dict.fromkeys(Side, ZERO)
        self._orders: dict[tuple[Side, int], FilledOrder] = {}
        self._fees = ZERO
        self._ends = Charges()
        self._occasions: set[str] = set()

    def add(self, fill: DayFill) -> None:
        """Take in the next fill of the day.

        Raises
        ------
        BadParameter
            If the contract cannot end in this way, or the settlement price is missing that the tax is levied on.
        """
        if fill.auto_square_off:
            self._occasions.add("square_off")
        if fill.settlement is None:
            self._add_fee(fill)
            self._traded[fill.side] += fill.quantity * fill.price
            return
        check_settlement(fill.settlement, self._segment)
        if is_flat_end(fill.settlement, self._segment):
            self._add_fee(fill)
        self._occasions.add(occasion_of(fill.settlement))
        value, exercised = fill.quantity * fill.price, _exercised_value(fill, self._rates)
        self._ends += end_charges(fill.settlement, self._rates, side=fill.side, value=value, exercised=exercised)

    def charges(self) -> Charges:
        """Return the charges of the fills so far."""
        rates = self._rates
        bought, sold = self._traded[Side.BUY], self._traded[Side.SELL]
        value = bought + sold
        brokerage = self._fees + self._ends.brokerage
        exchange, ipft, sebi = value * rates.exchange, value * rates.ipft, value * rates.sebi
        taxed = brokerage + exchange + (ipft if rates.gst_on_ipft else ZERO) + (sebi if rates.gst_on_sebi else ZERO)
        return Charges(
            brokerage=cut(brokerage),
            stt=cut(bought * rates.stt_buy + sold * rates.stt_sell + self._ends.stt),
            exchange=cut(exchange),
            ipft=cut(ipft),
            sebi=cut(sebi),
            stamp=cut(bought * rates.stamp_buy + sold * rates.stamp_sell + self._ends.stamp),
            gst=cut(taxed * rates.gst),
        )

    def estimates(self) -> tuple[str, ...]:
        """Return a sentence for each estimate among the rates paid."""
        return self._rates.estimates_with(self._occasions)

    def _add_fee(self, fill: DayFill) -> None:
        order = FilledOrder()
        if fill.order is not None:
            order = self._orders.setdefault((fill.side, fill.order), order)
        if order.quantity:
            self._fees -= self._fee_of(order)
        order.add(fill)
        self._fees += self._fee_of(order)

    def _fee_of(self, order: FilledOrder) -> Decimal:
        square_off = self._rates.square_off * order.slices if order.is_auto_square_off else ZERO
        return brokerage_of(order.value, self._rates, slices=order.slices) + square_off


def is_flat_end(settlement: Settlement, segment: ChargeSegment) -> bool:
    """Return whether the end pays the brokerage of an order: an option's does, unless shares are delivered."""
    return segment in OPTION_SEGMENTS and settlement not in (Settlement.DELIVERED, Settlement.NETTED)


def check_settlement(settlement: Settlement, segment: ChargeSegment) -> None:
    """Refuse an end that contracts of the segment do not have.

    Raises
    ------
    BadParameter
        Naming the ends there are.
    """
    if segment in EQUITY_SEGMENTS:
        raise BadParameter("settlement", settlement, "is the end of a contract, not of shares", hint="Leave it out for shares.")
    allowed = [Settlement.EXPIRED]
    allowed += [Settlement.EXERCISED, Settlement.ASSIGNED] if segment in OPTION_SEGMENTS else []
    allowed += [Settlement.DELIVERED, Settlement.NETTED] if segment in PHYSICAL_SEGMENTS else []
    if settlement not in allowed:
        raise BadParameter("settlement", settlement, f"{segment} do not end so", hint=f"They may be {', '.join(allowed)}.")


def end_charges(settlement: Settlement, rates: SegmentRates, *, side: Side, value: Decimal, exercised: Decimal) -> Charges:
    """Return what the end of a contract costs besides an option's own fee, without GST; ``exercised`` is the base of the tax on that."""
    match settlement:
        case Settlement.EXPIRED | Settlement.ASSIGNED:
            return Charges()
        case Settlement.EXERCISED:
            return Charges(stt=exercised * rates.exercise)
        case Settlement.DELIVERED:
            stamp = value * rates.physical_stamp if side is Side.BUY else ZERO
            return Charges(brokerage=value * rates.physical_brokerage, stt=value * rates.physical_stt, stamp=stamp)
        case Settlement.NETTED:
            return Charges(brokerage=value * rates.netted_brokerage)
        case _:
            assert_never(settlement)


def occasion_of(settlement: Settlement | None) -> str:
    """Return the name of the component that an end pays by; empty where it has none of its own."""
    names = {Settlement.EXERCISED: "exercise", Settlement.DELIVERED: "physical", Settlement.NETTED: "netted"}
    return "" if settlement is None else names.get(settlement, "")


def missing_settlement_price() -> BadParameter:
    """Return the error of an exercised option whose tax is levied on a price that is not given."""
    reason = "before 2019-09-01 the tax on an exercised option is levied on the underlying's settlement price"
    return BadParameter("settlement_price", None, reason, hint="Give the settlement price of the underlying.")


def _exercised_value(fill: DayFill, rates: SegmentRates) -> Decimal:
    if fill.settlement is not Settlement.EXERCISED or rates.is_exercise_on_intrinsic:
        return fill.quantity * fill.price
    if fill.settlement_price is None:
        raise missing_settlement_price()
    return fill.quantity * fill.settlement_price
