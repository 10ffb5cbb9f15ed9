"""What a set of orders in one security costs, on paper or to the paisa of a contract note, the broker's calculator or its API."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Final, assert_never

from qts.core import Charges, Exchange, Side
from qts.core.errors import BadParameter
from qts.market.charges.contract_day import check_settlement, end_charges, is_flat_end, missing_settlement_price, occasion_of
from qts.market.charges.netting import ZERO, brokerage_of, day_net
from qts.market.charges.orders import ChargeableOrder, PricedOrders, RoundingMode
from qts.market.charges.rates import SegmentRates, rates_on
from qts.market.charges.schedule import RoundingRow, rounding_on
from qts.market.charges.segments import EQUITY_SEGMENTS, ChargeSegment, RateClasses, Settlement

UNIFORM_STAMP_FROM: Final = date(2020, 7, 1)
_SHARE_OR_ANY: Final = RateClasses()


def price_orders(
    orders: Sequence[ChargeableOrder],
    *,
    on: date,
    exchange: Exchange,
    segment: ChargeSegment,
    mode: RoundingMode = RoundingMode.EXACT,
    stamp_rate_both_sides: Decimal | None = None,
    classes: RateClasses = _SHARE_OR_ANY,
) -> PricedOrders:
    """Return the bill of orders in one security or contract on one date.

    Parameters
    ----------
    orders : sequence of ChargeableOrder
        Executed orders, oldest first; each pays a brokerage of its own.
    on : date
        The trade date: each component's rate is that date's.
    exchange : Exchange
        Where the orders were executed; SIM pays NSE's rates.
    segment : ChargeSegment
        What was traded.
    mode : RoundingMode
        ``exact``: each order by its own formula, nothing rounded, and the DP charge once, on the first sale of
        delivery.
        ``contract_note``: STT by the same-day rule of the exchange, each part to the rupee, half up; stamp duty to the rupee; GST line by
        line; all else to the paisa. ``calculator``: STT on the values themselves, to the rupee; the exchange's charge includes IPFT; all
        else to the paisa. ``api``: STT not rounded, IPFT within the exchange's charge and outside GST. ``api_margins``: the same without
        IPFT. All but ``exact`` leave out the DP charge, which is debited on the ledger and is on none of them.
    stamp_rate_both_sides : Decimal, optional
        The state's stamp duty, as a fraction of each side's value, for trades before 2020-07-01.
    classes : RateClasses
        STT class and group of a share, underlying of a contract.

    Raises
    ------
    BadParameter
        If the exchange does not trade the segment, an order is not of it, or the stamp rate is no fraction.
    """
    schedule = _Schedule(on=on, exchange=exchange, classes=classes)
    rates, warnings = _with_state_duty(schedule.of(segment), on, stamp_rate_both_sides)
    warnings += rates.estimates_with(_occasions(orders))[len(rates.estimates) :]
    rounding = rounding_on(mode, on, segment)
    if rounding.estimate:
        warnings = (*warnings, f"{mode}: {rounding.estimate}")
    lines = tuple(_order_charges(order, rates, segment, rounding) for order in orders)
    if mode is RoundingMode.EXACT:
        lines = _with_dp(lines, orders, rates)
    match mode:
        case RoundingMode.EXACT | RoundingMode.API | RoundingMode.API_MARGINS:
            total = sum(lines, Charges())
        case RoundingMode.CALCULATOR:
            total = _calculator_total(lines, rates, rounding)
        case RoundingMode.CONTRACT_NOTE:
            note = _NoteRates(schedule, segment, rates, stamp_rate_both_sides)
            netted = _netted(orders, lines, note) if segment in EQUITY_SEGMENTS else _as_billed(lines)
            total = _note_total(netted, lines, rates, rounding)
        case _:
            assert_never(mode)
    return PricedOrders(orders=(total,) if len(lines) == 1 else lines, total=total, warnings=warnings)


def dp_charge(orders: Sequence[ChargeableOrder], *, on: date, exchange: Exchange, segment: ChargeSegment) -> Decimal:
    """Return the depository's charge on the ledger, tax included: once if any order sells delivery, whatever the quantity."""
    sells = any(order.side is Side.SELL for order in orders)
    return rates_on(on, exchange, segment).dp_sell if sells else ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class _Schedule:
    """Where the rates of an instrument's segments on a date are found."""

    on: date
    exchange: Exchange
    classes: RateClasses

    def of(self, segment: ChargeSegment) -> SegmentRates:
        kind = self.classes
        return rates_on(self.on, self.exchange, segment, stt_class=kind.stt_class, group=kind.group, underlying=kind.underlying)


@dataclass(frozen=True, slots=True)
class _NoteRates:
    """The rates of a contract note's segment, and where to find the other segment's for what the exchange sees otherwise."""

    schedule: _Schedule
    segment: ChargeSegment
    own: SegmentRates
    state_duty: Decimal | None

    def of(self, segment: ChargeSegment) -> SegmentRates:
        if segment is self.segment:
            return self.own
        return _with_state_duty(self.schedule.of(segment), self.schedule.on, self.state_duty)[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Levied:
    """What a contract note rounds part by part: brokerages, STT and duty."""

    brokerages: tuple[Decimal, ...]
    stt: tuple[Decimal, ...]
    stamp: Decimal
    is_delivery: bool = False


def _with_state_duty(rates: SegmentRates, on: date, stamp: Decimal | None) -> tuple[SegmentRates, tuple[str, ...]]:
    if stamp is None:
        return rates, rates.estimates
    if not stamp.is_finite() or not 0 <= stamp < 1:
        hint = "Write 0.006 % as 0.00006."
        raise BadParameter("stamp_rate_both_sides", stamp, "is not a fraction from 0 to 1", hint=hint)
    if on >= UNIFORM_STAMP_FROM:
        return rates, (*rates.estimates, f"stamp: the state's rate is not used, for duty is uniform since {UNIFORM_STAMP_FROM}")
    certain = tuple(sentence for sentence in rates.estimates if not sentence.startswith("stamp"))
    return replace(rates, stamp_buy=stamp, stamp_sell=stamp), certain


def _occasions(orders: Sequence[ChargeableOrder]) -> set[str]:
    found = {occasion_of(order.settlement) for order in orders}
    return found | {"square_off"} if any(order.auto_square_off for order in orders) else found


def _order_charges(order: ChargeableOrder, rates: SegmentRates, segment: ChargeSegment, rounding: RoundingRow) -> Charges:
    """Return one order's lines; of them only those of the API are rounded."""
    lines = _trade_charges(order, rates) if order.settlement is None else _end_charges(order, order.settlement, rates, segment)
    brokerage, ipft = lines.brokerage, ZERO if rounding.is_ipft_left_out else lines.ipft
    is_api = rounding.mode in (RoundingMode.API, RoundingMode.API_MARGINS)
    if segment is ChargeSegment.EQUITY_DELIVERY and is_api:
        brokerage = max(brokerage, rounding.minimum_delivery)
    if order.auto_square_off:
        brokerage += rates.square_off * order.slices
    taxed = brokerage + lines.exchange + (ipft if rates.gst_on_ipft and rounding.is_gst_on_ipft else ZERO)
    return replace(
        lines,
        brokerage=brokerage,
        exchange=lines.exchange + ipft if rounding.is_ipft_in_exchange else lines.exchange,
        ipft=ZERO if rounding.is_ipft_in_exchange else ipft,
        stamp=round_half_up(lines.stamp, rounding.stamp_places) if is_api else lines.stamp,
        gst=rates.gst * (taxed + (lines.sebi if rates.gst_on_sebi else ZERO)),
    )


def _trade_charges(order: ChargeableOrder, rates: SegmentRates) -> Charges:
    """Return the lines of a trade but for GST."""
    value = order.notional
    is_buy = order.side is Side.BUY
    return Charges(
        brokerage=brokerage_of(value, rates, slices=order.slices),
        stt=value * (rates.stt_buy if is_buy else rates.stt_sell),
        exchange=value * rates.exchange,
        ipft=value * rates.ipft,
        sebi=value * rates.sebi,
        stamp=value * (rates.stamp_buy if is_buy else rates.stamp_sell),
    )


def _end_charges(order: ChargeableOrder, settlement: Settlement, rates: SegmentRates, segment: ChargeSegment) -> Charges:
    """Return the lines of a contract's end but for GST."""
    check_settlement(settlement, segment)
    exercised = order.notional
    if settlement is Settlement.EXERCISED and not rates.is_exercise_on_intrinsic:
        if order.settlement_price is None and order.value is None:
            raise missing_settlement_price()
        # A value alone is the value that the tax is levied on.
        exercised = order.notional if order.settlement_price is None else order.quantity * order.settlement_price
    lines = end_charges(settlement, rates, side=order.side, value=order.notional, exercised=exercised)
    fee = brokerage_of(order.notional, rates, slices=order.slices) if is_flat_end(settlement, segment) else ZERO
    return replace(lines, brokerage=lines.brokerage + fee)


def _with_dp(lines: tuple[Charges, ...], orders: Sequence[ChargeableOrder], rates: SegmentRates) -> tuple[Charges, ...]:
    """Return the lines with the depository's charge, which falls once on the day, in those of the first sale."""
    first_sale = next((i for i, order in enumerate(orders) if order.side is Side.SELL), None)
    return tuple(replace(line, dp=rates.dp_sell) if i == first_sale else line for i, line in enumerate(lines))


def _calculator_total(lines: Sequence[Charges], rates: SegmentRates, rounding: RoundingRow) -> Charges:
    """Return the calculator's lines: sums first, then the rounding; GST on the rounded lines."""
    places = rounding.places
    exact = sum(lines, Charges())
    brokerage = sum((round_half_up(line.brokerage, places) for line in lines), ZERO)
    exchange, sebi = round_half_up(exact.exchange, places), round_half_up(exact.sebi, places)
    return Charges(
        brokerage=brokerage,
        stt=round_half_up(exact.stt, rounding.stt_places),
        exchange=exchange,
        sebi=sebi,
        stamp=round_half_up(exact.stamp, rounding.stamp_places),
        gst=round_half_up(rates.gst * (brokerage + exchange + (sebi if rates.gst_on_sebi else ZERO)), places),
    )


def _netted(orders: Sequence[ChargeableOrder], lines: Sequence[Charges], rates: _NoteRates) -> _Levied:
    """Return STT, duty and brokerage of a share's day by what the exchange sees, not by the product."""
    intraday = rates.of(ChargeSegment.EQUITY_INTRADAY)
    is_delivery = rates.segment is ChargeSegment.EQUITY_DELIVERY
    is_two_sided = len({order.side for order in orders}) > 1
    # One side of an intraday trade, priced alone: its counterpart is on another bill of the day.
    net = day_net(orders, intraday, rates.of(ChargeSegment.EQUITY_DELIVERY) if is_delivery or is_two_sided else intraday)
    fees = tuple(line.brokerage for line in lines)
    if is_delivery:
        extra = (rates.own.square_off * order.slices if order.auto_square_off else ZERO for order in orders)
        fees = tuple(fee + more for fee, more in zip(net.brokerages(), extra, strict=True))
    return _Levied(brokerages=fees, stt=net.stt(), stamp=net.stamp(), is_delivery=is_delivery and bool(orders))


def _as_billed(lines: Sequence[Charges]) -> _Levied:
    """Return STT, duty and brokerage of a contract's day: nothing is netted."""
    exact = sum(lines, Charges())
    return _Levied(brokerages=tuple(line.brokerage for line in lines), stt=(exact.stt,), stamp=exact.stamp)


def _note_total(levied: _Levied, lines: Sequence[Charges], rates: SegmentRates, rounding: RoundingRow) -> Charges:
    """Return the contract note's lines."""
    places, exact = rounding.places, sum(lines, Charges())
    stt = sum((round_half_up(part, rounding.stt_places) for part in levied.stt), ZERO)
    brokerage = sum((round_half_up(fee, places) for fee in levied.brokerages), ZERO)
    if levied.is_delivery:
        brokerage = max(brokerage, rounding.minimum_delivery)
    exchange, ipft, sebi = (round_half_up(line, places) for line in (exact.exchange, exact.ipft, exact.sebi))
    taxed = (brokerage, exchange, ipft if rates.gst_on_ipft else ZERO, sebi if rates.gst_on_sebi else ZERO)
    return Charges(
        brokerage=brokerage,
        stt=stt,
        exchange=exchange,
        ipft=ipft,
        sebi=sebi,
        stamp=round_half_up(levied.stamp, rounding.stamp_places),
        gst=sum((round_half_up(line * rates.gst, places) for line in taxed), ZERO),
    )


def round_half_up(amount: Decimal, places: int | None) -> Decimal:
    """Return an amount rounded half up, as it is where ``places`` is None."""
    return amount if places is None else amount.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
