"""Orders of a run that were not simply filled: refused, made smaller, cancelled, and why."""

from __future__ import annotations

from typing import Final

import streamlit as st

from qts.app import format as written
from qts.app.order_events import KIND_WORDS, STATUS_WORDS, counted
from qts.app.run_document import OrderEventPart, RunDocument
from qts.ui.components import tables
from qts.ui.components.tables import Column

_FILLED_HELP: Final = "By then; of an order made smaller: what it was made."


def draw(document: RunDocument, *, is_intraday: bool) -> None:
    """Draw what became of orders besides their fills: first counted by reason, then each."""
    if not document.order_events:
        st.info("No order was refused, made smaller or withdrawn: every one was filled as it was given.", icon=":material/check_circle:")
        return
    found = counted(document.order_events)
    summary = [
        Column(title="Orders", cells=[each.count for each in found], write=written.quantity),
        Column(title="What happened", cells=[each.what for each in found]),
        Column(title="Why", cells=[each.why for each in found]),
    ]
    tables.draw(summary, key="orders_counted", alt="Orders by what happened to them and why", rows_shown=8)
    tables.draw(columns(document.order_events, is_intraday=is_intraday), key="orders_table", alt="Each of these orders", rows_shown=12)
    rest = document.order_events_count - len(document.order_events)
    if rest > 0:
        first = written.quantity(len(document.order_events))
        st.caption(f"These are the first {first}; {written.quantity(rest)} more are in the run's file `order_events.parquet`.")


def columns(events: tuple[OrderEventPart, ...], *, is_intraday: bool) -> list[Column]:
    """Return the table of orders."""
    moment = written.ist if is_intraday else written.day
    return [
        Column(title="Time", cells=[moment(event.at) for event in events]),
        Column(title="Instrument", cells=[event.instrument for event in events]),
        Column(title="Side", cells=[event.side for event in events]),
        Column(title="Order", cells=[KIND_WORDS.get(event.kind, event.kind) for event in events]),
        Column(title="Quantity", cells=[float(event.quantity) for event in events], write=written.quantity),
        Column(title="Filled", cells=[float(event.filled) for event in events], write=written.quantity, help=_FILLED_HELP),
        Column(title="What happened", cells=[STATUS_WORDS.get(event.status, event.status) for event in events]),
        Column(title="Why", cells=[event.why for event in events]),
    ]
