"""Zerodha's Kite Connect: what it sends, read into types of ours. Nothing here opens a connection."""

from qts.data.kite.account import (
    BrokerHolding,
    BrokerOrder,
    BrokerPosition,
    BrokerTrade,
    Margins,
    Profile,
    read_holdings,
    read_margins,
    read_orders,
    read_positions,
    read_profile,
    read_trades,
)
from qts.data.kite.candles import CandleBatch, closed_bars, read_candles
from qts.data.kite.contract_note import ContractNote, ExecutedOrder, NoteCharges, NoteOrder, executed_orders, read_contract_note
from qts.data.kite.login import Session, checksum_of, expiry_of, login_address, read_session
from qts.data.kite.quotes import DepthLevel, Quote, read_quotes
from qts.data.kite.reply import Reply, data_of
from qts.data.kite.ticks import Tick, TickBatch, TickMode, read_ticks
from qts.data.kite.windows import CandleWindow, candle_windows

__all__ = [
    "BrokerHolding",
    "BrokerOrder",
    "BrokerPosition",
    "BrokerTrade",
    "CandleBatch",
    "CandleWindow",
    "ContractNote",
    "DepthLevel",
    "ExecutedOrder",
    "Margins",
    "NoteCharges",
    "NoteOrder",
    "Profile",
    "Quote",
    "Reply",
    "Session",
    "Tick",
    "TickBatch",
    "TickMode",
    "candle_windows",
    "checksum_of",
    "closed_bars",
    "data_of",
    "executed_orders",
    "expiry_of",
    "login_address",
    "read_candles",
    "read_contract_note",
    "read_holdings",
    "read_margins",
    "read_orders",
    "read_positions",
    "read_profile",
    "read_quotes",
    "read_session",
    "read_ticks",
    "read_trades",
]
