"""Rules of listing: contracts and their lots, ticks, price bands, margins, settlement, and why an order is refused."""

from qts.market.listing.contract import DERIVATIVE_EXCHANGES, Contract, ContractKind, OptionRight, contract_of, contract_symbol
from qts.market.listing.expiry import index_names, monthly_expiry
from qts.market.listing.reject import REJECT_SENTENCES, RejectReason, reject_fields, reject_sentence
from qts.market.listing.ticks import Tick, TickClass, TickFrom, is_on_tick, round_to_tick, tick_class_of, tick_schedule, tick_size

__all__ = [
    "DERIVATIVE_EXCHANGES",
    "REJECT_SENTENCES",
    "Contract",
    "ContractKind",
    "OptionRight",
    "RejectReason",
    "Tick",
    "TickClass",
    "TickFrom",
    "contract_of",
    "contract_symbol",
    "index_names",
    "is_on_tick",
    "monthly_expiry",
    "reject_fields",
    "reject_sentence",
    "round_to_tick",
    "tick_class_of",
    "tick_schedule",
    "tick_size",
]
