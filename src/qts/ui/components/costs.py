"""Where the gross profit went: a waterfall from gross to net, and the same as a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import streamlit as st

from qts.app import format as written
from qts.app.run_document import ChargesPart, RunDocument
from qts.ui.components import tables
from qts.ui.components.tables import Column

ROW: Final = 34

LINES: Final = {
    "brokerage": "Brokerage",
    "stt": "STT",
    "exchange": "Exchange fee",
    "ipft": "IPFT",
    "sebi": "SEBI fee",
    "stamp": "Stamp duty",
    "gst": "GST",
    "dp": "DP charges",
}
_CLEAR: Final = "rgba(0,0,0,0)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A bar of the waterfall, from one amount to another; a total stands on zero."""

    title: str
    start: float
    end: float
    is_total: bool

    @property
    def amount(self) -> float:
        """Return what the step adds, or what the total is."""
        return self.end if self.is_total else self.end - self.start


def steps(gross: float, charges: ChargesPart) -> tuple[Step, ...]:
    """Return the bars from gross to net, leaving out charges of nothing."""
    found = [Step(title="Gross P&L", start=0.0, end=gross, is_total=True)]
    level = gross
    for name, title in LINES.items():
        amount = float(getattr(charges, name))
        if amount:
            found.append(Step(title=title, start=level, end=level - amount, is_total=False))
            level -= amount
    found.append(Step(title="Net P&L", start=0.0, end=gross - charges.total, is_total=True))
    return tuple(found)


def draw(document: RunDocument) -> None:
    """Draw the waterfall and the table of a run's charges."""
    gross = _metric(document.metrics, "gross_pnl")
    bars = steps(gross, document.costs)
    net = bars[-1].end
    alt = f"Gross {written.inr(gross, places=0)}, charges {written.inr(document.costs.total, places=0)}, net {written.inr(net, places=0)}"
    st.echarts_chart(spec(bars), key="costs_waterfall", height=ROW * len(bars) + 16, alt=alt)
    _table(document)


def spec(bars: tuple[Step, ...]) -> dict[str, Any]:
    """Return the waterfall as ECharts reads it: coloured parts stacked on invisible ones, above and below zero."""
    return {
        "animation": False,
        "grid": {"left": 8, "right": 96, "top": 8, "bottom": 8, "containLabel": True},
        "yAxis": {"type": "category", "inverse": True, "data": [bar.title for bar in bars], "axisTick": {"show": False}},
        "xAxis": {"type": "value", "axisLabel": {"show": False}, "splitLine": {"show": False}},
        "series": [
            *_stack("", [(_pad(bar, above=True), _pad(bar, above=False)) for bar in bars]),
            *_stack("Total", [_parts(bar) if bar.is_total else (0.0, 0.0) for bar in bars]),
            *_stack("Charge", [(0.0, 0.0) if bar.is_total else _parts(bar) for bar in bars]),
            _labels(bars),
        ],
    }


def _edges(bar: Step) -> tuple[float, float]:
    return min(bar.start, bar.end), max(bar.start, bar.end)


def _pad(bar: Step, *, above: bool) -> float:
    low, high = _edges(bar)
    return max(0.0, low) if above else min(0.0, high)


def _parts(bar: Step) -> tuple[float, float]:
    """Return the bar's lengths above and below zero, the second one negative."""
    low, high = _edges(bar)
    return max(0.0, high) - max(0.0, low), min(0.0, low) - min(0.0, high)


def _stack(name: str, parts: list[tuple[float, float]]) -> list[dict[str, Any]]:
    paint = {} if name else {"itemStyle": {"color": _CLEAR}, "silent": True}
    shared = {"type": "bar", "name": name, "stack": "all", "barCategoryGap": "30%", **paint}
    return [{**shared, "data": [round(part[side], 2) for part in parts]} for side in (0, 1)]


def _labels(bars: tuple[Step, ...]) -> dict[str, Any]:
    points = [
        {"value": [max(_edges(bar)[1], 0.0), i], "label": {"formatter": written.inr(bar.amount, places=0)}} for i, bar in enumerate(bars)
    ]
    return {
        "type": "scatter",
        "name": "Amount",
        "symbolSize": 0.1,
        "silent": True,
        "data": points,
        "label": {"show": True, "position": "right"},
    }


def _table(document: RunDocument) -> None:
    charges, traded = document.costs, _traded(document)
    names = [name for name in LINES if getattr(charges, name)]
    amounts = [float(getattr(charges, name)) for name in names] + [charges.total]
    gross = _metric(document.metrics, "gross_pnl")
    columns = [
        Column(title="Charge", cells=[LINES[name] for name in names] + ["Total"]),
        Column(title="Amount", cells=amounts, write=written.inr),
        Column(title="Of all charges", cells=[_share(amount, charges.total) for amount in amounts], write=written.pct),
        Column(title="Of gross P&L", cells=[_share(amount, gross) for amount in amounts], write=written.pct),
        Column(title="Of value traded", cells=[_share(amount, traded) for amount in amounts], write=written.bps),
    ]
    tables.draw(columns, key="costs_table", alt="Charges of this run by kind", rows_shown=12)


def _traded(document: RunDocument) -> float:
    return sum(fill.price * float(fill.quantity) for fill in document.fills)


def _share(amount: float, whole: float) -> float | None:
    return amount / whole if whole > 0 else None


def _metric(metrics: Mapping[str, float | int | None], name: str) -> float:
    return float(metrics.get(name) or 0.0)
