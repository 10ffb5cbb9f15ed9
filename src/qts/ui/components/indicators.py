"""Indicators a chart may carry, by the name they have in the address: ``ema:20``, ``macd:12:26:9``, ``vwap``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import streamlit as st

from qts.core import Bars
from qts.core.errors import BadParameter
from qts.kernels import INDICATORS, IndicatorSpec, find_indicator
from qts.ui.components.candles import ChartLine
from qts.ui.errors import escaped

# Spans people look for first; every other indicator is offered with its defaults.
_SPANS: Final = {"ema": (9, 20, 50, 200), "sma": (20, 50, 100, 200), "wma": (20, 50)}
MAX_SPAN: Final = 2_000
# An average without a window forgets its start after some spans: e^-6 of it is left.
_SETTLED: Final = 3


def _offered(spec: IndicatorSpec) -> list[str]:
    if spec.id in _SPANS:
        return [f"{spec.id}:{span}" for span in _SPANS[spec.id]]
    return [":".join([spec.id, *(f"{setting.default:g}" for setting in spec.params.values())])]


OFFERED: Final = tuple(text for name in dict.fromkeys((*_SPANS, *INDICATORS)) for text in _offered(INDICATORS[name]))


def picker(key: str, default: Sequence[str]) -> list[str]:
    """Draw the choice of indicators, which the address keeps, and return those chosen that are some; others are named."""
    chosen = st.multiselect(
        "Indicators",
        OFFERED,
        default=list(default),
        key=key,
        bind="query-params",
        accept_new_options=True,
        placeholder="Averages, bands, momentum …",
        help="Choose, or type one such as `ema:33` or `bbands:20:2.5`.",
    )
    unknown = [text for text in chosen if parse(text) is None]
    if unknown:
        st.warning(f"Not an indicator: {escaped(', '.join(unknown))}. Write one like ema:20, macd:12:26:9 or vwap.")
    return [text for text in chosen if text not in unknown]


def parse(text: str) -> tuple[str, tuple[float, ...]] | None:
    """Return the name and the numbers of an indicator's text, or None if it is none.

    >>> parse("ema:20"), parse("MACD 12 26 9"), parse("vwap"), parse("ema:0")
    (('ema', (20.0,)), ('macd', (12.0, 26.0, 9.0)), ('vwap', ()), None)
    """
    name, *words = re.split(r"[\s:,]+", text.strip().lower())
    try:
        values = tuple(float(word) for word in words)
        spec = find_indicator(name)
        given = spec.bind(*values)
        spec.numbers(given)
    except (ValueError, BadParameter):
        return None
    return (name, values) if all(value <= MAX_SPAN for value in values) else None


def warm_up(wanted: Sequence[str]) -> int:
    """Return how many bars before the first shown one the indicators need to stand where a longer history would put them."""
    found = [parsed for text in wanted if (parsed := parse(text)) is not None]
    needed = [INDICATORS[name].warmup(INDICATORS[name].bind(*values)) + 1 for name, values in found]
    return _SETTLED * max(needed, default=0)


def lines(bars: Bars, wanted: Sequence[str]) -> tuple[ChartLine, ...]:
    """Return the lines of these indicators, one for each output; a text that is none is left out."""
    found = [parsed for text in wanted if (parsed := parse(text)) is not None]
    return tuple(line for name, values in found for line in _lines(bars, INDICATORS[name], values))


def _lines(bars: Bars, spec: IndicatorSpec, values: tuple[float, ...]) -> list[ChartLine]:
    arrays = spec.batch([getattr(bars, name) for name in spec.inputs], spec.bind(*values))
    title = " ".join([spec.id.replace("_", " ").upper(), *(f"{value:g}" for value in values)])
    return [
        ChartLine(
            title=title if output == spec.id else f"{title} {output}",
            values=array,
            is_overlay=spec.overlay,
            levels=spec.levels if i == 0 else (),
            pane=title,
        )
        for i, (output, array) in enumerate(zip(spec.outputs, arrays, strict=True))
        if output not in spec.off_prices
    ]
