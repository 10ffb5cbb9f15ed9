"""From checked inputs to what the numeric core makes of them: events, marks and rules in; fills, events and curves out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import numpy as np

from qts.backtest.inputs import Timeline
from qts.backtest.measures import measures_of_size
from qts.backtest.phases import Phases
from qts.backtest.rates import rate_table
from qts.backtest.settings import BacktestSettings, CostKind, FillTiming, SizingKind, SlippageKind
from qts.backtest.terms import PLAIN, TermTable, term_table
from qts.core.arrays import Floats, Ints
from qts.core.clock import session_date_of
from qts.core.trading import Product
from qts.kernels.fills import fills_loop
from qts.kernels.state import (
    BY_ATR_RISK,
    BY_CASH,
    BY_EQUITY,
    BY_SHARES,
    BY_VOLATILITY,
    CASH,
    FILLS,
    LOGGED,
    N_ACCOUNT,
    N_ACTED,
    N_ACTION,
    N_EVENT,
    N_FILL,
    N_ORDER,
    N_ROW,
    NO_COST,
    OVERFLOW,
    PEAK,
    PER_SHARE_COST,
    PERCENT_COST,
    SCHEDULED_COST,
    Market,
    Rules,
    Run,
)
from qts.kernels.trading import orders_loop
from qts.kernels.twins import as_input, prefers_compiled, twin

# Shares are whole, or counted in millionths.
MILLIONTHS: Final = 1e6
_SIZES: Final = {
    SizingKind.SHARES: BY_SHARES,
    SizingKind.LOTS: BY_SHARES,
    SizingKind.CASH: BY_CASH,
    SizingKind.PERCENT: BY_EQUITY,
    SizingKind.ATR_RISK: BY_ATR_RISK,
    SizingKind.VOL_TARGET: BY_VOLATILITY,
}
_COSTS: Final = {
    CostKind.NONE: NO_COST,
    CostKind.PERCENT: PERCENT_COST,
    CostKind.PER_SHARE: PER_SHARE_COST,
    CostKind.ZERODHA: SCHEDULED_COST,
}
_NOTHING: Final = np.zeros(0)

Targets: TypeAlias = tuple[Ints, Ints, Floats]


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """What the numeric core hands back: fills, events and corporate actions as rows, the account's counters and its curves.

    ``details`` has what there is to say of a refused order beyond its reason, by order.
    """

    raw: Floats
    log: Floats
    acted: Floats
    account: Floats
    equity: Floats
    cash: Floats
    details: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """How many fills, working orders and events there is room for."""

    fills: int
    orders: int
    events: int

    def larger(self) -> Room:
        """Return four times the room."""
        return Room(fills=self.fills * 4, orders=self.orders * 4, events=self.events * 4)


def play(timeline: Timeline, phases: Phases, settings: BacktestSettings, *, table: TermTable | None = None) -> Played:
    """Return what the fills loop makes of the timeline: compiled for long ones, plain for short ones, the same to the last bit."""
    size = timeline.close.size
    n_instruments = len(timeline.instruments)
    table = table or term_table(timeline, [PLAIN] * n_instruments)
    market, rules = market_of(timeline, phases, settings, table), rules_of(timeline, settings, table)
    likely = max(256, 3 * len(market.event_bar))
    # Protection that is left over when its position is closed is an event, and so there may be as many as fills.
    room = Room(fills=likely, orders=16 + 8 * n_instruments, events=likely if needs_book(rules) else 256)
    while True:
        played = play_once(market, rules, float(settings.capital), compiled=prefers_compiled(size), room=room)
        if played.account[OVERFLOW] == 0.0:
            return played
        room = room.larger()


def play_once(market: Market, rules: Rules, capital: float, *, compiled: bool, room: Room) -> Played:
    """Return one pass of the loop, plain or compiled; its account tells whether the room was enough."""
    run = run_of(market, rules, capital, compiled=compiled, room=room)
    with_book = needs_book(rules)
    if compiled:
        twin("orders" if with_book else "fills")(run)
    elif with_book:
        orders_loop(run)
    else:
        fills_loop(run)
    return played_of(run)


def needs_book(rules: Rules) -> bool:
    """Return whether a run of targets gives orders that wait for a price, or closes positions by itself."""
    return max(rules.stop_loss, rules.take_profit, rules.trailing, rules.daily_loss, rules.max_drawdown) > 0.0


# What the plain loop reads at fills, and a bar that waits for none not at all. Closes mostly are the marks, which it reads in each.
_SELDOM: Final = frozenset({"open", "high", "low", "close", "volume"})


def run_of(market: Market, rules: Rules, capital: float, *, compiled: bool, room: Room) -> Run:
    """Return a run before its first bar: over arrays for the compiled loop, over lists for the plain one."""
    n_bars = len(market.ts)
    account = np.zeros(N_ACCOUNT)
    account[CASH], account[PEAK] = capital, capital
    written: dict[str, Any] = {
        "rows": np.zeros(rules.n_instruments * N_ROW),
        "account": account,
        "book": np.zeros(room.orders * N_ORDER),
        "fills": np.zeros(room.fills * N_FILL),
        "log": np.zeros(room.events * N_EVENT),
        "acted": np.zeros(len(market.actions) // N_ACTION * N_ACTED),
        "equity": np.empty(n_bars),
        "cash": np.empty(n_bars),
    }
    columns: dict[str, Any] = {name: np.asarray(column) for name, column in market._asdict().items()}
    if compiled:
        return Run(**{name: as_input(column) for name, column in columns.items()}, rules=rules, **written)
    lists: dict[str, Any] = {name: _read_seldom(column) if name in _SELDOM else column.tolist() for name, column in columns.items()}
    if columns["close"].size and np.shares_memory(columns["close"], columns["mark"]):
        lists["close"] = lists["mark"]
    lists |= {name: column.tolist() for name, column in written.items() if name not in {"equity", "cash"}}
    return Run(**lists, equity=[0.0] * n_bars, cash=[0.0] * n_bars, rules=rules)


def _read_seldom(column: Floats) -> Sequence[float]:
    """Return a column of which few values will be read: to make numbers of all takes longer than to read them one by one."""
    return np.ascontiguousarray(column, dtype=np.float64).data


def played_of(run: Run) -> Played:
    """Return what a run has written."""
    account, fills, log, acted, equity, cash = (
        np.asarray(column, dtype=np.float64) for column in (run.account, run.fills, run.log, run.acted, run.equity, run.cash)
    )
    return Played(
        raw=fills[: int(account[FILLS]) * N_FILL].reshape(-1, N_FILL),
        log=log[: int(account[LOGGED]) * N_EVENT].reshape(-1, N_EVENT),
        acted=acted.reshape(-1, N_ACTED),
        account=account,
        equity=equity,
        cash=cash,
    )


def market_of(timeline: Timeline, phases: Phases, settings: BacktestSettings, table: TermTable) -> Market:
    """Return the timeline as the loop reads it: columns in one dimension, targets as events, and the bars to look at."""
    bars, instruments, targets = target_events(timeline.target, restated=timeline.is_matrix or settings.rebalance)
    last = len(timeline.ts) - 1
    extra = [np.array([last]), table.expiry_bars, np.array([one.bar for one in table.located], dtype=np.int64)]
    if phases.size:
        extra.append(np.flatnonzero(phases.any(axis=0)))
    agenda = np.unique(np.concatenate([bars, *extra]))
    starts, rates = np.empty(0, dtype=np.int64), _NOTHING
    if settings.costs.kind is CostKind.ZERODHA:
        first, final = (session_date_of(int(timeline.ts[at])) for at in (0, -1))
        fee = settings.costs.square_off_fee
        starts, rates = rate_table(timeline.instruments, first, final, terms=table.given, square_off_fee=fee)
    columns = {name: getattr(timeline, name).reshape(-1) for name in ("open", "high", "low", "close", "volume")}
    return Market(
        ts=timeline.ts,
        **columns,
        mark=marks_of(timeline.close).reshape(-1),
        measure=measures_of_size(timeline, settings.size, table.located).reshape(-1),
        phase=phases.reshape(-1),
        lock=table.lock.reshape(-1),
        event_bar=bars,
        event_instrument=instruments,
        event_target=targets,
        agenda=agenda.astype(np.int64),
        terms=table.terms,
        ticks=table.ticks,
        actions=table.actions,
        starts=starts,
        rates=rates,
    )


def target_events(target: Floats, *, restated: bool = False) -> Targets:
    """Return where targets differ from the one before, as columns of bars, instruments and targets, sorted in this order.

    The target before the first is 0; NaN keeps the one before. With ``restated`` every target said in a bar in which one changes is an
    event, so that positions are brought back to their targets together.
    """
    found: list[tuple[Ints, Floats]] = []
    for row in target:
        stated = np.flatnonzero(~np.isnan(row)) if np.isnan(row).any() else np.arange(len(row))
        values = row[stated]
        changes = np.empty(len(values), dtype=np.bool_)
        changes[:1] = values[:1] != 0.0
        np.not_equal(values[1:], values[:-1], out=changes[1:])
        found.append((stated[changes], values[changes]))
    if restated:
        together = np.unique(np.concatenate([at for at, _ in found]))
        found = [(said, row[said]) for row in target for said in (together[~np.isnan(row[together])],)]
    bars = np.concatenate([at for at, _ in found])
    instruments = np.repeat(np.arange(len(found)), [len(at) for at, _ in found])
    values = np.concatenate([said for _, said in found])
    if len(found) > 1:
        order = np.argsort(bars, kind="stable")
        bars, instruments, values = bars[order], instruments[order], values[order]
    return bars.astype(np.int64), instruments.astype(np.int64), values


def marks_of(close: Floats) -> Floats:
    """Return each instrument's last close at or before each bar; NaN before its first."""
    absent = np.isnan(close)
    if not absent.any():
        return close
    latest = np.maximum.accumulate(np.where(absent, 0, np.arange(close.shape[1])), axis=1)
    marks: Floats = np.take_along_axis(close, latest, axis=1)
    return marks


def rules_of(timeline: Timeline, settings: BacktestSettings, table: TermTable) -> Rules:
    """Return the settings as the numbers the loop reads."""
    slippage, limits, protection = settings.slippage, settings.limits, settings.protection
    shares_volume = slippage.kind is SlippageKind.VOLUME_SHARE
    return Rules(
        n_instruments=len(timeline.instruments),
        size_kind=_SIZES[settings.size.kind],
        size_amount=float(settings.size.amount),
        # The weights of a matrix strategy split the equity themselves.
        size_parts=1.0 if timeline.is_matrix and settings.size.kind is SizingKind.PERCENT else float(len(timeline.instruments)),
        size_multiple=float(settings.size.multiple),
        in_lots=settings.size.kind is SizingKind.LOTS,
        units=MILLIONTHS if settings.fractional else 1.0,
        slip_fraction=float(slippage.bps / 10_000),
        slip_offset=float(slippage.amount) if slippage.kind is SlippageKind.HALF_SPREAD else 0.0,
        slip_ticks=float(slippage.amount) if slippage.kind is SlippageKind.TICKS else 0.0,
        volume_share=float(slippage.amount) if shares_volume else 0.0,
        impact=float(slippage.impact) if shares_volume else 0.0,
        at_close=settings.fill is FillTiming.CLOSE,
        intraday=settings.product is Product.MIS,
        delivery=settings.product is Product.CNC,
        close_at_end=settings.close_at_end,
        is_plain=table.ticks.size == 0 and not shares_volume and slippage.kind is not SlippageKind.TICKS,
        is_margined=table.is_margined,
        expires=table.expiry_bars.size > 0,
        cost_kind=_COSTS[settings.costs.kind],
        cost_rate=float(settings.costs.rate),
        cost_minimum=float(settings.costs.minimum),
        max_position=float(limits.max_position),
        max_exposure=float(limits.max_exposure),
        daily_loss=float(limits.daily_loss),
        max_drawdown=float(limits.max_drawdown),
        stop_loss=float(protection.stop_loss),
        take_profit=float(protection.take_profit),
        trailing=float(protection.trailing),
    )
