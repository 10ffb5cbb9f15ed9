"""What the fills loop reads and writes: columns flattened into one dimension, so that lists and arrays serve alike."""

from __future__ import annotations

from typing import Final, NamedTuple, TypeAlias

from qts.core.arrays import Ints
from qts.kernels.twins import Column

Whole: TypeAlias = "Ints | list[int]"

# Bits of ``phase``: from the square-off time on nothing is entered, and a session's last bar closes what is still open.
CLOSED: Final = 1
LAST: Final = 2

# Per instrument in ``rows``: flags are 0 or 1; LATEST is the instrument's newest fill, counted from 1; PAID what PAID_ON's fills cost.
N_ROW: Final = 12
POSITION, WANTED, PENDING, MARK, TARGET, DUE, OVERDUE, TRADABLE, LATEST, PAID, PAID_ON, _SPARE = range(N_ROW)

# In ``account``; TOO_SMALL counts targets that came to less than one share.
N_ACCOUNT: Final = 9
CASH, FILLS, ORDERS, CUT, REFUSED, RUINED, OVERFLOW, CARRIED, TOO_SMALL = range(N_ACCOUNT)

# Per fill in ``fills``; F_PREVIOUS is the instrument's fill before, counted from 1.
N_FILL: Final = 9
F_BAR, F_INSTRUMENT, F_QUANTITY, F_REFERENCE, F_PRICE, F_REASON, F_AT_CLOSE, F_COST, F_PREVIOUS = range(N_FILL)

SIGNAL, SQUARE_OFF, END = range(3)

BY_SHARES, BY_CASH, BY_EQUITY, BY_ATR_RISK, BY_VOLATILITY = range(5)
NO_COST, PERCENT_COST, PER_SHARE_COST, SCHEDULED_COST = range(4)

# Columns of one regime's rates, named in ``charging``.
N_RATE: Final = 14


class Market(NamedTuple):
    """Bars on the union timeline, instrument after instrument, each ``len(ts)`` long; NaN where an instrument has no bar.

    ``target`` is NaN for "keep". ``phase`` holds the bits above and is read for intraday products only.
    """

    ts: Whole
    open: Column
    close: Column
    volume: Column
    target: Column
    phase: Whole


class Rules(NamedTuple):
    """The settings as numbers. ``units`` is 1 for whole shares, else how many parts a share has; ``starts`` are days, see ``charging``."""

    n_instruments: int
    size_kind: int
    size_amount: float
    units: float
    slippage: float
    at_close: bool
    intraday: bool
    close_at_end: bool
    cost_kind: int
    cost_rate: float
    cost_minimum: float
    starts: Whole
    rates: Column


class Run(NamedTuple):
    """All a run reads and writes. ``rows``, ``account`` and ``fills`` start as zeros, but for the cash."""

    market: Market
    rules: Rules
    rows: Column
    account: Column
    fills: Column
    equity: Column
    cash: Column
