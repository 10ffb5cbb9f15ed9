"""The rules of orders, one small scene each: four numbers a bar, what was ordered, and the fills worked out by hand."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest
from tests.reference.core_run import in_package_words
from tests.reference.engine import Outcome, play
from tests.reference.scene import BUY, SELL, Called, Row, Rules, Series, Terms, Wanted
from tests.reference.script_run import scripted
from tests.reference.trading import Event

from qts.backtest import BacktestResult, BacktestSettings, parse_costs, parse_size, parse_slippage, run
from qts.core import IST, Bars, InstrumentId, Interval, Product, micros_of
from qts.market.sessions import square_off_at

NAME = "NSE:INFY"
FIRST = datetime(2024, 5, 6, 9, 15, tzinfo=IST)
PLAIN = Rules(capital=Decimal(100_000), square_off=square_off_at, is_intraday=True)
FLAT = "100 100 100 100"


def order(label: str, side: int, quantity: int, **prices: object) -> Wanted:
    kind = str(prices.pop("kind", "market"))
    exact = {
        name: Decimal(str(value)) if isinstance(value, int | float) and name != "day_only" else value for name, value in prices.items()
    }
    return Wanted(label=label, instrument=NAME, side=side, quantity=Decimal(quantity), kind=kind, **exact)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Bars as ``open high low close [volume]``, orders by the bar they were given in, fills as ``bar quantity price reason``."""

    bars: tuple[str, ...]
    orders: dict[int, tuple[Wanted | Called, ...]]
    fills: tuple[str, ...]
    events: tuple[str, ...] = ()
    rules: Rules = PLAIN
    terms: Terms = field(default_factory=Terms)


def stamps_of(scene: Scene) -> list[int]:
    return [micros_of(FIRST + timedelta(minutes=k)) for k in range(len(scene.bars))]


def script_of(scene: Scene) -> dict[int, tuple[Wanted | Called, ...]]:
    return {stamps_of(scene)[i]: orders for i, orders in scene.orders.items()}


def played(scene: Scene) -> Outcome:
    rows = {}
    for ts, text in zip(stamps_of(scene), scene.bars, strict=True):
        numbers = [Decimal(word) for word in text.split()]
        volume = numbers[4] if len(numbers) > 4 else None
        rows[ts] = Row(open=numbers[0], high=numbers[1], low=numbers[2], close=numbers[3], volume=volume)
    return play([Series(name=NAME, terms=scene.terms, rows=rows)], stamps_of(scene), scene.rules, script_of(scene))


def played_by_the_engine(scene: Scene) -> BacktestResult:
    rules, numbers = scene.rules, np.array([[*map(float, line.split()), math.nan][:5] for line in scene.bars])
    impact = f",impact={rules.impact}" if rules.slippage == "volume-share" else ""
    settings = BacktestSettings(
        capital=rules.capital,
        product=Product(rules.product),
        size=parse_size("shares:10"),
        costs=parse_costs("none"),
        slippage=parse_slippage("none" if rules.slippage == "none" else f"{rules.slippage}:{rules.slippage_amount}{impact}"),
    )
    bars = Bars(
        instrument=InstrumentId(NAME),
        interval=Interval.MINUTE_1,
        ts=np.array(stamps_of(scene), dtype=np.int64),
        oi=np.full(len(scene.bars), np.nan),
        **dict(zip(("open", "high", "low", "close", "volume"), np.ascontiguousarray(numbers.T), strict=True)),
    )
    return run(scripted(script_of(scene)), {}, [bars], settings, terms=[in_package_words(scene.terms)])


BUY_LIMIT = order("a", BUY, 10, kind="limit", limit=98)
LONG = order("in", BUY, 10)
SCENES = {
    "a market order fills at the next open": Scene(bars=(FLAT, "101 103 100 102"), orders={0: (LONG,)}, fills=("1 10 101 signal",)),
    "what the last bar orders never fills": Scene(bars=(FLAT, FLAT), orders={1: (LONG,)}, fills=()),
    "a limit that is only touched waits": Scene(
        bars=(FLAT, "100 101 98 99", "99 99 97 98"), orders={0: (BUY_LIMIT,)}, fills=("2 10 98 signal",)
    ),
    "a limit gapped through fills at the better open": Scene(
        bars=(FLAT, "96 99 95 98"), orders={0: (BUY_LIMIT,)}, fills=("1 10 96 signal",)
    ),
    "an open at the limit fills": Scene(bars=(FLAT, "98 99 98 98"), orders={0: (BUY_LIMIT,)}, fills=("1 10 98 signal",)),
    "a limit fill is not slipped": Scene(
        bars=(FLAT, "100 100 97 98"),
        orders={0: (BUY_LIMIT,)},
        fills=("1 10 98 signal",),
        rules=replace(PLAIN, slippage="bps", slippage_amount=Decimal(50)),
    ),
    "a stop that is touched fills at the stop, slipped": Scene(
        bars=(FLAT, "100 104 99 103"),
        orders={0: (order("a", BUY, 10, kind="stop", stop=104),)},
        fills=("1 10 104.52 signal",),
        rules=replace(PLAIN, slippage="bps", slippage_amount=Decimal(50)),
    ),
    "a stop gapped through fills at the worse open": Scene(
        bars=(FLAT, "106 107 105 106"), orders={0: (order("a", BUY, 10, kind="stop", stop=104),)}, fills=("1 10 106 signal",)
    ),
    "a stop-limit fills at the stop": Scene(
        bars=(FLAT, "100 105 99 103"),
        orders={0: (order("a", BUY, 10, kind="stop_limit", stop=104, limit=104.5),)},
        fills=("1 10 104 signal",),
    ),
    "a stop-limit gapped beyond its limit is a limit from the next bar": Scene(
        bars=(FLAT, "106 107 103 105", "105 106 104 105"),
        orders={0: (order("a", BUY, 10, kind="stop_limit", stop=104, limit=104.5),)},
        fills=("2 10 104.5 signal",),
    ),
    "a trailing stop follows the highs of closed bars only": Scene(
        bars=(FLAT, "100 100 100 100", "101 110 101 109", "109 110 104 106"),
        orders={0: (LONG,), 1: (order("out", SELL, 10, kind="trailing", distance=5),)},
        fills=("1 10 100 signal", "3 -10 105 trailing_stop"),
    ),
    "a bracket's stop and target in one bar: the stop wins": Scene(
        bars=(FLAT, FLAT, "100 111 94 100"),
        orders={0: (order("in", BUY, 10, stop_loss=95, target=110),)},
        fills=("1 10 100 signal", "2 -10 95 stop_loss"),
        events=("2 sell limit 10 0 cancelled oco",),
    ),
    "a bracket entered at the open may end in that bar": Scene(
        bars=(FLAT, "100 111 99 110"),
        orders={0: (order("in", BUY, 10, stop_loss=95, target=110),)},
        fills=("1 10 100 signal", "1 -10 110 take_profit"),
        events=("1 sell stop 10 0 cancelled oco",),
    ),
    "after an intrabar entry the target waits for the next bar": Scene(
        bars=(FLAT, "100 111 97 100", "100 111 99 100"),
        orders={0: (order("in", BUY, 10, kind="limit", limit=98, stop_loss=95, target=110),)},
        fills=("1 10 98 signal", "2 -10 110 take_profit"),
        events=("2 sell stop 10 0 cancelled oco",),
    ),
    "after an intrabar entry the stop acts at once": Scene(
        bars=(FLAT, "100 111 94 100", FLAT),
        orders={0: (order("in", BUY, 10, kind="limit", limit=98, stop_loss=95, target=110),)},
        fills=("1 10 98 signal", "1 -10 95 stop_loss"),
        events=("1 sell limit 10 0 cancelled oco",),
    ),
    "an entry that opens below its stop-loss leaves where it entered": Scene(
        bars=(FLAT, "93 99 92 98", FLAT),
        orders={0: (order("in", BUY, 10, stop_loss=95, target=110),)},
        fills=("1 10 93 signal", "1 -10 93 stop_loss"),
        events=("1 sell limit 10 0 cancelled oco",),
    ),
    "members of an OCO group share one quantity": Scene(
        bars=(FLAT, FLAT, "100 106 99 105"),
        orders={
            0: (LONG,),
            1: (
                order("low", SELL, 10, kind="stop", stop=95, group="g"),
                order("high", SELL, 10, kind="limit", limit=105, group="g"),
            ),
        },
        fills=("1 10 100 signal", "2 -10 105 signal"),
        events=("2 sell stop 10 0 cancelled oco",),
    ),
    "a cancelled order does not fill": Scene(
        bars=(FLAT, "100 100 99 100", "97 97 97 97"),
        orders={0: (BUY_LIMIT,), 1: (Called(label="a"),)},
        fills=(),
        events=("1 buy limit 10 0 cancelled asked",),
    ),
    "no volume, no fill": Scene(bars=(FLAT, "100 100 90 95 0", "96 99 95 98 500"), orders={0: (BUY_LIMIT,)}, fills=("2 10 96 signal",)),
    "a tenth of the volume a bar, the rest waits": Scene(
        bars=(FLAT, "100 100 100 100 45", "101 101 101 101 500"),
        orders={0: (LONG,)},
        fills=("1 4 100 signal", "2 6 101 signal"),
        events=("1 buy market 10 4 partial volume",),
        rules=replace(PLAIN, slippage="volume-share", slippage_amount=Decimal("0.1"), impact=Decimal(0)),
    ),
    "the price gives way with the square of our share": Scene(
        bars=(FLAT, "100 100 100 100 100"),
        orders={0: (LONG,)},
        fills=("1 10 100.1 signal",),
        rules=replace(PLAIN, slippage="volume-share", slippage_amount=Decimal("0.1"), impact=Decimal("0.1")),
    ),
    "a slipped price goes to the tick against us": Scene(
        bars=(FLAT, FLAT),
        orders={0: (LONG,)},
        fills=("1 10 100.05 signal",),
        rules=replace(PLAIN, slippage="bps", slippage_amount=Decimal(2)),
        terms=Terms(tick=lambda _: Decimal("0.05")),
    ),
    "two ticks of slippage": Scene(
        bars=(FLAT, FLAT),
        orders={0: (LONG,)},
        fills=("1 10 100.2 signal",),
        rules=replace(PLAIN, slippage="ticks", slippage_amount=Decimal(2)),
        terms=Terms(tick=lambda _: Decimal("0.1")),
    ),
    "half the spread": Scene(
        bars=(FLAT, FLAT),
        orders={0: (LONG,)},
        fills=("1 10 100.3 signal",),
        rules=replace(PLAIN, slippage="half-spread", slippage_amount=Decimal("0.3")),
    ),
    "what cannot be paid is cut": Scene(
        bars=(FLAT, "100 100 100 100"),
        orders={0: (order("a", BUY, 2000),)},
        fills=("1 1000 100 signal",),
        events=("1 buy market 2000 1000 cut insufficient_funds",),
    ),
    "sales come before purchases": Scene(
        bars=(FLAT, FLAT, "100 100 100 100"),
        orders={0: (order("a", BUY, 1000),), 1: (order("b", BUY, 1000), order("c", SELL, 1000))},
        fills=("1 1000 100 signal", "2 -1000 100 signal", "2 1000 100 signal"),
    ),
    # Ten shares sold at 100 with 1,000 rupees: at 250 they cost 500 more than there is.
    "a lost account withdraws its orders, closes what it holds and takes none that opens": Scene(
        bars=(FLAT, FLAT, "250 250 250 250", "110 110 110 110", "50 50 50 50", "50 50 50 50"),
        orders={
            0: (order("in", SELL, 10),),
            1: (order("low", BUY, 3, kind="limit", limit=60),),
            2: (order("more", SELL, 1),),
            3: (order("again", BUY, 5),),
        },
        fills=("1 -10 100 signal", "3 10 110 risk"),
        events=(
            "2 buy limit 3 0 withdrawn ruin",
            "2 sell market 1 0 rejected drawdown_stop",
            "3 buy market 5 0 rejected drawdown_stop",
        ),
        rules=replace(PLAIN, product="MIS", capital=Decimal(1000)),
    ),
    "refused: off the tick, wrong side, short in delivery": Scene(
        bars=(FLAT, FLAT),
        orders={
            0: (
                order("a", BUY, 1, kind="limit", limit=99.97),
                order("b", BUY, 1, kind="stop", stop=100),
                order("c", SELL, 1, kind="limit", limit=101),
            )
        },
        fills=(),
        events=(
            "0 buy limit 1 0 rejected off_tick",
            "0 buy stop 1 0 rejected stop_on_wrong_side",
            "0 sell limit 1 0 rejected no_short_in_delivery",
        ),
        rules=replace(PLAIN, product="CNC"),
        terms=Terms(tick=lambda _: Decimal("0.05")),
    ),
}


def told(event: Event) -> str:
    side = "buy" if event.side == BUY else "sell"
    return f"{side} {event.kind} {event.quantity:f} {event.filled:f} {event.status} {event.reason}"


@pytest.mark.parametrize("scene", SCENES.values(), ids=SCENES)
def test_the_reference_engine_fills_as_worked_out_by_hand(scene: Scene) -> None:
    outcome = played(scene)
    stamps = {micros_of(FIRST + timedelta(minutes=k)): k for k in range(len(scene.bars))}
    fills = [f"{stamps[fill.ts]} {fill.quantity:f} {fill.price.normalize():f} {fill.reason}" for fill in outcome.fills]
    events = [f"{stamps[event.ts]} {told(event)}" for event in outcome.events]
    assert fills == list(scene.fills)
    assert events == list(scene.events)


@pytest.mark.parametrize("scene", SCENES.values(), ids=SCENES)
def test_the_engine_fills_as_worked_out_by_hand(scene: Scene) -> None:
    result = played_by_the_engine(scene)
    stamps = {ts: k for k, ts in enumerate(stamps_of(scene))}
    fills = [
        f"{stamps[micros_of(fill.filled_at)]} {fill.quantity if fill.side == 'buy' else -fill.quantity:f} "
        f"{fill.price.normalize():f} {fill.reason}"
        for fill in result.fills
    ]
    assert fills == list(scene.fills)
    told_by_it = [(stamps[micros_of(event.at)], event.side, event.kind, event.status) for event in result.order_events]
    assert told_by_it == [(int(words[0]), words[1], words[2], words[5]) for words in (line.split() for line in scene.events)]
