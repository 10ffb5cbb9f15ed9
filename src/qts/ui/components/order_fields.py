"""Fields for how orders are sized, charged and filled: a kind, and the numbers that this kind takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import streamlit as st

from qts.app.run_document import SettingsPart
from qts.ui.components.spec_text import Spec, joined, per_cent, plain, split


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberField:
    """A number that a kind takes: bounds and first value as they are shown; ``is_percent`` tells that a fraction is meant."""

    label: str
    low: float
    high: float
    first: float
    step: float
    is_percent: bool = False
    is_whole: bool = False

    @property
    def number(self) -> type[int | float]:
        """Return what the field holds."""
        return int if self.is_whole else float

    def shown(self, value: float) -> float:
        """Return a value of the text as the field shows it."""
        return per_cent(value) if self.is_percent else value

    def meant(self, value: float) -> float:
        """Return what the field shows as the text has it."""
        return value / 100 if self.is_percent else value


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One way to say a setting: its word in the list, its number, and further ones by their name in the text."""

    word: str
    amount: NumberField | None = None
    options: Mapping[str, NumberField]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A setting said in one of several ways; ``key`` is that of the list, ``amount_key`` begins those of the numbers."""

    label: str
    key: str
    amount_key: str
    kinds: Mapping[str, Kind]
    help: str


def _kind(word: str, amount: NumberField | None = None, **options: NumberField) -> Kind:
    return Kind(word=word, amount=amount, options=options)


_SPAN: Final = NumberField(label="Bars", low=2, high=1_000, first=14, step=1, is_whole=True)

SIZE: Final = Choice(
    label="Size of an order",
    key="sizing",
    amount_key="size",
    kinds={
        "percent": _kind("% of equity", NumberField(label="Percent", low=0.1, high=100.0, first=95.0, step=5.0, is_percent=True)),
        "shares": _kind("shares", NumberField(label="Amount", low=1, high=10**9, first=10, step=1, is_whole=True)),
        "lots": _kind("lots", NumberField(label="Amount", low=1, high=10**6, first=1, step=1, is_whole=True)),
        "cash": _kind("rupees", NumberField(label="Amount", low=1, high=10**9, first=100_000, step=10_000, is_whole=True)),
        "atr-risk": _kind(
            "risk by true range",
            NumberField(label="% at risk", low=0.01, high=100.0, first=1.0, step=0.25, is_percent=True),
            span=_SPAN,
            multiple=NumberField(label="True ranges", low=0.1, high=100.0, first=2.0, step=0.5),
        ),
        "vol-target": _kind(
            "target volatility",
            NumberField(label="% a year", low=0.1, high=1_000.0, first=15.0, step=1.0, is_percent=True),
            span=NumberField(label="Bars", low=2, high=1_000, first=20, step=1, is_whole=True),
        ),
    },
    help="How much an order buys: a part of equity, a number of shares or lots, an amount of rupees; so much that a fall of some average "
    "true ranges costs a part of equity; or so much that the position swings by a part of equity in a year.",
)
COSTS: Final = Choice(
    label="Costs",
    key="costs",
    amount_key="rate",
    kinds={
        "zerodha": _kind("zerodha"),
        "zerodha,square-off-fee": _kind("zerodha, fee for square-off"),
        "percent": _kind("percent", NumberField(label="% of value", low=0.0, high=10.0, first=0.03, step=0.01, is_percent=True)),
        "per-share": _kind(
            "per-share",
            NumberField(label="₹ a share", low=0.0, high=100.0, first=0.01, step=0.01),
            min=NumberField(label="₹ at least", low=0.0, high=1_000.0, first=0.0, step=1.0),
        ),
        "none": _kind("none"),
    },
    help="zerodha: brokerage and every statutory charge by the date of the trade; with the fee for square-off, what the broker takes "
    "for closing an intraday position himself. "
    "percent or per-share: a flat rate, for indices and comparisons.",
)
SLIPPAGE: Final = Choice(
    label="Slippage",
    key="slippage",
    amount_key="slippage",
    kinds={
        "bps": _kind("basis points", NumberField(label="Points", low=0.0, high=500.0, first=2.0, step=0.5)),
        "ticks": _kind("ticks", NumberField(label="Ticks", low=1, high=1_000, first=1, step=1, is_whole=True)),
        "half-spread": _kind("half a spread", NumberField(label="₹", low=0.0, high=10_000.0, first=0.05, step=0.05)),
        "volume-share": _kind(
            "share of volume",
            NumberField(label="% at most", low=0.1, high=100.0, first=10.0, step=1.0, is_percent=True),
            impact=NumberField(label="Impact", low=0.0, high=0.99, first=0.1, step=0.05),
        ),
        "none": _kind("none"),
    },
    help="How far from the bar's price a fill is assumed, against you: hundredths of a per cent, ticks, or half the distance of bid and "
    "ask in rupees. A share of volume fills no more than that part of a bar's volume and moves the price with it.",
)


def draw(choice: Choice, default: str) -> str:
    """Draw a setting's fields, filled as its default says, and return its text."""
    words = {kind: each.word for kind, each in choice.kinds.items()}
    given = split(default)
    # A default that is none is named when the backtest is run.
    given = given if given.kind in words else Spec(kind=next(iter(words)))
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    word = left.selectbox(
        choice.label, list(words.values()), index=list(words).index(given.kind), key=choice.key, bind="query-params", help=choice.help
    )
    chosen = next(kind for kind, text in words.items() if text == word)
    kind, known = choice.kinds[chosen], given if given.kind == chosen else Spec(kind=chosen)
    if kind.amount is None:
        return chosen
    with right:
        amount = _number(kind.amount, known.amount or None, key=f"{choice.amount_key}_{chosen}")
    options = {}
    if kind.options:
        for column, (name, one) in zip(st.columns(max(2, len(kind.options))), kind.options.items(), strict=False):
            with column:
                options[name] = _number(one, known.options.get(name), key=option_key(choice, chosen, name))
    if choice is SLIPPAGE and chosen == "bps" and amount == 0:
        return "none"
    return joined(chosen, amount, **options)


def query_of(choice: Choice, text: str) -> dict[str, Any]:
    """Return the address of a setting's fields, filled with a text."""
    found = split(text)
    kind = choice.kinds[found.kind]
    query: dict[str, Any] = {choice.key: kind.word}
    if kind.amount is not None:
        query[f"{choice.amount_key}_{found.kind}"] = plain(kind.amount.shown(found.amount))
    for name, one in kind.options.items():
        if name in found.options:
            query[option_key(choice, found.kind, name)] = plain(one.shown(found.options[name]))
    return query


def settings_query(settings: SettingsPart) -> dict[str, Any]:
    """Return the address of all three settings, filled in as a run was made."""
    return {**query_of(SIZE, settings.size), **query_of(COSTS, settings.costs), **query_of(SLIPPAGE, settings.slippage)}


def option_key(choice: Choice, kind: str, name: str) -> str:
    """Return the key of a further number, such as ``size_atr-risk_span``."""
    return f"{choice.amount_key}_{kind}_{name}"


def _number(one: NumberField, value: float | None, *, key: str) -> float:
    first = one.first if value is None else one.shown(value)
    number = one.number
    held = st.number_input(
        one.label,
        number(one.low),
        number(one.high),
        number(min(max(first, one.low), one.high)),
        step=number(one.step),
        format="%d" if one.is_whole else "%g",
        key=key,
        bind="query-params",
    )
    return one.meant(float(held))
