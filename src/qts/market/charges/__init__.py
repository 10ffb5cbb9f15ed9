"""Charges: brokerage and the statutory lines of a trade in shares, by trade date."""

from qts.market.charges.day import DayBill, DayFill, day_charges
from qts.market.charges.examples import LINES, Difference, PricedExample, lines_of, price_example
from qts.market.charges.orders import ChargeableOrder, ChargeSegment, PricedOrders, RoundingMode
from qts.market.charges.pricing import dp_charge, price_orders
from qts.market.charges.rates import SegmentRates, rates_on, regime_starts
from qts.market.charges.schedule import schedule_version

__all__ = [
    "LINES",
    "ChargeSegment",
    "ChargeableOrder",
    "DayBill",
    "DayFill",
    "Difference",
    "PricedExample",
    "PricedOrders",
    "RoundingMode",
    "SegmentRates",
    "day_charges",
    "dp_charge",
    "lines_of",
    "price_example",
    "price_orders",
    "rates_on",
    "regime_starts",
    "schedule_version",
]
