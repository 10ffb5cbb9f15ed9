"""View: candles of one instrument with indicators, its bars as a table, and both as files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import streamlit as st

from qts.app import format as written
from qts.app.bars import BarsAnswer, ExportFormat, export
from qts.app.catalog import SeriesDocument
from qts.app.requests import BarsRequest, build
from qts.ui import links
from qts.ui.components import empty, indicators, tables
from qts.ui.components.candles import ChartLine, candles
from qts.ui.components.held import held_series
from qts.ui.components.series import DEFAULT_RANGE, RANGES, bars_of, days_of, first_choice, instruments, intervals, last_day, months_before
from qts.ui.components.tables import Column
from qts.ui.errors import escaped, shown
from qts.ui.page import Page

INDICATORS: Final = "ind"
TABLE_ROWS: Final = 250
_PRICES: Final = ("open", "high", "low", "close")
_LAKH: Final = 100_000.0
_DEFAULT_INDICATORS: Final = ("ema:20", "ema:50")


def render() -> None:
    """Draw the page."""
    st.title("View")
    series = held_series()
    if not series:
        empty.no_data()
        return
    request, wanted = _choose(series)
    with shown():
        answer = bars_of(request)
        _draw_caption(answer)
        _draw_chart(answer, _lines(request, len(answer.bars), wanted))
        _draw_table(answer)


def _choose(series: Sequence[SeriesDocument]) -> tuple[BarsRequest, list[str]]:
    names = instruments(series)
    asked = st.query_params.get(links.INSTRUMENT)
    if asked is not None and asked not in names:
        st.error(f"Nothing is stored under {escaped(asked)}. Choose one of the instruments below.", icon=":material/edit:")
    left, middle = st.columns([2, 3], vertical_alignment="bottom")
    begin = names.index(first_choice(series) or names[0])
    instrument = left.selectbox("Instrument", names, begin, key=links.INSTRUMENT, bind="query-params", help="Type to search.")
    with middle:
        wanted = indicators.picker(INDICATORS, _DEFAULT_INDICATORS)
    held = intervals(series, [instrument])
    with st.container(horizontal=True, vertical_alignment="bottom"):
        default = "1d" if "1d" in held else held[0]
        interval = st.pills("Interval", held, default=default, key=links.INTERVAL, bind="query-params", required=True)
        span = st.pills("Range", list(RANGES), default=DEFAULT_RANGE, key=links.RANGE, bind="query-params", required=True)
    end = last_day(series, [instrument], interval)
    months = RANGES[span]
    start = None if months is None or end is None else months_before(end, months)
    return build(BarsRequest, instrument=instrument, interval=interval, start=start), wanted


def _draw_caption(answer: BarsAnswer) -> None:
    bars = answer.bars
    badge = ":orange-badge[SIMULATED] " if answer.simulated else ""
    span = f"{written.day(int(bars.ts[0]))} to {written.day(int(bars.ts[-1]))}"
    st.markdown(
        f"{badge}**{escaped(bars.instrument)}** · {bars.interval} · {written.number(len(bars), places=0)} bars, {span} · "
        f"{answer.basis} prices · times in IST"
    )


def _lines(request: BarsRequest, n_bars: int, wanted: Sequence[str]) -> list[ChartLine]:
    """Return the indicators of the bars shown, computed with the history before them."""
    start = None if request.start is None else request.start - days_of(indicators.warm_up(wanted), request.interval)
    longer = bars_of(request.model_copy(update={"start": start})).bars
    return [replace(line, values=line.values[len(longer) - n_bars :]) for line in indicators.lines(longer, wanted)]


def _draw_chart(answer: BarsAnswer, lines: Sequence[ChartLine]) -> None:
    bars = answer.bars
    first, last = (written.number(float(bars.close[i])) for i in (0, -1))
    kind = "Simulated candles" if answer.simulated else "Candles"
    label = f"{kind} of {bars.instrument}, {bars.interval}, from {first} to {last}"
    span = candles(bars, key="view_candles", label=label, lines=lines)
    if span.note:
        st.caption(f"{span.note} Choose a shorter range, or a longer interval, to see the others.")


def _draw_table(answer: BarsAnswer) -> None:
    bars = answer.bars
    is_intraday = bars.interval.is_intraday
    moment = written.ist if is_intraday else written.day
    shown_rows = min(TABLE_ROWS, len(bars))
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown(f"##### Last {written.number(shown_rows, places=0)} bars" if shown_rows < len(bars) else "##### Bars")
        with st.container(horizontal=True, width="content"):
            _draw_export(answer, ExportFormat.CSV, "text/csv")
            _draw_export(answer, ExportFormat.PARQUET, "application/vnd.apache.parquet")
    newest = slice(None, -shown_rows - 1, -1)
    columns = [
        Column(title="Opened (IST)" if is_intraday else "Date", cells=[moment(int(at)).removesuffix(" IST") for at in bars.ts[newest]]),
        *(tables.prices(name.capitalize(), getattr(bars, name)[newest].tolist()) for name in _PRICES),
        Column(title="Volume, lakh", cells=(bars.volume[newest] / _LAKH).tolist(), pattern="%,.2f"),
    ]
    tables.draw(columns, key="view_table", alt=f"Bars of {bars.instrument}, newest first")


def _draw_export(answer: BarsAnswer, kind: ExportFormat, mime: str) -> None:
    bars = answer.bars
    label = "SIMULATED-" if answer.simulated else ""
    name = f"{label}{bars.instrument.replace(':', '_')}-{bars.interval}.{kind}"
    st.download_button(
        kind.upper(),
        lambda: export(answer, kind),
        file_name=name,
        mime=mime,
        icon=":material/download:",
        on_click="ignore",
        key=f"export_{kind}",
    )


PAGE: Final = Page(
    title="View",
    icon=":material/candlestick_chart:",
    group="Data",
    order=40,
    help="Candles, indicators and the bars themselves of any stored instrument; export as CSV or Parquet.",
    render=render,
)
