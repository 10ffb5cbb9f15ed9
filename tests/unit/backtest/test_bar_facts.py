"""The loops made for sweeps play ticks and locked bars, and give what the fills loop gives, to a bill's last rounding."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from qts.backtest import BacktestSettings, Evaluation, evaluate, lean_sweep, parse_costs, parse_size, parse_slippage, sweep, sweep_blocks
from qts.backtest.bar_facts import bar_facts
from qts.backtest.lean_sweep import LeanSweep
from qts.backtest.terms import InstrumentTerms
from qts.core import IST, Bars, InstrumentId, Interval, micros_of
from qts.kernels.lean import NO_BUYS, NO_SALES
from qts.market.charges import SttClass
from qts.market.listing import TickFrom, tick_schedule
from qts.strategies import Indicator, Param, Ref, Rule, Strategy

SWEEP: Final = importlib.import_module("qts.backtest.sweep")
FAST, SLOW = (Indicator("ema", Ref(name)) for name in ("fast", "slow"))
RSI: Final = Indicator("rsi", Ref("fast"))
PARAMS: Final = {"fast": Param(2, low=1), "slow": Param(5, low=1)}
# A pair that is alone, walked in one pass; the same in tiles; four conditions.
RULES: Final = {
    "a pair": Rule(enter=FAST.crosses_above(SLOW), exit=FAST.crosses_below(SLOW)),
    "thresholds": Rule(enter=RSI < 40, exit=RSI > 60),
}
NAME: Final = InstrumentId("NSE:INFY")
# Six bars to a day from here on, so that a day sees several orders.
BEGIN: Final = datetime(2024, 5, 6, 9, 15, tzinfo=IST)


def changing(*steps: tuple[date, str]) -> tuple[TickFrom, ...]:
    return tuple(TickFrom(start=start, size=Decimal(size), is_estimate=False) for start, size in steps)


def by_price() -> tuple[TickFrom, ...]:
    """Return the ticks of a share whose months close on both sides of the price at which the tick changes, and on it."""
    closes = ("249.95", "250", "250.05", "249.90", "1000.05", "999.95", "251", "99", "250", "249.95", "250.05", "249")
    months = [(2024 + (3 + k) // 12, (3 + k) % 12 + 1) for k in range(len(closes))]
    found = tick_schedule(NAME, dict(zip(months, map(Decimal, closes), strict=True)), date(2024, 5, 6), date(2025, 4, 20))
    assert len(found) > 3
    return found


TICKS: Final = {
    "none": (),
    "one": changing((date(2000, 1, 1), "0.05")),
    "one that begins behind the first bar": changing((date(2024, 6, 3), "0.05")),
    "several, one of them behind the last bar": changing(
        (date(2024, 5, 1), "0.05"),
        (date(2024, 5, 8), "0.01"),
        (date(2024, 5, 9), "1"),
        (date(2024, 7, 20), "5"),
        (date(2024, 7, 21), "0.05"),
        (date(2030, 1, 1), "0.01"),
    ),
    "two of one bar, where no bar lies between": changing((date(2024, 4, 1), "0.05"), (date(2024, 4, 20), "1"), (date(2024, 5, 7), "0.10")),
    "by the price of the month": by_price(),
}


def market(n_bars: int, *, seed: int, locks: float, zeros: bool = False, name: str = NAME) -> Bars:
    """Return minute bars of a walk about 250 rupees; on a part of the days prices stand still at a band of 5 %, to the day's end."""
    rng = np.random.default_rng(seed)
    close = np.round(np.maximum(250 + np.cumsum(rng.normal(0, 1.5, n_bars)), 20.0) * 100) / 100
    open_ = np.round((close + rng.normal(0, 1.0, n_bars)) * 100) / 100
    high, low = np.maximum(open_, close) + 0.5, np.minimum(open_, close) - 0.5
    for at in range(6, n_bars, 6):
        if rng.random() < locks:
            edge = close[at - 1] * (1.05 if rng.random() < 0.5 else 0.95) / 0.05
            price = (np.floor(edge + 1e-5) if edge * 0.05 > close[at - 1] else np.ceil(edge - 1e-5)) * 0.05
            still = slice(at + int(rng.integers(0, 6)), at + 6)
            for column in (open_, high, low, close):
                column[still] = price
    return Bars(
        instrument=InstrumentId(name),
        interval=Interval.MINUTE_1,
        ts=np.array([micros_of(BEGIN + timedelta(days=k // 6, minutes=k % 6)) for k in range(n_bars)], dtype=np.int64),
        open=open_,
        high=high,
        low=low,
        close=close,
        volume=np.where(rng.random(n_bars) < 0.1, 0.0, 1000.0) if zeros else np.full(n_bars, np.nan),
        oi=np.full(n_bars, np.nan),
    )


@pytest.fixture(autouse=True)
def lean(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the compiled loops play whatever they can, in small blocks and short chunks."""
    monkeypatch.setattr(SWEEP, "prefers_compiled", lambda _: True)
    monkeypatch.setattr(sweep_blocks, "BLOCK", 3)
    monkeypatch.setattr(lean_sweep, "CELL_BARS_A_CALL", 1000)
    monkeypatch.setattr("qts.backtest.lean_portfolio.CELLS_AT_ONCE", 500)


def through_the_fills_loop(
    strategy: Strategy, params: dict[str, object], bars: Sequence[Bars], chosen: BacktestSettings, *, terms: Sequence[InstrumentTerms]
) -> Evaluation:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SWEEP, "prefers_compiled", lambda _: False)
        return evaluate(strategy, params, bars, chosen, terms=terms, curve=True)


def assert_same(found: Evaluation, expected: Evaluation) -> None:
    for name, value in asdict(expected).items():
        if name not in {"params", "equity"}:
            assert getattr(found, name) == (None if value is None else pytest.approx(value, rel=1e-9, abs=1e-9)), name
    assert found.equity is not None
    assert expected.equity is not None
    # A day's bill is summed in another order there; a wrong tick or a missed lock would be a hundred thousand times larger.
    np.testing.assert_allclose(found.equity, expected.equity, rtol=1e-12)


@pytest.mark.parametrize("ticks", TICKS)
@pytest.mark.parametrize("rule", RULES)
@settings(max_examples=10, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    n_bars=st.sampled_from([1, 7, 13, 300, 2_100]),
    locks=st.sampled_from([0.0, 0.4]),
    zeros=st.booleans(),
    size=st.sampled_from(["shares:10", "cash:30000", "percent:0.9"]),
    costs=st.sampled_from(["none", "percent:0.001", "zerodha"]),
    slippage=st.sampled_from(["none", "bps:5", "half-spread:0.03"]),
    fractional=st.booleans(),
)
def test_ticks_and_locks_are_played_as_the_fills_loop_plays_them(rule: str, ticks: str, **drawn: Any) -> None:
    strategy = Strategy(title="Rule", params=PARAMS, rule=RULES[rule])
    bars = market(drawn["n_bars"], seed=drawn["seed"], locks=drawn["locks"], zeros=drawn["zeros"])
    chosen = BacktestSettings(
        capital=Decimal(100_000),
        size=parse_size(drawn["size"]),
        costs=parse_costs(drawn["costs"]),
        slippage=parse_slippage(drawn["slippage"]),
        fractional=drawn["fractional"],
    )
    terms = [InstrumentTerms(ticks=TICKS[ticks], locks=drawn["locks"] > 0.0, estimates=("the tick is an estimate",))]
    found = evaluate(strategy, {}, [bars], chosen, terms=terms, curve=True)
    assert_same(found, through_the_fills_loop(strategy, {}, [bars], chosen, terms=terms))


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("n_cells", [1, 4])
def test_it_is_the_compiled_loop_that_answers_and_ticks_and_locks_matter(rule: str, n_cells: int, monkeypatch: pytest.MonkeyPatch) -> None:
    strategy = Strategy(title="Rule", params=PARAMS, rule=RULES[rule])
    bars = market(2_100, seed=1, locks=0.4)
    chosen = BacktestSettings(size=parse_size("shares:100"), slippage=parse_slippage("bps:5"))
    cells: list[dict[str, object]] = [{"fast": 2 + k} for k in range(n_cells)]
    many = TICKS["several, one of them behind the last bar"]
    terms = {
        "plain": [InstrumentTerms()],
        "ticks": [InstrumentTerms(ticks=many)],
        "locks": [InstrumentTerms(locks=True)],
        "both": [InstrumentTerms(ticks=many, locks=True)],
    }
    expected = {name: [through_the_fills_loop(strategy, cell, [bars], chosen, terms=one) for cell in cells] for name, one in terms.items()}
    # The loop of a run is not there: nothing can be left to it.
    monkeypatch.delattr(SWEEP, "simulate")
    monkeypatch.delattr(SWEEP, "play_scene")
    for name, one in terms.items():
        found = list(sweep(strategy, cells, [bars], chosen, terms=one, threads=2))
        assert [cell.n_fills for cell in found] == [cell.n_fills for cell in expected[name]]
        assert [cell.final_equity for cell in found] == pytest.approx([cell.final_equity for cell in expected[name]], rel=1e-12)
        assert [cell.slippage_total for cell in found] == pytest.approx([cell.slippage_total for cell in expected[name]], rel=1e-12)
    assert len({expected[name][0].final_equity for name in terms}) == 4


def test_locked_bars_are_blocked_on_their_side_only_and_untraded_ones_on_both() -> None:
    bars = market(2_100, seed=1, locks=0.4, zeros=True)
    terms = InstrumentTerms(ticks=TICKS["one"], locks=True)
    blocked = bar_facts(bars, terms).blocked
    assert set(np.unique(blocked)) == {0, NO_BUYS, NO_SALES, NO_BUYS | NO_SALES}
    assert (blocked[bars.volume == 0.0] == NO_BUYS | NO_SALES).all()
    # Each answer is that of its terms, though the bars are the same.
    assert set(np.unique(bar_facts(bars).blocked)) == {0, NO_BUYS | NO_SALES}
    assert bar_facts(bars).ticks.size == 0
    assert bar_facts(bars, terms) is bar_facts(bars, terms)


@pytest.mark.parametrize("rule", RULES)
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), n_bars=st.sampled_from([1, 7, 300, 1_200]), slippage=st.sampled_from(["none", "bps:5"]), data=st.data())
def test_instruments_of_one_account_have_ticks_and_locks_of_their_own(rule: str, data: st.DataObject, **drawn: Any) -> None:
    strategy = Strategy(title="Rule", params=PARAMS, rule=RULES[rule])
    names = ("NSE:A", "NSE:B", "BSE:C")
    bars = [market(drawn["n_bars"], seed=drawn["seed"] + k, locks=0.3, zeros=k == 1, name=name) for k, name in enumerate(names)]
    terms = [InstrumentTerms(ticks=TICKS[data.draw(st.sampled_from(sorted(TICKS)))], locks=data.draw(st.booleans())) for _ in names]
    chosen = BacktestSettings(
        capital=Decimal(10_000_000), size=parse_size("shares:10"), costs=parse_costs("zerodha"), slippage=parse_slippage(drawn["slippage"])
    )
    with pytest.MonkeyPatch.context() as patch:
        # The loop of a run is not there: nothing can be left to it.
        patch.delattr(SWEEP, "simulate")
        found = evaluate(strategy, {}, bars, chosen, terms=terms, curve=True)
    expected = through_the_fills_loop(strategy, {}, bars, chosen, terms=terms)
    assert found.n_fills == expected.n_fills
    for name in ("final_equity", "costs_total", "slippage_total", "traded_notional", "won", "lost", "exposure"):
        assert getattr(found, name) == pytest.approx(getattr(expected, name), rel=1e-9, abs=1e-9), name


@pytest.mark.parametrize(
    "terms",
    [
        pytest.param(InstrumentTerms(lot=75), id="a lot"),
        pytest.param(InstrumentTerms(stt_class=SttClass.OTHER_ETF), id="rates of its own"),
        pytest.param(InstrumentTerms(freeze=500), id="a freeze quantity"),
    ],
)
def test_other_terms_go_through_the_fills_loop(terms: InstrumentTerms, monkeypatch: pytest.MonkeyPatch) -> None:
    strategy = Strategy(title="Rule", params=PARAMS, rule=RULES["a pair"])
    bars = market(300, seed=1, locks=0.0)
    expected = through_the_fills_loop(strategy, {}, [bars], BacktestSettings(), terms=[terms])
    monkeypatch.delattr(LeanSweep, "play")
    assert evaluate(strategy, {}, [bars], BacktestSettings(), terms=[terms]).final_equity == expected.final_equity
