"""How much of a day's trading in one security is intraday, and what that does to STT, stamp duty and brokerage.

The exchange does not see the broker's product: per client, security, exchange and day, the smaller of the quantities bought and sold is
intraday and the rest is delivery. STT is levied on both parts at the day's average price (Zerodha's published rule)::

    wap      = (value bought + value sold) / (quantity bought + quantity sold)
    intraday = min(bought, sold)
    STT      = intraday * wap * rate(intraday, sell)  and  |bought - sold| * wap * rate(delivery, side of the rest)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from qts.core import Side
from qts.market.charges.orders import ChargeableOrder
from qts.market.charges.rates import SegmentRates

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class DayNet:
    """The orders of one security, exchange and day, oldest first, and the two sets of rates they may pay; made by :func:`day_net`.

    ``bought`` and ``sold`` are quantities; ``value`` is the value traded, both sides, in rupees.
    """

    orders: tuple[ChargeableOrder, ...]
    intraday: SegmentRates
    delivery: SegmentRates
    bought: Decimal
    sold: Decimal
    value: Decimal

    @property
    def matched(self) -> Decimal:
        """Return the intraday quantity."""
        return min(self.bought, self.sold)

    def stt(self) -> tuple[Decimal, Decimal]:
        """Return STT on the intraday part and on the rest, in rupees, not rounded."""
        if not self.orders:
            return ZERO, ZERO
        wap = self.value / (self.bought + self.sold)
        rest = self.bought - self.sold
        rate = self.delivery.stt_buy if rest > 0 else self.delivery.stt_sell
        return self.matched * wap * self.intraday.stt_sell, abs(rest) * wap * rate

    def stamp(self) -> Decimal:
        """Return stamp duty: each side's intraday part and rest at their rates, at the side's own average price."""
        buys = self._stamp_of(Side.BUY, self.intraday.stamp_buy, self.delivery.stamp_buy)
        return buys + self._stamp_of(Side.SELL, self.intraday.stamp_sell, self.delivery.stamp_sell)

    def intraday_values(self) -> tuple[Decimal, ...]:
        """Return the intraday part of each order's value: the earliest orders of each side are matched first."""
        left = {Side.BUY: self.matched, Side.SELL: self.matched}
        values = []
        for order in self.orders:
            part = min(order.quantity, left[order.side])
            left[order.side] -= part
            values.append(order.notional_of(part))
        return tuple(values)

    def brokerages(self) -> tuple[Decimal, ...]:
        """Return each order's brokerage: the intraday part at the intraday rate, the rest at that of delivery."""
        pairs = zip(self.orders, self.intraday_values(), strict=True)
        return tuple(brokerage_of(part, self.intraday) + brokerage_of(order.notional - part, self.delivery) for order, part in pairs)

    def _stamp_of(self, side: Side, intraday: Decimal, delivery: Decimal) -> Decimal:
        quantity = self.bought if side is Side.BUY else self.sold
        if quantity == 0:
            return ZERO
        price = sum((order.notional for order in self.orders if order.side is side), ZERO) / quantity
        return price * (self.matched * intraday + (quantity - self.matched) * delivery)


def brokerage_of(value: Decimal, rates: SegmentRates, *, slices: int = 1) -> Decimal:
    """Return the broker's fee on one order's value, in rupees, not rounded; each of its equal slices has a cap, or a flat fee, of its own.

    With ``n`` slices ``n * min(value / n * rate, cap) = min(value * rate, n * cap)``.
    """
    if rates.brokerage_flat:
        return rates.brokerage_flat * slices
    fee = value * rates.brokerage_fraction
    return fee if rates.brokerage_cap is None else min(fee, rates.brokerage_cap * slices)


def day_net(orders: Sequence[ChargeableOrder], intraday: SegmentRates, delivery: SegmentRates) -> DayNet:
    """Return the netting of a day's orders in one security."""
    return DayNet(
        orders=tuple(orders),
        intraday=intraday,
        delivery=delivery,
        bought=sum((order.quantity for order in orders if order.side is Side.BUY), ZERO),
        sold=sum((order.quantity for order in orders if order.side is Side.SELL), ZERO),
        value=sum((order.notional for order in orders), ZERO),
    )
