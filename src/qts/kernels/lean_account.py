"""The account of one cell of a sweep, and what it comes to: tuples of floats, kept between tiles in a row of numbers."""

from __future__ import annotations

import math
from typing import Any, Final, NamedTuple

import numpy as np

from qts.core.arrays import Floats
from qts.kernels.bill import N_BILL, Bill

# No bar: an order that never comes due.
NEVER_DUE: Final = 4e12
# An account that fell this far is as good as lost.
NEARLY_LOST: Final = -0.999
# A sum of squares this near to the square of the sum is rounding.
HARDLY: Final = 1e-8

# Rupees of net profit that are rounding: a round trip that brought less than this brought nothing.
NO_GAIN: Final = 1e-6

MEASURES: Final = (
    "final_equity",
    "max_drawdown",
    "mean_return",
    "deviation",
    "downside",
    "mean_equity",
    "exposure",
    "bars_held",
    "n_fills",
    "n_entries",
    "n_trades",
    "n_wins",
    "won",
    "lost",
    "costs_total",
    "slippage_total",
    "traded_notional",
)
"""The columns of a sweep's table, in this order."""


N_MEASURE: Final = len(MEASURES)


class Money(NamedTuple):
    """Cash, shares, and equity at the last close; what the rule wants, and the quantity wanted at the open of bar ``due``."""

    cash: float
    position: float
    equity: float
    target: float
    wanted: float
    due: float


class Shape(NamedTuple):
    """What the measures of the curve are made of.

    Peak and deepest fall; sums of returns, of their squares, and of the squares of negative ones; sums of equity and of absolute exposure;
    bars at whose close a position was held.
    """

    peak: float
    depth: float
    total: float
    squares: float
    shortfalls: float
    equities: float
    exposures: float
    held: float


class Tally(NamedTuple):
    """Counts and sums of fills and round trips; ``trip`` is what the open one has brought so far, ``broken`` 1.0 if we cannot go on."""

    fills: float
    entries: float
    trades: float
    wins: float
    won: float
    lost: float
    costs: float
    slippage: float
    notional: float
    trip: float
    broken: float


# A row of ``accounts`` is the four tuples one after the other.
N_MONEY: Final = 6
N_SHAPE: Final = 8
N_TALLY: Final = 11
SHAPE_AT: Final = N_MONEY
TALLY_AT: Final = SHAPE_AT + N_SHAPE
BILL_AT: Final = TALLY_AT + N_TALLY
N_ACCOUNT: Final = BILL_AT + N_BILL
COLUMNS: Final = (*Money._fields, *Shape._fields, *Tally._fields, *Bill._fields)
"""The columns of ``accounts`` by name."""


def new_accounts(n_cells: int, capital: float) -> Floats:
    """Return the accounts before the first bar, a row for each cell."""
    accounts = np.zeros((n_cells, N_ACCOUNT))
    for name in ("cash", "equity", "peak"):
        accounts[:, COLUMNS.index(name)] = capital
    accounts[:, COLUMNS.index("due")] = NEVER_DUE
    accounts[:, COLUMNS.index("ends")] = -math.inf
    return accounts


def broken(tally: Tally) -> Tally:
    """Return the counts of a cell that cannot be carried on."""
    return Tally(
        tally.fills,
        tally.entries,
        tally.trades,
        tally.wins,
        tally.won,
        tally.lost,
        tally.costs,
        tally.slippage,
        tally.notional,
        tally.trip,
        1.0,
    )


def load_account(accounts: Floats, c: int) -> tuple[Money, Shape, Tally]:
    """Return what a row of ``accounts`` holds."""
    row = accounts[c]
    return (
        Money(row[0], row[1], row[2], row[3], row[4], row[5]),
        Shape(row[6], row[7], row[8], row[9], row[10], row[11], row[12], row[13]),
        Tally(row[14], row[15], row[16], row[17], row[18], row[19], row[20], row[21], row[22], row[23], row[24]),
    )


def save_account(accounts: Floats, c: int, state: tuple[Money, Shape, Tally]) -> None:
    """Keep the account in its row."""
    row = accounts[c]
    money, shape, tally = state
    for k in range(N_MONEY):
        row[k] = money[k]
    for k in range(N_SHAPE):
        row[SHAPE_AT + k] = shape[k]
    for k in range(N_TALLY):
        row[TALLY_AT + k] = tally[k]


def measure(accounts: Floats, c: int, n_bars: int, measures: Floats) -> None:
    """Write a finished account's measures into its row, in the order of ``MEASURES``; NaN throughout where it could not be carried on.

    A standard deviation is taken from the sums of returns and of their squares, whose difference holds all digits but for returns that
    hardly vary around a mean that is not small; those are left to the formula that looks at every return.
    """
    money, shape, tally = load_account(accounts, c)
    row = measures[c]
    n = float(max(n_bars - 1, 1))
    around = shape.squares - shape.total * shape.total / n
    is_left = tally.broken != 0.0 or shape.depth < NEARLY_LOST or (shape.squares > 0.0 and around < HARDLY * shape.squares)
    if is_left:
        for k in range(N_MEASURE):
            row[k] = float("nan")
        return
    mean, deviation, downside = float("nan"), float("nan"), float("nan")
    if n_bars > 2:
        mean = shape.total / n
        deviation = math.sqrt(max(around, 0.0) / (n - 1.0))
        downside = math.sqrt(shape.shortfalls / n)
    # Adding zero turns -0.0 into 0.0.
    row[0], row[1], row[2], row[3], row[4] = money.equity, shape.depth + 0.0, mean, deviation, downside
    row[5], row[6], row[7] = shape.equities / n_bars, shape.exposures / n_bars, shape.held
    row[8], row[9], row[10], row[11] = tally.fills, tally.entries, tally.trades, tally.wins
    row[12], row[13], row[14], row[15], row[16] = tally.won, tally.lost, tally.costs, tally.slippage, tally.notional


HELPERS: Final[tuple[Any, ...]] = (broken, load_account, save_account, measure)
