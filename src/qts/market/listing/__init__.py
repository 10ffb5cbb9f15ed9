"""Rules of listing: contracts and their lots, ticks, price bands, margins, settlement, and why an order is refused."""

from qts.market.listing.bands import (
    BandClass,
    BandLimits,
    BandRule,
    BandSpan,
    Lock,
    LockSide,
    band_limits,
    band_rule,
    locked_bars,
    looks_locked,
)
from qts.market.listing.contract import DERIVATIVE_EXCHANGES, Contract, ContractKind, OptionRight, contract_of, contract_symbol
from qts.market.listing.document import listing_document
from qts.market.listing.expiry import index_names, monthly_expiry
from qts.market.listing.lots import LotSize, freeze_quantity, lot_size
from qts.market.listing.margins import MarginBase, MarginRate, margin_estimate, margin_rupees
from qts.market.listing.reject import REJECT_SENTENCES, RejectReason, reject_fields, reject_sentence
from qts.market.listing.settlement import (
    SettlementCycle,
    btst_warning,
    is_physically_settled,
    is_trade_to_trade,
    settlement_cycle,
    settles_on,
)
from qts.market.listing.ticks import Tick, TickClass, TickFrom, is_on_tick, round_to_tick, tick_class_of, tick_schedule, tick_size

__all__ = [
    "DERIVATIVE_EXCHANGES",
    "REJECT_SENTENCES",
    "BandClass",
    "BandLimits",
    "BandRule",
    "BandSpan",
    "Contract",
    "ContractKind",
    "Lock",
    "LockSide",
    "LotSize",
    "MarginBase",
    "MarginRate",
    "OptionRight",
    "RejectReason",
    "SettlementCycle",
    "Tick",
    "TickClass",
    "TickFrom",
    "band_limits",
    "band_rule",
    "btst_warning",
    "contract_of",
    "contract_symbol",
    "freeze_quantity",
    "index_names",
    "is_on_tick",
    "is_physically_settled",
    "is_trade_to_trade",
    "listing_document",
    "locked_bars",
    "looks_locked",
    "lot_size",
    "margin_estimate",
    "margin_rupees",
    "monthly_expiry",
    "reject_fields",
    "reject_sentence",
    "round_to_tick",
    "settlement_cycle",
    "settles_on",
    "tick_class_of",
    "tick_schedule",
    "tick_size",
]
