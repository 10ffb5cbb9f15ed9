"""Strategies: choose an idea, its parameters, what to trade and how, see whether the bars suffice, run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

import streamlit as st

from qts.app import format as written
from qts.app.backtests import run_backtest
from qts.app.catalog import SeriesDocument
from qts.app.requests import BacktestRequest, build
from qts.app.strategies import StrategyDocument
from qts.ui import links, page
from qts.ui.components import empty, precheck, run_form
from qts.ui.components.held import held_series, known_strategies
from qts.ui.components.run_header import named, params_text
from qts.ui.components.series import RANGES, first_choice, first_day, instruments, intervals, last_day, months_before
from qts.ui.errors import escaped, shown
from qts.ui.page import Page
from qts.ui.workspace import workspace

RUN_BUTTON: Final = "run"
_DEFAULT_RANGE: Final = "Max"
_DEFAULT_STRATEGY: Final = "ema_cross"
_FORMS: Final = {
    "targets": "Says for each instrument by itself how much of it to hold.",
    "rule": "A rule over indicators, for each instrument by itself.",
    "matrix": "Weighs all instruments at once: choose several.",
    "on_bar": "Gives orders bar by bar.",
}


def render() -> None:
    """Draw the page."""
    st.title("Strategies")
    series = held_series()
    if not series:
        empty.no_data()
        return
    known = known_strategies()
    left, right = st.columns([1, 3], gap="large")
    with left:
        strategy = _choose(known)
    with right:
        _draw_form(strategy, series)


def _choose(known: Sequence[StrategyDocument]) -> StrategyDocument:
    usable = {each.id: each for each in known if each.error is None}
    asked = st.query_params.get(links.STRATEGY)
    picked = st.radio(
        "Strategy",
        list(usable),
        index=list(usable).index(_DEFAULT_STRATEGY) if _DEFAULT_STRATEGY in usable else 0,
        key=links.STRATEGY,
        bind="query-params",
        captions=[_caption(each) for each in usable.values()],
    )
    _draw_broken(known, asked)
    folder = workspace().settings.strategies_folder
    st.caption(f"Your own: put a file with a `STRATEGY` into `{folder}`; it appears here on the next click.")
    return usable[str(picked)]


def _caption(strategy: StrategyDocument) -> str:
    origin = "" if strategy.source == "built-in" else f" :blue-badge[{escaped(strategy.source)}]"
    return f"{escaped(strategy.title)}{origin}"


def _draw_broken(known: Sequence[StrategyDocument], asked: str | None) -> None:
    names = {each.id for each in known}
    if asked is not None and asked not in names:
        st.error(f"There is no strategy {escaped(asked)}. Choose one of those above.", icon=":material/edit:")
    for each in known:
        if each.error is not None:
            st.error(
                f"**{escaped(each.id)}** cannot be used. {escaped(each.error.message)}\n\n{escaped(each.error.hint)}",
                icon=":material/code_off:",
            )


def _draw_form(strategy: StrategyDocument, series: Sequence[SeriesDocument]) -> None:
    st.subheader(strategy.title)
    st.caption(_FORMS.get(strategy.form or "", ""))
    if strategy.description:
        st.markdown(strategy.description)
    if strategy.params:
        params = run_form.param_fields(strategy)
    else:
        st.caption("This strategy has no parameters.")
        params = {}
    if strategy.constraint:
        st.caption(f"Must hold: {escaped(strategy.constraint)}.")
    st.markdown("##### What to trade")
    chosen = _choose_bars(series)
    st.markdown("##### How to trade")
    settings = run_form.settings_fields(workspace().settings, _shorter(series, chosen))
    if chosen is None:
        st.info("Choose at least one instrument.", icon=":material/arrow_upward:")
        return
    with shown():
        request = build(BacktestRequest, strategy=strategy.id, params=params, **chosen, **settings)
        may_run = precheck.draw(strategy, request, series)
        _draw_run(strategy, request, may_run=may_run)


def _choose_bars(series: Sequence[SeriesDocument]) -> dict[str, Any] | None:
    names = instruments(series)
    missing = [name for name in st.query_params.get_all(links.INSTRUMENTS) if name not in names]
    if missing:
        st.error(f"Nothing is stored under {escaped(', '.join(missing))}.", icon=":material/edit:")
    picked = st.multiselect(
        "Instruments", names, default=first_choice(series), key=links.INSTRUMENTS, bind="query-params", help="They share one account."
    )
    held = intervals(series, picked)
    if picked and not held:
        st.error("These instruments share no interval. Choose ones that are stored at the same one.", icon=":material/edit:")
    if not held:
        return None
    with st.container(horizontal=True, vertical_alignment="bottom"):
        default = "1d" if "1d" in held else held[0]
        interval = st.pills("Interval", held, default=default, key=links.INTERVAL, bind="query-params", required=True)
        options = [*RANGES, links.CUSTOM]
        span = st.pills("Range", options, default=_DEFAULT_RANGE, key=links.RANGE, bind="query-params", required=True)
    start, end = _dates(series, picked, interval, span)
    return {"instruments": tuple(picked), "interval": interval, "start": start, "end": end}


def _shorter(series: Sequence[SeriesDocument], chosen: Mapping[str, Any] | None) -> list[str]:
    """Return the intervals shorter than the one chosen that all of its instruments are held at."""
    if chosen is None:
        return []
    held = intervals(series, chosen["instruments"])
    return held[: held.index(chosen["interval"])] if chosen["interval"] in held else []


def _dates(series: Sequence[SeriesDocument], picked: Sequence[str], interval: str, span: str) -> tuple[date | None, date | None]:
    first, last = first_day(series, picked, interval), last_day(series, picked, interval)
    if span != links.CUSTOM:
        months = RANGES[span]
        return (None if months is None or last is None else months_before(last, months)), None
    with st.container(horizontal=True):
        start = st.date_input(
            "From", first, key=links.FROM, bind="query-params", format="YYYY-MM-DD", min_value=date(1970, 1, 1), width=170
        )
        end = st.date_input("To", last, key=links.TO, bind="query-params", format="YYYY-MM-DD", min_value=date(1970, 1, 1), width=170)
    return start, end


def _draw_run(strategy: StrategyDocument, request: BacktestRequest, *, may_run: bool) -> None:
    words = [
        strategy.title,
        params_text(request.params),
        named(request.instruments),
        request.interval,
        written.inr_short(request.capital),
        request.product,
    ]
    st.caption(escaped(" · ".join(word for word in words if word)))
    if not st.button(
        "Run the backtest", type="primary", icon=":material/play_arrow:", key=RUN_BUTTON, shortcut="Ctrl+Enter", disabled=not may_run
    ):
        return
    with st.spinner("Running …"):
        document = run_backtest(workspace(), request)
    page.go("backtest", links.run_query(links.RunLink(run=document.run_id)))


PAGE: Final = Page(
    title="Strategies",
    icon=":material/lightbulb:",
    group="Research",
    order=20,
    help="Choose a strategy, set its parameters and what it trades, and run a backtest with full costs.",
    render=render,
)
