"""Reconciliation: a broker's bills beside ours, line by line, and what they say about our schedule of charges."""

from qts.market.reconciliation.bill import Base, Place, PricedBill, price_bill
from qts.market.reconciliation.comparison import CHARGE_LINES, ComparedLine, Comparison, Observation, Verdict, compare
from qts.market.reconciliation.drift import OutOfDate, out_of_date
from qts.market.reconciliation.reconcile import ReconciledBill, Reconciliation, RegimeFit, reconcile
from qts.market.reconciliation.statement import (
    Family,
    StatedCharges,
    Statement,
    TradeRow,
    Unpriced,
    UnsizedOrder,
    family_of,
    segment_of,
)

__all__ = [
    "CHARGE_LINES",
    "Base",
    "ComparedLine",
    "Comparison",
    "Family",
    "Observation",
    "OutOfDate",
    "Place",
    "PricedBill",
    "ReconciledBill",
    "Reconciliation",
    "RegimeFit",
    "StatedCharges",
    "Statement",
    "TradeRow",
    "Unpriced",
    "UnsizedOrder",
    "Verdict",
    "compare",
    "family_of",
    "out_of_date",
    "price_bill",
    "reconcile",
    "segment_of",
]
