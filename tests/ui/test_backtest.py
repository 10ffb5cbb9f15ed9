from __future__ import annotations

import shlex
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from streamlit.testing.v1 import AppTest

from qts.app import format as written
from qts.app.backtests import load_run, run_bars
from qts.core import instant_of
from qts.ui.components import run_header, trades


def figures(at: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in at.metric}


def errors(at: AppTest) -> str:
    return "\n".join(str(each.value) for each in at.error)


def test_without_any_run_the_page_leads_to_the_strategies(empty_store: Any, open_page: Any) -> None:
    at = open_page(empty_store, "backtest")
    assert not at.exception
    assert [link.value for link in at.page_link] == ["Choose a strategy"]


def test_without_a_run_named_the_latest_opens(small: Any, open_page: Any) -> None:
    at = open_page(small.workspace, "backtest")
    assert not at.exception
    assert at.query_params["run"] == small.workspace.control.runs()[0].run_id
    assert len(at.metric) == 8


def test_the_key_figures_are_those_of_the_document(small: Any, open_page: Any) -> None:
    at = open_page(small.workspace, "backtest", run=small.daily)
    metrics = load_run(small.workspace, small.daily).document.metrics
    assert figures(at)["Net P&L"] == written.inr_short(metrics["net_pnl"])
    assert figures(at)["Sharpe"] == written.number(metrics["sharpe"])
    assert figures(at)["Max drawdown"] == written.pct(metrics["max_drawdown"])
    assert any("SIMULATED" in each.value for each in at.markdown)


def test_opening_the_same_address_again_shows_the_same(small: Any, open_page: Any) -> None:
    query = {"run": small.daily, "tab": "Costs"}
    first, second = (open_page(small.workspace, "backtest", **query) for _ in range(2))
    assert figures(first) == figures(second)
    assert [each.value for each in first.markdown][1:] == [each.value for each in second.markdown][1:]
    assert first.dataframe[0].value.equals(second.dataframe[0].value)


def test_only_the_open_tab_is_computed(small: Any, open_page: Any) -> None:
    at = open_page(small.workspace, "backtest", run=small.daily)
    assert len(at.get("echarts_chart")) == 1
    assert not at.dataframe
    assert not at.json


@pytest.mark.parametrize("tab", ["Overview", "Chart", "Trades", "Orders", "Costs", "Details"])
@pytest.mark.parametrize("run", ["daily", "minutes", "idle", "several", "finer", "guarded"])
def test_every_tab_draws_for_every_kind_of_run(small: Any, open_page: Any, tab: str, run: str) -> None:
    at = open_page(small.workspace, "backtest", run=getattr(small, run), tab=tab)
    assert not at.exception
    assert not at.error


def test_the_trades_are_all_there_with_their_numbers(small: Any, open_page: Any) -> None:
    at = open_page(small.workspace, "backtest", run=small.daily, tab="Trades")
    made = load_run(small.workspace, small.daily).document.trades
    table = at.dataframe[0].value
    assert table["Net P&L"].tolist() == [trade.net_pnl for trade in made]
    assert table["Entry"].tolist() == [trade.entry_at[:10] for trade in made]


def test_the_charges_add_up_to_the_total(small: Any, open_page: Any) -> None:
    at = open_page(small.workspace, "backtest", run=small.daily, tab="Costs")
    table = at.dataframe[0].value
    amounts = dict(zip(table["Charge"], table["Amount"], strict=True))
    total = amounts.pop("Total")
    assert sum(amounts.values()) == pytest.approx(total, abs=0.01)
    assert total > 0


def test_a_run_that_never_traded_says_so(small: Any, open_page: Any) -> None:
    at = open_page(small.workspace, "backtest", run=small.idle, tab="Trades")
    assert any("never traded" in each.value for each in at.info)


def test_the_details_have_the_formulas_and_the_code(small: Any, open_page: Any) -> None:
    at = open_page(small.workspace, "backtest", run=small.daily, tab="Details")
    formulas = dict(zip(at.table[0].value["Metric"], at.table[0].value["Formula"], strict=True))
    assert "365" in formulas["CAGR"]
    assert "STRATEGY" in "\n".join(each.value for each in at.code)


def test_the_link_and_the_commands_name_the_run(small: Any, open_page: Any) -> None:
    at = open_page(small.workspace, "backtest", run=small.daily)
    codes = [each.value for each in at.code]
    assert any(each.endswith(f"/backtest?run={small.daily}") for each in codes)
    assert f"qts replay {small.daily}" in codes
    assert any(each.startswith("qts backtest ema_cross --instruments") and "--as-of" in each for each in codes)


@pytest.mark.parametrize("run", ["daily", "minutes", "finer", "guarded"])
def test_the_command_that_is_shown_makes_the_same_run(small: Any, qts: Any, run: str) -> None:
    document = load_run(small.workspace, getattr(small, run)).document
    words = shlex.split(run_header.command(document))
    assert qts("--home", small.workspace.settings.home, *words[1:], "--json").document["run_id"] == document.run_id


def test_an_unknown_run_is_one_red_box_with_a_way_out(small: Any, open_page: Any) -> None:
    at = open_page(small.workspace, "backtest", run="0123456789abcdef")
    assert not at.exception
    assert "There is no run" in errors(at)
    assert [link.value for link in at.page_link] == ["See the stored backtests"]


def test_a_damaged_run_is_one_red_box(open_page: Any, empty_store: Any) -> None:
    folder = empty_store.settings.runs_folder / "abc"
    folder.mkdir(parents=True)
    (folder / "run.json").write_text("{", encoding="utf-8")
    at = open_page(empty_store, "backtest", run="abc")
    assert not at.exception
    assert "is damaged" in errors(at)


def test_a_trade_in_the_address_opens_the_chart_there(small: Any, open_page: Any) -> None:
    at = open_page(small.workspace, "backtest", run=small.several, trade="1")
    assert not at.exception
    assert len(at.dataframe[0].value.columns) == 10
    assert not at.selectbox


@pytest.mark.parametrize("trade", ["0", "99999", "x"])
def test_a_trade_that_is_not_there_is_passed_over(small: Any, open_page: Any, trade: str) -> None:
    at = open_page(small.workspace, "backtest", run=small.daily, tab="Chart", trade=trade)
    assert not at.exception
    assert not at.error


def test_trades_leave_as_plain_numbers_that_say_what_is_simulated(small: Any) -> None:
    document = load_run(small.workspace, small.daily).document
    table = pq.read_table(pa.BufferReader(trades.as_parquet(document)))
    assert table["net_pnl"].to_pylist() == [trade.net_pnl for trade in document.trades]
    assert set(table["simulated"].to_pylist()) == {True}
    head = trades.as_csv(document).decode().splitlines()
    assert len(head) == len(document.trades) + 1
    assert '"simulated"' in head[0]


def test_a_run_without_trades_leaves_as_an_empty_file(small: Any) -> None:
    document = load_run(small.workspace, small.idle).document
    assert trades.as_csv(document).decode().splitlines() == ['"run_id"']


def test_every_fill_of_an_instrument_is_an_arrow(small: Any) -> None:
    document = load_run(small.workspace, small.several).document
    stamps = [run_bars(small.workspace, document, name).bars.ts for name in document.data.instruments]
    arrows = [trades.marks(document.fills, name, ts) for name, ts in zip(document.data.instruments, stamps, strict=True)]
    assert sum(map(len, arrows)) == len(document.fills)
    assert all(arrows)
    assert all(mark.at in set(ts.tolist()) for marks, ts in zip(arrows, stamps, strict=True) for mark in marks)


def test_fills_on_minutes_stand_on_their_minute_or_on_the_day_they_were_in(small: Any) -> None:
    document = load_run(small.workspace, small.finer).document
    days, minutes = (run_bars(small.workspace, document, small.stock, interval=name).bars.ts for name in ("1d", "1m"))
    assert document.fills
    for fill, day, minute in zip(
        document.fills, trades.marks(document.fills, small.stock, days), trades.marks(document.fills, small.stock, minutes), strict=True
    ):
        assert instant_of(minute.at).isoformat() == fill.at
        assert instant_of(day.at).date() == instant_of(minute.at).date()


def test_the_chart_offers_the_bars_of_the_decisions_and_those_of_the_fills(small: Any, open_page: Any) -> None:
    at = open_page(small.workspace, "backtest", run=small.finer, tab="Chart")
    assert not at.exception
    (control,) = [each for each in at.button_group if each.key == "chart_interval"]
    assert list(control.options) == ["1d", "1m"]
    assert control.value in ("1d", ["1d"])


def test_the_orders_that_were_not_simply_filled_are_listed_with_the_reason_in_words(small: Any, open_page: Any) -> None:
    at = open_page(small.workspace, "backtest", run=small.guarded, tab="Orders")
    document = load_run(small.workspace, small.guarded).document
    assert document.order_events
    counts, each = at.dataframe[0].value, at.dataframe[1].value
    assert sum(counts["Orders"]) == len(document.order_events) == document.order_events_count == len(each)
    assert each["Why"].tolist() == [event.why for event in document.order_events]
    assert not any("_" in word for word in (*each["Why"], *each["What happened"], *each["Order"]))


def test_where_all_orders_were_filled_the_tab_says_so(small: Any, open_page: Any) -> None:
    at = open_page(small.workspace, "backtest", run=small.idle, tab="Orders")
    assert any("No order was refused" in each.value for each in at.info)
    assert not at.dataframe
