"""Trades of a run: as a table, as arrows on the chart, as files."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import streamlit as st

from qts.app import format as written
from qts.app.run_document import FillPart, RunDocument, TradePart
from qts.core import Ints, micros_of
from qts.ui.components.candles import Mark
from qts.ui.components.tables import Column


def columns(trades: Sequence[TradePart], *, is_intraday: bool, is_brief: bool = False) -> list[Column]:
    """Return the table of trades; the brief one leaves out what the chart beside it shows."""
    moment = written.ist if is_intraday else written.day
    brief = [
        Column(title="#", cells=list(range(1, len(trades) + 1)), write=str),
        Column(title="Instrument", cells=[trade.instrument for trade in trades]),
        Column(title="Side", cells=["open " + trade.direction if trade.open else trade.direction for trade in trades]),
        Column(title="Quantity", cells=[float(trade.quantity) for trade in trades], write=written.quantity),
        Column(title="Entry", cells=[moment(trade.entry_at) for trade in trades]),
        Column(title="Entry price", cells=[trade.entry_price for trade in trades], write=written.number),
        Column(title="Exit", cells=[moment(trade.exit_at) for trade in trades]),
        Column(title="Exit price", cells=[trade.exit_price for trade in trades], write=written.number),
        Column(title="Net P&L", cells=[trade.net_pnl for trade in trades], write=written.inr_signed),
        Column(title="Return", cells=[trade.return_ for trade in trades], write=_percent),
    ]
    if is_brief:
        return brief
    return [
        *brief[:8],
        Column(title="Gross P&L", cells=[trade.gross_pnl for trade in trades], write=written.inr_signed),
        Column(title="Costs", cells=[trade.costs for trade in trades], write=written.inr),
        *brief[8:],
        Column(title="Bars", cells=[trade.bars_held for trade in trades], write=written.quantity, help="Bars held."),
        Column(title="MAE", cells=[trade.mae for trade in trades], write=_percent, help="Deepest loss while open."),
        Column(title="MFE", cells=[trade.mfe for trade in trades], write=_percent, help="Highest gain while open."),
        Column(title="Why it ended", cells=[_reason(trade) for trade in trades]),
    ]


def marks(fills: Sequence[FillPart], instrument: str, ts: Ints) -> tuple[Mark, ...]:
    """Return an arrow for every fill of an instrument, at the bar it happened in; ``ts`` are the opens of the bars drawn."""
    return tuple(
        Mark(
            at=bar_of(micros_of(datetime.fromisoformat(fill.at)), ts),
            is_buy=fill.side == "buy",
            text=f"{'B' if fill.side == 'buy' else 'S'} {written.quantity(fill.quantity)}",
        )
        for fill in fills
        if fill.instrument == instrument
    )


def bar_of(at: int, ts: Ints) -> int:
    """Return the open of the bar that an instant is in: the instant itself where the bars are those of the fills."""
    return int(ts[max(0, int(np.searchsorted(ts, at, side="right")) - 1)]) if len(ts) else at


def file_table(document: RunDocument) -> pa.Table:
    """Return the trades as they leave: plain numbers, each row saying whether it is simulated."""
    rows: list[dict[str, Any]] = [
        {**trade.model_dump(mode="json"), "simulated": document.simulated, "run_id": document.run_id} for trade in document.trades
    ]
    return pa.Table.from_pylist(rows) if rows else pa.table({"run_id": pa.array([], pa.string())})


def draw_downloads(document: RunDocument) -> None:
    """Draw the buttons that hand over the trades; the files are made on click."""
    name = f"{'SIMULATED-' if document.simulated else ''}trades-{document.run_id}"
    with st.container(horizontal=True):
        st.download_button(
            "CSV", lambda: as_csv(document), file_name=f"{name}.csv", mime="text/csv", icon=":material/download:", on_click="ignore"
        )
        st.download_button(
            "Parquet",
            lambda: as_parquet(document),
            file_name=f"{name}.parquet",
            mime="application/vnd.apache.parquet",
            icon=":material/download:",
            on_click="ignore",
        )


def as_csv(document: RunDocument) -> bytes:
    """Return the trades as CSV."""
    sink = io.BytesIO()
    pyarrow.csv.write_csv(file_table(document), sink)
    return sink.getvalue()


def as_parquet(document: RunDocument) -> bytes:
    """Return the trades as Parquet."""
    sink = io.BytesIO()
    pyarrow.parquet.write_table(file_table(document), sink, compression="zstd")
    return sink.getvalue()


def _percent(fraction: float | None) -> str:
    return written.pct(fraction)


def _reason(trade: TradePart) -> str:
    return "still open" if trade.open else (trade.exit_reason or "").replace("_", " ")
