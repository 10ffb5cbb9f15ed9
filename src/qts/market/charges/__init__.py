"""Charges: brokerage and the statutory lines of a trade in shares, by trade date."""

from qts.market.charges.orders import ChargeableOrder, ChargeSegment, PricedOrders, RoundingMode
from qts.market.charges.rates import SegmentRates, rates_on, regime_starts
from qts.market.charges.schedule import schedule_version

__all__ = [
    "ChargeSegment",
    "ChargeableOrder",
    "PricedOrders",
    "RoundingMode",
    "SegmentRates",
    "rates_on",
    "regime_starts",
    "schedule_version",
]
