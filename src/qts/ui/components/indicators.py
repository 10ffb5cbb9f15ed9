"""Indicators a chart may carry, by the name they have in the address: ``ema:20``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import streamlit as st

from qts.core import Bars, Floats
from qts.kernels import ema, rsi, sma, wma
from qts.ui.components.candles import ChartLine
from qts.ui.errors import escaped


@dataclass(frozen=True, slots=True, kw_only=True)
class Indicator:
    """An indicator over closes: where it is drawn, and the spans offered for it."""

    title: str
    compute: Callable[[Floats, int], Floats]
    spans: tuple[int, ...]
    is_overlay: bool = True
    levels: tuple[float, ...] = ()


INDICATORS: Final = {
    "ema": Indicator(title="EMA", compute=ema, spans=(9, 20, 50, 200)),
    "sma": Indicator(title="SMA", compute=sma, spans=(20, 50, 100, 200)),
    "wma": Indicator(title="WMA", compute=wma, spans=(20, 50)),
    "rsi": Indicator(title="RSI", compute=rsi, spans=(14,), is_overlay=False, levels=(30.0, 70.0)),
}

OFFERED: Final = tuple(f"{name}:{span}" for name, each in INDICATORS.items() for span in each.spans)
MAX_SPAN: Final = 2_000
# An exponential average forgets its seed after some spans: e^-6 of it is left.
_SETTLED: Final = 3


def picker(key: str, default: Sequence[str]) -> list[str]:
    """Draw the choice of indicators, which the address keeps, and return those chosen that are some; others are named."""
    chosen = st.multiselect(
        "Indicators",
        OFFERED,
        default=list(default),
        key=key,
        bind="query-params",
        accept_new_options=True,
        placeholder="Averages or RSI",
        help="Choose, or type one such as `ema:33`.",
    )
    unknown = [text for text in chosen if parse(text) is None]
    if unknown:
        st.warning(f"Not an indicator: {escaped(', '.join(unknown))}. Write one like ema:20, sma:50, wma:20 or rsi:14.")
    return [text for text in chosen if text not in unknown]


def parse(text: str) -> tuple[str, int] | None:
    """Return the name and the span of an indicator's text, or None if it is none.

    >>> parse("ema:20"), parse("EMA 20"), parse("macd:1"), parse("ema:0")
    (('ema', 20), ('ema', 20), None, None)
    """
    name, _, span = text.strip().lower().replace(" ", ":").partition(":")
    if name not in INDICATORS or not (span.isascii() and span.isdigit()) or not 1 <= int(span) <= MAX_SPAN:
        return None
    return name, int(span)


def warm_up(wanted: Sequence[str]) -> int:
    """Return how many bars before the first shown one the indicators need to stand where a longer history would put them."""
    spans = [parsed[1] for text in wanted if (parsed := parse(text)) is not None]
    return _SETTLED * max(spans, default=0)


def lines(bars: Bars, wanted: Sequence[str]) -> tuple[ChartLine, ...]:
    """Return the lines of these indicators; a text that is none is left out."""
    found = [parsed for text in wanted if (parsed := parse(text)) is not None]
    return tuple(_line(bars, name, span) for name, span in found)


def _line(bars: Bars, name: str, span: int) -> ChartLine:
    kind = INDICATORS[name]
    values = kind.compute(bars.close, span)
    return ChartLine(title=f"{kind.title} {span}", values=values, is_overlay=kind.is_overlay, levels=kind.levels)
