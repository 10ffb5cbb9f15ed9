"""Laws of orders of all kinds, handed in without sense: what they fill adds up, is in the bar and never better than the order's price."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.reference.cases import Case, order_case
from tests.reference.core_run import rows_of, settings_of, strategy_of
from tests.reference.rich_cases import by_order_case, managed_case
from tests.reference.scene import Wanted

from qts.backtest import BacktestResult, BacktestSettings, parse_costs, parse_size, parse_slippage, run
from qts.core import Fill, Product, Side, micros_of
from qts.strategies import Context, Strategy

SEEDS = st.integers(0, 2**31)
CASES = st.one_of(SEEDS.map(order_case), SEEDS.map(managed_case), SEEDS.map(by_order_case))


COSTS = st.sampled_from(["none", "percent:0.0013"])  # a brokerage with a cap makes one order of twice the size cheaper than two
SLIPPAGES = st.sampled_from(["none", "bps:7"])


def played(case: Case) -> BacktestResult:
    return run(strategy_of(case), {}, case.bars, settings_of(case))


def signed(fill: Fill) -> Decimal:
    return fill.quantity if fill.side is Side.BUY else -fill.quantity


@given(case=CASES)
@settings(max_examples=80)
def test_every_fill_is_in_its_bar_and_no_better_than_its_reference(case: Case) -> None:
    rows = {str(one.instrument): rows_of(one) for one in case.bars}
    for fill in played(case).fills:
        row = rows[fill.instrument].get(micros_of(fill.filled_at))
        if row is None:
            assert fill.reason == "end"
            continue
        assert row.low <= fill.reference_price <= row.high
        assert row.volume != 0
        assert (1 if fill.side is Side.BUY else -1) * (fill.price - fill.reference_price) >= 0


@given(case=CASES)
@settings(max_examples=80)
def test_cash_is_the_capital_less_what_the_fills_paid(case: Case) -> None:
    result = played(case)
    paid = sum((signed(fill) * fill.price + fill.charges.total for fill in result.fills), Decimal(0))
    left = Decimal(case.settings["capital"]) - paid
    assert abs(left - Decimal(repr(float(result.cash[-1])))) < Decimal("0.01")
    held = defaultdict[str, Decimal](Decimal)
    for fill in result.fills:
        held[fill.instrument] += signed(fill)
        assert held[fill.instrument] >= 0 or settings_of(case).product is not Product.CNC
    assert {one.instrument: one.quantity for one in result.final_positions} == {name: n for name, n in held.items() if n}


@given(case=SEEDS.map(order_case))
@settings(max_examples=80)
def test_an_order_fills_no_more_than_was_asked_and_at_no_worse_than_its_limit(case: Case) -> None:
    asked = defaultdict[tuple[str, str], Decimal](Decimal)
    limits = defaultdict[tuple[str, str], list[Decimal]](list)
    for wishes in case.script.values():
        for wish in wishes:
            if isinstance(wish, Wanted):
                side = "buy" if wish.side > 0 else "sell"
                asked[wish.instrument, side] += wish.quantity
                asked[wish.instrument, "sell" if side == "buy" else "buy"] += wish.quantity if wish.stop_loss is not None else 0
                limits[wish.instrument, side] += [wish.limit] if wish.limit is not None else []
    done = defaultdict[tuple[str, str], Decimal](Decimal)
    for fill in played(case).fills:
        if fill.reason in {"signal", "stop_loss", "take_profit", "trailing_stop"}:
            done[fill.instrument, fill.side] += fill.quantity
        if fill.order == "limit" and fill.reason == "signal":
            bounds = limits[fill.instrument, fill.side]
            assert fill.price <= max(bounds) if fill.side is Side.BUY else fill.price >= min(bounds)
    assert all(quantity <= asked[key] for key, quantity in done.items())


@given(
    seed=SEEDS, quantity=st.integers(1, 400), costs=st.sampled_from(["none", "percent:0.0013"]), slippage=st.sampled_from(["none", "bps:7"])
)
@settings(max_examples=40)
def test_turning_round_is_closing_and_opening(seed: int, quantity: int, costs: str, slippage: str) -> None:
    case = order_case(seed)
    rules = BacktestSettings(
        product=Product.MIS,
        capital=Decimal(10**9),
        costs=parse_costs(costs),
        slippage=parse_slippage(slippage),
        size=parse_size("shares:1"),
    )

    def turn(*parts: int) -> BacktestResult:
        def on_bar(context: Context) -> None:
            item = context.instrument
            if context.bar == 0:
                item.buy(quantity)
            elif item.position == quantity and "turned_at" not in vars(context.state):
                context.state.turned_at = context.bar
                for part in parts:
                    item.sell(part)

        return run(Strategy(title="Turn", on_bar=on_bar), {}, case.bars[:1], rules)

    whole, split = turn(2 * quantity), turn(quantity, quantity)
    np.testing.assert_allclose(whole.equity, split.equity, rtol=1e-12)
