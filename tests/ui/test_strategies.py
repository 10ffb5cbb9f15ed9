from __future__ import annotations

from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from qts.app.backtests import list_runs, load_run
from qts.ui.components import run_form

BROKEN = "STRATEGY = Strategy(\n"
LATE = """
from qts.strategies import Strategy

def targets(bars):
    raise RuntimeError("the data feed of 1999 is closed")

STRATEGY = Strategy(title="Fails when asked", targets=targets)
"""


def errors(at: AppTest) -> str:
    return "\n".join(str(each.value) for each in at.error)


def test_an_empty_store_offers_the_sample_market(empty_store: Any, open_page: Any) -> None:
    at = open_page(empty_store, "strategies")
    assert not at.exception
    assert [button.label for button in at.button] == ["Load the sample market"]


def test_the_form_is_made_of_the_strategys_parameters(small: Any, open_page: Any) -> None:
    at = open_page(small.workspace, "strategies")
    assert not at.exception
    fast = at.number_input(key="ema_cross.fast")
    assert (fast.value, fast.min, fast.max) == (12, 2, 200)
    assert {"buy_and_hold", "ema_cross", "ma_cross"} <= set(at.radio(key="strategy").options)
    at.radio(key="strategy").set_value("ma_cross").run()
    assert not at.exception
    assert "ma_cross.fast" in {each.key for each in at.number_input}


def test_the_check_before_the_run_tells_what_is_there(small: Any, open_page: Any) -> None:
    at = open_page(small.workspace, "strategies", instruments=[small.stock], range="1M")
    table = at.dataframe[0].value
    assert table["Instrument"].tolist() == [small.stock]
    assert table["First"].tolist() == ["2026-10-21"]
    assert table["Prices"].tolist() == ["raw, SIMULATED"]
    assert any("slow = 26 needs more to warm up" in each.value for each in at.warning)
    assert not at.button(key="run").disabled


def test_running_stores_the_run_and_opens_it(small: Any, open_page: Any) -> None:
    before = len(list_runs(small.workspace))
    query = {"ema_cross.fast": "7", "ema_cross.slow": "31", "capital": "250000", "costs": "percent", "size_percent": "50"}
    at = open_page(small.workspace, "strategies", **query)
    at.button(key="run").click().run()
    assert not at.exception
    assert len(list_runs(small.workspace)) == before + 1
    newest = next(run for run in list_runs(small.workspace) if run.run_id == at.query_params["run"])
    document = load_run(small.workspace, newest.run_id).document
    assert document.strategy.params == {"fast": 7, "slow": 31, "short": False}
    assert (document.settings.capital, document.settings.size, document.settings.costs) == ("250000", "percent:0.5", "percent:0.0003")
    assert any("EMA crossover on" in each.value for each in at.subheader)


def test_a_constraint_that_does_not_hold_is_one_red_box(small: Any, open_page: Any) -> None:
    at = open_page(small.workspace, "strategies", **{"ema_cross.fast": "50", "ema_cross.slow": "20"})
    at.button(key="run").click().run()
    assert not at.exception
    assert "breaks fast \\< slow" in errors(at)


def test_an_index_with_indian_charges_cannot_be_run(small: Any, open_page: Any) -> None:
    index = next(info.key.instrument for info in small.workspace.store.series() if info.key.instrument.startswith("INDEX:"))
    at = open_page(small.workspace, "strategies", instruments=[index])
    assert "an index has no contract note" in errors(at)
    assert at.button(key="run").disabled
    at.selectbox(key="costs").select("percent").run()
    assert not at.button(key="run").disabled


def test_a_broken_file_is_listed_with_its_error_and_stops_nothing(small: Any, open_page: Any) -> None:
    path = small.workspace.settings.strategies_folder / "half_done.py"
    path.write_text(BROKEN, encoding="utf-8")
    try:
        at = open_page(small.workspace, "strategies")
        assert not at.exception
        assert "half\\_done" in errors(at)
        assert "syntax error" in errors(at)
        assert not at.button(key="run").disabled
    finally:
        path.unlink()


def test_a_strategy_that_raises_is_one_red_box_with_its_line(small: Any, open_page: Any) -> None:
    path = small.workspace.settings.strategies_folder / "late.py"
    path.write_text(LATE, encoding="utf-8")
    try:
        at = open_page(small.workspace, "strategies", strategy="late")
        at.button(key="run").click().run()
        assert not at.exception
        assert "line 5" in errors(at)
        assert "the data feed of 1999 is closed" in errors(at)
    finally:
        path.unlink()


@pytest.mark.parametrize(
    ("query", "told"),
    [
        pytest.param({"strategy": "no_such"}, "There is no strategy no\\_such", id="unknown strategy in the address"),
        pytest.param({"instruments": ["NSE:NOSUCH"]}, "Nothing is stored under NSE\\:NOSUCH", id="unknown instrument in the address"),
    ],
)
def test_an_address_that_names_what_is_not_there_says_so(small: Any, open_page: Any, query: dict[str, Any], told: str) -> None:
    at = open_page(small.workspace, "strategies", **query)
    assert not at.exception
    assert told in errors(at)


def test_dates_of_ones_own_bound_the_run(small: Any, open_page: Any) -> None:
    at = open_page(small.workspace, "strategies", range="Dates", **{"from": "2025-01-01", "to": "2025-06-30"})
    assert not at.exception
    table = at.dataframe[0].value
    assert table["First"].tolist() == ["2025-01-01"]
    assert table["Last"].tolist() == ["2025-06-30"]


def test_dates_without_bars_are_one_red_box(small: Any, open_page: Any) -> None:
    at = open_page(small.workspace, "strategies", range="Dates", **{"from": "1990-01-01", "to": "1990-06-30"})
    assert not at.exception
    assert "has no 1d bars in 1990-01-01" in errors(at)
    assert at.button(key="run").disabled


@pytest.mark.parametrize(
    ("kind", "filled", "spec"),
    [
        ("shares", ("size_shares", 25), "shares:25"),
        ("lots", ("size_lots", 30), "lots:30"),
        ("rupees", ("size_cash", 40_000), "cash:40000"),
        ("risk by true range", ("size_atr-risk", 1.5), "atr-risk:0.015,span=14,multiple=2"),
        ("target volatility", ("size_vol-target", 12.0), "vol-target:0.12,span=20"),
    ],
)
def test_each_way_to_size_an_order_reaches_the_run(small: Any, open_page: Any, *, kind: str, filled: tuple[str, int], spec: str) -> None:
    at = open_page(small.workspace, "strategies")
    at.selectbox(key="sizing").select(kind).run()
    key, value = filled
    at.number_input(key=key).set_value(value)
    at.selectbox(key="costs").select("per-share").run()
    at.number_input(key="rate_per-share").set_value(0.02)
    at.number_input(key="rate_per-share_min").set_value(3.0)
    at.number_input(key="slippage_bps").set_value(0.0).run()
    at.button(key="run").click().run()
    assert not at.exception
    settings = load_run(small.workspace, at.query_params["run"]).document.settings
    assert (settings.size, settings.costs, settings.slippage) == (spec, "per-share:0.02,min=3", "none")


@pytest.mark.parametrize(
    ("kind", "filled", "spec"),
    [
        ("ticks", ("slippage_ticks", 3), "ticks:3"),
        ("half a spread", ("slippage_half-spread", 0.25), "half-spread:0.25"),
        ("share of volume", ("slippage_volume-share", 20.0), "volume-share:0.2,impact=0.1"),
        ("none", None, "none"),
    ],
)
def test_each_kind_of_slippage_reaches_the_run(
    small: Any, open_page: Any, *, kind: str, filled: tuple[str, float] | None, spec: str
) -> None:
    at = open_page(small.workspace, "strategies")
    at.selectbox(key="slippage").select(kind).run()
    if filled is not None:
        at.number_input(key=filled[0]).set_value(filled[1]).run()
    at.button(key="run").click().run()
    assert not at.exception
    assert load_run(small.workspace, at.query_params["run"]).document.settings.slippage == spec


def test_protections_and_limits_reach_the_run(small: Any, open_page: Any) -> None:
    at = open_page(small.workspace, "strategies", stop_loss="5", max_drawdown="20")
    at.number_input(key="trailing_stop").set_value(7.0)
    at.number_input(key="max_exposure").set_value(150.0)
    at.button(key="run").click().run()
    assert not at.exception
    settings = load_run(small.workspace, at.query_params["run"]).document.settings
    assert (settings.stop_loss, settings.trailing_stop, settings.take_profit) == ("0.05", "0.07", None)
    assert (settings.max_drawdown, settings.max_exposure, settings.daily_loss) == ("0.2", "1.5", None)


def test_orders_fill_on_the_shorter_bars_that_are_held(small: Any, open_page: Any) -> None:
    at = open_page(small.workspace, "strategies", instruments=[small.stock], fill_interval="1m")
    assert at.selectbox(key="fill_interval").options == ["the same", "1m"]
    assert at.dataframe[0].value["Bars of"].tolist() == ["1d", "1m"]
    at.button(key="run").click().run()
    assert not at.exception
    assert load_run(small.workspace, at.query_params["run"]).document.data.fill_interval == "1m"


@pytest.mark.parametrize("run", ["daily", "minutes", "several", "finer", "guarded"])
def test_the_form_filled_in_as_a_run_was_made_makes_the_same_run(small: Any, open_page: Any, run: str) -> None:
    document = load_run(small.workspace, getattr(small, run)).document
    at = open_page(small.workspace, "strategies", **run_form.form_query(document))
    at.button(key="run").click().run()
    assert not at.exception
    assert at.query_params["run"] == document.run_id


def test_a_share_under_nrml_cannot_be_run_and_the_form_says_why(small: Any, open_page: Any) -> None:
    at = open_page(small.workspace, "strategies", product="NRML")
    assert not at.exception
    assert "NRML is for futures and options" in errors(at)
    assert at.button(key="run").disabled


def test_a_rotation_of_several_instruments_runs_and_of_one_is_warned_about(small: Any, open_page: Any) -> None:
    names = sorted({info.key.instrument for info in small.workspace.store.series() if info.key.instrument.startswith("SIM:")})
    query = {"strategy": "momentum_rotation", "interval": "1d", "momentum_rotation.lookback": "60", "momentum_rotation.top": "2"}
    alone = open_page(small.workspace, "strategies", instruments=names[:1], **query)
    assert any("nothing to choose from" in each.value for each in alone.warning)
    at = open_page(small.workspace, "strategies", instruments=names, **query)
    assert any("Weighs all instruments at once" in each.value for each in at.caption)
    at.button(key="run").click().run()
    assert not at.exception
    document = load_run(small.workspace, at.query_params["run"]).document
    assert document.settings.rebalance
    assert document.honesty.lookahead == "clean"
    assert {trade.instrument for trade in document.trades} == set(names)


def test_without_an_instrument_the_form_asks_for_one(small: Any, open_page: Any) -> None:
    at = open_page(small.workspace, "strategies")
    at.multiselect(key="instruments").set_value([]).run()
    assert not at.exception
    assert any("Choose at least one instrument" in each.value for each in at.info)
