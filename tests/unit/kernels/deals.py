"""Deals and runs with little in them, for the tests of what deals cost and what pays for them."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from qts.kernels.compile import sample_run
from qts.kernels.funding import Deal
from qts.kernels.state import (
    CASH,
    F_BAR,
    F_ORDER,
    F_PREVIOUS,
    F_PRICE,
    F_QUANTITY,
    F_SLICES,
    LATEST,
    MARKET,
    N_ACCOUNT,
    N_FILL,
    N_ROW,
    N_TERM,
    NO_COST,
    T_END_FEE,
    T_END_SHORT_PART,
    T_FORMULA,
    T_LONG_BASE,
    T_LONG_PART,
    T_LOT,
    T_SHORT_BASE,
    T_SHORT_PART,
    T_TICK_FROM,
    T_TICK_TO,
    Run,
)

DAY = 86_400_000_000
NAN = math.nan
# The deals are in the second of two instruments, whose bars stand after the first one's; bar 0 is yesterday's, bars 1 and 2 are today's.
SECOND, N_BARS = 1, 3
VOLUME = 1000.0


class Filled(NamedTuple):
    """A fill of the second instrument: bar, signed quantity, price, order."""

    bar: int
    quantity: float
    price: float
    order: float


def run_of(*fills: Filled, cash: float = 1000.0, lot: float = 1.0, **rules: Any) -> Run:
    """Return a run with little in it: no slippage, no costs, no ticks; the first instrument's numbers are never the second's."""
    run = sample_run()
    account = [0.0] * N_ACCOUNT
    account[CASH] = cash
    terms = [77.0] * N_TERM + [0.0] * N_TERM
    terms[N_TERM + T_LOT] = lot
    rows = [0.0] * (2 * N_ROW)
    rows[N_ROW + LATEST] = float(len(fills))
    table = [0.0] * (N_FILL * len(fills))
    for k, fill in enumerate(fills):
        at = k * N_FILL
        table[at + F_BAR], table[at + F_QUANTITY], table[at + F_PRICE] = float(fill.bar), fill.quantity, fill.price
        table[at + F_ORDER], table[at + F_PREVIOUS], table[at + F_SLICES] = fill.order, float(k), 1.0
    return run._replace(
        ts=[0, DAY, DAY + 1],
        close=[1.0, 1.0, 1.0, 100.0, 100.0, 100.0],
        volume=[3.0, 3.0, 3.0, VOLUME, VOLUME, VOLUME],
        terms=terms,
        rows=rows,
        account=account,
        fills=table,
        rules=run.rules._replace(**{"n_instruments": 2, "cost_kind": NO_COST, **rules}),
    )


def deal(quantity: float, reference: float = 100.0, **more: float) -> Deal:
    made = Deal(SECOND, 1, quantity, reference, 0, False, MARKET, 0.0, 0.0, 1.0, NAN)
    return made._replace(**more)  # type: ignore[arg-type]


def with_ticks(run: Run, *rows: tuple[int, float]) -> Run:
    """Return the run with a table of ticks (from which bar on, in ten-thousandths) whose first and last rows are not the instrument's."""
    run.terms[N_TERM + T_TICK_FROM], run.terms[N_TERM + T_TICK_TO] = 1.0, 1.0 + len(rows)
    return run._replace(ticks=[float(number) for row in ((0, 999.0), *rows, (0, 777.0)) for number in row])


def with_terms(run: Run, **columns: float) -> Run:
    named = {
        "long_part": T_LONG_PART,
        "long_base": T_LONG_BASE,
        "short_part": T_SHORT_PART,
        "short_base": T_SHORT_BASE,
        "formula": T_FORMULA,
        "end_fee": T_END_FEE,
        "end_short": T_END_SHORT_PART,
    }
    for name, number in columns.items():
        run.terms[N_TERM + named[name]] = number
    return run
