"""What one instrument's fills of one day cost in all: the ledger's charges."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Final

from qts.core import Charges, Exchange, Product, Side
from qts.core.errors import BadParameter
from qts.market.charges.netting import ZERO, brokerage_of
from qts.market.charges.orders import ChargeSegment
from qts.market.charges.rates import SegmentRates, rates_on

# Averages need not end, and prices with slippage have many decimals; cut here, sums and differences of charges are exact.
_STEP: Final = Decimal("1e-10")


@dataclass(frozen=True, slots=True, kw_only=True)
class DayFill:
    """One executed order of the day: quantity in shares, price in rupees."""

    side: Side
    quantity: Decimal
    price: Decimal


def day_charges(fills: Sequence[DayFill], *, on: date, exchange: Exchange, product: Product) -> Charges:
    """Return what a day's fills in one instrument cost together, in rupees, without rounding to the paisa.

    A fill's own charges are the charges of the day up to it minus those before it; they add up to the day's exactly. They can be
    negative in part: a purchase that turns a sale of delivery into an intraday trade takes back delivery's STT, duty and DP charge.

    Parameters
    ----------
    fills : sequence of DayFill
        Executed orders of one instrument on one date, oldest first; each one is an order of its own for brokerage.
    on : date
        The trade date: each component's rate is that date's.
    exchange : Exchange
        NSE, BSE, or SIM, which pays NSE's rates.
    product : Product
        ``MIS``: everything is intraday. ``CNC``: what was bought and sold on the day is intraday, the rest delivery.

    Raises
    ------
    BadParameter
        If the exchange or the product has no schedule.

    Notes
    -----
    With ``b, s`` the quantities and ``vb, vs`` the values bought and sold, ``wap = (vb + vs) / (b + s)``, ``m = min(b, s)``:

    ==========  ===============================================  =====================================================
    line        MIS                                              CNC
    ==========  ===============================================  =====================================================
    brokerage   per order ``min(value * rate, cap)``             per order: its matched part at the intraday rate and
                                                                 cap, the rest at delivery's. The ``m`` shares are
                                                                 taken from the earliest orders of each side
    stt         ``s * wap * intraday.stt_sell``                  ``m * wap * intraday.stt_sell + |b - s| * wap *
                                                                 delivery.stt`` of the side of the rest
    stamp       ``vb * intraday.stamp_buy``                      ``vb / b * (m * intraday.stamp_buy + (b - m) *
                (+ ``vs * stamp_sell`` before 2020-07)           delivery.stamp_buy)`` (and so for sales before 2020-07)
    exchange,   ``(vb + vs) * rate``                             same
    ipft, sebi
    gst         ``rate * (brokerage + exchange + ipft [+ sebi    same
                from 2022-07-18])``
    dp          none                                             once, if ``s > b``
    ==========  ===============================================  =====================================================

    Each line is cut to ten decimals, for an average need not end. All rates are fractions of :func:`rates_on`.
    """
    bill = DayBill(on=on, exchange=exchange, product=product)
    for fill in fills:
        bill.add(fill)
    return bill.charges()


class DayBill:
    """The charges of one instrument's day as its fills come in: what :func:`day_charges` says of them, at the same cost for each."""

    def __init__(self, *, on: date, exchange: Exchange, product: Product) -> None:
        if product is Product.NRML:
            hint = "Use CNC or MIS for shares."
            raise BadParameter("product", product, "is for derivatives, which this release cannot charge", hint=hint)
        self._intraday = rates_on(on, exchange, ChargeSegment.EQUITY_INTRADAY)
        self._delivery = rates_on(on, exchange, ChargeSegment.EQUITY_DELIVERY)
        self._is_delivery = product is Product.CNC
        self._bought = _Side(intraday=self._intraday, delivery=self._delivery)
        self._sold = _Side(intraday=self._intraday, delivery=self._delivery)

    def add(self, fill: DayFill) -> None:
        """Take in the next fill of the day."""
        (self._bought if fill.side is Side.BUY else self._sold).add(fill)

    def charges(self) -> Charges:
        """Return the charges of the fills so far."""
        bought, sold, rates = self._bought, self._sold, self._intraday
        matched = min(bought.quantity, sold.quantity)
        value = bought.value + sold.value
        if bought.quantity + sold.quantity == 0:
            return Charges()
        of_buys, of_sales = (matched, matched) if self._is_delivery else (bought.quantity, sold.quantity)
        brokerage = bought.brokerage(of_buys) + sold.brokerage(of_sales)
        stamp = bought.stamp(of_buys, rates.stamp_buy, self._delivery.stamp_buy)
        stamp += sold.stamp(of_sales, rates.stamp_sell, self._delivery.stamp_sell)
        exchange, ipft, sebi = value * rates.exchange, value * rates.ipft, value * rates.sebi
        taxed = brokerage + exchange + (ipft if rates.gst_on_ipft else ZERO) + (sebi if rates.gst_on_sebi else ZERO)
        return Charges(
            brokerage=_cut(brokerage),
            stt=_cut(self._stt(matched, value)),
            exchange=_cut(exchange),
            ipft=_cut(ipft),
            sebi=_cut(sebi),
            stamp=_cut(stamp),
            gst=_cut(taxed * rates.gst),
            dp=self._delivery.dp_sell if self._is_delivery and sold.quantity > bought.quantity else ZERO,
        )

    def _stt(self, matched: Decimal, value: Decimal) -> Decimal:
        bought, sold = self._bought.quantity, self._sold.quantity
        average = value / (bought + sold)
        if not self._is_delivery:
            # The day's end has bought = sold, where this is the rule; until then the sales pay, never the purchases.
            return sold * average * self._intraday.stt_sell
        rate = self._delivery.stt_buy if bought > sold else self._delivery.stt_sell
        return average * (matched * self._intraday.stt_sell + abs(bought - sold) * rate)


@dataclass(slots=True, kw_only=True)  # grows with the fills of its day
class _Side:
    """What was bought, or sold: totals, and the fills of which not every share is intraday yet, oldest first."""

    intraday: SegmentRates
    delivery: SegmentRates
    quantity: Decimal = ZERO
    value: Decimal = ZERO
    waiting: deque[DayFill] = field(default_factory=deque)
    waiting_fees: Decimal = ZERO
    settled: Decimal = ZERO
    settled_fees: Decimal = ZERO

    def add(self, fill: DayFill) -> None:
        value = fill.quantity * fill.price
        self.quantity += fill.quantity
        self.value += value
        self.waiting.append(fill)
        self.waiting_fees += brokerage_of(value, self.delivery)

    def brokerage(self, matched: Decimal) -> Decimal:
        """Return the fees of all fills, the first ``matched`` shares at the intraday rate; ``matched`` never falls during a day."""
        while self.waiting and matched - self.settled >= self.waiting[0].quantity:
            fill = self.waiting.popleft()
            self.settled += fill.quantity
            self.settled_fees += brokerage_of(fill.quantity * fill.price, self.intraday)
            self.waiting_fees -= brokerage_of(fill.quantity * fill.price, self.delivery)
        part = matched - self.settled
        if part == 0:
            return self.settled_fees + self.waiting_fees
        first = self.waiting[0]
        split = brokerage_of(part * first.price, self.intraday) + brokerage_of((first.quantity - part) * first.price, self.delivery)
        return self.settled_fees + self.waiting_fees - brokerage_of(first.quantity * first.price, self.delivery) + split

    def stamp(self, matched: Decimal, intraday: Decimal, delivery: Decimal) -> Decimal:
        if self.quantity == 0:
            return ZERO
        return self.value / self.quantity * (matched * intraday + (self.quantity - matched) * delivery)


def _cut(amount: Decimal) -> Decimal:
    return amount.quantize(_STEP)
