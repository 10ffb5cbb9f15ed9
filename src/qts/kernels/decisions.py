"""From targets to wishes: when a decision is made, how large it is, and what our own limits leave of it."""

from __future__ import annotations

import math
from typing import Any, Final

from qts.kernels.arithmetic import Moment, Size, sized_quantity, whole_lots
from qts.kernels.booking import note
from qts.kernels.state import (
    BY_ATR_RISK,
    DUE,
    ENDED,
    EVENT,
    HALTED,
    LAST,
    LAST_ID,
    LIMITED,
    MARK,
    MARKET,
    N_DUE,
    N_ROW,
    N_TERM,
    ORDERS,
    PENDING,
    POSITION,
    RISK,
    RUINED,
    S_CUT,
    S_REJECTED,
    SIGN,
    SIGNAL,
    SPENT,
    STOPPED,
    T_LOT,
    TARGET,
    TOLD,
    TOO_SMALL,
    W_EXPOSURE,
    W_POSITION,
    WANTED,
    WISH,
    WISH_REASON,
    Run,
)


def decide(run: Run, t: int, equity: float) -> None:
    """Turn this bar's targets into wishes, sized at its close. A wish still waiting is replaced."""
    event_bar = run.event_bar
    k = int(run.account[EVENT])
    while k < len(event_bar) and event_bar[k] <= t:
        aim(run, int(run.event_instrument[k]), run.event_target[k])
        k += 1
    run.account[EVENT] = float(k)
    if run.account[N_DUE] == 0.0 or run.account[STOPPED] > 0.0:
        return
    for i in range(run.rules.n_instruments):
        if run.rows[i * N_ROW + DUE] > 0.0:
            decide_one(run, i, t, equity)


def aim(run: Run, i: int, target: float) -> None:
    """Take a target; the one that a protection has closed is not taken again."""
    row = i * N_ROW
    if run.rows[row + SPENT] > 0.0 and run.rows[row + TARGET] == target:
        return
    run.rows[row + TARGET] = target
    run.rows[row + SPENT] = 0.0
    make_due(run, i)


def decide_one(run: Run, i: int, t: int, equity: float) -> None:
    """Leave the wish of a target that is due, if this is a bar to decide on."""
    row = i * N_ROW
    if run.account[HALTED] > 0.0 or run.rows[row + ENDED] > 0.0:
        settle_due(run, i)
        return
    if not may_decide(run, i, t):
        return
    wanted = wanted_quantity(run, i, t, equity)
    settle_due(run, i)
    if run.rules.max_position > 0.0 or run.rules.max_exposure > 0.0:
        wanted = within_limits(run, i, t, (wanted, equity))
    leave_wish(run, i, wanted, SIGNAL)


def make_due(run: Run, i: int) -> None:
    """Have the instrument's target decided at its next chance."""
    run.account[N_DUE] += 1.0 - run.rows[i * N_ROW + DUE]
    run.rows[i * N_ROW + DUE] = 1.0


def settle_due(run: Run, i: int) -> None:
    """Take the decision as made."""
    run.account[N_DUE] -= run.rows[i * N_ROW + DUE]
    run.rows[i * N_ROW + DUE] = 0.0


def may_decide(run: Run, i: int, t: int) -> bool:
    """Return whether a wish could be entered now: on a bar of the instrument, not past the square-off time, with a size that is defined."""
    at = i * len(run.ts) + t
    if math.isnan(run.close[at]):
        return False
    if run.rows[i * N_ROW + PENDING] > 0.0 and (run.rows[i * N_ROW + WISH_REASON] == RISK or run.account[RUINED] > 0.0):
        # What our limits or ruin close is closed first, by the order that does it.
        return False
    if run.rules.size_kind >= BY_ATR_RISK and math.isnan(run.measure[at]) and run.rows[i * N_ROW + TARGET] != 0.0:
        return False
    if not run.rules.intraday:
        return True
    phase = run.phase[at]
    return phase == 0 or (phase & LAST != 0 and not run.rules.at_close)


def wanted_quantity(run: Run, i: int, t: int, equity: float) -> float:
    """Return the signed quantity the target means now, cut towards zero to whole lots; nothing once the account is ruined."""
    rules = run.rules
    target = run.rows[i * N_ROW + TARGET]
    if target == 0.0 or equity <= 0.0 or run.account[RUINED] > 0.0:
        return 0.0
    measure = run.measure[i * len(run.ts) + t] if rules.size_kind >= BY_ATR_RISK else 0.0
    lot = run.terms[i * N_TERM + T_LOT]
    amount = rules.size_amount * lot if rules.in_lots else rules.size_amount
    size = Size(rules.size_kind, amount, rules.size_parts, rules.size_multiple)
    quantity = sized_quantity(size, target, Moment(equity, run.rows[i * N_ROW + MARK], measure))
    whole = whole_lots(quantity, rules.units, lot)
    if whole == 0.0:
        run.account[TOO_SMALL] += 1.0
    return whole if target > 0.0 else -whole


def leave_wish(run: Run, i: int, wanted: float, reason: int) -> None:
    """Wish for the position to be ``wanted``: a market order for the difference, in the place of a wish still waiting."""
    row = i * N_ROW
    position = run.rows[row + POSITION]
    pending = 1.0 if wanted != position else 0.0
    run.account[ORDERS] += pending - run.rows[row + PENDING]
    run.rows[row + WANTED] = wanted
    run.rows[row + PENDING] = pending
    run.account[LAST_ID] += pending
    run.rows[row + WISH] = run.account[LAST_ID]
    run.rows[row + SIGN] = 1.0 if wanted > position else -1.0
    run.rows[row + WISH_REASON] = float(reason)
    run.rows[row + TOLD] = 0.0


def within_limits(run: Run, i: int, t: int, asked: tuple[float, float]) -> float:
    """Return what our limits leave of a wanted position; ``asked`` is that and the equity. What does not open or add is left alone."""
    wanted, equity = asked
    rules, row = run.rules, i * N_ROW
    position = run.rows[row + POSITION]
    if wanted * position >= 0.0 and abs(wanted) <= abs(position):
        return wanted
    mark = run.rows[row + MARK]
    most, why = abs(wanted), 0.0
    if rules.max_position > 0.0 and most * mark > rules.max_position * equity:
        most, why = rules.max_position * equity / mark, float(W_POSITION)
    if rules.max_exposure > 0.0:
        room = rules.max_exposure * equity - gross_besides(run, i)
        if most * mark > room:
            most, why = max(room, 0.0) / mark, float(W_EXPOSURE)
    if why == 0.0:
        return wanted
    # A limit never sells what is held already.
    kept = abs(position) if wanted * position > 0.0 else 0.0
    allowed = max(whole_lots(most, rules.units, run.terms[i * N_TERM + T_LOT]), kept)
    run.account[LIMITED] += 1.0
    left = allowed if wanted > 0.0 else -allowed
    status = float(S_CUT) if allowed > kept else float(S_REJECTED)
    note(run, t, (i, MARKET, 0.0), (wanted - position, abs(left - position), status, why))
    return left


def gross_besides(run: Run, i: int) -> float:
    """Return the value held or wished for in all instruments but one, unsigned."""
    gross = 0.0
    for j in range(run.rules.n_instruments):
        row = j * N_ROW
        if j != i:
            wished = abs(run.rows[row + WANTED]) if run.rows[row + PENDING] > 0.0 else 0.0
            size = max(abs(run.rows[row + POSITION]), wished)
            if size != 0.0:
                gross += size * run.rows[row + MARK]
    return gross


HELPERS: Final[tuple[Any, ...]] = (
    decide,
    aim,
    decide_one,
    make_due,
    settle_due,
    may_decide,
    wanted_quantity,
    leave_wish,
    within_limits,
    gross_besides,
)
HOT: Final = (decide, aim, decide_one, make_due, settle_due, may_decide, wanted_quantity, leave_wish)
