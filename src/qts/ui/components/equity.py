"""The equity chart: the account against buying and holding, with the drawdown below."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import streamlit as st

from qts.app import format as written
from qts.core import Floats, Ints

MAX_POINTS: Final = 2_000
HEIGHT: Final = 440

_LAKH: Final = 100_000.0
_CRORE: Final = 10_000_000.0
_IST_MICROS: Final = 19_800_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Curves:
    """What is drawn, columns of shape ``(n_bars,)``: instants in microseconds UTC, rupees, rupees, fractions at or below 0."""

    ts: Ints
    equity: Floats
    benchmark: Floats
    drawdown: Floats


def draw(curves: Curves, *, key: str, is_log: bool, is_intraday: bool) -> None:
    """Draw equity, benchmark and drawdown over one time axis, with a slider for the span."""
    st.echarts_chart(spec(curves, is_log=is_log, is_intraday=is_intraday), key=key, height=HEIGHT, alt=takeaway(curves))


def takeaway(curves: Curves) -> str:
    """Return in words what the chart shows."""
    if not len(curves.ts):
        return "No bars"
    worst = int(np.argmin(curves.drawdown))
    return (
        f"Equity from {written.inr_short(float(curves.equity[0]))} to {written.inr_short(float(curves.equity[-1]))}, "
        f"buying and holding {written.inr_short(float(curves.benchmark[-1]))}, "
        f"deepest drawdown {written.pct(float(curves.drawdown[worst]))} on {written.day(int(curves.ts[worst]))}"
    )


def spec(curves: Curves, *, is_log: bool, is_intraday: bool) -> dict[str, Any]:
    """Return the chart as ECharts reads it. Amounts are in lakh or crore, as its axis cannot write them so itself."""
    unit, divisor = _unit(curves)
    keep = thinned(curves.equity)
    stamps = np.datetime_as_string((curves.ts[keep] + _IST_MICROS).view("datetime64[us]"), unit="m" if is_intraday else "D")
    table = pa.table(
        {
            "at": [stamp.replace("T", " ") for stamp in stamps.tolist()],
            "Strategy": np.round(curves.equity[keep] / divisor, 4),
            "Buy and hold": np.round(curves.benchmark[keep] / divisor, 4),
            "Drawdown": np.round(curves.drawdown[keep] * 100.0, 3),
        }
    )
    money = {"valueFormatter": f"₹%.2f {unit}".rstrip()}
    return {
        "dataset": {"source": table},
        "animation": False,
        "legend": {"top": 0, "left": 0, "itemWidth": 18, "itemHeight": 2, "icon": "rect", "data": ["Strategy", "Buy and hold", "Drawdown"]},
        "tooltip": {"trigger": "axis", "axisPointer": {"type": "cross", "label": {"show": False}}},
        "axisPointer": {"link": [{"xAxisIndex": "all"}]},
        "grid": [
            {"left": 64, "right": 16, "top": 44, "height": 220},
            {"left": 64, "right": 16, "top": 298, "height": 84},
        ],
        "xAxis": [
            {"type": "category", "gridIndex": 0, "boundaryGap": False, "axisLabel": {"show": False}, "axisTick": {"show": False}},
            {"type": "category", "gridIndex": 1, "boundaryGap": False, "axisLabel": {"hideOverlap": True}},
        ],
        "yAxis": [
            {
                "type": "log" if is_log else "value",
                "gridIndex": 0,
                "scale": True,
                "name": f"₹ {unit}".strip(),
                "nameGap": 10,
                "nameTextStyle": {"align": "right"},
            },
            {"type": "value", "gridIndex": 1, "max": 0, "splitNumber": 2, "axisLabel": {"formatter": "{value} %"}},
        ],
        "dataZoom": [
            {"type": "inside", "xAxisIndex": [0, 1]},
            {"type": "slider", "xAxisIndex": [0, 1], "bottom": 6, "height": 22, "showDetail": False},
        ],
        "series": [
            _line("Strategy", axis=0, tooltip=money, width=2),
            _line("Buy and hold", axis=0, tooltip=money, width=1.5),
            {**_line("Drawdown", axis=1, tooltip={"valueFormatter": "%.2f %%"}, width=1), "areaStyle": {"opacity": 0.25}},
        ],
    }


def thinned(values: Floats, limit: int = MAX_POINTS) -> Ints:
    """Return the positions to draw: all, or of each stretch the first, lowest, highest and last, so that no extreme is lost."""
    n = len(values)
    if n <= limit:
        return np.arange(n, dtype=np.int64)
    edges = np.linspace(0, n, max(1, limit // 4) + 1).astype(np.int64)
    kept: set[int] = set()
    for start, stop in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        part = values[start:stop]
        kept.update((start, start + int(np.argmin(part)), start + int(np.argmax(part)), stop - 1))
    return np.array(sorted(kept), dtype=np.int64)


def _line(name: str, *, axis: int, tooltip: dict[str, str], width: float) -> dict[str, Any]:
    return {
        "type": "line",
        "name": name,
        "xAxisIndex": axis,
        "yAxisIndex": axis,
        "encode": {"x": "at", "y": name, "tooltip": [name]},
        "showSymbol": False,
        "lineStyle": {"width": width},
        "tooltip": tooltip,
    }


def _unit(curves: Curves) -> tuple[str, float]:
    top = max((float(np.nanmax(part)) for part in (curves.equity, curves.benchmark) if len(part)), default=0.0)
    if top >= _CRORE:
        return "crore", _CRORE
    return ("lakh", _LAKH) if top >= _LAKH else ("", 1.0)
