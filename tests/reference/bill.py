"""What the orders of one day in one instrument cost together: a contract note worked out afresh each time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from tests.reference.scene import BUY, SELL, ZERO, Rules, Terms

from qts.core import Exchange
from qts.market.charges import ChargeSegment, SegmentRates, rates_on

LINES = ("brokerage", "stt", "exchange", "ipft", "sebi", "stamp", "gst", "dp")
Bill = dict[str, Decimal]


@dataclass(frozen=True, slots=True, kw_only=True)
class Deal:
    """A part of an order that was executed; parts of one order share its number. It was sent in so many equal ``slices``.

    ``by_broker`` marks an order the broker placed to square off, for which he takes a fee.
    """

    order: int
    side: int
    quantity: Decimal
    price: Decimal
    slices: int = 1
    by_broker: bool = False

    @property
    def value(self) -> Decimal:
        return self.quantity * self.price


def total(bill: Bill) -> Decimal:
    return sum(bill.values(), ZERO)


def less(after: Bill, before: Bill) -> Bill:
    return {line: after[line] - before[line] for line in LINES}


def day_bill(deals: Sequence[Deal], *, on: date, terms: Terms, rules: Rules) -> Bill:
    """Work out the bill of a day's deals in one instrument, oldest first."""
    bill = dict.fromkeys(LINES, ZERO)
    if rules.costs == "percent":
        bill["brokerage"] = sum((deal.value for deal in deals), ZERO) * rules.cost_rate
    elif rules.costs == "per-share":
        bill["brokerage"] = by_order(deals, lambda part: max(shares(part) * rules.cost_rate, rules.cost_minimum))
    elif rules.costs == "zerodha" and deals:
        if terms.by_order:
            delivered_bill(bill, deals, on=on, exchange=terms.exchange)
        elif terms.kind == "share":
            share_bill(bill, deals, on=on, exchange=terms.exchange, is_mis=rules.product == "MIS")
        else:
            contract_bill(bill, deals, on=on, terms=terms)
    return bill


def share_bill(bill: Bill, deals: Sequence[Deal], *, on: date, exchange: Exchange, is_mis: bool) -> None:
    intraday = rates_on(on, exchange, ChargeSegment.EQUITY_INTRADAY)
    delivery = intraday if is_mis else rates_on(on, exchange, ChargeSegment.EQUITY_DELIVERY)
    bought, sold = ([deal for deal in deals if deal.side == side] for side in (BUY, SELL))
    n_bought, n_sold = shares(bought), shares(sold)
    matched = min(n_bought, n_sold)
    traded = value(deals)
    average = traded / (n_bought + n_sold)
    if is_mis:
        bill["stt"] = n_sold * average * intraday.stt_sell + n_bought * average * intraday.stt_buy
        bill["brokerage"] = by_order(deals, lambda part: brokerage(value(part), intraday, slices_of(part)))
    else:
        bill["stt"] = matched * average * intraday.stt_sell
        bill["stt"] += (n_bought - matched) * average * delivery.stt_buy + (n_sold - matched) * average * delivery.stt_sell
        bill["brokerage"] = by_matched_order(bought, matched, intraday, delivery) + by_matched_order(sold, matched, intraday, delivery)
        bill["dp"] = delivery.dp_sell if n_sold > n_bought else ZERO
    bill["brokerage"] += square_off_fees(deals, intraday)
    for side, rate in ((bought, "stamp_buy"), (sold, "stamp_sell")):
        if not side:
            continue
        inner = shares(side) if is_mis else matched
        a_share = value(side) / shares(side)
        bill["stamp"] += a_share * inner * getattr(intraday, rate) + a_share * (shares(side) - inner) * getattr(delivery, rate)
    turnover_lines(bill, traded, delivery)


def delivered_bill(bill: Bill, deals: Sequence[Deal], *, on: date, exchange: Exchange) -> None:
    """Work out each order's bill as if it were the only one of its day; the depository asks once for a day with a sale."""
    orders = [[deal for deal in deals if deal.order == order] for order in dict.fromkeys(deal.order for deal in deals)]
    for parts in orders:
        alone = dict.fromkeys(LINES, ZERO)
        share_bill(alone, parts, on=on, exchange=exchange, is_mis=False)
        for line in LINES:
            bill[line] = max(bill[line], alone[line]) if line == "dp" else bill[line] + alone[line]


def contract_bill(bill: Bill, deals: Sequence[Deal], *, on: date, terms: Terms) -> None:
    rates = rates_on(on, terms.exchange, segment_of(terms))
    for side, tax, duty in ((BUY, rates.stt_buy, rates.stamp_buy), (SELL, rates.stt_sell, rates.stamp_sell)):
        part = value([deal for deal in deals if deal.side == side])
        bill["stt"] += part * tax
        bill["stamp"] += part * duty
    bill["brokerage"] = by_order(deals, lambda part: brokerage(value(part), rates, slices_of(part))) + square_off_fees(deals, rates)
    turnover_lines(bill, value(deals), rates)


def settlement_bill(held: Decimal, price: Decimal, *, on: date, terms: Terms, rules: Rules) -> Bill:
    """Work out what the end of a contract costs: an option's brokerage, the tax of who exercises; nothing for a future settled in cash."""
    bill = dict.fromkeys(LINES, ZERO)
    if rules.costs != "zerodha":
        return bill
    rates = rates_on(on, terms.exchange, segment_of(terms))
    amount = abs(held) * price
    if terms.kind == "option":
        bill["brokerage"] = rates.brokerage_flat
        bill["stt"] = amount * rates.exercise if held > 0 else ZERO
    elif not terms.is_index:
        bill["brokerage"] = amount * rates.physical_brokerage
        bill["stt"] = amount * rates.physical_stt
        bill["stamp"] = amount * rates.physical_stamp if held > 0 else ZERO
    bill["gst"] = bill["brokerage"] * rates.gst
    return bill


def turnover_lines(bill: Bill, traded: Decimal, rates: SegmentRates) -> None:
    bill["exchange"] = traded * rates.exchange
    bill["ipft"] = traded * rates.ipft
    bill["sebi"] = traded * rates.sebi
    taxed = bill["brokerage"] + bill["exchange"]
    taxed += bill["sebi"] if rates.gst_on_sebi else ZERO
    taxed += bill["ipft"] if rates.gst_on_ipft else ZERO
    bill["gst"] = taxed * rates.gst


def brokerage(amount: Decimal, rates: SegmentRates, slices: int) -> Decimal:
    """Price one order of equal slices: a flat fee each, or a fraction of its value up to a cap; nothing for what was not traded."""
    if not amount:
        return ZERO
    fee = amount / slices * rates.brokerage_fraction
    return slices * (rates.brokerage_flat + (fee if rates.brokerage_cap is None else min(fee, rates.brokerage_cap)))


def square_off_fees(deals: Sequence[Deal], rates: SegmentRates) -> Decimal:
    return by_order([deal for deal in deals if deal.by_broker], lambda part: slices_of(part) * rates.square_off)


def slices_of(deals: Sequence[Deal]) -> int:
    return max(deal.slices for deal in deals)


def by_order(deals: Sequence[Deal], price: Callable[[list[Deal]], Decimal]) -> Decimal:
    """Add up what each order pays, all its parts together."""
    orders = dict.fromkeys(deal.order for deal in deals)
    return sum((price([deal for deal in deals if deal.order == order]) for order in orders), ZERO)


def by_matched_order(deals: Sequence[Deal], matched: Decimal, intraday: SegmentRates, delivery: SegmentRates) -> Decimal:
    """Add up the brokerage of one side: the earliest orders' shares are the matched ones and pay the intraday rate."""
    fee, left = ZERO, matched
    for order in dict.fromkeys(deal.order for deal in deals):
        parts = [deal for deal in deals if deal.order == order]
        inner = min(left, shares(parts)) * value(parts) / shares(parts)
        left -= min(left, shares(parts))
        fee += brokerage(inner, intraday, slices_of(parts)) + brokerage(value(parts) - inner, delivery, slices_of(parts))
    return fee


def shares(deals: Sequence[Deal]) -> Decimal:
    return sum((deal.quantity for deal in deals), ZERO)


def value(deals: Sequence[Deal]) -> Decimal:
    return sum((deal.value for deal in deals), ZERO)


def segment_of(terms: Terms) -> ChargeSegment:
    """Name the segment a contract is charged in."""
    group = {Exchange.CDS: "currency", Exchange.BCD: "currency", Exchange.MCX: "commodity", Exchange.NCO: "commodity"}
    return ChargeSegment(f"{group.get(terms.exchange, 'equity')}_{terms.kind}s")
