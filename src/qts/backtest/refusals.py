"""Why a broker, the exchange or our own limits turn an order down: the checks an order passes before it works."""

from __future__ import annotations

import math
from typing import Final

from qts.backtest.price_bands import PriceBands
from qts.core.trading import OrderKind
from qts.kernels import state
from qts.kernels.arithmetic import PARTS_OF_RUPEE, whole_lots
from qts.kernels.funding import tick_at
from qts.kernels.orders import slot_of
from qts.kernels.state import N_ORDER, N_ROW, N_TERM, Run
from qts.market.listing import RejectReason
from qts.strategies import OrderRequest

# Prices are counted in ten-thousandths of a rupee; a number of ticks this near to a whole one is meant to be it.
_NEAR: Final = 1e-6
_REASONS: Final = {
    state.W_OFF_TICK: RejectReason.OFF_TICK,
    state.W_LOT: RejectReason.NOT_LOT_MULTIPLE,
    state.W_FREEZE: RejectReason.ABOVE_FREEZE_QUANTITY,
    state.W_BAND: RejectReason.BEYOND_PRICE_BAND,
    state.W_NO_SHORT: RejectReason.NO_SHORT_IN_DELIVERY,
    state.W_FUNDS: RejectReason.INSUFFICIENT_FUNDS,
    state.W_CLOSED: RejectReason.MARKET_CLOSED,
    state.W_POSITION: RejectReason.POSITION_LIMIT,
    state.W_EXPOSURE: RejectReason.EXPOSURE_LIMIT,
    state.W_DAILY_LOSS: RejectReason.DAILY_LOSS_LIMIT,
    state.W_DRAWDOWN: RejectReason.DRAWDOWN_STOP,
    state.W_EXPIRED: RejectReason.EXPIRED_CONTRACT,
    state.W_INTRADAY: RejectReason.INTRADAY_NOT_ALLOWED,
    state.W_ZERO: RejectReason.ZERO_QUANTITY,
    state.W_STOP_SIDE: RejectReason.STOP_ON_WRONG_SIDE,
}


def reason_of(why: int) -> str:
    """Return the name of a refusal, or nothing for what is none."""
    reason = _REASONS.get(why)
    return "" if reason is None else str(reason)


def refusal(run: Run, t: int, request: OrderRequest, *, side: float, quantity: float, bands: PriceBands | None = None) -> int:
    """Return why an order is turned down, the first reason of several, or that it is not; ``side`` is 1.0 or -1.0."""
    why = _of_quantity(run, request.instrument, quantity)
    if why == state.W_NONE and is_off_tick(run, t, request):
        why = state.W_OFF_TICK
    if why == state.W_NONE and bands is not None and bands.is_beyond(t, request):
        why = state.W_BAND
    mark = run.rows[request.instrument * N_ROW + state.MARK]
    if why == state.W_NONE and request.stop is not None and (request.stop - mark) * side <= 0.0:
        why = state.W_STOP_SIDE
    if why == state.W_NONE and run.rules.delivery and side < 0.0 and quantity > sellable(run, request):
        why = state.W_NO_SHORT
    if why != state.W_NONE:
        return why
    return refusal_now(run, t, request.instrument, side * quantity, is_market=request.kind is OrderKind.MARKET)


def refusal_now(run: Run, t: int, i: int, change: float, *, is_market: bool) -> int:
    """Return why nothing may be entered now; what only reduces a position is let through where a limit says no."""
    row = i * N_ROW
    position = run.rows[row + state.POSITION]
    reduces = position * change < 0.0 and abs(change) <= abs(position)
    if math.isnan(run.rows[row + state.MARK]) or (not reduces and is_past_square_off(run, t, i, is_market=is_market)):
        return state.W_CLOSED
    if run.rows[row + state.ENDED] > 0.0:
        return state.W_EXPIRED
    if run.account[state.RUINED] > 0.0 and not reduces:
        return state.W_RUIN
    if run.account[state.HALTED] > 0.0 and not reduces:
        return state.W_DRAWDOWN
    return state.W_DAILY_LOSS if run.account[state.STOPPED] > 0.0 and not reduces else state.W_NONE


def is_past_square_off(run: Run, t: int, i: int, *, is_market: bool) -> bool:
    """Return whether an intraday order given now could not be entered any more today, as a broker sees it."""
    if not run.rules.intraday:
        return False
    phase = int(run.phase[i * len(run.ts) + t])
    # What fills at this very close would be held over night where it is the session's last.
    return phase & state.CLOSED != 0 or (phase != 0 and run.rules.at_close and is_market)


def is_off_tick(run: Run, t: int, request: OrderRequest) -> bool:
    """Return whether one of the order's prices lies between two ticks."""
    tick = tick_at(run, request.instrument, t)
    if tick == 0.0:
        return False
    prices = (request.limit, request.stop, request.stop_loss, request.take_profit)
    counts = [price * PARTS_OF_RUPEE / tick for price in prices if price is not None]
    return any(abs(count - round(count)) > _NEAR * max(1.0, abs(count)) for count in counts)


def sellable(run: Run, request: OrderRequest) -> float:
    """Return what is held and not offered by another working sale, those of the same group aside; of a group only one is ever done."""
    i = request.instrument
    own = slot_of(run, float(request.oco)) if request.oco is not None else -1
    group = run.book[own * N_ORDER + state.O_GROUP] if own >= 0 else 0.0
    offered: dict[float, float] = {}
    for slot in range(int(run.account[state.SLOTS])):
        at = slot * N_ORDER
        is_other = slot != own and (group == 0.0 or run.book[at + state.O_GROUP] != group)
        if not is_other or run.book[at + state.O_STATE] != state.IS_WORKING or run.book[at + state.O_INSTRUMENT] != i:
            continue
        if run.book[at + state.O_SIDE] < 0.0:
            key = run.book[at + state.O_GROUP] or -float(slot + 1)
            offered[key] = max(offered.get(key, 0.0), run.book[at + state.O_LEFT])
    return max(run.rows[i * N_ROW + state.POSITION], 0.0) - sum(offered.values())


def _of_quantity(run: Run, i: int, quantity: float) -> int:
    freeze = run.terms[i * N_TERM + state.T_FREEZE]
    if quantity <= 0.0:
        return state.W_ZERO
    if whole_lots(quantity, run.rules.units, run.terms[i * N_TERM + state.T_LOT]) != quantity:
        return state.W_LOT
    return state.W_FREEZE if 0.0 < freeze < quantity else state.W_NONE
