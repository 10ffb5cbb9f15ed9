"""What one instrument's fills of one day cost in all: the ledger's charges."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Protocol

from qts.core import Charges, Exchange, Product, Side
from qts.core.errors import BadParameter
from qts.market.charges.contract_day import ContractDay
from qts.market.charges.fills import DayFill
from qts.market.charges.rates import SegmentRates, rates_on
from qts.market.charges.segments import EQUITY_SEGMENTS, ChargeSegment, SttClass
from qts.market.charges.share_day import LoneOrder, ShareDay


class _Day(Protocol):
    """One instrument's day: it takes in fills and knows what they cost so far."""

    def add(self, fill: DayFill) -> None: ...
    def charges(self) -> Charges: ...
    def estimates(self) -> tuple[str, ...]: ...


def day_charges(
    fills: Sequence[DayFill],
    *,
    on: date,
    exchange: Exchange,
    product: Product,
    segment: ChargeSegment | None = None,
    stt_class: SttClass = SttClass.SHARE,
    group: str = "",
    underlying: str = "",
) -> Charges:
    """Return what a day's fills in one instrument cost together, in rupees, without rounding to the paisa.

    A fill's own charges are the charges of the day up to it minus those before it; they add up to the day's exactly. They can be
    negative in part: a purchase that turns a sale of delivery into an intraday trade takes back delivery's STT, duty and DP charge.

    Parameters
    ----------
    fills : sequence of DayFill
        Executed orders, or parts of them, of one instrument on one date, oldest first.
    on : date
        The trade date: each component's rate is that date's.
    exchange : Exchange
        Where the instrument is listed; SIM pays NSE's rates.
    product : Product
        Of shares, ``MIS``: everything is intraday; ``CNC``: what was bought and sold on the day is intraday, the rest delivery. Of
        contracts ``NRML`` or ``MIS``, which pay the same.
    segment : ChargeSegment, optional
        What is traded; shares where it is absent.
    stt_class, group, underlying
        As :func:`qts.market.charges.rates_on` takes them.

    Raises
    ------
    BadParameter
        If the exchange, the product or the segment has no schedule, or a fill is not of the segment.

    Notes
    -----
    Shares: with ``b, s`` the quantities and ``vb, vs`` the values bought and sold, ``wap = (vb + vs) / (b + s)``, ``m = min(b, s)``:

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

    Contracts: nothing is netted. Brokerage per order is flat for options and ``min(value * rate, cap)`` for futures; STT (CTT for
    commodities) is ``vs * stt_sell``, duty ``vb * stamp_buy``, all else as above; what the end of a contract costs is told in
    :mod:`qts.market.charges.contract_day`. An order cut into ``n`` slices pays ``n`` brokerages, each with a cap of its own.

    Each line is cut to ten decimals, for an average need not end. All rates are fractions of :func:`rates_on`.
    """
    bill = DayBill(
        on=on,
        exchange=exchange,
        product=product,
        segment=segment,
        stt_class=stt_class,
        group=group,
        underlying=underlying,
    )
    for fill in fills:
        bill.add(fill)
    return bill.charges()


def lone_order(
    side: Side, *, on: date, exchange: Exchange, product: Product, stt_class: SttClass = SttClass.SHARE, group: str = ""
) -> LoneOrder:
    """Return what a share's order pays that is the only one of its day: what :class:`DayBill` says after its first fill.

    Raises
    ------
    BadParameter
        As :func:`day_charges`.
    """
    _check_share_product(product)
    intraday, delivery = _share_rates(on, exchange, stt_class=stt_class, group=group)
    return LoneOrder(side, intraday=intraday, delivery=delivery, is_delivery=product is Product.CNC)


class DayBill:
    """The charges of one instrument's day as its fills come in: what :func:`day_charges` says of them, at the same cost for each.

    A share that is not ``netted`` is in a trade-to-trade series: each order is delivered. Of the formulas of :func:`day_charges` those
    without ``m`` and ``wap`` remain: STT is ``vb * delivery.stt_buy + vs * delivery.stt_sell``, duty ``vb * delivery.stamp_buy`` (and so
    for sales before 2020-07), brokerage per order at delivery's rate and cap, and DP once, if ``s > 0``.

    Raises
    ------
    BadParameter
        As :func:`day_charges`, or if a share that is not netted is to be intraday.
    """

    def __init__(
        self,
        *,
        on: date,
        exchange: Exchange,
        product: Product,
        segment: ChargeSegment | None = None,
        stt_class: SttClass = SttClass.SHARE,
        group: str = "",
        underlying: str = "",
        netted: bool = True,
    ) -> None:
        self._day: _Day
        if segment is None or segment in EQUITY_SEGMENTS:
            _check_share_product(product)
            if not netted and product is Product.MIS:
                raise BadParameter(
                    "product", product, "is netted within the day, and this share is delivered order by order", hint="Use CNC."
                )
            intraday, delivery = _share_rates(on, exchange, stt_class=stt_class, group=group)
            self._day = ShareDay(intraday=intraday, delivery=delivery, is_delivery=product is Product.CNC, is_netted=netted)
            return
        if product is Product.CNC:
            raise BadParameter("product", product, f"is for shares, not for {segment}", hint="Use NRML, or MIS for the day.")
        rates = rates_on(on, exchange, segment, stt_class=stt_class, group=group, underlying=underlying)
        self._day = ContractDay(rates=rates, segment=segment)

    def add(self, fill: DayFill) -> None:
        """Take in the next fill of the day."""
        self._day.add(fill)

    def charges(self) -> Charges:
        """Return the charges of the fills so far."""
        return self._day.charges()

    def estimates(self) -> tuple[str, ...]:
        """Return a sentence for each estimate among the rates that the fills so far paid."""
        return self._day.estimates()


def _check_share_product(product: Product) -> None:
    if product is Product.NRML:
        hint = "Use CNC or MIS for shares, and name the segment of a contract."
        raise BadParameter("product", product, "is for futures and options, not for shares", hint=hint)


def _share_rates(on: date, exchange: Exchange, *, stt_class: SttClass, group: str) -> tuple[SegmentRates, SegmentRates]:
    """Return the rates of intraday trades and of delivery."""
    delivery, intraday = (rates_on(on, exchange, part, stt_class=stt_class, group=group) for part in EQUITY_SEGMENTS)
    return intraday, delivery
