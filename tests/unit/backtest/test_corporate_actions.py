"""Where actions take effect, what they do to sizes and bands, what is refused; and that a split is worth nothing."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qts.backtest import BacktestResult, BacktestSettings, evaluate, parse_costs, parse_size, parse_slippage, run, sweep
from qts.backtest.corporate_actions import LocatedAction, locate_actions, shares_of
from qts.backtest.inputs import gather
from qts.backtest.phases import session_phases
from qts.backtest.playing import Room, market_of, play_once, rules_of
from qts.backtest.settings import Protection
from qts.backtest.terms import PLAIN, InstrumentTerms, term_table
from qts.core import IST, ActionKind, Bars, CorporateAction, InstrumentId, Interval, Product, micros_of
from qts.core.errors import BadParameter
from qts.market.listing import TickFrom
from qts.strategies import Strategy

Candles = Callable[..., Bars]
Says = Callable[..., Strategy]
INFY = InstrumentId("NSE:INFY")
DAYS = [date(2024, 5, 6) + timedelta(days=k) for k in range(30)]
FLAT = (100.0, 101.0, 99.0, 100.0)
NEW = (20.0, 20.2, 19.8, 20.0)
FREE = BacktestSettings(
    capital=Decimal(100_000), size=parse_size("shares:10"), costs=parse_costs("none"), slippage=parse_slippage("none"), product=Product.CNC
)


def on(day: int, ratio: str = "1", cash: str = "0", *, kind: ActionKind | None = None, of: str = "NSE:INFY") -> CorporateAction:
    kind = kind or (ActionKind.DIVIDEND if ratio == "1" else ActionKind.SPLIT)
    return CorporateAction(instrument=InstrumentId(of), ex_date=DAYS[day], kind=kind, ratio=Decimal(ratio), cash=Decimal(cash))


def told(result: BacktestResult) -> list[tuple[str, float, float, str]]:
    return [
        (f"{fill.filled_at:%d}", float(fill.quantity if fill.side == "buy" else -fill.quantity), float(fill.price), str(fill.reason))
        for fill in result.fills
    ]


def without(bars: Bars, *gone: int) -> Bars:
    """Return the bars but those at these places."""
    columns: dict[str, Any] = {
        name: np.delete(getattr(bars, name), gone) for name in ("ts", "open", "high", "low", "close", "volume", "oi")
    }
    return replace(bars, **columns)


def assert_accounts_for_all(result: BacktestResult, capital: int = 100_000) -> None:
    gained = sum((trade.net_pnl for trade in result.trades), result.action_cash)
    assert float(gained) == pytest.approx(result.equity[-1] - capital, abs=1e-6)


TICKED = InstrumentTerms(ticks=(TickFrom(start=date(2000, 1, 1), size=Decimal("0.05"), is_estimate=False),))


def test_an_action_waits_for_the_first_bar_of_its_instrument(candles: Candles, says: Says) -> None:
    other = replace(candles([FLAT] * 5), instrument=InstrumentId("NSE:OTHER"))
    late = without(candles([FLAT, FLAT, FLAT, NEW, NEW]), 2)
    result = run(says({"NSE:INFY": [1] * 4, "NSE:OTHER": [0] * 5}), {}, [late, other], FREE, actions=[on(2, "5")])
    assert [one.at.date() for one in result.actions] == [DAYS[3]]
    assert result.equity.tolist() == [100_000] * 5


@pytest.mark.parametrize("day", [0, 4, 20])
def test_actions_beside_the_bars_change_nothing(candles: Candles, says: Says, day: int) -> None:
    bars = candles([FLAT] * 4)
    plain = run(says([1, 1, 0, 1]), {}, [bars], FREE)
    assert run(says([1, 1, 0, 1]), {}, [bars], FREE, actions=[on(day, "5", "7")]).fills == plain.fills


@pytest.mark.parametrize("size", ["atr-risk:0.01,span=2,multiple=1", "vol-target:0.2,span=2"])
def test_a_size_by_volatility_takes_a_split_for_no_movement(candles: Candles, says: Says, size: str) -> None:
    rows = [(100, 102, 98, 101), (101, 103, 99, 100), (100, 104, 98, 102), (102, 103, 100, 101), (101, 105, 100, 104)]
    halves = [tuple(price / 2 for price in row) for row in rows]
    sized = replace(FREE, size=parse_size(size))
    raw = run(says([math.nan] * 3 + [1, 1]), {}, [candles(rows[:3] + halves[3:])], sized, actions=[on(3, "2")])
    assert told(raw) == told(run(says([math.nan] * 3 + [1, 1]), {}, [candles(halves)], sized))


def test_a_bar_after_a_split_is_locked_at_the_band_of_the_new_price(candles: Candles, says: Says) -> None:
    # 100 becomes 20; 24 is its upper band of 20 %, in which nobody sells to us.
    bars = candles([FLAT, FLAT, FLAT, (24, 24, 24, 24), (24, 25, 23, 24)])
    result = run(says([0, 0, 1, 1, 1]), {}, [bars], FREE, terms=[replace(TICKED, locks=True)], actions=[on(3, "5")])
    assert told(result) == [("10", 50, 24, "signal")]


@pytest.mark.parametrize(
    ("actions", "text"),
    [
        pytest.param([on(1, "2", of="NSE:TCS")], "NSE:TCS on 2024-05-07: is of no instrument of this run", id="of another share"),
        pytest.param([on(1, "2"), on(1, "2")], "is given twice", id="given twice"),
        pytest.param([on(1, "2", of="NFO:INFY24MAYFUT")], "only shares have corporate actions", id="of a contract"),
    ],
)
def test_actions_that_cannot_be_are_refused(candles: Candles, says: Says, actions: list[CorporateAction], text: str) -> None:
    bars = [candles([FLAT] * 3), replace(candles([FLAT] * 3), instrument=InstrumentId("NFO:INFY24MAYFUT"))]
    with pytest.raises(BadParameter, match=text):
        run(says({"NSE:INFY": [0] * 3, "NFO:INFY24MAYFUT": [0] * 3}), {}, bars, replace(FREE, product=Product.MIS), actions=actions)


def test_a_bar_of_a_week_with_old_and_new_shares_is_refused(candles: Candles, says: Says) -> None:
    weeks = without(candles([FLAT] * 15), *(k for k in range(15) if k % 7))
    weeks = replace(weeks, interval=Interval.WEEK)
    with pytest.raises(BadParameter, match="falls into the 1w bar that begins on 2024-05-13"):
        run(says([1] * 3), {}, [weeks], FREE, actions=[on(9, "5")])
    # From its first day on a week has new shares only, and money is paid in the next bar.
    assert run(says([1] * 3), {}, [weeks], FREE, actions=[on(14, "5")]).actions[0].quantity_after == 50
    assert run(says([1] * 3), {}, [weeks], FREE, actions=[on(9, cash="5")]).action_cash == 50


def test_a_sweep_and_an_evaluation_give_what_the_run_gives(candles: Candles, says: Says) -> None:
    # Seven at 120, ten and the price of a half at 81: a gain of 10. Then ten are bought at 90 and sold at 85.
    rows = [(120, 121, 119, 120)] * 3 + [(80, 81, 79, 80), (81, 82, 80, 81), (90, 91, 89, 90), (85, 86, 84, 85)]
    strategy = says([1, 1, 1, 0, 1, 0, 0])
    sized = replace(FREE, size=parse_size("shares:7"))
    actions = [on(3, "1.5", "2")]
    result = run(strategy, {}, [candles(rows)], sized, actions=actions)
    found = evaluate(strategy, {}, [candles(rows)], sized, actions=actions, curve=True)
    (cell,) = sweep(strategy, [{}], [candles(rows)], sized, actions=actions)
    gains = [float(trade.net_pnl) for trade in result.trades]
    assert gains == [10, -35]
    for one in (found, cell):
        assert (one.final_equity, one.n_fills, one.n_trades, one.n_wins) == (result.equity[-1], 4, 2, 1)
        assert [one.won, one.lost] == pytest.approx([10, 35])
        assert one.traded_notional == pytest.approx(float(result.traded_notional))
        assert one.bars_held == sum(trade.bars_held for trade in result.trades)
    assert found.equity is not None
    assert np.array_equal(found.equity, result.equity)


@given(
    seed=st.integers(0, 10_000),
    ratio=st.sampled_from(["2", "4", "0.5"]),
    day=st.integers(1, 24),
    size=st.sampled_from(["percent:0.9", "cash:40000", "vol-target:0.3,span=4"]),
    guards=st.sampled_from([{}, {"stop_loss": Decimal("0.02"), "take_profit": Decimal("0.04")}, {"trailing": Decimal("0.03")}]),
)
@settings(max_examples=60)
def test_a_split_is_worth_nothing(*, seed: int, ratio: str, day: int, size: str, guards: dict[str, Decimal]) -> None:
    # On raw prices with the split, the account is what it is on prices that were adjusted for it.
    rng = np.random.default_rng(seed)
    close = 300 * np.exp(np.cumsum(rng.normal(0, 0.02, 25)))
    open_ = close * np.exp(rng.normal(0, 0.01, 25))
    columns = {"open": open_, "high": np.maximum(open_, close) * 1.002, "low": np.minimum(open_, close) * 0.998, "close": close}
    shares = np.where(np.arange(25) >= day, float(ratio), 1.0)
    ts = np.array([micros_of(datetime(on.year, on.month, on.day, 9, 15, tzinfo=IST)) for on in DAYS[:25]])
    volume, oi = np.full(25, 1000.0), np.full(25, math.nan)
    raw = Bars(
        instrument=INFY, interval=Interval.DAY, ts=ts, volume=volume, oi=oi, **{name: column / shares for name, column in columns.items()}
    )
    adjusted = replace(raw, **{name: column / float(ratio) for name, column in columns.items()})
    targets = rng.choice([0.0, 0.5, 1.0, math.nan], 25)
    chosen = replace(FREE, size=parse_size(size), fractional=True, protection=Protection(**guards), costs=parse_costs("percent:0.001"))
    strategy = Strategy(title="Said", targets=lambda _: targets)
    with_action = run(strategy, {}, [raw], chosen, actions=[on(day, ratio)])
    without = run(strategy, {}, [adjusted], chosen)
    assert with_action.equity == pytest.approx(without.equity, rel=1e-6)
    assert [fill.reason for fill in with_action.fills] == [fill.reason for fill in without.fills]
    assert [trade.mae for trade in with_action.trades] == pytest.approx([trade.mae for trade in without.trades], abs=1e-5)
    assert_accounts_for_all(with_action)


@given(seed=st.integers(0, 10_000), guards=st.sampled_from([{}, {"stop_loss": Decimal("0.02"), "trailing": Decimal("0.03")}]))
@settings(max_examples=30)
def test_the_compiled_loop_gives_the_same_bits(*, seed: int, guards: dict[str, Decimal]) -> None:
    rng = np.random.default_rng(seed)
    bars = []
    for name in ("NSE:INFY", "NSE:TCS"):
        close = np.round(300 * np.exp(np.cumsum(rng.normal(0, 0.02, 25))), 2)
        columns = {"open": close, "high": close * 1.01, "low": close * 0.99, "close": close, "oi": close}
        ts = np.array([micros_of(datetime(day.year, day.month, day.day, 9, 15, tzinfo=IST)) for day in DAYS[:25]])
        volume = np.where(rng.random(25) < 0.2, 0.0, 100.0)
        bars.append(Bars(instrument=InstrumentId(name), interval=Interval.DAY, ts=ts, volume=volume, **columns))
    targets = rng.choice([0.0, 0.5, 1.0, math.nan], 25)
    timeline = gather(Strategy(title="Said", targets=lambda _: targets), {}, bars)
    actions = [on(int(rng.integers(1, 25)), str(rng.choice(["2", "1.5", "0.1"])), "1.5", of=str(one.instrument)) for one in bars]
    chosen = replace(FREE, protection=Protection(**guards), costs=parse_costs("zerodha"))
    table = term_table(timeline, [PLAIN] * 2, locate_actions(timeline, actions))
    market = market_of(timeline, session_phases(timeline, Interval.DAY, chosen), chosen, table)
    rules, room = rules_of(timeline, chosen, table), Room(fills=512, orders=64, events=512)
    plain, compiled = (play_once(market, rules, 100_000.0, compiled=flag, room=room) for flag in (False, True))
    for column in ("raw", "log", "acted", "account", "equity", "cash"):
        np.testing.assert_array_equal(getattr(plain, column), getattr(compiled, column))


def test_shares_of_one_share_know_nothing_of_actions_to_come() -> None:
    located = [LocatedAction(bar=2, instrument=0, action=on(2, "5")), LocatedAction(bar=4, instrument=1, action=on(4, "2"))]
    found = shares_of(located, 0, 4)
    assert found is not None
    assert found.tolist() == [1, 1, 5, 5]
    assert shares_of(located[1:], 0, 4) is None
