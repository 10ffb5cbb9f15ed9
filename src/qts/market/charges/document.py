"""The reference page of the charges, written from the schedule so that it cannot differ from what is charged."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Final

from qts.core import Exchange
from qts.market.charges.schedule import (
    NO_TAGS,
    Component,
    RateRow,
    RoundingRow,
    fund_rows,
    rate_rows,
    rounding_rows,
    rows_of,
    schedule_version,
    unconfirmed,
    underlying_classes,
)
from qts.market.charges.segments import ChargeSegment, exchanges_of

_HEAD: Final = """\
# Charges

The schedule for shares, funds, futures and options at NSE, BSE and MCX through Zerodha, for resident individuals. A row holds from its
date until the next row of its table; before the first row that one is used, as an estimate. *Confidence*: A official or reproduced to the
paisa by a published example; B several pages agree; C one page, or recalled. An **estimate** is named in the result of everything that
uses it. How the lines are put together: [What a trade costs](../how-to/costs.md).

Contracts of NSE are listed at `NFO`, `CDS` and `NCO`, those of BSE at `BFO` and `BCD`; `NSE` and `BSE` find them too. The simulated market
`SIM` pays what NSE takes.
"""

_MEANINGS: Final = {
    Component.BROKERAGE: "The broker's fee on each executed order.",
    Component.STT: "Securities transaction tax; on commodities the commodities transaction tax. Of an option's premium.",
    Component.EXCHANGE: "The exchange's transaction charge as clients are billed, on both sides.",
    Component.IPFT: "NSE's investor protection fund, on both sides, while it was billed apart from the exchange's charge.",
    Component.SEBI: "The regulator's turnover fee, on both sides.",
    Component.STAMP: "Stamp duty.",
    Component.GST: "Service tax until June 2017, then goods and services tax.",
    Component.DP: "The depository's charge, once per security and day of a delivery sale, before GST.",
    Component.SQUARE_OFF: "Per order by which the broker closes an intraday position, besides the brokerage and before GST.",
    Component.EXERCISE: "Tax on an option exercised at its expiry, paid by its holder, of the value named.",
    Component.PHYSICAL: (
        "The broker's fee on shares that a stock future or option delivers, of their value. STT of delivery is paid on both sides, and the "
        "stamp duty of delivery by who receives them."
    ),
    Component.NETTED: "The broker's fee where such deliveries of one's own positions offset each other.",
}
_PAYERS: Final = {"buy": "of the buyer", "sell": "of the seller", "both": "of both sides"}
_PLACES: Final = {None: "not rounded", 0: "in whole rupees", 2: "in paise"}


def charges_document() -> str:
    """Return the reference page of the charges as Markdown."""
    version = f"Version of this schedule: `{schedule_version()}`, stored with each run."
    parts = [_HEAD.rstrip(), version, f"**Estimate** of later dates: {unconfirmed(date.max)}."]
    for component in Component:
        parts += [f"## {_words(component)}", _MEANINGS[component]]
        for heading, rows in _chains(component).items():
            parts.append(f"**{heading}**")
            parts.append(_table(("from", "rate", "confidence", "source"), (_rate_cells(row) for row in rows)))
    parts += [
        "## Classes of underlyings",
        "Contracts on these pay rates of their own where a table says so. Any other underlying is of the class `other_underlying`.",
        _table(
            ("class", "at", "underlyings", "confidence", "source"),
            (
                (f"`{one.name}`", ", ".join(sorted(one.exchanges)), ", ".join(sorted(one.underlyings)), one.confidence, one.source)
                for one in underlying_classes()
            ),
        ),
        "## Funds",
        "Told by their symbols at NSE and BSE; anything else counts as a share, which pays more.",
        _table(
            ("STT class", "symbols, as regular expressions", "confidence", "source"),
            ((f"`{row.stt_class}`", ", ".join(f"`{one}`" for one in row.symbols), row.confidence, row.source) for row in fund_rows()),
        ),
        "## Rounding",
        "`qts costs --mode` names whose rounding is wanted; `exact` rounds nothing.",
        _table(("mode", "from", "rule", "confidence", "source"), (_rounding_cells(row) for row in rounding_rows())),
    ]
    return "\n\n".join(parts) + "\n"


def _chains(component: Component) -> dict[str, tuple[RateRow, ...]]:
    """Return the rows that follow one another, by a heading of where they hold; places with the same rows share a heading."""
    where: dict[tuple[RateRow, ...], list[tuple[str, ChargeSegment, Exchange]]] = {}
    tags = ["", *dict.fromkeys(tag for row in rate_rows() if row.component is component for tag in sorted(row.only))]
    for tag in tags:
        for segment in ChargeSegment:
            for exchange in exchanges_of(segment):
                rows = rows_of(component, exchange, segment, tags=frozenset({tag}) if tag else NO_TAGS)
                if rows and (not tag or rows[0].only):
                    where.setdefault(rows, []).append((tag, segment, exchange))
    return {_heading(places): rows for rows, places in where.items()}


def _heading(places: Sequence[tuple[str, ChargeSegment, Exchange]]) -> str:
    tags = ", ".join(dict.fromkeys(_words(tag) for tag, _, _ in places if tag))
    segments = list(dict.fromkeys(segment for _, segment, _ in places))
    named = [_at(segment, {exchange for _, one, exchange in places if one is segment}) for segment in segments]
    text = "all" if len(segments) == len(ChargeSegment) and not any(" at " in name for name in named) else ", ".join(named)
    return f"{text}: {tags} only" if tags else text


def _at(segment: ChargeSegment, exchanges: set[Exchange]) -> str:
    everywhere = exchanges == set(exchanges_of(segment))
    return _words(segment) if everywhere else f"{_words(segment)} at {', '.join(sorted(exchanges))}"


def _rate_cells(row: RateRow) -> tuple[object, ...]:
    rate = f"₹{row.amount}" if row.amount else f"{row.fraction * 100:f} %"
    if "." in rate and not row.amount:
        rate = rate.removesuffix(" %").rstrip("0").rstrip(".") + " %"
    parts = [rate if row.amount or row.fraction else "nothing"]
    if row.fraction and row.component in (Component.STT, Component.STAMP):
        parts.append(_PAYERS[row.side])
    parts += [f"at most ₹{row.cap}"] if row.cap is not None else []
    parts += [f"on {', '.join(sorted(row.on))}"] if row.on else []
    parts += [f"of the {row.base} value"] if row.base and row.fraction else []
    return row.valid_from, " ".join(parts), row.confidence, _source(row)


def _rounding_cells(row: RoundingRow) -> tuple[object, ...]:
    rules = [f"STT {_PLACES[row.stt_places]}", f"stamp duty {_PLACES[row.stamp_places]}", f"the rest {_PLACES[row.places]}"]
    rules += [f"delivery costs at least ₹{row.minimum_delivery}"] if row.minimum_delivery else []
    rules += ["IPFT within the exchange's charge"] if row.is_ipft_in_exchange else []
    rules += ["no IPFT"] if row.is_ipft_left_out else []
    rules += [] if row.is_gst_on_ipft else ["no GST on IPFT"]
    name = f"`{row.mode}`" + "".join(f", {_words(segment)}" for segment in ChargeSegment if segment in row.segments)
    return name, row.valid_from, "; ".join(rules), row.confidence, _source(row)


def _source(row: RateRow | RoundingRow) -> str:
    return row.source + (f" **Estimate:** {row.estimate}." if row.estimate else "")


def _words(name: str) -> str:
    return name.replace("_", " ")


def _table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    lines += ["| " + " | ".join(str(cell).replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join(lines)
