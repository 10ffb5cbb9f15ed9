"""The candle chart: bars with lines, volume and trade markers, drawn in the browser by lightweight-charts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pyarrow as pa
import streamlit as st

from qts.app import format as written
from qts.core import Bars, Floats, Ints, exchange_of
from qts.ui.assets import CANDLES, CHART_LIBRARY, FOLDER, asset

MAX_BARS: Final = 5_000
HEIGHT: Final = 540

# The axis shows what clocks in India show: their offset is added, and the browser is told nothing of zones.
_IST_SECONDS: Final = 19_800
_MICROS: Final = 1_000_000
_INT32_MAX: Final = 2**31 - 1
_FOUR_DECIMALS: Final = frozenset({"CDS", "BCD"})

_HTML: Final = """
<div class="qts-candles">
  <div class="legend" aria-hidden="true"></div>
  <div class="plot" role="img" tabindex="0"></div>
</div>
"""

# The drawing itself is fetched once and kept by the browser; only this loader travels with the page.
_LOADER: Final = """
const modules = new Map()
export default function (component) {
  const { module, library } = component.data
  const url = window.location.origin + module
  if (!modules.has(url)) modules.set(url, import(url))
  modules.get(url).then(it => it.draw(component, window.location.origin + library))
  return () => modules.get(url).then(it => it.clear(component))
}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartLine:
    """A line of values, one per bar, NaN where undefined: over the prices, or below them with fixed levels.

    Lines below that name the same pane share it; without a name each has its own.
    """

    title: str
    values: Floats
    is_overlay: bool = True
    levels: tuple[float, ...] = ()
    pane: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A trade's arrow at an instant (microseconds, UTC)."""

    at: int
    is_buy: bool
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Which of all bars are drawn."""

    start: int
    stop: int
    total: int

    @property
    def note(self) -> str:
        """Return what to tell a person about bars that are not drawn; empty when all are."""
        drawn = self.stop - self.start
        if drawn == self.total:
            return ""
        which = "the last " if self.stop == self.total else ""
        return f"Showing {which}{written.number(drawn, places=0)} of {written.number(self.total, places=0)} bars."


def span_drawn(ts: Ints, focus: int | None, limit: int = MAX_BARS) -> Span:
    """Return the bars to draw: the last ones, or those around an instant to look at."""
    total = len(ts)
    stop = total
    if focus is not None:
        stop = min(total, int(np.searchsorted(ts, focus)) + limit // 2)
    stop = max(stop, min(limit, total))
    return Span(start=max(0, stop - limit), stop=stop, total=total)


def candles(
    bars: Bars, *, key: str, label: str, lines: Sequence[ChartLine] = (), marks: Sequence[Mark] = (), focus: int | None = None
) -> Span:
    """Draw the chart, or say what to do where the chart library was not put in place by set-up.

    Parameters
    ----------
    bars : Bars
        What to draw; beyond ``MAX_BARS`` the last ones, or those around ``focus``.
    label : str
        What a person who cannot see the chart should hear.
    focus : int or None
        Instant in microseconds that the chart shall move to.

    Returns
    -------
    Span
        Which of the bars are drawn.
    """
    span = span_drawn(bars.ts, focus)
    module, library = asset(CANDLES), asset(CHART_LIBRARY)
    if module is None or library is None:
        st.warning("The chart library is not in place. Run `make setup`, then start the service again.", icon=":material/build:")
        return span
    data = chart_data(bars.window(span.start, span.stop), lines=[_cut(line, span) for line in lines], marks=marks)
    extra = {"module": module.address, "library": library.address, "label": label, "height": HEIGHT}
    jump = None if focus is None else {"time": wall_seconds(focus), "nonce": str(focus)}
    _component()(key=key, data={**data, **extra, "focus": jump}, height=HEIGHT)
    return span


def chart_data(bars: Bars, *, lines: Sequence[ChartLine], marks: Sequence[Mark]) -> dict[str, object]:
    """Return what travels to the browser: two Arrow tables and a few words on how to read them."""
    precision = 4 if exchange_of(bars.instrument) in _FOUR_DECIMALS else 2
    scale = 10**precision
    columns: dict[str, pa.Array] = {"time": pa.array(_wall_column(bars.ts))}
    for name in ("open", "high", "low", "close"):
        columns[name] = pa.array(_whole(getattr(bars, name), scale))
    columns["volume"] = pa.array(bars.volume)
    described: list[dict[str, object]] = []
    for i, line in enumerate(lines):
        columns[f"line{i}"] = pa.array(line.values.astype(np.float32))
        where = {"overlay": line.is_overlay, "pane": line.pane or f"line{i}"}
        described.append({"column": f"line{i}", "title": line.title, **where, "levels": list(line.levels)})
    series = f"{bars.instrument} {bars.interval}"
    return {
        "bars": pa.table(columns),
        "marks": _marks(marks),
        "lines": described,
        "has_volume": bool(np.isfinite(bars.volume).any()),
        "intraday": bars.interval.is_intraday,
        "precision": precision,
        "scale": scale,
        "series": series,
        "version": _version(series, bars, marks),
    }


def wall_seconds(at: int) -> int:
    """Return an instant (microseconds, UTC) as the chart wants it: seconds of India's wall clock."""
    return at // _MICROS + _IST_SECONDS


def _wall_column(ts: Ints) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
    return (ts // _MICROS + _IST_SECONDS).astype(np.int32)


def _whole(prices: Floats, scale: int) -> np.ndarray[tuple[int], np.dtype[np.generic]]:
    scaled = np.rint(prices * scale)
    fits = len(scaled) == 0 or float(np.abs(scaled).max()) <= _INT32_MAX
    return scaled.astype(np.int32) if fits else scaled


def _cut(line: ChartLine, span: Span) -> ChartLine:
    return replace(line, values=line.values[span.start : span.stop])


def _marks(marks: Sequence[Mark]) -> pa.Table:
    return pa.table(
        {
            "time": pa.array([wall_seconds(mark.at) for mark in marks], pa.int32()),
            "buy": pa.array([int(mark.is_buy) for mark in marks], pa.int8()),
            "text": pa.array([mark.text for mark in marks], pa.string()),
        }
    )


def _version(series: str, bars: Bars, marks: Sequence[Mark]) -> str:
    edges = f"{bars.ts[0]}-{bars.ts[-1]}-{bars.close[-1]!r}" if len(bars) else ""
    return f"{series}-{len(bars)}-{edges}-{len(marks)}"


@st.cache_resource
def _component() -> st.components.v2.types.ComponentRenderer:
    css = (FOLDER / "candles.css").read_text(encoding="utf-8")
    return st.components.v2.component("qts_candles", html=_HTML, css=css, js=_LOADER)
