"""Charges: brokerage and the statutory lines of trades in shares and contracts, by trade date."""

from qts.market.charges.day import DayBill, day_charges, lone_order
from qts.market.charges.document import charges_document
from qts.market.charges.examples import LINES, Difference, PricedExample, lines_of, price_example
from qts.market.charges.fills import DayFill
from qts.market.charges.funds import stt_class_of
from qts.market.charges.orders import ChargeableOrder, PricedOrders, RoundingMode
from qts.market.charges.pricing import dp_charge, price_orders
from qts.market.charges.rates import SegmentRates, rates_on, regime_starts
from qts.market.charges.round_trip import RoundTrip, RoundTripTerms, price_round_trip
from qts.market.charges.schedule import schedule_version, unconfirmed
from qts.market.charges.segments import ChargeSegment, RateClasses, Settlement, SttClass, listed_at, segment_of
from qts.market.charges.share_day import LoneOrder

__all__ = [
    "LINES",
    "ChargeSegment",
    "ChargeableOrder",
    "DayBill",
    "DayFill",
    "Difference",
    "LoneOrder",
    "PricedExample",
    "PricedOrders",
    "RateClasses",
    "RoundTrip",
    "RoundTripTerms",
    "RoundingMode",
    "SegmentRates",
    "Settlement",
    "SttClass",
    "charges_document",
    "day_charges",
    "dp_charge",
    "lines_of",
    "listed_at",
    "lone_order",
    "price_example",
    "price_orders",
    "price_round_trip",
    "rates_on",
    "regime_starts",
    "schedule_version",
    "segment_of",
    "stt_class_of",
    "unconfirmed",
]
