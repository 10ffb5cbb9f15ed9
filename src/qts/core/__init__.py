"""Words of the domain. Nothing here does I/O or reads a clock."""

from qts.core.arrays import Bools, Floats, Ints
from qts.core.bars import LARGEST_PRICE, SMALLEST_PRICE, Bar, Bars
from qts.core.clock import IST, Clock, FixedClock, instant_of, micros_of, session_date_of
from qts.core.corporate_action import ActionKind, CorporateAction
from qts.core.discovery import Plugin, discover, discover_entry_points, discover_folder, line_in, load_file, said_by
from qts.core.instrument import Exchange, Instrument, InstrumentId, exchange_of, parse_instrument, symbol_of
from qts.core.interval import Interval, parse_interval
from qts.core.money import PAISA, ZERO, Rupees, round_to_paisa, rupees_from_float
from qts.core.session import Session, Window, WindowKind
from qts.core.trading import Charges, Direction, Fill, FillReason, Order, OrderEvent, OrderKind, OrderStatus, Position, Product, Side, Trade

__all__ = [
    "IST",
    "LARGEST_PRICE",
    "PAISA",
    "SMALLEST_PRICE",
    "ZERO",
    "ActionKind",
    "Bar",
    "Bars",
    "Bools",
    "Charges",
    "Clock",
    "CorporateAction",
    "Direction",
    "Exchange",
    "Fill",
    "FillReason",
    "FixedClock",
    "Floats",
    "Instrument",
    "InstrumentId",
    "Interval",
    "Ints",
    "Order",
    "OrderEvent",
    "OrderKind",
    "OrderStatus",
    "Plugin",
    "Position",
    "Product",
    "Rupees",
    "Session",
    "Side",
    "Trade",
    "Window",
    "WindowKind",
    "discover",
    "discover_entry_points",
    "discover_folder",
    "exchange_of",
    "instant_of",
    "line_in",
    "load_file",
    "micros_of",
    "parse_instrument",
    "parse_interval",
    "round_to_paisa",
    "rupees_from_float",
    "said_by",
    "session_date_of",
    "symbol_of",
]
