from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pyarrow.parquet as pq
import pytest

from qts.app.backtests import run_backtest
from qts.app.replays import replay
from qts.app.requests import BacktestRequest, build
from qts.app.run_building import build_document, build_events
from qts.app.run_planning import compute, plan_run
from qts.app.workspace import Workspace
from qts.core import Bars, Exchange, InstrumentId, Interval
from qts.core.errors import BadParameter, EmptySpan
from qts.data.storage import PriceBasis, Provenance, SeriesBars, SeriesKey


def request(**values: object) -> BacktestRequest:
    return build(BacktestRequest, **{"strategy": "ema_cross", "instruments": "NSE:ALPHA", **values})


def test_decisions_of_days_fill_within_the_days_that_follow(with_quarters: Workspace) -> None:
    document = run_backtest(with_quarters, request(params={"fast": 3, "slow": 6}, fill_interval="15m", equity=True))
    assert document.equity is not None
    last = document.equity[-1][0][:10]
    days = run_backtest(with_quarters, request(params={"fast": 3, "slow": 6}, end=last))
    assert (document.data.interval, document.data.fill_interval, document.data.fill_bars) == ("1d", "15m", 2500)
    assert document.run_id != days.run_id
    assert len(document.equity) == 2500
    # The path of the minutes begins at the day's open, where orders of the days fill too.
    assert [(fill.at, fill.side) for fill in document.fills] == [(fill.at, fill.side) for fill in days.fills]
    assert any(f"15m bars from 2022-01-03 to {last} only" in warning for warning in document.warnings)


def test_bars_to_fill_on_are_shorter_ones_of_the_same_prices(with_quarters: Workspace, make_bars: Callable[..., Bars]) -> None:
    for interval in ("1d", "1w"):
        with pytest.raises(BadParameter, match="fill_interval"):
            run_backtest(with_quarters, request(fill_interval=interval))
    key = SeriesKey(instrument=InstrumentId("NSE:ALPHA"), interval=Interval.DAY, basis=PriceBasis.ADJUSTED)
    adjusted = SeriesBars(key=key, bars=make_bars("NSE:ALPHA", Exchange.NSE, seed=5))
    with_quarters.store.upsert([adjusted], Provenance(source="test"), at=datetime(2026, 11, 20, tzinfo=UTC))
    with pytest.raises(EmptySpan, match="15m adjusted"):
        run_backtest(with_quarters, request(fill_interval="15m"))
    assert run_backtest(with_quarters, request(fill_interval="15m", prices="raw")).fills


def test_what_became_of_orders_is_in_the_document_and_stored_whole(workspace: Workspace) -> None:
    document = run_backtest(workspace, request(params={"fast": 5, "slow": 20}, size="cash:5000000"))
    assert document.order_events_count == len(document.order_events) > 0
    assert {(event.status, event.reason) for event in document.order_events} == {("cut", "insufficient_funds")}
    table = pq.read_table(workspace.settings.runs_folder / document.run_id / "order_events.parquet")
    assert table["why"].to_pylist() == [event.why for event in document.order_events]


def test_of_very_many_events_the_first_are_in_the_document_and_all_are_counted(workspace: Workspace) -> None:
    finished = compute(plan_run(workspace, request(params={"fast": 5, "slow": 20}, size="cash:5000000")))
    whole, short = build_document(finished), build_document(finished, most_events=2)
    assert short.order_events == whole.order_events[:2]
    assert short.order_events_count == whole.order_events_count == build_events(finished).num_rows > 2


def test_the_terms_of_each_instrument_are_in_the_document(workspace: Workspace) -> None:
    document = run_backtest(workspace, request(instruments="NSE:ALPHA,SIM:BETA"))
    assert [(terms.instrument, terms.lot, terms.expiry) for terms in document.terms] == [("NSE:ALPHA", 1, None), ("SIM:BETA", 1, None)]
    assert all(terms.tick == 0.05 for terms in document.terms)
    assert document.settings.ticks
    without = run_backtest(workspace, request(instruments="NSE:ALPHA,SIM:BETA", ticks=False))
    assert [terms.tick for terms in without.terms] == [None, None]


def test_fills_are_on_ticks_where_prices_are_as_traded_and_on_none_where_adjusted(
    workspace: Workspace, make_bars: Callable[..., Bars], store_bars: Callable[..., None]
) -> None:
    def is_on_tick(price: float) -> bool:
        return round(price * 100) % 5 == 0 and abs(price * 100 - round(price * 100)) < 1e-6

    raw = run_backtest(workspace, request(params={"fast": 5, "slow": 20}))
    assert all(is_on_tick(fill.price) for fill in raw.fills)
    store_bars(workspace, make_bars("NSE:ALPHA", Exchange.NSE, seed=1), basis=PriceBasis.ADJUSTED)
    adjusted = run_backtest(workspace, request(params={"fast": 5, "slow": 20}))
    assert not all(is_on_tick(fill.price) for fill in adjusted.fills)
    assert not adjusted.settings.ticks
    with pytest.raises(BadParameter, match="ticks"):
        run_backtest(workspace, request(ticks=True))


def test_asking_for_ticks_where_they_are_is_the_same_run(workspace: Workspace) -> None:
    assert run_backtest(workspace, request(ticks=True)).run_id == run_backtest(workspace, request()).run_id


@pytest.mark.parametrize("lot", [1, 25])
def test_a_lot_that_no_contract_asks_for_is_refused(workspace: Workspace, lot: int) -> None:
    with pytest.raises(BadParameter, match="lot"):
        run_backtest(workspace, request(lot=lot))


def test_protections_end_trades_and_say_so(workspace: Workspace) -> None:
    document = run_backtest(workspace, request(params={"fast": 5, "slow": 20}, stop_loss="0.03", take_profit="0.05"))
    assert {trade.exit_reason for trade in document.trades} >= {"stop_loss", "take_profit"}
    assert (document.settings.stop_loss, document.settings.take_profit) == ("0.03", "0.05")


ON_BAR = """
from qts.strategies import Strategy

def on_bar(context):
    item = context.instrument
    if len(item.close) % 20 == 5 and not item.position:
        item.buy(50, limit=round(item.close[-1] * 0.995, 1), stop_loss=round(item.close[-1] * 0.95, 1))
    if len(item.close) % 20 == 15 and item.position:
        item.sell(item.position)

STRATEGY = Strategy(title="Bar by bar", on_bar=on_bar)
"""


def test_a_strategy_of_orders_bar_by_bar_goes_through_the_whole_stack(workspace: Workspace) -> None:
    (workspace.settings.strategies_folder / "stepwise.py").write_text(ON_BAR)
    document = run_backtest(workspace, request(strategy="stepwise"))
    assert document.fills
    assert document.honesty.lookahead == "clean"
    assert {fill.order for fill in document.fills} >= {"limit", "stop"}
    with pytest.raises(BadParameter, match="fill_interval"):
        run_backtest(workspace, request(strategy="stepwise", fill_interval="1m"))


def test_a_rotation_is_brought_back_to_its_weights_and_cannot_be_told_not_to(
    workspace: Workspace, make_bars: Callable[..., Bars], store_bars: Callable[..., None]
) -> None:
    for i, name in enumerate(("NSE:GAMMA", "NSE:DELTA")):
        store_bars(workspace, make_bars(name, Exchange.NSE, seed=10 + i))
    values = {"strategy": "momentum_rotation", "instruments": "NSE:ALPHA,NSE:GAMMA,NSE:DELTA", "params": {"lookback": 40, "top": 2}}
    document = run_backtest(workspace, request(**values))
    assert document.settings.rebalance
    assert document.honesty.lookahead == "clean"
    assert {fill.instrument for fill in document.fills} == {"NSE:ALPHA", "NSE:GAMMA", "NSE:DELTA"}
    assert run_backtest(workspace, request(**values, rebalance=True)).run_id == document.run_id
    with pytest.raises(BadParameter, match="rebalance"):
        run_backtest(workspace, request(**values, rebalance=False))


GUARDED = """
from qts.strategies import Param, Ref, Strategy

STRATEGY = Strategy(
    title="Guarded",
    params={"loss": Param(0.02, low=0.001, high=0.5)},
    targets=lambda bars, loss: (bars.ts // 86_400_000_000 % 30 < 20).astype(float),
    protection={"stop_loss": Ref("loss")},
)
"""


@pytest.mark.parametrize("finer", [None, "15m"])
def test_guards_that_a_strategy_declares_are_told_and_those_of_the_run_win(with_quarters: Workspace, finer: str | None) -> None:
    (with_quarters.settings.strategies_folder / "guarded.py").write_text(GUARDED)
    own = run_backtest(with_quarters, request(strategy="guarded", params={"loss": 0.015}, fill_interval=finer))
    assert own.settings.stop_loss == "0.015"
    assert any(fill.reason == "stop_loss" for fill in own.fills)
    asked = run_backtest(with_quarters, request(strategy="guarded", params={"loss": 0.015}, fill_interval=finer, stop_loss="0.4"))
    assert asked.settings.stop_loss == "0.4"
    assert not any(fill.reason == "stop_loss" for fill in asked.fills)
    assert replay(with_quarters, own.run_id).identical
    assert replay(with_quarters, asked.run_id).identical
