"""What the trades of one bill cost by our schedule, as the bill's author rounds, and which rate each line comes from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from qts.core import Charges, Exchange, Side
from qts.core.errors import InputError
from qts.market.charges import (
    ChargeableOrder,
    ChargeSegment,
    PricedOrders,
    RateClasses,
    RoundingMode,
    SegmentRates,
    SttClass,
    listed_at,
    price_orders,
    rates_on,
)
from qts.market.charges.netting import ZERO, DayNet, day_net
from qts.market.charges.schedule import Component, RateRow, row_on
from qts.market.listing import is_trade_to_trade
from qts.market.reconciliation.statement import TradeRow, Unpriced
from qts.market.reconciliation.terms import SHARES, classes_of, tags_at

PAISA: Final = Decimal("0.01")
_SUMMED: Final = ("exchange", "ipft", "sebi")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Which rows of the schedule hold."""

    on: date
    exchange: Exchange
    segment: ChargeSegment
    classes: RateClasses = field(default_factory=RateClasses)

    def rates(self) -> SegmentRates:
        """Return the rates in force."""
        found = self.classes
        return rates_on(self.on, self.exchange, self.segment, stt_class=found.stt_class, group=found.group, underlying=found.underlying)

    def price(self, orders: Sequence[ChargeableOrder], mode: RoundingMode) -> PricedOrders:
        """Return the bill of orders in the instrument."""
        return price_orders(orders, on=self.on, exchange=self.exchange, segment=self.segment, mode=mode, classes=self.classes)

    def row(self, component: Component) -> RateRow | None:
        """Return the schedule's row of a component."""
        at = listed_at(self.exchange, self.segment)
        return row_on(component, self.on, at, self.segment, tags=tags_at(at, self.classes))


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """What a line of ours is levied on: ``rate`` times ``amount``, where one rate alone makes the line.

    ``amount`` is rupees, or a number of orders where ``is_per_order`` says that each pays the same fee. ``fund`` is the
    part of the rate that the schedule holds in a row of its own, for the investor protection fund.
    """

    rate: Decimal
    amount: Decimal
    at: Place
    is_per_order: bool = False
    fund: Decimal = ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class PricedBill:
    """Our side of a bill.

    ``charges`` are rounded as the mode says, ``exact`` are not, ``bases`` has a line's base where one rate makes the line, and
    ``warnings`` names the estimates among the rates.
    """

    on: date
    charges: Charges = field(default_factory=Charges)
    exact: Charges = field(default_factory=Charges)
    net_value: Decimal = ZERO
    n_orders: int = 0
    n_securities: int = 0
    gst_rate: Decimal = ZERO
    is_sebi_taxed: bool = True
    bases: Mapping[str, Base] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    unpriced: tuple[Unpriced, ...] = ()
    priced: tuple[TradeRow, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Security:
    """One security's part of a bill."""

    charges: Charges
    exact: Charges
    orders: tuple[ChargeableOrder, ...]
    rates: SegmentRates
    parts: Mapping[str, tuple[Base, ...]]
    warnings: tuple[str, ...]


def price_bill(trades: Sequence[TradeRow], *, mode: RoundingMode, on: date) -> PricedBill:
    """Return our bill for these trades.

    On a contract note, what was bought and sold of a share on one day and exchange is netted, whatever the product, but not in a
    trade-to-trade series such as BE, which is for delivery; each order id pays one brokerage; STT and stamp duty are rounded per
    security, the turnover charges on the sum of the bill.

    Parameters
    ----------
    trades : sequence of TradeRow
        The bill's trades; those without a date are priced at ``on``.
    mode : RoundingMode
        Whose bill it is.
    on : date
        The date of trades that have none.
    """
    securities, unpriced, priced = [], [], []
    for rows in _by_security(trades, mode).values():
        try:
            securities.append(_price_security(rows, mode, rows[0].on or on))
            priced += rows
        except InputError as error:
            reason = f"{error.message} {error.hint}".strip()
            unpriced += [Unpriced(row=row.row, reason=reason) for row in rows]
    return replace(_sum(securities, mode, on), unpriced=tuple(unpriced), priced=tuple(priced))


def _by_security(trades: Sequence[TradeRow], mode: RoundingMode) -> dict[tuple[object, ...], list[TradeRow]]:
    found: dict[tuple[object, ...], list[TradeRow]] = {}
    for trade in trades:
        # The exchange does not see the broker's product: on a note delivery and intraday trades of a share are one account.
        product = "shares" if mode is RoundingMode.CONTRACT_NOTE and trade.segment in SHARES else trade.segment.value
        if trade.segment in SHARES and is_trade_to_trade(trade.group, trade.exchange):
            product = f"{trade.side} for delivery"
        found.setdefault((trade.on, trade.exchange, trade.symbol, product), []).append(trade)
    return found


def _price_security(rows: Sequence[TradeRow], mode: RoundingMode, on: date) -> _Security:
    orders, classes = tuple(_orders(rows)), classes_of(rows[0])
    at = Place(on=on, exchange=rows[0].exchange, segment=_segment(rows, orders, mode), classes=classes)
    own, rates = at.price(orders, mode), at.rates()
    exact = replace(at.price(orders, RoundingMode.EXACT).total, dp=ZERO)
    if at.segment in SHARES and mode is RoundingMode.CONTRACT_NOTE:
        intraday, delivery = replace(at, segment=ChargeSegment.EQUITY_INTRADAY), replace(at, segment=ChargeSegment.EQUITY_DELIVERY)
        net = day_net(orders, intraday.rates(), delivery.rates())
        exact = replace(exact, stt=sum(net.stt(), ZERO), stamp=net.stamp(), brokerage=sum(net.brokerages(), ZERO))
        parts = _share_parts(net, intraday, delivery)
    else:
        parts = _plain_parts(orders, rates, at)
    turnover = sum((order.notional for order in orders), ZERO)
    for line in _SUMMED:
        parts[line] = (Base(rate=getattr(rates, line), amount=turnover, at=at),)
    warnings = own.warnings
    if classes.stt_class is SttClass.EQUITY_ETF:
        warnings = (*warnings, f"stt: {rows[0].symbol} is a fund's unit by its ISIN, taken for an equity fund's; others pay no STT")
    charges = replace(own.total, dp=_dp(orders, rates) if at.segment in SHARES else ZERO)
    return _Security(charges=charges, exact=exact, orders=orders, rates=rates, parts=parts, warnings=warnings)


def _orders(rows: Sequence[TradeRow]) -> Iterator[ChargeableOrder]:
    """Yield the orders, oldest first: the trades of one order id and side together."""
    grouped: dict[tuple[str, Side], list[TradeRow]] = {}
    for row in rows:
        grouped.setdefault((row.order_id or f"row {row.row}", row.side), []).append(row)
    for (_, side), parts in grouped.items():
        quantity = sum((part.quantity for part in parts), ZERO)
        value = sum((part.notional for part in parts), ZERO)
        yield ChargeableOrder(side=side, quantity=quantity, price=parts[0].price, value=value)


def _segment(rows: Sequence[TradeRow], orders: Sequence[ChargeableOrder], mode: RoundingMode) -> ChargeSegment:
    segment = rows[0].segment
    if segment not in SHARES or any(row.is_product_known for row in rows):
        return segment
    if mode is RoundingMode.CONTRACT_NOTE:
        return ChargeSegment.EQUITY_DELIVERY
    net = sum((order.quantity if order.side is Side.BUY else -order.quantity for order in orders), ZERO)
    return ChargeSegment.EQUITY_INTRADAY if net == 0 else ChargeSegment.EQUITY_DELIVERY


def _share_parts(net: DayNet, intraday: Place, delivery: Place) -> dict[str, tuple[Base, ...]]:
    average = net.value / (net.bought + net.sold)
    rest = net.bought - net.sold
    stt = (
        Base(rate=net.intraday.stt_sell, amount=net.matched * average, at=intraday),
        Base(rate=net.delivery.stt_buy if rest > 0 else net.delivery.stt_sell, amount=abs(rest) * average, at=delivery),
    )
    stamp: list[Base] = []
    for side, of_day, kept in (
        (Side.BUY, net.intraday.stamp_buy, net.delivery.stamp_buy),
        (Side.SELL, net.intraday.stamp_sell, net.delivery.stamp_sell),
    ):
        quantity = sum((order.quantity for order in net.orders if order.side is side), ZERO)
        value = sum((order.notional for order in net.orders if order.side is side), ZERO)
        price = value / quantity if quantity else ZERO
        stamp += [
            Base(rate=of_day, amount=price * net.matched, at=intraday),
            Base(rate=kept, amount=price * (quantity - net.matched), at=delivery),
        ]
    brokerage: list[Base] = []
    for order, part in zip(net.orders, net.intraday_values(), strict=True):
        brokerage += [_fee(part, net.intraday, intraday), _fee(order.notional - part, net.delivery, delivery)]
    return {"stt": stt, "stamp": tuple(stamp), "brokerage": tuple(brokerage)}


def _plain_parts(orders: Sequence[ChargeableOrder], rates: SegmentRates, at: Place) -> dict[str, tuple[Base, ...]]:
    parts: dict[str, tuple[Base, ...]] = {}
    for line in ("stt", "stamp"):
        parts[line] = tuple(
            Base(
                rate=getattr(rates, f"{line}_{side}"),
                amount=sum((order.notional for order in orders if order.side is side), ZERO),
                at=at,
            )
            for side in Side
        )
    return {**parts, "brokerage": tuple(_fee(order.notional, rates, at) for order in orders)}


def _fee(value: Decimal, rates: SegmentRates, at: Place) -> Base:
    """Return what one order's brokerage is levied on: the order itself where its fee is flat or the broker's cap holds."""
    cap, per_order = rates.brokerage_cap, Decimal(1)
    if rates.brokerage_flat:
        return Base(rate=rates.brokerage_flat, amount=per_order, at=at, is_per_order=True)
    if cap is not None and value * rates.brokerage_fraction > cap:
        return Base(rate=cap, amount=per_order, at=at, is_per_order=True)
    return Base(rate=rates.brokerage_fraction, amount=value, at=at)


def _dp(orders: Sequence[ChargeableOrder], rates: SegmentRates) -> Decimal:
    net = sum((order.quantity if order.side is Side.BUY else -order.quantity for order in orders), ZERO)
    return rates.dp_sell if net < 0 else ZERO


def _sum(securities: Sequence[_Security], mode: RoundingMode, on: date) -> PricedBill:
    charges, exact = (sum((getattr(part, name) for part in securities), Charges()) for name in ("charges", "exact"))
    if not securities:
        return PricedBill(on=on)
    rates = securities[0].rates
    if mode is RoundingMode.CONTRACT_NOTE and len(securities) > 1:
        charges = _rounded(charges, exact, rates)
    signed = (order.notional if order.side is Side.SELL else -order.notional for part in securities for order in part.orders)
    return PricedBill(
        on=on,
        charges=charges,
        exact=exact,
        net_value=sum(signed, ZERO),
        n_orders=sum(len(part.orders) for part in securities),
        n_securities=len(securities),
        gst_rate=rates.gst,
        is_sebi_taxed=rates.gst_on_sebi,
        bases=dict(_joined(securities)),
        warnings=tuple(dict.fromkeys(sentence for part in securities for sentence in part.warnings)),
    )


def _rounded(charges: Charges, exact: Charges, rates: SegmentRates) -> Charges:
    """Return a note over several securities: turnover charges and GST are rounded once, on the note's sum."""
    exchange, ipft, sebi = (getattr(exact, line).quantize(PAISA, ROUND_HALF_UP) for line in _SUMMED)
    taxed = (charges.brokerage, exchange, ipft if rates.gst_on_ipft else ZERO, sebi if rates.gst_on_sebi else ZERO)
    gst = sum(((line * rates.gst).quantize(PAISA, ROUND_HALF_UP) for line in taxed), ZERO)
    return replace(charges, exchange=exchange, ipft=ipft, sebi=sebi, gst=gst)


def _joined(securities: Sequence[_Security]) -> Iterator[tuple[str, Base]]:
    for line in ("brokerage", "stt", "stamp", *_SUMMED):
        joined = _one_rate(base for part in securities for base in part.parts[line])
        if joined is not None:
            yield line, joined


def _one_rate(bases: Iterable[Base]) -> Base | None:
    """Return the bases as one where a single rate makes the line; a side that pays nothing does not count beside one that pays."""
    levied = [base for base in bases if base.amount > 0]
    paying = [base for base in levied if base.rate > 0] or levied
    if len({(base.rate, base.at.exchange, base.at.segment, base.is_per_order) for base in paying}) != 1:
        return None
    return replace(paying[0], amount=sum((base.amount for base in paying), ZERO))
