"""The check before a run: whether there are bars enough, and whether costs and instruments fit together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import streamlit as st

from qts.app import format as written
from qts.app.catalog import SeriesDocument
from qts.app.requests import BacktestRequest, BarsRequest
from qts.app.run_terms import check_product
from qts.app.strategies import StrategyDocument
from qts.core import Exchange, InstrumentId, Interval, Product, exchange_of
from qts.core.errors import QtsError
from qts.ui.components import tables
from qts.ui.components.series import bars_of
from qts.ui.components.tables import Column
from qts.ui.errors import escaped

_FEWEST_WEIGHED: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Available:
    """What of the wanted span is there for one instrument and interval; ``problem`` says why nothing is."""

    instrument: str
    interval: str
    bars: int
    first: str
    last: str
    missing: int | None
    simulated: bool
    prices: str
    problem: str = ""


def draw(strategy: StrategyDocument, request: BacktestRequest, series: Sequence[SeriesDocument]) -> bool:
    """Draw the check and return whether a run makes sense."""
    finer = [] if request.fill_interval is None else [request.fill_interval]
    found = [_available(request, name, interval, series) for interval in (request.interval, *finer) for name in request.instruments]
    _draw_table(found)
    problems = [each.problem for each in found if each.problem] + blocking(request)
    for problem in problems:
        st.error(escaped(problem), icon=":material/edit:")
    for warning in warnings(strategy, request, found):
        st.warning(escaped(warning), icon=":material/info:")
    return not problems


def blocking(request: BacktestRequest) -> list[str]:
    """Return what would make a run fail, whatever the bars."""
    names = [InstrumentId(name) for name in request.instruments]
    try:
        check_product(Product(request.product or Product.CNC), names)
    except QtsError as error:
        return [f"{error.message} {error.hint}"]
    indices = [name for name in names if exchange_of(name) is Exchange.INDEX]
    if indices and (request.costs or "").startswith("zerodha"):
        return [f"{', '.join(indices)}: an index has no contract note. Set the costs to percent, per-share or none."]
    return []


def warnings(strategy: StrategyDocument, request: BacktestRequest, found: Sequence[Available]) -> list[str]:
    """Return what a person should know before running."""
    spans = {name: value for name, value in request.params.items() if strategy.params[name].kind == "int" and isinstance(value, int)}
    told: list[str] = []
    for each in found:
        longest = max(spans, key=lambda name: spans[name], default=None)
        is_signal = each.interval == request.interval
        if longest is not None and is_signal and not each.problem and each.bars <= spans[longest]:
            told.append(f"{each.instrument} has {each.bars} bars in this span, and {longest} = {spans[longest]} needs more to warm up.")
    if strategy.form == "matrix" and len(request.instruments) < _FEWEST_WEIGHED:
        told.append("This strategy weighs instruments against one another; with one of them there is nothing to choose from.")
    if request.product == "MIS" and not (request.fill_interval or request.interval).is_intraday:
        told.append("MIS closes every position before the session ends; with bars of a day nothing can be held within one.")
    return told


def _available(request: BacktestRequest, instrument: str, interval: Interval, series: Sequence[SeriesDocument]) -> Available:
    asked = BarsRequest(instrument=instrument, interval=interval, start=request.start, end=request.end, prices=request.prices)
    try:
        answer = bars_of(asked)
    except QtsError as error:
        return Available(
            instrument=instrument,
            interval=interval,
            bars=0,
            first="",
            last="",
            missing=None,
            simulated=False,
            prices="",
            problem=f"{error.message} {error.hint}",
        )
    # Beside bars of a day, minutes are told by their days too.
    moment = written.ist if request.interval.is_intraday else written.day
    held = [each for each in series if each.instrument == instrument and each.interval == interval and each.prices == answer.basis]
    return Available(
        instrument=instrument,
        interval=interval,
        bars=len(answer.bars),
        first=moment(int(answer.bars.ts[0])),
        last=moment(int(answer.bars.ts[-1])),
        missing=held[0].missing if held else None,
        simulated=answer.simulated,
        prices=str(answer.basis),
    )


def _draw_table(found: Sequence[Available]) -> None:
    there = [each for each in found if not each.problem]
    if not there:
        return
    columns = [
        Column(title="Instrument", cells=[each.instrument for each in there]),
        Column(title="Bars in the span", cells=[written.quantity(each.bars) for each in there]),
        Column(title="First", cells=[each.first for each in there]),
        Column(title="Last", cells=[each.last for each in there]),
        Column(
            title="Sessions missing",
            cells=[written.quantity(each.missing) for each in there],
            help="Of all that is stored, against the calendar.",
        ),
        Column(title="Prices", cells=[each.prices + (", SIMULATED" if each.simulated else "") for each in there]),
    ]
    if len({each.interval for each in there}) > 1:
        columns.insert(1, Column(title="Bars of", cells=[each.interval for each in there]))
    tables.draw(columns, key="precheck", alt="Bars available for this run", rows_shown=6)
