"""Laws between fills and bars: no fill where nothing traded, none outside its bar, none that a dead instrument changes."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from tests.reference.cases import Case, target_case
from tests.reference.core_run import by_core, rows_of, settings_of

from qts.backtest import BacktestResult, BacktestSettings, parse_costs, parse_size
from qts.core import Bars, Floats, InstrumentId, micros_of

CASES = st.integers(0, 2**31).map(target_case)


def price_columns(bars: Bars, factor: float) -> Bars:
    return replace(bars, open=bars.open * factor, high=bars.high * factor, low=bars.low * factor, close=bars.close * factor)


def without_prices(bars: Bars, name: str) -> Bars:
    nothing = np.full(len(bars), np.nan)
    return replace(bars, instrument=InstrumentId(name), open=nothing, high=nothing, low=nothing, close=nothing)


def same(one: BacktestResult, other: BacktestResult) -> None:
    assert one.fills == other.fills
    assert one.trades == other.trades
    assert_array_equal(one.equity, other.equity)


def never_by_equity(case: Case) -> BacktestSettings:
    """Return the case's settings with a size that does not depend on the number of instruments."""
    return replace(settings_of(case), size=parse_size("shares:64"))


@given(case=CASES)
@settings(max_examples=60)
def test_no_fill_is_outside_its_bar_and_none_without_volume(case: Case) -> None:
    rows = {str(one.instrument): rows_of(one) for one in case.bars}
    result = by_core(settings_of(case), case.bars, case.targets)
    end = micros_of(result.fills[-1].filled_at) if result.fills else 0
    for fill in result.fills:
        row = rows[fill.instrument].get(micros_of(fill.filled_at))
        if row is None:  # only what is sold at the end, at the last close there was
            assert (fill.reason, micros_of(fill.filled_at)) == ("end", end)
            continue
        assert row.low <= fill.reference_price <= row.high
        assert row.volume != 0
        against_us = 1 if fill.side == "buy" else -1
        assert against_us * (fill.price - fill.reference_price) >= 0
        assert fill.slippage == abs(fill.price - fill.reference_price) * fill.quantity


@given(case=CASES, exponent=st.integers(-3, 3))
@settings(max_examples=50)
def test_prices_times_a_power_of_two_and_shares_by_it_leave_the_account(case: Case, exponent: int) -> None:
    factor = 2.0**exponent
    plain = replace(settings_of(case), costs=parse_costs("percent:0.0013"), fractional=False, size=parse_size("shares:640"))
    said = {name: np.round(targets) for name, targets in case.targets.items()}
    scaled = replace(plain, size=parse_size(f"shares:{640 / factor:g}"), capital=Decimal(10**12))
    first = by_core(replace(plain, capital=Decimal(10**12)), case.bars, said)
    second = by_core(scaled, [price_columns(one, factor) for one in case.bars], said)
    assert [(f.filled_at, f.quantity) for f in first.fills] == [(f.filled_at, f.quantity * Decimal(factor)) for f in second.fills]
    np.testing.assert_allclose(first.equity, second.equity, rtol=1e-12)


@given(case=CASES, place=st.integers(0, 4), has_prices=st.booleans())
@settings(max_examples=50)
def test_an_instrument_that_is_never_wanted_changes_nothing(case: Case, place: int, has_prices: bool) -> None:  # noqa: FBT001
    rules = never_by_equity(case)
    alone = by_core(rules, case.bars, case.targets)
    dead = replace(case.bars[0], instrument=InstrumentId("NSE:DEAD")) if has_prices else without_prices(case.bars[0], "NSE:DEAD")
    bars = [*case.bars[:place], dead, *case.bars[place:]]
    same(by_core(rules, bars, {**case.targets, "NSE:DEAD": np.full(len(dead), np.nan)}), alone)


@given(case=CASES, said=st.sampled_from([1.0, np.nan]))
@settings(max_examples=40)
def test_where_instruments_without_prices_stand_does_not_matter(case: Case, said: float) -> None:
    rules, first = never_by_equity(case), case.bars[0]
    ghosts = [without_prices(first, f"NSE:GHOST{i}") for i in range(2)]
    targets: dict[str, Floats] = {**case.targets, **{str(ghost.instrument): np.full(len(ghost), said) for ghost in ghosts}}
    same(by_core(rules, [*ghosts, *case.bars], targets), by_core(rules, [*case.bars, *ghosts[::-1]], targets))


@given(case=CASES, rates=st.tuples(st.integers(0, 40), st.integers(0, 40)))
@settings(max_examples=40)
def test_higher_costs_never_leave_more(case: Case, rates: tuple[int, int]) -> None:
    low, high = (
        by_core(
            replace(never_by_equity(case), capital=Decimal(10**9), costs=parse_costs(f"percent:{rate / 10_000}")), case.bars, case.targets
        )
        for rate in sorted(rates)
    )
    assert np.all(high.equity <= low.equity + 1e-6)
