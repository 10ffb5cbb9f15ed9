"""What one instrument's fills of one day cost in all: the ledger's charges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from qts.core import Charges, Exchange, Product, Side
from qts.core.errors import BadParameter
from qts.market.charges.netting import ZERO, brokerage_of, day_net
from qts.market.charges.orders import ChargeableOrder, ChargeSegment
from qts.market.charges.rates import rates_on

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
    if product is Product.NRML:
        raise BadParameter("product", product, "is for derivatives, which this release cannot charge", hint="Use CNC or MIS for shares.")
    intraday = rates_on(on, exchange, ChargeSegment.EQUITY_INTRADAY)
    delivery = rates_on(on, exchange, ChargeSegment.EQUITY_DELIVERY)
    if not fills:
        return Charges()
    orders = tuple(ChargeableOrder(side=fill.side, quantity=fill.quantity, price=fill.price) for fill in fills)
    is_delivery = product is Product.CNC
    net = day_net(orders, intraday, delivery if is_delivery else intraday)
    if is_delivery:
        stt = sum(net.stt(), ZERO)
        brokerage = sum(net.brokerages(), ZERO)
    else:
        # The day's end has bought = sold, where this is the rule; until then the sales pay, never the purchases.
        stt = net.sold * net.value / (net.bought + net.sold) * intraday.stt_sell
        brokerage = sum((brokerage_of(order.notional, intraday) for order in orders), ZERO)
    turnover_fees = net.value * intraday.exchange, net.value * intraday.ipft, net.value * intraday.sebi
    taxed = brokerage + turnover_fees[0]
    taxed += turnover_fees[1] if intraday.gst_on_ipft else ZERO
    taxed += turnover_fees[2] if intraday.gst_on_sebi else ZERO
    return Charges(
        brokerage=_cut(brokerage),
        stt=_cut(stt),
        exchange=_cut(turnover_fees[0]),
        ipft=_cut(turnover_fees[1]),
        sebi=_cut(turnover_fees[2]),
        stamp=_cut(net.stamp()),
        gst=_cut(taxed * intraday.gst),
        dp=delivery.dp_sell if is_delivery and net.sold > net.bought else ZERO,
    )


def _cut(amount: Decimal) -> Decimal:
    return amount.quantize(_STEP)
