"""Home: three steps to a first result, the latest runs, and what data is held."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

import streamlit as st

from qts.app import format as written
from qts.app.backtests import list_runs
from qts.app.catalog import SeriesDocument
from qts.app.control import RunSummary
from qts.ui import links, page
from qts.ui.components import empty, tables
from qts.ui.components.held import held_series
from qts.ui.components.run_header import named
from qts.ui.components.series import instruments, rank
from qts.ui.components.tables import Column
from qts.ui.page import Page
from qts.ui.workspace import workspace

RUNS_SHOWN: Final = 6
OPEN_SERIES: Final = "open_series"


def render() -> None:
    """Draw the page."""
    st.title("Quant Trading Service")
    series = held_series()
    runs = list_runs(workspace())
    _draw_steps(series, runs)
    if not series:
        empty.no_data()
        return
    _draw_runs(runs)
    _draw_series(series)


def _draw_steps(series: Sequence[SeriesDocument], runs: Sequence[RunSummary]) -> None:
    first, second, third = st.columns(3, border=True)
    with first:
        _draw_step("1. Get prices", is_done=bool(series))
        real = len({each.instrument for each in series if not each.simulated})
        invented = len({each.instrument for each in series if each.simulated})
        st.caption(
            f"{written.number(real, places=0)} real and {written.number(invented, places=0)} simulated instruments are stored."
            if series
            else "Load the sample market, or import files."
        )
        page.link("view", "Look at them", icon=":material/candlestick_chart:")
    with second:
        _draw_step("2. Run a strategy", is_done=bool(runs))
        count = "1 backtest is stored." if len(runs) == 1 else f"{written.number(len(runs), places=0)} backtests are stored."
        st.caption(count if runs else "Choose an idea and what to trade.")
        page.link("strategies", "Choose a strategy", icon=":material/lightbulb:")
    with third:
        _draw_step("3. Read the result", is_done=False if not runs else None)
        st.caption("Figures after all costs, each trade on the chart, and how far to trust them.")
        query = links.run_query(links.RunLink(run=runs[0].run_id)) if runs else None
        page.link("backtest", "Open the latest", icon=":material/finance:", query=query)


def _draw_step(title: str, *, is_done: bool | None) -> None:
    icon = (
        ":green[:material/check_circle:]" if is_done else ":material/arrow_circle_right:" if is_done is None else ":gray[:material/circle:]"
    )
    st.markdown(f"**{icon} {title}**")


def _draw_runs(runs: Sequence[RunSummary]) -> None:
    st.subheader("Latest backtests", anchor=False)
    if not runs:
        empty.no_run()
        return
    with st.grid("auto", min_column_width=300, gap="small"):
        for run in runs[:RUNS_SHOWN]:
            with st.container(border=True, height="stretch"):
                _draw_run(run)


def _draw_run(run: RunSummary) -> None:
    page.link(
        "backtest",
        f"**{run.strategy}** on {named(run.instruments, shown=1)}",
        icon=":material/finance:",
        query=links.run_query(links.RunLink(run=run.run_id)),
    )
    badge = ":orange-badge[SIMULATED] " if run.simulated else ""
    st.markdown(f"{badge}:small[{run.interval}, {run.first} to {run.last}]")
    total = run.total_return
    colour = "gray" if total is None or total == 0 else "green" if total > 0 else "red"
    st.markdown(f":{colour}[**{written.pct(total)}**] net of costs")
    figures = (
        f"Sharpe {written.number(run.sharpe)}",
        f"drawdown {written.pct(run.max_drawdown)}",
        f"{written.quantity(run.n_trades)} trades",
    )
    st.caption(" · ".join(figure.replace(" ", "\u00a0") for figure in figures))
    st.caption(f"Run {written.ist(run.made_at)}")


def _draw_series(held: Sequence[SeriesDocument]) -> None:
    places = {name: place for place, name in enumerate(instruments(held))}
    # The longest histories first: of a folder of bhavcopies most instruments have a day or two.
    totals: Counter[str] = Counter()
    for each in held:
        totals[each.instrument] += each.bars
    series = sorted(held, key=lambda each: (rank(each.instrument), -totals[each.instrument], places[each.instrument]))
    st.subheader("Data held", anchor=False)
    columns = [
        Column(title="Chart", cells=[":material/candlestick_chart:"] * len(series)),
        Column(title="Instrument", cells=[each.instrument for each in series]),
        Column(title="Interval", cells=[each.interval for each in series]),
        Column(title="Origin", cells=["SIMULATED" if each.simulated else "real" for each in series]),
        Column(title="Prices", cells=[each.prices for each in series]),
        Column(title="First", cells=[written.day(each.first) for each in series]),
        Column(title="Last", cells=[written.day(each.last) for each in series]),
        Column(title="Bars", cells=[each.bars for each in series], write=written.quantity),
        Column(
            title="Sessions missing",
            cells=[each.missing for each in series],
            write=written.quantity,
            help="Against the exchange's calendar.",
        ),
        Column(
            title="Quality",
            cells=[each.quality for each in series],
            write=_quality,
            help="0 to 100: the score where `qts quality` judged the series, else the share of the expected bars that is held.",
        ),
        Column(title="Last close", cells=[each.last_close for each in series], write=written.number),
    ]
    opening = st.column_config.ButtonColumn("", on_click=_open, args=(series,), key=OPEN_SERIES, type="tertiary", width=50)
    tables.draw(columns, key="series_table", alt="Series of bars that are stored", rows_shown=12, more={"Chart": opening})


def _open(series: Sequence[SeriesDocument]) -> None:
    click = st.session_state[OPEN_SERIES]
    if click is not None and click.row < len(series):
        chosen = series[click.row]
        page.go("view", links.series_query(links.SeriesLink(instrument=chosen.instrument, interval=chosen.interval)))


def _quality(score: float | None) -> str:
    return written.number(score, places=1)


PAGE: Final = Page(
    title="Home",
    icon=":material/home:",
    group="",
    order=10,
    help="Where to start, the latest backtests, and what data is held.",
    render=render,
)
