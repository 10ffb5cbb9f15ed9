"""The reference engine: slow, exact and plain. It shares no code with the engine of the package and must agree with it.

Everything is a decimal, every bar is walked through step by step, every bill is worked out afresh.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Context, Decimal, localcontext

from tests.reference.account import Account, Filled, Holding, moment
from tests.reference.deciding import Decider
from tests.reference.order import MICRO, Order
from tests.reference.scene import ONE, ZERO, Action, Called, Row, Rules, Series, Wanted, on_tick, whole
from tests.reference.trading import Desk, Event

Script = Mapping[int, Sequence[Wanted | Called]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Everything that happened, and the account bar by bar."""

    fills: tuple[Filled, ...]
    events: tuple[Event, ...]
    equity: tuple[Decimal, ...]
    cash: tuple[Decimal, ...]
    held: Mapping[str, Decimal]


def play(series: Sequence[Series], instants: Sequence[int], rules: Rules, script: Script | None = None) -> Outcome:
    """Play the scene: the instants are the union of all bars, those without prices included."""
    with localcontext(Context(prec=60)):
        return Stage.of(series, instants, rules, script or {}).play()


@dataclass(eq=False, kw_only=True)
class Stage:
    """One run."""

    rules: Rules
    account: Account
    desk: Desk
    decider: Decider
    instants: tuple[int, ...]
    script: Script
    equity: list[Decimal] = field(default_factory=list)
    cash: list[Decimal] = field(default_factory=list)
    day_start: Decimal = ZERO
    peak: Decimal = ZERO
    pending: dict[str, list[Action]] = field(default_factory=dict)

    @classmethod
    def of(cls, series: Sequence[Series], instants: Sequence[int], rules: Rules, script: Script) -> Stage:
        account = Account(rules=rules, holdings=tuple(Holding(series=one) for one in series), cash=rules.capital)
        desk = Desk(account=account)
        pending = {one.name: sorted(one.actions, key=lambda action: action.ex_date) for one in series}
        return cls(
            rules=rules,
            account=account,
            desk=desk,
            decider=Decider(desk=desk),
            instants=tuple(sorted(instants)),
            script=script,
            day_start=rules.capital,
            peak=rules.capital,
            pending=pending,
        )

    def play(self) -> Outcome:
        for i_bar, ts in enumerate(self.instants):
            self.bar(i_bar, ts)
        return Outcome(
            fills=tuple(self.account.fills),
            events=tuple(self.desk.events),
            equity=tuple(self.equity),
            cash=tuple(self.cash),
            held={one.name: one.quantity for one in self.account.holdings if one.quantity},
        )

    def rows(self) -> list[tuple[Holding, Row]]:
        """Return the instruments that have this bar, with it."""
        return [(one, row) for one in self.account.holdings if (row := self.desk.row(one)) is not None]

    def bar(self, i_bar: int, ts: int) -> None:
        is_new_day = i_bar > 0 and moment(ts).date() != moment(self.desk.ts).date()
        self.desk.i_bar, self.desk.ts = i_bar, ts
        self.enter_bar()
        if is_new_day:
            self.start_day()
        self.square_off()
        self.desk.trade()
        self.take_marks()
        if self.rules.at_close:
            self.decide()
            self.desk.trade_at_close()
        if self.rules.close_at_end and i_bar == len(self.instants) - 1:
            self.sell_out()
        self.judge()
        if not self.rules.at_close:
            self.decide()

    # 1, 2: corporate actions and the new day.

    def enter_bar(self) -> None:
        on = self.desk.on
        for holding in self.account.holdings:
            holding.traded = ZERO
            row = self.desk.row(holding)
            if row is None:
                continue
            if holding.day != on and holding.seen:
                holding.previous_close = holding.seen[-1].close
            holding.day = on
            while self.pending[holding.name] and self.pending[holding.name][0].ex_date <= on:
                self.act(holding, self.pending[holding.name].pop(0))

    def act(self, holding: Holding, action: Action) -> None:
        """Apply a corporate action to position, cash, mark and orders, and to the bars that sizes look back at."""
        if holding.mark is None:
            return
        old, ratio = holding.quantity, action.ratio
        step = Decimal("0.000001") if self.rules.fractional else ONE
        holding.mark /= ratio
        holding.quantity = whole(old * ratio, step)
        self.account.cash += old * action.cash + (old * ratio - holding.quantity) * holding.mark
        if old:
            self.desk.tell_of_action(holding, old)
        if ratio == 1:
            return
        holding.average /= ratio
        holding.seen = [row.over(ratio) for row in holding.seen]
        holding.is_overdue = holding.is_overdue and bool(holding.quantity)
        if holding.previous_close is not None:
            holding.previous_close /= ratio
        for order in self.desk.of(holding):
            self.act_on_order(holding, order, ratio)
        self.desk.shrink_exits(holding)

    def act_on_order(self, holding: Holding, order: Order, ratio: Decimal) -> None:
        """State an order in new shares: stops go to the worse side for us, limits farther away, as all computed levels."""
        step, tick = self.account.step(holding), holding.tick(self.desk.on)

        def scaled(price: Decimal | None, *, up: bool) -> Decimal | None:
            if price is None:
                return None
            return (price / ratio).quantize(MICRO, ROUND_HALF_UP) if tick is None else on_tick(price / ratio, tick, up=up)

        is_sale = order.side < 0
        if order.kind == "trailing":
            order.tick = tick if order.tick is None else order.tick
            order.level = scaled(order.trigger, up=not is_sale)
        order.limit, order.stop = scaled(order.limit, up=is_sale), scaled(order.stop, up=not is_sale)
        # What guards an entry is on the other side.
        order.stop_loss, order.target = scaled(order.stop_loss, up=is_sale), scaled(order.target, up=not is_sale)
        order.distance = None if order.distance is None else order.distance / ratio
        if order.aim is not None:
            order.aim = whole(order.aim * ratio, step)
            order.aim_again(holding.quantity)
        else:
            order.left, order.asked = whole(order.left * ratio, step), whole(order.asked * ratio, step)
            order.filled = order.asked - order.left
        if not order.left:
            self.desk.drop(order, "cancelled", "action")

    def start_day(self) -> None:
        for order in [one for one in self.desk.orders if one.is_day_only and one.day is not None and one.day < self.desk.on]:
            self.desk.drop(order, "expired", "day")
        self.day_start = self.equity[-1]
        if self.decider.is_day_stopped:
            self.decider.is_day_stopped = False
            for holding in self.account.holdings:
                holding.is_due = not holding.is_stopped_out
        for holding in self.account.holdings:  # a contract that had no bar on its last day
            expiry = holding.series.terms.expiry
            if expiry is not None and self.desk.on > expiry and not holding.is_expired:
                self.expire(holding)

    # 3: intraday positions.

    def phase(self, holding: Holding) -> tuple[bool, bool]:
        """Tell whether the square-off time has come and whether this is the instrument's last bar of the session."""
        on = self.desk.on
        is_late = self.rules.is_intraday and moment(self.desk.ts) >= self.rules.square_off(holding.series.terms.exchange, on)
        return is_late, self.desk.ts in holding.last_of_day

    def square_off(self) -> None:
        self.decider.is_late = frozenset(holding.name for holding, _ in self.rows() if self.phase(holding)[0])
        for order in self.desk.orders:  # an order's day is that of the first bar it can work in
            if order.day is None and order.works_from <= self.desk.i_bar:
                order.day = self.desk.on
        if self.rules.product == "MIS":
            for holding, row in self.rows():
                self.square_off_one(holding, row)

    def square_off_one(self, holding: Holding, row: Row) -> None:
        is_late, _ = self.phase(holding)
        if is_late:
            self.withdraw(holding, lambda order: order.aim is not None or order.side * holding.quantity >= 0)
        if (is_late or holding.is_overdue) and holding.quantity and self.desk.close_out(holding, row.open, row=row, reason="square_off"):
            holding.is_overdue, holding.is_due = False, not holding.is_stopped_out
        if is_late and not holding.quantity:
            self.withdraw(holding, lambda _: True)
        if is_late and holding.is_stopped_out:
            holding.is_due = False

    def withdraw(self, holding: Holding, chosen: Callable[[Order], bool]) -> None:
        for order in [one for one in self.desk.of(holding) if chosen(one)]:
            holding.is_due = holding.is_due or (order.aim is not None and not holding.is_stopped_out)
            self.desk.drop(order, "withdrawn", "square_off")

    # 5: marks, expiry, the session's last bar.

    def take_marks(self) -> None:
        for holding, row in self.rows():
            holding.mark = row.close
            holding.seen.append(row)
        for holding, row in self.rows():
            expiry = holding.series.terms.expiry
            _, is_last = self.phase(holding)
            if expiry == self.desk.on and is_last:
                self.expire(holding)
            elif self.rules.product == "MIS" and is_last:
                self.withdraw(holding, lambda _: True)  # intraday orders end with their session
                holding.is_due = not holding.is_stopped_out
                holding.is_overdue = bool(holding.quantity) and not self.desk.close_out(holding, row.close, row=row, reason="square_off")

    def expire(self, holding: Holding) -> None:
        holding.is_expired = True
        self.withdraw(holding, lambda _: True)
        if holding.quantity and holding.mark is not None:
            self.account.settle(holding, ts=self.desk.ts)

    # 6: the end, equity, ruin and risk limits.

    def sell_out(self) -> None:
        for holding in self.account.holdings:
            if holding.quantity and holding.mark is not None:
                self.desk.close_out(holding, holding.mark, row=holding.seen[-1], reason="end")

    def judge(self) -> None:
        equity = self.account.equity()
        self.equity.append(equity)
        self.cash.append(self.account.cash)
        self.peak = max(self.peak, equity)
        rules, decider = self.rules, self.decider
        if equity <= 0 and not decider.is_ruined:
            decider.is_ruined, self.desk.may_open = True, False
            self.stop_all("ruin", but="risk")  # what a limit closes already goes on
            for holding in self.account.holdings:
                holding.is_due = True
            return
        if decider.is_ruined or decider.is_stopped:
            return
        if rules.max_drawdown is not None and equity <= self.peak * (1 - rules.max_drawdown):
            decider.is_stopped, self.desk.may_open = True, False
            self.leave("drawdown_stop")
        elif rules.daily_loss is not None and not decider.is_day_stopped and equity <= self.day_start * (1 - rules.daily_loss):
            decider.is_day_stopped = True
            self.leave("daily_loss_limit")

    def stop_all(self, reason: str, *, but: str = "") -> None:
        for order in [one for one in self.desk.orders if one.reason != but]:
            self.desk.drop(order, "withdrawn", reason)

    def leave(self, reason: str) -> None:
        """Withdraw all orders and close all positions at the next open that trades."""
        self.stop_all(reason)
        for holding in self.account.holdings:
            if holding.quantity:
                self.desk.orders.append(self.decider.target_order(holding, ZERO, reason="risk"))

    # 7: decisions.

    def decide(self) -> None:
        equity = self.account.equity()
        rows = self.rows()
        changed = [holding for holding in self.account.holdings if self.hears(holding)]
        if self.rules.rebalance and changed:
            for holding in self.account.holdings:
                is_restated = self.desk.ts in holding.series.targets and (self.rules.is_matrix or self.desk.row(holding) is not None)
                holding.is_due = holding.is_due or (is_restated and not holding.is_stopped_out)
        for holding, _ in rows:
            if holding.is_due and self.may_decide(holding):
                self.decider.aim(holding, equity)
        for wish in self.script.get(self.desk.ts, ()):
            self.decider.take(wish, equity)

    def hears(self, holding: Holding) -> bool:
        """Read the target of this bar; return whether it is a new one."""
        said = holding.series.targets.get(self.desk.ts)
        if said is None or (self.desk.row(holding) is None and not self.rules.is_matrix):
            return False
        said = max(said, ZERO) if self.rules.product == "CNC" else said
        if said == holding.target:
            return False
        holding.target, holding.is_due, holding.is_stopped_out = said, True, False
        return True

    def may_decide(self, holding: Holding) -> bool:
        decider, rules = self.decider, self.rules
        is_leaving = any(order.reason == "risk" for order in self.desk.of(holding))
        has_targets = bool(holding.series.targets) or decider.is_ruined
        if not has_targets or holding.is_expired or is_leaving or decider.is_stopped or decider.is_day_stopped:
            return False
        if rules.product != "MIS":
            return True
        is_late, is_last = self.phase(holding)
        return not (is_last or is_late) if rules.at_close else (is_last or not is_late)
