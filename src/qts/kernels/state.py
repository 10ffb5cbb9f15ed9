"""What the fills loop reads and writes: columns flattened into one dimension, so that lists and arrays serve alike."""

from __future__ import annotations

from typing import Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from qts.core.arrays import Ints
from qts.kernels.twins import Column

Whole: TypeAlias = "Ints | list[int]"
Flags: TypeAlias = "NDArray[np.int8] | list[int]"

# Bits of ``phase``: from the square-off time on nothing is entered, and a session's last bar closes what is still open.
CLOSED: Final = 1
LAST: Final = 2

# Per instrument in ``rows``. Flags are 0 or 1; counts such as LATEST (the newest fill), HEAD and TAIL (of its working orders) start at 1,
# 0 being none. WANTED is the position its waiting wish asks for, WISH that wish's order, SIGN its side; AVERAGE the entry price of what is
# held; PAID what PAID_ON's fills cost; TAKEN the quantity filled in bar TAKEN_AT - 1; SPENT tells
# that a protection closed what the target asked for. Above REACH_DOWN and below REACH_UP none of its orders executes, where
# IS_REACH_KNOWN.
N_ROW: Final = 24
(
    POSITION,
    WANTED,
    PENDING,
    MARK,
    TARGET,
    DUE,
    OVERDUE,
    LATEST,
    PAID,
    PAID_ON,
    AVERAGE,
    WISH,
    SIGN,
    WISH_REASON,
    HEAD,
    TAIL,
    TAKEN,
    TAKEN_AT,
    TOLD,
    ENDED,
    SPENT,
    REACH_DOWN,
    REACH_UP,
    IS_REACH_KNOWN,
) = range(N_ROW)

# In ``account``. ORDERS counts waiting wishes, WORKING the orders in the book; TOO_SMALL targets that came to less than one lot; AGENDA and
# EVENT are how far the lists of bars to look at and of targets are read, ACTED that of corporate actions; MARKED is the bar the marks
# are of.
N_ACCOUNT: Final = 32
(
    CASH,
    FILLS,
    ORDERS,
    CUT,
    REFUSED,
    RUINED,
    OVERFLOW,
    CARRIED,
    TOO_SMALL,
    N_DUE,
    N_OVERDUE,
    AGENDA,
    EVENT,
    MARKED,
    LAST_ID,
    WORKING,
    SLOTS,
    FREE,
    HITS_OPEN,
    HITS_STOP,
    HITS_LIMIT,
    N_DONE,
    LOGGED,
    DAY,
    DAY_START,
    PEAK,
    STOPPED,
    HALTED,
    N_HELD,
    LAST_REJECT,
    LIMITED,
    ACTED,
) = range(N_ACCOUNT)

# Per fill in ``fills``; F_PREVIOUS is the instrument's fill before, F_SAME the fill before of the same order, both counted from 1.
N_FILL: Final = 13
(
    F_BAR,
    F_INSTRUMENT,
    F_QUANTITY,
    F_REFERENCE,
    F_PRICE,
    F_REASON,
    F_AT_CLOSE,
    F_COST,
    F_PREVIOUS,
    F_KIND,
    F_ORDER,
    F_SLICES,
    F_SAME,
) = range(N_FILL)

# Why a fill happened.
N_REASON: Final = 9
SIGNAL, SQUARE_OFF, END, STOP_LOSS, TAKE_PROFIT, TRAILING_STOP, EXPIRY, RISK, ACTION = range(N_REASON)

# Kinds of orders. From LIMIT on nothing slips; a settlement is a contract's end, not an order.
N_KIND: Final = 6
MARKET, STOP, TRAILING, LIMIT, STOP_LIMIT, SETTLEMENT = range(N_KIND)

# Per order in ``book``. An order works from bar O_FROM on; O_HIT says in which part of this bar it executes and O_REFERENCE where; O_NEXT
# is the instrument's next order, counted from 1; O_PARENT the entry a child waits for or came from; O_DAY the date it ends with, or 0.
N_ORDER: Final = 21
(
    O_ID,
    O_INSTRUMENT,
    O_KIND,
    O_SIDE,
    O_QUANTITY,
    O_LEFT,
    O_LIMIT,
    O_STOP,
    O_TRAIL,
    O_IS_FRACTION,
    O_DAY,
    O_GROUP,
    O_PARENT,
    O_STATE,
    O_HIT,
    O_REFERENCE,
    O_NEXT,
    O_REASON,
    O_FROM,
    O_TOLD,
    O_SAME,
) = range(N_ORDER)
N_STATE: Final = 4
IS_FREE, IS_WORKING, IS_DORMANT, IS_DONE = range(N_STATE)
N_HIT: Final = 4
NO_HIT, AT_OPEN, AT_STOP, AT_LIMIT = range(N_HIT)

# Per event in ``log``: what became of an order besides its fills; E_STATUS and E_WHY are named in ``qts.backtest.events``.
N_EVENT: Final = 9
E_BAR, E_INSTRUMENT, E_SIDE, E_KIND, E_QUANTITY, E_FILLED, E_STATUS, E_WHY, E_ORDER = range(N_EVENT)
N_STATUS: Final = 7
S_REJECTED, S_CUT, S_PARTIAL, S_CANCELLED, S_EXPIRED, S_WITHDRAWN, S_ACTION = range(N_STATUS)
# Reasons of events. The first are those a broker or our limits refuse for, the others say what withdrew or changed an order.
N_WHY: Final = 27
(
    W_NONE,
    W_OFF_TICK,
    W_LOT,
    W_FREEZE,
    W_BAND,
    W_NO_SHORT,
    W_FUNDS,
    W_CLOSED,
    W_POSITION,
    W_EXPOSURE,
    W_DAILY_LOSS,
    W_DRAWDOWN,
    W_EXPIRED,
    W_INTRADAY,
    W_ZERO,
    W_STOP_SIDE,
    W_OCO,
    W_USER,
    W_DAY,
    W_SQUARE_OFF,
    W_FLAT,
    W_VOLUME,
    W_REPLACED,
    W_RUIN,
    W_END,
    W_ACTION,
    W_PARENT,
) = range(N_WHY)

BY_SHARES, BY_CASH, BY_EQUITY, BY_ATR_RISK, BY_VOLATILITY = range(5)
NO_COST, PERCENT_COST, PER_SHARE_COST, SCHEDULED_COST = range(4)

# Per instrument in ``terms``: the lot and the freeze quantity (0 for none); what of its value and how many rupees a unit blocks, long and
# short; the bar at whose close it ends (-1 for none); whether its prices lock; its rows of ``ticks``, from and to. T_END_... are what its
# end costs: a fee and, of what was long or short, a part of the price and rupees a unit; not above T_END_WORTHLESS only T_END_NOTHING.
N_TERM: Final = 18
(
    T_LOT,
    T_FREEZE,
    T_LONG_PART,
    T_LONG_BASE,
    T_SHORT_PART,
    T_SHORT_BASE,
    T_EXPIRES,
    T_LOCKS,
    T_TICK_FROM,
    T_TICK_TO,
    T_FORMULA,
    T_END_WORTHLESS,
    T_END_NOTHING,
    T_END_FEE,
    T_END_LONG_PART,
    T_END_LONG_UNIT,
    T_END_SHORT_PART,
    T_END_SHORT_UNIT,
) = range(N_TERM)
# Per change of a tick in ``ticks``: from which bar on, and how many ten-thousandths of a rupee.
N_TICK: Final = 2

# Per corporate action in ``actions``, sorted by bar: the instrument's first bar on or after the ex date, new shares for an old one, and
# rupees for an old one. Per action in ``acted`` what it did: the position before and after, the rupees paid in lieu of a fraction of a
# share, and the other rupees; a short position pays both.
N_ACTION: Final = 4
A_BAR, A_INSTRUMENT, A_RATIO, A_CASH = range(N_ACTION)
N_ACTED: Final = 4
D_BEFORE, D_AFTER, D_IN_LIEU, D_PAID = range(N_ACTED)

# Columns of one regime's rates, named in ``charging``.
N_RATE: Final = 18


class Market(NamedTuple):
    """Bars on the union timeline, instrument after instrument, each ``len(ts)`` long; NaN where an instrument has no bar.

    ``mark`` is the last close at or before each bar. ``measure`` is the ATR or volatility the size needs, ``phase`` holds the bits above,
    ``lock`` is 1 or -1 where nothing can be bought or sold; each is empty where nothing reads it. Targets come as events sorted by bar and
    instrument; ``agenda`` lists the bars that are looked at though no order works, sorted, the last bar among them. ``starts`` are days,
    see ``charging``, which reads ``rates``; ``actions`` stands above.
    """

    ts: Whole
    open: Column
    high: Column
    low: Column
    close: Column
    volume: Column
    mark: Column
    measure: Column
    phase: Flags
    lock: Flags
    event_bar: Whole
    event_instrument: Whole
    event_target: Column
    agenda: Whole
    terms: Column
    ticks: Column
    actions: Column
    starts: Whole
    rates: Column


class Rules(NamedTuple):
    """The settings as numbers. ``units`` is 1 for whole shares, else how many parts a share has.

    Limits and protections are fractions, 0 for none; ``is_plain`` says that prices depend on nothing but slippage of a fraction or rupees,
    ``is_margined`` that some instrument blocks other than its full value,
    ``expires`` that one ends before the bars do.
    """

    n_instruments: int
    size_kind: int
    size_amount: float
    size_parts: float
    size_multiple: float
    in_lots: bool
    units: float
    slip_fraction: float
    slip_offset: float
    slip_ticks: float
    volume_share: float
    impact: float
    at_close: bool
    intraday: bool
    delivery: bool
    close_at_end: bool
    is_plain: bool
    is_margined: bool
    expires: bool
    cost_kind: int
    cost_rate: float
    cost_minimum: float
    max_position: float
    max_exposure: float
    daily_loss: float
    max_drawdown: float
    stop_loss: float
    take_profit: float
    trailing: float


class Run(NamedTuple):
    """All a run reads and writes. ``rows``, ``account``, ``book``, ``fills``, ``log`` and ``acted`` start as zeros, but for the cash.

    The columns of the market stand here once more, each by itself: the compiler counts references of a whole tuple wherever it is named.
    """

    ts: Whole
    open: Column
    high: Column
    low: Column
    close: Column
    volume: Column
    mark: Column
    measure: Column
    phase: Flags
    lock: Flags
    event_bar: Whole
    event_instrument: Whole
    event_target: Column
    agenda: Whole
    terms: Column
    ticks: Column
    actions: Column
    starts: Whole
    rates: Column
    rules: Rules
    rows: Column
    account: Column
    book: Column
    fills: Column
    log: Column
    acted: Column
    equity: Column
    cash: Column
