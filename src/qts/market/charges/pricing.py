"""What a set of orders in one security costs, on paper or to the paisa of a contract note, the broker's calculator or its API."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Final, assert_never

from qts.core import Charges, Exchange, Side
from qts.core.errors import BadParameter
from qts.market.charges.netting import ZERO, brokerage_of, day_net
from qts.market.charges.orders import ChargeableOrder, ChargeSegment, PricedOrders, RoundingMode
from qts.market.charges.rates import SegmentRates, rates_on
from qts.market.charges.schedule import RoundingRow, rounding_on

UNIFORM_STAMP_FROM: Final = date(2020, 7, 1)


def price_orders(
    orders: Sequence[ChargeableOrder],
    *,
    on: date,
    exchange: Exchange,
    segment: ChargeSegment,
    mode: RoundingMode = RoundingMode.EXACT,
    stamp_rate_both_sides: Decimal | None = None,
) -> PricedOrders:
    """Return the bill of orders in one security on one date.

    Parameters
    ----------
    orders : sequence of ChargeableOrder
        Executed orders, oldest first; each pays a brokerage of its own.
    on : date
        The trade date: each component's rate is that date's.
    exchange : Exchange
        NSE, BSE, or SIM, which pays NSE's rates.
    segment : ChargeSegment
        Delivery or intraday.
    mode : RoundingMode
        ``exact``: each order by its own formula, nothing rounded, and the DP charge once, on the first sale of
        delivery.
        ``contract_note``: STT by the same-day rule of the exchange, each part to the rupee, half up; stamp duty to the rupee; GST line by
        line; all else to the paisa. ``calculator``: STT on the values themselves, to the rupee; the exchange's charge includes IPFT; all
        else to the paisa. ``api``: STT not rounded, IPFT within the exchange's charge and outside GST. The three leave out the DP charge,
        which is debited on the ledger and is on none of them.
    stamp_rate_both_sides : Decimal, optional
        The state's stamp duty, as a fraction of each side's value, for trades before 2020-07-01.

    Raises
    ------
    BadParameter
        If the schedule has no rows for the exchange's segment, or the stamp rate is no fraction.
    """
    rates, warnings = _rates(on, exchange, segment, stamp_rate_both_sides)
    rounding = rounding_on(mode, on)
    if rounding.estimate:
        warnings = (*warnings, f"{mode}: {rounding.estimate}")
    lines = tuple(_order_charges(order, rates, segment, rounding) for order in orders)
    if mode is RoundingMode.EXACT:
        lines = _with_dp(lines, orders, rates)
    match mode:
        case RoundingMode.EXACT | RoundingMode.API:
            total = sum(lines, Charges())
        case RoundingMode.CALCULATOR:
            total = _calculator_total(lines, rates, rounding)
        case RoundingMode.CONTRACT_NOTE:
            total = _note_total(orders, lines, _NoteRates(on, exchange, segment, rates), rounding)
        case _:
            assert_never(mode)
    return PricedOrders(orders=(total,) if len(lines) == 1 else lines, total=total, warnings=warnings)


def dp_charge(orders: Sequence[ChargeableOrder], *, on: date, exchange: Exchange, segment: ChargeSegment) -> Decimal:
    """Return the depository's charge on the ledger, tax included: once if any order sells delivery, whatever the quantity."""
    sells = any(order.side is Side.SELL for order in orders)
    return rates_on(on, exchange, segment).dp_sell if sells else ZERO


@dataclass(frozen=True, slots=True)
class _NoteRates:
    """The rates of a contract note's segment, and where to find the other segment's for what the exchange sees otherwise."""

    on: date
    exchange: Exchange
    segment: ChargeSegment
    own: SegmentRates

    def of(self, segment: ChargeSegment) -> SegmentRates:
        if segment is self.segment:
            return self.own
        other = rates_on(self.on, self.exchange, segment)
        uniform = self.on >= UNIFORM_STAMP_FROM
        return other if uniform else replace(other, stamp_buy=self.own.stamp_buy, stamp_sell=self.own.stamp_sell)


def _rates(on: date, exchange: Exchange, segment: ChargeSegment, stamp: Decimal | None) -> tuple[SegmentRates, tuple[str, ...]]:
    rates = rates_on(on, exchange, segment)
    if stamp is None:
        return rates, rates.estimates
    if not stamp.is_finite() or not 0 <= stamp < 1:
        hint = "Write 0.006 % as 0.00006."
        raise BadParameter("stamp_rate_both_sides", stamp, "is not a fraction from 0 to 1", hint=hint)
    if on >= UNIFORM_STAMP_FROM:
        return rates, (*rates.estimates, f"stamp: the state's rate is not used, for duty is uniform since {UNIFORM_STAMP_FROM}")
    certain = tuple(sentence for sentence in rates.estimates if not sentence.startswith("stamp"))
    return replace(rates, stamp_buy=stamp, stamp_sell=stamp), certain


def _order_charges(order: ChargeableOrder, rates: SegmentRates, segment: ChargeSegment, rounding: RoundingRow) -> Charges:
    """Return one order's lines; of them only those of the API are rounded."""
    value = order.notional
    is_buy = order.side is Side.BUY
    brokerage = brokerage_of(value, rates)
    if segment is ChargeSegment.EQUITY_DELIVERY and rounding.mode is RoundingMode.API:
        brokerage = max(brokerage, rounding.minimum_delivery)
    exchange, ipft, sebi = value * rates.exchange, value * rates.ipft, value * rates.sebi
    stamp = value * (rates.stamp_buy if is_buy else rates.stamp_sell)
    taxed = brokerage + exchange + (ipft if rates.gst_on_ipft and rounding.is_gst_on_ipft else ZERO)
    return Charges(
        brokerage=brokerage,
        stt=value * (rates.stt_buy if is_buy else rates.stt_sell),
        exchange=exchange + ipft if rounding.is_ipft_in_exchange else exchange,
        ipft=ZERO if rounding.is_ipft_in_exchange else ipft,
        sebi=sebi,
        stamp=_round(stamp, rounding.stamp_places) if rounding.mode is RoundingMode.API else stamp,
        gst=rates.gst * (taxed + (sebi if rates.gst_on_sebi else ZERO)),
    )


def _with_dp(lines: tuple[Charges, ...], orders: Sequence[ChargeableOrder], rates: SegmentRates) -> tuple[Charges, ...]:
    """Return the lines with the depository's charge, which falls once on the day, in those of the first sale."""
    first_sale = next((i for i, order in enumerate(orders) if order.side is Side.SELL), None)
    return tuple(replace(line, dp=rates.dp_sell) if i == first_sale else line for i, line in enumerate(lines))


def _calculator_total(lines: Sequence[Charges], rates: SegmentRates, rounding: RoundingRow) -> Charges:
    """Return the calculator's lines: sums first, then the rounding; GST on the rounded lines."""
    places = rounding.places
    exact = sum(lines, Charges())
    brokerage = sum((_round(line.brokerage, places) for line in lines), ZERO)
    exchange, sebi = _round(exact.exchange, places), _round(exact.sebi, places)
    return Charges(
        brokerage=brokerage,
        stt=_round(exact.stt, rounding.stt_places),
        exchange=exchange,
        sebi=sebi,
        stamp=_round(exact.stamp, rounding.stamp_places),
        gst=_round(rates.gst * (brokerage + exchange + (sebi if rates.gst_on_sebi else ZERO)), places),
    )


def _note_total(orders: Sequence[ChargeableOrder], lines: Sequence[Charges], rates: _NoteRates, rounding: RoundingRow) -> Charges:
    """Return the contract note's lines: STT, duty and brokerage by what the exchange sees, not by the product."""
    if not orders:
        return Charges()
    places, own, exact = rounding.places, rates.own, sum(lines, Charges())
    intraday = rates.of(ChargeSegment.EQUITY_INTRADAY)
    is_delivery = rates.segment is ChargeSegment.EQUITY_DELIVERY
    is_two_sided = len({order.side for order in orders}) > 1
    # One side of an intraday trade, priced alone: its counterpart is on another bill of the day.
    net = day_net(orders, intraday, rates.of(ChargeSegment.EQUITY_DELIVERY) if is_delivery or is_two_sided else intraday)
    stt = sum((_round(part, rounding.stt_places) for part in net.stt()), ZERO)
    fees = net.brokerages() if is_delivery else tuple(line.brokerage for line in lines)
    brokerage = sum((_round(fee, places) for fee in fees), ZERO)
    if is_delivery:
        brokerage = max(brokerage, rounding.minimum_delivery)
    exchange, ipft, sebi = (_round(line, places) for line in (exact.exchange, exact.ipft, exact.sebi))
    taxed = (brokerage, exchange, ipft if own.gst_on_ipft else ZERO, sebi if own.gst_on_sebi else ZERO)
    return Charges(
        brokerage=brokerage,
        stt=stt,
        exchange=exchange,
        ipft=ipft,
        sebi=sebi,
        stamp=_round(net.stamp(), rounding.stamp_places),
        gst=sum((_round(line * own.gst, places) for line in taxed), ZERO),
    )


def _round(amount: Decimal, places: int | None) -> Decimal:
    return amount if places is None else amount.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
