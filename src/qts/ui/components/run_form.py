"""The form of a backtest: fields for the strategy's own parameters and for how orders are sized, filled and charged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import streamlit as st

from qts.app.run_document import RunDocument
from qts.app.settings import Settings
from qts.app.strategies import ParamDocument, StrategyDocument
from qts.core import Product
from qts.ui import links
from qts.ui.components import more_fields, order_fields
from qts.ui.components.spec_text import plain

CAPITAL: Final = "capital"
PRODUCT: Final = "product"
FILL: Final = "fill"


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


def settings_fields(settings: Settings, shorter: Sequence[str]) -> dict[str, object]:
    """Draw the fields of how to trade; return them as a request takes them.

    ``shorter`` are the intervals that orders may fill on instead of that of the decisions.
    """
    left, right = st.columns(2)
    capital = left.number_input(
        "Capital, ₹", 1_000, 10**12, int(settings.capital), step=50_000, format="%d", key=CAPITAL, bind="query-params"
    )
    product = right.segmented_control(
        "Product", list(Product), default=settings.product, key=PRODUCT, bind="query-params", required=True, help=_PRODUCT_HELP
    )
    left, right = st.columns(2)
    with left:
        size = order_fields.draw(order_fields.SIZE, settings.size)
    with right:
        costs = order_fields.draw(order_fields.COSTS, settings.costs)
    left, right = st.columns(2)
    with left:
        slippage = order_fields.draw(order_fields.SLIPPAGE, settings.slippage)
    fill = right.segmented_control(
        "Fill", ["next_open", "close"], default=settings.fill, key=FILL, bind="query-params", required=True, help=_FILL_HELP
    )
    more = more_fields.draw(shorter)
    return {"capital": capital, "product": product, "size": size, "costs": costs, "slippage": slippage, "fill": fill, **more}


def form_query(document: RunDocument) -> dict[str, Any]:
    """Return the address of the form filled in as a run was made."""
    settings = document.settings
    query: dict[str, Any] = {
        links.STRATEGY: document.strategy.id,
        links.INSTRUMENTS: list(document.data.instruments),
        links.INTERVAL: document.data.interval,
        links.RANGE: links.CUSTOM,
        links.FROM: document.data.start,
        links.TO: document.data.end,
        CAPITAL: settings.capital,
        PRODUCT: settings.product,
        FILL: settings.fill,
        **order_fields.settings_query(settings),
        **more_fields.query(document),
    }
    query.update({param_key(document.strategy.id, name): str(value) for name, value in document.strategy.params.items()})
    return query


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


_PRODUCT_HELP: Final = (
    "CNC: delivery of shares, long only. MIS: intraday, both sides, squared off before the close. NRML: futures and options that are held."
)
_FILL_HELP: Final = "next_open: at the next bar's open. close: at the close the decision was made at, which is optimistic."
