"""The form of a backtest: fields for the strategy's own parameters and for how orders are sized, filled and charged."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import streamlit as st

from qts.app.run_document import RunDocument
from qts.app.settings import Settings
from qts.app.strategies import ParamDocument, StrategyDocument
from qts.ui import links

CAPITAL: Final = "capital"
PRODUCT: Final = "product"
SIZING: Final = "sizing"
SIZE: Final = "size"
COSTS: Final = "costs"
COST_RATE: Final = "rate"
COST_MINIMUM: Final = "min_charge"
SLIPPAGE: Final = "slippage_bps"
FILL: Final = "fill"
FRACTIONAL: Final = "fractional"
CLOSE_AT_END: Final = "close_at_end"

_SIZINGS: Final = {"percent": "% of equity", "shares": "shares", "cash": "rupees"}
_COSTS: Final = ("zerodha", "percent", "per-share", "none")
_FIRST_SIZE: Final = {"shares": 10, "cash": 100_000}
_SIZE_STEP: Final = {"shares": 1, "cash": 10_000}
_PERCENT: Final = Decimal(100)


def param_key(strategy: str, name: str) -> str:
    """Return the key of a parameter's field, which is its name in the address too."""
    return f"{strategy}.{name}"


def param_fields(strategy: StrategyDocument) -> dict[str, bool | int | float | str]:
    """Draw a field for each parameter of a strategy and return the values."""
    values: dict[str, bool | int | float | str] = {}
    with st.grid("auto", min_column_width=150, gap="small"):
        for name, param in strategy.params.items():
            values[name] = _param_field(param_key(strategy.id, name), name, param)
    return values


def settings_fields(settings: Settings) -> dict[str, object]:
    """Draw the fields of capital, product, sizing, costs and slippage; return them as a request takes them."""
    one, two, three = st.columns(3)
    with one:
        capital = st.number_input(
            "Capital, ₹", 1_000, 10**12, int(settings.capital), step=50_000, format="%d", key=CAPITAL, bind="query-params"
        )
    with two:
        slippage = st.number_input(
            "Slippage, bps",
            0.0,
            500.0,
            slippage_bps(settings.slippage),
            step=0.5,
            format="%.1f",
            key=SLIPPAGE,
            bind="query-params",
            help=_SLIP_HELP,
        )
    with three:
        product = st.segmented_control(
            "Product", ["CNC", "MIS"], default=settings.product, key=PRODUCT, bind="query-params", required=True, help=_PRODUCT_HELP
        )
    left, right = st.columns(2)
    with left:
        size = _size_field(settings.size)
    with right:
        costs = _costs_field(settings.costs)
    with st.expander("More settings", icon=":material/tune:"), st.container(horizontal=True):
        fill = st.segmented_control(
            "Fill", ["next_open", "close"], default=settings.fill, key=FILL, bind="query-params", required=True, help=_FILL_HELP
        )
        fractional = st.checkbox("Parts of a share", key=FRACTIONAL, bind="query-params")
        close_at_end = st.checkbox("Close what is open at the end", key=CLOSE_AT_END, bind="query-params")
    return {
        "capital": capital,
        "product": product,
        "size": size,
        "costs": costs,
        "slippage": "none" if slippage == 0 else f"bps:{plain(slippage)}",
        "fill": fill,
        "fractional": fractional,
        "close_at_end": close_at_end,
    }


def form_query(document: RunDocument) -> dict[str, Any]:
    """Return the address of the form filled in as a run was made."""
    settings = document.settings
    kind, amount = split_spec(settings.size)
    cost_kind, rate, minimum = split_costs(settings.costs)
    query: dict[str, Any] = {
        links.STRATEGY: document.strategy.id,
        links.INSTRUMENTS: list(document.data.instruments),
        links.INTERVAL: document.data.interval,
        links.RANGE: links.CUSTOM,
        links.FROM: document.data.start,
        links.TO: document.data.end,
        CAPITAL: settings.capital,
        PRODUCT: settings.product,
        SIZING: _SIZINGS[kind],
        f"{SIZE}_{kind}": plain(float(amount * _PERCENT if kind == "percent" else amount)),
        COSTS: cost_kind,
        f"{COST_RATE}_{cost_kind}": plain(float(rate * _PERCENT if cost_kind == "percent" else rate)),
        COST_MINIMUM: plain(float(minimum)),
        SLIPPAGE: plain(slippage_bps(settings.slippage)),
        FILL: settings.fill,
        FRACTIONAL: str(settings.fractional).lower(),
        CLOSE_AT_END: str(settings.close_at_end).lower(),
    }
    query.update({param_key(document.strategy.id, name): str(value) for name, value in document.strategy.params.items()})
    return query


def split_spec(spec: str) -> tuple[str, Decimal]:
    """Return the kind and the amount of a text such as ``percent:0.95``.

    >>> split_spec("shares:10"), split_spec("none")
    (('shares', Decimal('10')), ('none', Decimal('0')))
    """
    kind, _, amount = spec.partition(":")
    try:
        return kind, Decimal(amount or 0)
    except InvalidOperation:
        return kind, Decimal(0)


def split_costs(spec: str) -> tuple[str, Decimal, Decimal]:
    """Return the kind, rate and minimum of a cost model's text.

    >>> split_costs("per-share:0.005,min=1")
    ('per-share', Decimal('0.005'), Decimal('1'))
    """
    head, _, least = spec.partition(",min=")
    kind, rate = split_spec(head)
    return kind, rate, split_spec(f":{least}")[1]


def slippage_bps(spec: str) -> float:
    """Return the basis points of a slippage text; none is 0.

    >>> slippage_bps("bps:2"), slippage_bps("none")
    (2.0, 0.0)
    """
    return float(split_spec(spec)[1])


def plain(value: float) -> str:
    """Return a number as short as it can be written without an exponent.

    >>> plain(95.0), plain(0.0003)
    ('95', '0.0003')
    """
    text = f"{value:.8f}".rstrip("0").rstrip(".")
    return text or "0"


def _param_field(key: str, name: str, param: ParamDocument) -> bool | int | float | str:
    label = name.replace("_", " ").capitalize()
    bounds = _bounds(param)
    text = " ".join(part for part in (param.help, bounds) if part)
    if param.kind == "choice":
        return _choice(label, key, param, text)
    if param.kind == "bool":
        return st.checkbox(label, value=bool(param.default), key=key, bind="query-params", help=text or None)
    number: type[int | float] = int if param.kind == "int" else float
    step = number(param.step) if param.step is not None else (1 if number is int else 0.01)
    low = None if param.low is None else number(param.low)
    high = None if param.high is None else number(param.high)
    shown = "%d" if number is int else "%g"
    return st.number_input(
        label, low, high, number(param.default), step=step, format=shown, key=key, bind="query-params", help=text or None
    )


def _choice(label: str, key: str, param: ParamDocument, text: str) -> bool | int | float | str:
    names = [str(choice) for choice in param.choices]
    picked = st.selectbox(label, names, index=names.index(str(param.default)), key=key, bind="query-params", help=text or None)
    return str(picked)


def _bounds(param: ParamDocument) -> str:
    if param.low is None and param.high is None:
        return ""
    low, high = (None if edge is None else plain(edge) for edge in (param.low, param.high))
    if low is None:
        return f"At most {high}."
    return f"At least {low}." if high is None else f"From {low} to {high}."


def _size_field(default: str) -> str:
    kind, amount = split_spec(default)
    words = list(_SIZINGS.values())
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    word = left.selectbox("Size of an order", words, index=words.index(_SIZINGS[kind]), key=SIZING, bind="query-params", help=_SIZE_HELP)
    chosen = next(name for name, text in _SIZINGS.items() if text == word)
    key = f"{SIZE}_{chosen}"
    if chosen == "percent":
        value = float(amount * _PERCENT) if kind == "percent" else 95.0
        percent = right.number_input("Percent", 0.1, 100.0, value, step=5.0, format="%g", key=key, bind="query-params")
        return f"percent:{plain(percent / 100)}"
    first = int(amount) if kind == chosen else _FIRST_SIZE[chosen]
    count = right.number_input("Amount", 1, 10**9, first, step=_SIZE_STEP[chosen], key=key, bind="query-params")
    return f"{chosen}:{count}"


def _costs_field(default: str) -> str:
    kind, rate, minimum = split_costs(default)
    kinds: Sequence[str] = _COSTS
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    chosen = left.selectbox("Costs", kinds, index=kinds.index(kind), key=COSTS, bind="query-params", help=_COSTS_HELP)
    key = f"{COST_RATE}_{chosen}"
    if chosen == "percent":
        value = float(rate * _PERCENT) if kind == "percent" else 0.03
        percent = right.number_input("% of value", 0.0, 10.0, value, step=0.01, format="%g", key=key, bind="query-params")
        return f"percent:{plain(percent / 100)}"
    if chosen == "per-share":
        one = float(rate) if kind == "per-share" else 0.01
        each = right.number_input("₹ a share", 0.0, 100.0, one, step=0.01, format="%g", key=key, bind="query-params")
        least = right.number_input("₹ at least", 0.0, 1000.0, float(minimum), step=1.0, format="%g", key=COST_MINIMUM, bind="query-params")
        return f"per-share:{plain(each)}" + (f",min={plain(least)}" if least else "")
    return str(chosen)


_PRODUCT_HELP: Final = "CNC: delivery, long only. MIS: intraday, both sides, squared off before the close."
_SIZE_HELP: Final = "How much an order buys: a share of equity, a number of shares, or an amount of rupees."
_SLIP_HELP: Final = "How far from the bar's price a fill is assumed, against you, in hundredths of a per cent."
_FILL_HELP: Final = "next_open: at the next bar's open. close: at the close the decision was made at, which is optimistic."
_COSTS_HELP: Final = (
    "zerodha: brokerage and every statutory charge by the date of the trade, for shares on NSE and BSE. "
    "percent or per-share: a flat rate, for indices and comparisons."
)
