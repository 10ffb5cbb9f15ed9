"""Laws of the account: what is held, paid and charged adds up, whatever the bars and the strategy."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.reference.cases import Case, target_case
from tests.reference.core_run import by_core, rows_of, settings_of

from qts.core import Charges, Fill, Side, micros_of

CASES = st.integers(0, 2**31).map(target_case)
PAISA = Decimal("0.01")


def signed(fill: Fill) -> Decimal:
    return fill.quantity if fill.side is Side.BUY else -fill.quantity


def walk_through(case: Case, fills: tuple[Fill, ...]) -> tuple[list[Decimal], list[Decimal]]:
    """Return cash and equity bar by bar, from nothing but the fills and the closes."""
    cash, held, marks = Decimal(case.settings["capital"]), defaultdict[str, Decimal](Decimal), defaultdict[str, Decimal](Decimal)
    closes = {str(one.instrument): {ts: row.close for ts, row in rows_of(one).items()} for one in case.bars}
    by_bar = defaultdict[int, list[Fill]](list)
    for fill in fills:
        by_bar[micros_of(fill.filled_at)].append(fill)
    cashes, equities = [], []
    for ts in sorted({ts for one in case.bars for ts in one.ts.tolist()}):
        for fill in by_bar[ts]:
            cash -= signed(fill) * fill.price + fill.charges.total
            held[fill.instrument] += signed(fill)
        marks.update({name: close[ts] for name, close in closes.items() if ts in close})
        cashes.append(cash)
        equities.append(cash + sum((quantity * marks[name] for name, quantity in held.items()), Decimal(0)))
    return cashes, equities


@given(case=CASES)
@settings(max_examples=60)
def test_cash_and_marks_are_the_equity_to_the_paisa(case: Case) -> None:
    result = by_core(settings_of(case), case.bars, case.targets)
    cashes, equities = walk_through(case, result.fills)
    for expected, got in ((cashes, result.cash), (equities, result.equity)):
        assert len(expected) == len(got)
        assert all(abs(one - Decimal(repr(other))) < PAISA for one, other in zip(expected, got.tolist(), strict=True))


@given(case=CASES)
@settings(max_examples=60)
def test_fills_add_up_to_the_positions_and_their_charges_to_the_total(case: Case) -> None:
    result = by_core(settings_of(case), case.bars, case.targets)
    held = defaultdict[str, Decimal](Decimal)
    charged = Charges()
    for fill in result.fills:
        held[fill.instrument] += signed(fill)
        charged += fill.charges
    assert {position.instrument: position.quantity for position in result.final_positions} == {
        name: quantity for name, quantity in held.items() if quantity
    }
    assert charged == result.charges
    assert abs(sum((trade.costs for trade in result.trades), Decimal(0)) - result.charges.total) < PAISA
    assert sum((fill.slippage for fill in result.fills), Decimal(0)) == result.slippage_total


@given(case=CASES)
@settings(max_examples=60)
def test_trades_make_up_the_whole_gain(case: Case) -> None:
    result = by_core(settings_of(case), case.bars, case.targets)
    gained = sum((trade.net_pnl for trade in result.trades), Decimal(0))
    assert abs(Decimal(case.settings["capital"]) + gained - Decimal(repr(float(result.equity[-1])))) < PAISA


@given(case=CASES)
@settings(max_examples=60)
def test_a_turn_ends_one_trade_and_begins_another(case: Case) -> None:
    result = by_core(settings_of(case), case.bars, case.targets)
    held = defaultdict[str, Decimal](Decimal)
    for fill in result.fills:
        before, after = held[fill.instrument], held[fill.instrument] + signed(fill)
        held[fill.instrument] = after
        if before * after < 0:
            ended = [t for t in result.trades if t.instrument == fill.instrument and not t.open and t.exit_at == fill.filled_at]
            begun = [t for t in result.trades if t.instrument == fill.instrument and t.entry_at == fill.filled_at]
            assert any(trade.quantity >= abs(before) for trade in ended)
            assert any(trade.quantity >= abs(after) and trade.direction != ended[0].direction for trade in begun)
