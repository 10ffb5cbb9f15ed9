"""Runs of a few bars, with lists for columns and all counters at nothing, for the tests of the loop's parts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from qts.kernels.compile import sample_run
from qts.kernels.orders import Ticket, add_order
from qts.kernels.state import (
    AVERAGE,
    CASH,
    E_BAR,
    E_FILLED,
    E_INSTRUMENT,
    E_QUANTITY,
    E_SIDE,
    E_STATUS,
    E_WHY,
    F_BAR,
    F_INSTRUMENT,
    F_PRICE,
    F_QUANTITY,
    F_REASON,
    FILLS,
    HEAD,
    LIMIT,
    LOGGED,
    MARK,
    MARKET,
    N_ACCOUNT,
    N_ACTED,
    N_EVENT,
    N_FILL,
    N_HELD,
    N_ORDER,
    N_ROW,
    N_TERM,
    NO_COST,
    O_HIT,
    O_ID,
    O_NEXT,
    O_REFERENCE,
    O_STATE,
    PEAK,
    POSITION,
    SIGNAL,
    SLOTS,
    STOP,
    T_EXPIRES,
    T_LONG_PART,
    T_LOT,
    T_SHORT_PART,
    Run,
)

NAN = math.nan
MINUTE = 60_000_000
DAY = 86_400_000_000
VOLUME = 1000.0
ROOM = 40
FLAT = "100 100 100 100"

Numbers = tuple[float, ...]


def run_over(
    *series: Sequence[str],
    events: Sequence[tuple[int, int, float]] = (),
    actions: Sequence[tuple[int, int, float, float]] = (),
    phases: Sequence[int] = (),
    locks: Sequence[int] = (),
    days: Sequence[int] = (),
    cash: float = 100_000.0,
    lots: Sequence[float] = (),
    expires: Sequence[int] = (),
    **rules: Any,
) -> Run:
    """Return a run before its first bar, over instruments of as many bars each; a bar is ``open high low close [volume]``, or ``-``.

    ``events`` are bar, instrument and target, ``actions`` bar, instrument, ratio and cash; ``days`` is the date's number of each bar.
    """
    n_bars, n = len(series[0]), len(series)
    columns: list[list[float]] = [[], [], [], [], []]
    mark: list[float] = []
    for lines in series:
        last = NAN
        for line in lines:
            numbers = [NAN] * 4 + [0.0] if line == "-" else [*map(float, line.split()), VOLUME][:5]
            for column, number in zip(columns, numbers, strict=True):
                column.append(number)
            last = last if math.isnan(numbers[3]) else numbers[3]
            mark.append(last)
    terms = [0.0] * (n * N_TERM)
    for i in range(n):
        terms[i * N_TERM + T_LOT] = lots[i] if lots else 1.0
        terms[i * N_TERM + T_LONG_PART] = terms[i * N_TERM + T_SHORT_PART] = 1.0
        terms[i * N_TERM + T_EXPIRES] = float(expires[i]) if expires else -1.0
    account = [0.0] * N_ACCOUNT
    account[CASH] = account[PEAK] = cash
    run = sample_run()
    named: dict[str, Any] = dict(zip(("open", "high", "low", "close", "volume"), columns, strict=True))
    looked_at = [one[0] for one in events] + [one[0] for one in actions] + [bar for bar in expires if bar >= 0]
    plain = {"n_instruments": n, "cost_kind": NO_COST, "delivery": False, "close_at_end": False, "size_kind": 0, "size_amount": 10.0}
    return run._replace(
        ts=[(days[t] if days else 0) * DAY + t * MINUTE for t in range(n_bars)],
        **named,
        mark=mark,
        phase=list(phases),
        lock=list(locks),
        event_bar=[one[0] for one in events],
        event_instrument=[one[1] for one in events],
        event_target=[one[2] for one in events],
        agenda=sorted({*looked_at, n_bars - 1}),
        terms=terms,
        actions=[float(number) for one in actions for number in one],
        rules=run.rules._replace(**{**plain, "expires": bool(expires), **rules}),
        rows=[0.0] * (n * N_ROW),
        account=account,
        book=[0.0] * (ROOM * N_ORDER),
        fills=[0.0] * (ROOM * N_FILL),
        log=[0.0] * (ROOM * N_EVENT),
        acted=[0.0] * (len(actions) * N_ACTED),
        equity=[NAN] * n_bars,
        cash=[NAN] * n_bars,
    )


def ordered(run: Run, quantity: float, kind: int = MARKET, *, i: int = 0, at: int = 0, **more: float) -> int:
    """Hand an order in, to work from bar ``at`` on, and return its slot; the quantity is signed."""
    prices = {"limit": NAN, "stop": NAN, "trail": 0.0, "is_fraction": 0.0, "day": 0.0, "group": 0.0, "parent": 0.0, **more}
    side = 1.0 if quantity > 0.0 else -1.0
    return add_order(run, Ticket(instrument=i, side=side, quantity=abs(quantity), kind=kind, reason=SIGNAL, **prices), at)


def limited(run: Run, quantity: float, limit: float, **more: Any) -> int:
    return ordered(run, quantity, LIMIT, limit=limit, **more)


def book() -> Run:
    """Return a run of two instruments; slot 0 holds an order of the first, so that the second's stand from slot 1 on."""
    run = run_over((FLAT,) * 3, (FLAT,) * 3)
    assert limited(run, 1, 50.0) == 0
    return run


def of(run: Run, slot: int, *columns: int) -> Numbers:
    return tuple(run.book[slot * N_ORDER + column] for column in columns)


def states(run: Run) -> list[float]:
    return [of(run, slot, O_STATE)[0] for slot in range(int(run.account[SLOTS]))]


def chain(run: Run, i: int) -> list[int]:
    """Return the slots of an instrument's orders as they stand."""
    found, k = [], int(row(run, HEAD, i))
    while k > 0:
        found.append(k - 1)
        k = int(of(run, k - 1, O_NEXT)[0])
    return found


def bracket(run: Run) -> tuple[int, int, int]:
    """Hand in an entry of the second instrument with a stop and a target behind it."""
    entry = limited(run, 10, 98.0, i=1)
    parent = of(run, entry, O_ID)[0]
    stop = ordered(run, -10, STOP, i=1, stop=95.0, parent=parent, group=parent)
    target = limited(run, -10, 110.0, i=1, parent=parent, group=parent)
    return entry, stop, target


def row(run: Run, column: int, i: int = 0) -> float:
    """Return what a column of an instrument's row holds."""
    return run.rows[i * N_ROW + column]


def told_of(run: Run) -> list[Numbers]:
    """Return the events as bar, instrument, signed quantity, filled, status and reason."""
    rows = [run.log[at : at + N_EVENT] for at in range(0, int(run.account[LOGGED]) * N_EVENT, N_EVENT)]
    return [(r[E_BAR], r[E_INSTRUMENT], r[E_SIDE] * r[E_QUANTITY], r[E_FILLED], r[E_STATUS], r[E_WHY]) for r in rows]


def filled_of(run: Run) -> list[Numbers]:
    """Return the fills as bar, instrument, signed quantity, price and reason."""
    rows = [run.fills[at : at + N_FILL] for at in range(0, int(run.account[FILLS]) * N_FILL, N_FILL)]
    return [(r[F_BAR], r[F_INSTRUMENT], r[F_QUANTITY], r[F_PRICE], r[F_REASON]) for r in rows]


def all_are(run: Run, slots: list[int], state: int) -> bool:
    return all(of(run, slot, O_STATE) == (state,) for slot in slots)


def booked(run: Run) -> tuple[list[int], list[int]]:
    """Hand in two orders of each instrument and return their slots."""
    slots = [limited(run, 1, 50.0, i=i) for i in (0, 1, 0, 1)]
    return slots[::2], slots[1::2]


def dated(*days: int, **options: Any) -> Run:
    run = scene(*[FLAT] * len(days), days=days, **options)
    run.equity[:] = [1000.0 + t for t in range(len(days))]
    return run


def fills(run: Run) -> list[tuple[float, float, float]]:
    """Return the fills as bar, signed quantity and price; all are the second instrument's."""
    assert {one[1] for one in filled_of(run)} <= {1}
    return [(one[0], one[2], one[3]) for one in filled_of(run)]


def hit_at(run: Run, slot: int, part: int, reference: float) -> int:
    run.book[slot * N_ORDER + O_HIT], run.book[slot * N_ORDER + O_REFERENCE] = float(part), reference
    return slot


def reasons(run: Run) -> list[Numbers]:
    """Return the events as instrument, status and reason."""
    return [(one[1], one[4], one[5]) for one in told_of(run)]


def scene(*bars: str, held: float = 0.0, **options: Any) -> Run:
    """Return a run whose second instrument has these bars and holds so much; the first one's are flat."""
    run = run_over((FLAT,) * len(bars), bars, **options)
    run.rows[MARK] = run.rows[N_ROW + MARK] = 100.0
    run.rows[N_ROW + POSITION], run.rows[N_ROW + AVERAGE] = held, 100.0 if held else 0.0
    run.account[N_HELD] = float(held != 0.0)
    return run
