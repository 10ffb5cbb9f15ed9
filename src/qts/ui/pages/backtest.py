"""Backtest: one stored run, from its key figures down to each trade and charge."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import numpy as np
import pyarrow as pa
import streamlit as st

from qts.app.backtests import StoredRun, list_runs, load_run, run_bars
from qts.app.bars import BarsAnswer
from qts.app.run_document import RunDocument, TradePart
from qts.core import micros_of, parse_interval
from qts.ui import links, page
from qts.ui.components import costs, empty, equity, indicators, key_figures, orders, run_details, run_header, tables, trades
from qts.ui.components.candles import candles
from qts.ui.components.equity import Curves
from qts.ui.errors import shown
from qts.ui.page import Page
from qts.ui.workspace import workspace

TABS: Final = ("Overview", "Chart", "Trades", "Orders", "Costs", "Details")
LOG: Final = "log"
CHART_INSTRUMENT: Final = "chart_instrument"
CHART_INTERVAL: Final = "chart_interval"
CHART_INDICATORS: Final = "lines"


def render() -> None:
    """Draw the page."""
    asked = links.run_link(st.query_params)
    if asked is None:
        _latest()
        return
    with shown():
        run = _run(str(workspace().settings.home), asked.run)
        _draw(run, asked.trade)
        return
    page.link(page.HOME, "See the stored backtests", icon=":material/home:")


def _latest() -> None:
    """Open the latest run where none was named, so that the menu leads to something."""
    st.title("Backtest")
    runs = list_runs(workspace())
    if runs:
        page.go("backtest", links.run_query(links.RunLink(run=runs[0].run_id)))
    empty.no_run()


def _draw(run: StoredRun, trade: int | None) -> None:
    document = run.document
    run_header.draw(document)
    key_figures.draw_honesty(document)
    key_figures.draw(document)
    default = "Chart" if trade is not None else None
    overview, chart, trade_list, order_list, charges, details = st.tabs(TABS, key=links.TAB, default=default, bind="query-params")
    if overview.open:
        with overview:
            _draw_overview(run)
    if chart.open:
        with chart:
            _draw_chart(document, trade)
    if trade_list.open:
        with trade_list:
            _draw_trades(document)
    if order_list.open:
        with order_list:
            orders.draw(document, is_intraday=_is_intraday(document))
    if charges.open:
        with charges:
            costs.draw(document)
    if details.open:
        with details:
            run_details.draw(run)


def _draw_overview(run: StoredRun) -> None:
    is_log = st.toggle("Logarithmic", key=LOG, bind="query-params")
    equity.draw(curves(run.curves), key=f"equity_{run.document.run_id}", is_log=is_log, is_intraday=_is_intraday(run.document))


def curves(table: pa.Table) -> Curves:
    """Return the stored curves as arrays."""
    columns = {name: np.asarray(table[name]) for name in ("equity", "benchmark", "drawdown")}
    return Curves(ts=np.asarray(table["ts"].cast(pa.int64())), **columns)


def _draw_chart(document: RunDocument, trade: int | None) -> None:
    names = list(document.data.instruments)
    picked = _picked(document, trade)
    chosen = document.trades[picked - 1] if picked is not None and 1 <= picked <= len(document.trades) else None
    instrument = chosen.instrument if chosen is not None else names[0]
    is_choice, is_finer = len(names) > 1 and chosen is None, document.data.fill_interval is not None
    places = iter(st.columns(max(2, 1 + is_choice + is_finer)))
    if is_choice:
        instrument = next(places).selectbox("Instrument", names, key=CHART_INSTRUMENT)
    with next(places):
        wanted = indicators.picker(CHART_INDICATORS, ())
    interval = document.data.interval
    if is_finer:
        with next(places):
            interval = _chart_interval(document)
    with shown():
        answer = _bars(str(workspace().settings.home), document.run_id, document, instrument, interval)
        focus = None if chosen is None else trades.bar_of(micros_of(datetime.fromisoformat(chosen.entry_at)), answer.bars.ts)
        span = candles(
            answer.bars,
            key="run_candles",
            label=f"Candles of {instrument} with {len(document.trades)} trades",
            lines=indicators.lines(answer.bars, wanted),
            marks=trades.marks(document.fills, instrument, answer.bars.ts),
            focus=focus,
        )
        if span.note:
            st.caption(f"{span.note} Choose a trade below to see the bars around it.")
    _draw_brief(document, chosen)


def _chart_interval(document: RunDocument) -> str:
    """Return which bars to draw: those of the decisions, unless those that orders filled on were chosen."""
    data = document.data
    options = [data.interval, data.fill_interval]
    text = "Orders filled on the shorter bars; on the longer ones an arrow stands at the bar its fill was in."
    picked = st.segmented_control("Bars", options, default=data.interval, key=CHART_INTERVAL, bind="query-params", required=True, help=text)
    return str(picked)


def _picked(document: RunDocument, trade: int | None) -> int | None:
    """Return the number of the trade to show: the ticked one, at first the one in the address; the address follows the tick."""
    state = st.session_state.get(_brief_key(document))
    if state is None:
        return trade
    rows = state["selection"]["rows"]
    if rows:
        st.query_params[links.TRADE] = str(rows[0] + 1)
        return int(rows[0]) + 1
    st.query_params.pop(links.TRADE, None)
    return None


def _brief_key(document: RunDocument) -> str:
    return f"chart_trades_{document.run_id}"


def _draw_brief(document: RunDocument, chosen: TradePart | None) -> None:
    if not document.trades:
        st.info("The strategy never traded in this span.", icon=":material/info:")
        return
    st.caption("Tick a trade to see it on the chart. With the chart in focus, the arrow keys move it and + and - zoom.")
    selected = None if chosen is None else document.trades.index(chosen)
    brief = trades.columns(document.trades, is_intraday=_is_intraday(document), is_brief=True)
    tables.draw_choice(brief, key=_brief_key(document), alt="Trades; tick one to see it on the chart", rows_shown=6, chosen=selected)


def _draw_trades(document: RunDocument) -> None:
    if not document.trades:
        st.info("The strategy never traded in this span.", icon=":material/info:")
        return
    trades.draw_downloads(document)
    tables.draw(
        trades.columns(document.trades, is_intraday=_is_intraday(document)), key="trades_table", alt="Trades of this run", rows_shown=14
    )


def _is_intraday(document: RunDocument) -> bool:
    return parse_interval(document.data.fill_interval or document.data.interval).is_intraday


# The number of trials of an idea grows while a run is looked at; half a minute of lag in it is fine.
@st.cache_resource(max_entries=16, ttl="30s", show_spinner=False)
def _run(home: str, run_id: str) -> StoredRun:
    del home
    return load_run(workspace(), run_id)


@st.cache_resource(max_entries=16, show_spinner=False)
def _bars(home: str, run_id: str, _document: RunDocument, instrument: str, interval: str) -> BarsAnswer:
    del home, run_id
    return run_bars(workspace(), _document, instrument, interval=interval)


PAGE: Final = Page(
    title="Backtest",
    icon=":material/finance:",
    group="Research",
    order=30,
    help="One finished backtest: key figures, equity, candles with trades, every trade and every charge.",
    render=render,
)
