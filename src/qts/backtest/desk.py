"""Where a strategy's orders arrive in a backtest: checked as a broker would, entered into the book, and reported on."""

from __future__ import annotations

import math
from collections.abc import Callable
from numbers import Real
from typing import Final

from qts.backtest.price_bands import PriceBands
from qts.backtest.refusals import reason_of, refusal, refusal_now
from qts.core.errors import BadParameter
from qts.core.trading import OrderKind, Side
from qts.kernels import state
from qts.kernels.arithmetic import whole_lots
from qts.kernels.booking import account_equity, note
from qts.kernels.charging import day_of
from qts.kernels.decisions import aim, leave_wish, settle_due, within_limits
from qts.kernels.hits import trailing_level
from qts.kernels.orders import Ticket, add_order, withdraw
from qts.kernels.state import N_ACTION, N_EVENT, N_FILL, N_ORDER, N_ROW, N_TERM, Run
from qts.kernels.twins import Column
from qts.kernels.wishes import drop_wish
from qts.strategies import Holding, Money, OrderReport, OrderRequest, OrderState

_KINDS: Final = {
    OrderKind.MARKET: state.MARKET,
    OrderKind.LIMIT: state.LIMIT,
    OrderKind.STOP: state.STOP,
    OrderKind.STOP_LIMIT: state.STOP_LIMIT,
    OrderKind.TRAILING: state.TRAILING,
}
_ENDED: Final = {
    state.S_REJECTED: OrderState.REJECTED,
    state.S_CANCELLED: OrderState.CANCELLED,
    state.S_EXPIRED: OrderState.EXPIRED,
    state.S_WITHDRAWN: OrderState.CANCELLED,
}
_IN_BOOK: Final = (state.IS_WORKING, state.IS_DORMANT)
_ROOM: Final = 64


class EngineDesk:
    """The orders of one run, on the plain core.

    ``t`` is the bar that has just closed, set by whoever drives the run; ``sync`` brings the core up to it before orders are taken.
    ``given`` collects the orders with the bars they were given at, ``details`` what there is to say of a refusal beyond its reason, by
    order. Prices are held to ``bands`` where these are given.
    """

    __slots__ = (
        "_aimed",
        "_bands",
        "_ended",
        "_filled",
        "_given",
        "_is_matrix",
        "_n_events",
        "_n_fills",
        "_slots",
        "_sync",
        "details",
        "run",
        "t",
    )

    def __init__(
        self,
        run: Run,
        *,
        sync: Callable[[], None],
        given: list[tuple[int, OrderRequest]],
        is_matrix: bool,
        bands: PriceBands | None = None,
    ) -> None:
        self._sync = sync
        self._bands = bands
        self.details: dict[int, str] = {}
        self._given = given
        self.run = run
        self.t = -1
        self._is_matrix = is_matrix
        self._aimed: set[int] = set()
        # Where orders stand in the book: they keep their place while they work, and the book may be long.
        self._slots: dict[int, int] = {}
        # By order: what it filled, stated in the shares of the bar of its latest fill, and that bar.
        self._filled: dict[int, tuple[float, int]] = {}
        self._ended: dict[int, tuple[OrderState, str]] = {}
        self._n_fills = 0
        self._n_events = 0

    def submit(self, request: OrderRequest) -> int:
        """Take an order and return its id; 0 where nothing had to be ordered."""
        self._sync()
        self.make_room()
        self._given.append((self.t, request))
        if request.exposure is not None:
            return self._aim(request.instrument, request.exposure)
        if request.position is not None:
            return self._hold(request.instrument, request.position)
        return self._order(request)

    def cancel(self, order: int) -> bool:
        """Cancel an order and return whether it was still working."""
        self._sync()
        self.make_room()
        run = self.run
        slot = self._slot(order)
        if slot >= 0:
            withdraw(run, self.t, slot, (state.S_CANCELLED, state.W_USER))
            return True
        for i in range(run.rules.n_instruments):
            row = i * N_ROW
            if run.rows[row + state.PENDING] > 0.0 and run.rows[row + state.WISH] == order:
                drop_wish(run, i)
                change = run.rows[row + state.WANTED] - run.rows[row + state.POSITION]
                note(run, self.t, (i, state.MARKET, float(order)), (change, 0.0, float(state.S_CANCELLED), float(state.W_USER)))
                return True
        return False

    def report(self, order: int) -> OrderReport:
        """Return what became of an order."""
        self._read()
        filled = self._filled.get(order, (0.0, 0))[0]
        slot = self._slot(order)
        if slot >= 0:
            at = slot * N_ORDER
            sleeps = self.run.book[at + state.O_STATE] == state.IS_DORMANT
            filled = self._filled_by(order, int(self.run.book[at + state.O_INSTRUMENT]), self.t)
            return OrderReport(OrderState.WAITING if sleeps else OrderState.WORKING, filled, "")
        rows = self.run.rows
        for i in range(self.run.rules.n_instruments):
            if rows[i * N_ROW + state.PENDING] > 0.0 and rows[i * N_ROW + state.WISH] == order:
                return OrderReport(OrderState.WORKING, self._filled_by(order, i, self.t), "")
        if order in self._ended:
            ended, reason = self._ended[order]
            return OrderReport(ended, filled, reason)
        return OrderReport(OrderState.FILLED, filled, "")

    def holding(self, instrument: int) -> Holding:
        """Return what is held of an instrument."""
        row = instrument * N_ROW
        quantity = self.run.rows[row + state.POSITION]
        return Holding(quantity, self.run.rows[row + state.AVERAGE] if quantity != 0.0 else 0.0)

    def money(self) -> Money:
        """Return the account at this bar's close."""
        run, at = self.run, self.t
        n_bars = len(run.ts)
        equity = run.account[state.CASH]
        for i in range(run.rules.n_instruments):
            position = run.rows[i * N_ROW + state.POSITION]
            if position != 0.0:
                equity += position * run.mark[i * n_bars + at]
        return Money(run.account[state.CASH], equity)

    def make_room(self) -> None:
        """Keep the lists longer than what one bar can write into them."""
        run, account = self.run, self.run.account
        rows = 2 * (int(account[state.WORKING]) + 4 * run.rules.n_instruments + _ROOM)
        if (account[state.FILLS] + rows) * N_FILL > len(run.fills):
            _lengthen(run.fills, rows * N_FILL)
        if (account[state.LOGGED] + rows) * N_EVENT > len(run.log):
            _lengthen(run.log, rows * N_EVENT)
        if (account[state.SLOTS] + rows) * N_ORDER > len(run.book):
            _lengthen(run.book, rows * N_ORDER)

    def _aim(self, i: int, exposure: float) -> int:
        if not -1.0 <= exposure <= 1.0:
            raise BadParameter("exposure", exposure, "is outside -1..1", hint="1 is fully long, 0 flat, -1 fully short.")
        wanted = max(exposure, 0.0) if self.run.rules.delivery else exposure
        if self._is_matrix or wanted != self.run.rows[i * N_ROW + state.TARGET]:
            aim(self.run, i, wanted)
            self._aimed.add(i)
        return 0

    def forget_flat_targets(self) -> None:
        """Take targets of 0 that nobody asked for at this bar as decided: what a strategy holds by orders is not closed by them."""
        run = self.run
        for i in range(run.rules.n_instruments):
            if run.rows[i * N_ROW + state.DUE] > 0.0 and run.rows[i * N_ROW + state.TARGET] == 0.0 and i not in self._aimed:
                settle_due(run, i)
        self._aimed.clear()

    def _hold(self, i: int, position: float) -> int:
        position = _check_number("position", position)
        run, row = self.run, i * N_ROW
        lots = whole_lots(abs(position), run.rules.units, run.terms[i * N_TERM + state.T_LOT])
        wanted = lots if position > 0.0 else -lots
        held = run.rows[row + state.POSITION]
        change = wanted - held
        if change == 0.0:
            if run.rows[row + state.PENDING] > 0.0:
                drop_wish(run, i)
            return 0
        why = state.W_NO_SHORT if run.rules.delivery and wanted < 0.0 else refusal_now(run, self.t, i, change, is_market=True)
        if why != state.W_NONE:
            return self._reject(i, state.MARKET, change, why)
        leave_wish(run, i, self._limited(i, wanted), state.SIGNAL)
        return int(run.rows[row + state.WISH]) if run.rows[row + state.PENDING] > 0.0 else 0

    def _order(self, request: OrderRequest) -> int:
        i = request.instrument
        side = 1.0 if request.side is Side.BUY else -1.0
        kind = _KINDS[request.kind]
        quantity = _check_number("quantity", request.quantity)
        for name in ("limit", "stop", "trail", "trail_fraction", "stop_loss", "take_profit"):
            price = getattr(request, name)
            if price is not None and not _check_number(name, price) > 0.0:
                raise BadParameter(name, price, "is not above zero", hint="Prices and distances are rupees above zero.")
        why = refusal(self.run, self.t, request, side=side, quantity=quantity, bands=self._bands)
        if why != state.W_NONE:
            order = self._reject(i, kind, side * quantity, why)
            if why == state.W_BAND and self._bands is not None:
                self.details[order] = self._bands.words(self.t, request)
            return order
        allowed = self._within(i, side, quantity)
        if allowed <= 0.0:
            return self._last_id()
        return self._enter(request, side=side, quantity=allowed, kind=kind)

    def _enter(self, request: OrderRequest, *, side: float, quantity: float, kind: int) -> int:
        run, i = self.run, request.instrument
        group, is_late = self._group(request)
        reason = state.TRAILING_STOP if kind == state.TRAILING else state.SIGNAL
        trail = request.trail if request.trail is not None else request.trail_fraction
        ticket = Ticket(
            i,
            side,
            quantity,
            kind,
            math.nan if request.limit is None else request.limit,
            math.nan if request.stop is None else request.stop,
            0.0 if trail is None else trail,
            0.0 if request.trail_fraction is None else 1.0,
            self._last_day() if request.is_day else 0.0,
            group,
            0.0,
            reason,
        )
        slot = add_order(run, ticket, self.t + 1)
        order = self._last_id()
        self._slots[order] = slot
        if kind == state.TRAILING:
            run.book[slot * N_ORDER + state.O_STOP] = trailing_level(run, slot, self.t, run.rows[i * N_ROW + state.MARK])
        self._protect(request, side=side, parent=order)
        if is_late:
            withdraw(run, self.t, slot, (state.S_CANCELLED, state.W_OCO))
        return order

    def _protect(self, request: OrderRequest, *, side: float, parent: int) -> None:
        """Enter the children of a bracket; they sleep until their entry fills and take their quantity from it."""
        if request.stop_loss is None and request.take_profit is None:
            return
        run = self.run
        run.account[state.LAST_ID] += 1.0
        group = run.account[state.LAST_ID]
        for price, kind, reason in (
            (request.stop_loss, state.STOP, state.STOP_LOSS),
            (request.take_profit, state.LIMIT, state.TAKE_PROFIT),
        ):
            if price is not None:
                limit, stop = (price, math.nan) if kind == state.LIMIT else (math.nan, price)
                ticket = Ticket(request.instrument, -side, 0.0, kind, limit, stop, 0.0, 0.0, 0.0, group, float(parent), reason)
                add_order(run, ticket, self.t + 1)

    def _group(self, request: OrderRequest) -> tuple[float, bool]:
        """Return the group to share with another order, and whether that one has been filled already."""
        if request.oco is None:
            return 0.0, False
        run = self.run
        slot = self._slot(request.oco)
        if slot < 0:
            # One that was refused or cancelled has done nothing that this one would do again.
            return 0.0, self.report(request.oco).filled > 0.0
        at = slot * N_ORDER
        if run.book[at + state.O_GROUP] == 0.0:
            run.account[state.LAST_ID] += 1.0
            run.book[at + state.O_GROUP] = run.account[state.LAST_ID]
        return run.book[at + state.O_GROUP], False

    def _slot(self, order: int) -> int:
        """Return the slot of an order that is in the book, or -1."""
        slot = self._slots.get(order, -1)
        at = slot * N_ORDER
        if slot < 0 or (self.run.book[at + state.O_ID] == order and self.run.book[at + state.O_STATE] in _IN_BOOK):
            return slot
        del self._slots[order]
        return -1

    def _within(self, i: int, side: float, quantity: float) -> float:
        """Return what our own limits leave of an order."""
        held = self.run.rows[i * N_ROW + state.POSITION]
        left = self._limited(i, held + side * quantity)
        return (left - held) * side

    def _limited(self, i: int, wanted: float) -> float:
        run = self.run
        if run.rules.max_position == 0.0 and run.rules.max_exposure == 0.0:
            return wanted
        return within_limits(run, i, self.t, (wanted, account_equity(run)))

    def _last_day(self) -> float:
        """Return the date of the first bar that an order given now can work in, whoever has that bar: the exchange is open then."""
        run = self.run
        return float(day_of(run.ts[min(self.t + 1, len(run.ts) - 1)]))

    def _reject(self, i: int, kind: int, signed: float, why: int) -> int:
        run = self.run
        run.account[state.LAST_ID] += 1.0
        note(run, self.t, (i, kind, run.account[state.LAST_ID]), (signed, 0.0, float(state.S_REJECTED), float(why)))
        return self._last_id()

    def _last_id(self) -> int:
        return int(self.run.account[state.LAST_ID])

    def _filled_by(self, order: int, i: int, bar: int) -> float:
        """Return what an order has filled, in the shares there are at a bar: a split in between multiplies it."""
        filled, since = self._filled.get(order, (0.0, 0))
        actions = self.run.actions
        if filled == 0.0:
            return 0.0
        for at in range(0, len(actions), N_ACTION):
            if actions[at + state.A_INSTRUMENT] == i and since < actions[at + state.A_BAR] <= bar:
                filled *= actions[at + state.A_RATIO]
        return filled

    def _read(self) -> None:
        """Take in the fills and events written since the last time."""
        run = self.run
        for k in range(self._n_fills, int(run.account[state.FILLS])):
            at = k * N_FILL
            order, bar = int(run.fills[at + state.F_ORDER]), int(run.fills[at + state.F_BAR])
            before = self._filled_by(order, int(run.fills[at + state.F_INSTRUMENT]), bar)
            self._filled[order] = (before + abs(run.fills[at + state.F_QUANTITY]), bar)
        self._n_fills = int(run.account[state.FILLS])
        for k in range(self._n_events, int(run.account[state.LOGGED])):
            at = k * N_EVENT
            ended = _ENDED.get(int(run.log[at + state.E_STATUS]))
            if ended is not None:
                self._ended[int(run.log[at + state.E_ORDER])] = (ended, reason_of(int(run.log[at + state.E_WHY])))
        self._n_events = int(run.account[state.LOGGED])


def _lengthen(column: Column, most: int) -> None:
    """Double a list, by at least as much as a bar can write; the plain core works on lists."""
    if isinstance(column, list):
        column.extend([0.0] * max(most, len(column)))


def _check_number(name: str, value: object) -> float:
    try:
        # Numbers out of arrays are numbers too.
        number = float(value) if isinstance(value, Real) else math.nan
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise BadParameter(name, value, "is not a number", hint="Give a finite number.")
    return number
