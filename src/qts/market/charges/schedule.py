"""The dated rows in ``rows/``: which row of which component is in force on a date.

A row of a rate has the component, the day it begins (``valid_from``), where it holds (``exchanges``, ``segments``: all where absent) and
``only`` for which instruments: an STT class, a class of underlyings of ``underlyings.toml``, or a group of BSE's as ``group X``. Rows with
``only`` take the place of those without. ``percent`` is of the side's value, ``cap`` and ``amount`` are rupees, ``on`` lists the lines that
GST is levied on, ``base`` says what a tax on exercise is taken of. ``confidence`` is A for official or reproduced to the paisa by a
published example, B where several pages agree, C for one page or recalled. ``estimate`` is the sentence shown wherever the row is used.
The order of rows and files has no meaning.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Final

from qts.core import Exchange
from qts.market.charges.orders import RoundingMode
from qts.market.charges.segments import ChargeSegment, SttClass


class Component(StrEnum):
    """A line of the bill."""

    BROKERAGE = "brokerage"
    STT = "stt"
    EXCHANGE = "exchange"
    IPFT = "ipft"
    SEBI = "sebi"
    STAMP = "stamp"
    GST = "gst"
    DP = "dp"
    SQUARE_OFF = "square_off"
    EXERCISE = "exercise"
    PHYSICAL = "physical"
    NETTED = "netted"


class RateSide(StrEnum):
    """Which side of a trade pays."""

    BOTH = "both"
    BUY = "buy"
    SELL = "sell"


# The lines of every bill; the rest is paid on occasions only.
ORDINARY: Final = (
    Component.BROKERAGE,
    Component.STT,
    Component.EXCHANGE,
    Component.IPFT,
    Component.SEBI,
    Component.STAMP,
    Component.GST,
    Component.DP,
)
NO_TAGS: Final[frozenset[str]] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class RateRow:
    """One change of one component. ``fraction`` is of the side's value; ``cap`` and ``amount`` are rupees; ``on`` is GST's base."""

    component: Component
    valid_from: date
    source: str
    confidence: str
    estimate: str = ""
    fraction: Decimal = Decimal(0)
    cap: Decimal | None = None
    amount: Decimal = Decimal(0)
    side: RateSide = RateSide.BOTH
    on: frozenset[str] = frozenset()
    base: str = ""
    only: frozenset[str] = NO_TAGS
    exchanges: frozenset[Exchange] = frozenset(Exchange)
    segments: frozenset[ChargeSegment] = frozenset(ChargeSegment)


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundingRow:
    """How a source of bills rounds from a date on; ``None`` places mean that the line is not rounded."""

    mode: RoundingMode
    valid_from: date
    source: str
    confidence: str
    stt_places: int | None
    stamp_places: int | None
    places: int | None
    minimum_delivery: Decimal
    is_ipft_in_exchange: bool
    is_ipft_left_out: bool
    is_gst_on_ipft: bool
    estimate: str = ""
    segments: frozenset[ChargeSegment] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class UnderlyingClass:
    """Underlyings whose contracts pay rates of their own."""

    name: str
    title: str
    exchanges: frozenset[Exchange]
    underlyings: frozenset[str]
    confidence: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FundRow:
    """Symbols of funds, as regular expressions, and what they are to the securities transaction tax."""

    stt_class: SttClass
    symbols: tuple[str, ...]
    confidence: str
    source: str


OTHER_UNDERLYING: Final = "other_underlying"


def row_on(component: Component, on: date, exchange: Exchange, segment: ChargeSegment, *, tags: frozenset[str] = NO_TAGS) -> RateRow | None:
    """Return the row in force, the earliest where the date is before it, or None where the component has no rows for the segment."""
    rows = rows_of(component, exchange, segment, tags=tags)
    valid = [row for row in rows if row.valid_from <= on]
    if valid:
        return valid[-1]
    return rows[0] if rows else None


@cache
def rows_of(component: Component, exchange: Exchange, segment: ChargeSegment, *, tags: frozenset[str] = NO_TAGS) -> tuple[RateRow, ...]:
    """Return the component's rows for an exchange's segment, oldest first: those only for one of the tags, else those for all."""
    rows = [row for row in _rates() if row.component is component and exchange in row.exchanges and segment in row.segments]
    special = [row for row in rows if row.only & tags]
    return tuple(sorted(special or (row for row in rows if not row.only), key=lambda row: row.valid_from))


@cache
def tags_of(exchange: Exchange, *, stt_class: SttClass = SttClass.SHARE, group: str = "", underlying: str = "") -> frozenset[str]:
    """Return what rows may name in ``only`` to hold for an instrument of the exchange."""
    tags = set() if stt_class is SttClass.SHARE else {str(stt_class)}
    if group:
        tags.add(f"group {group.upper()}")
    if underlying:
        name = underlying.upper()
        classes = (found.name for found in underlying_classes() if exchange in found.exchanges and name in found.underlyings)
        tags.add(next(classes, OTHER_UNDERLYING))
    return frozenset(tags)


@cache
def class_titles(exchange: Exchange) -> Mapping[str, str]:
    """Return the classes of underlyings that rows of the exchange may name, in words."""
    classes = [found for found in underlying_classes() if exchange in found.exchanges]
    if not classes:
        return {}
    named = ", ".join(sorted(name for found in classes for name in found.underlyings))
    return {found.name: found.title for found in classes} | {OTHER_UNDERLYING: f"underlyings other than {named}"}


@cache
def underlying_classes() -> tuple[UnderlyingClass, ...]:
    """Return the classes of underlyings."""
    return tuple(
        UnderlyingClass(
            name=str(raw["name"]),
            title=str(raw["title"]),
            exchanges=frozenset(Exchange(name) for name in _names(raw, "exchanges")),
            underlyings=frozenset(_names(raw, "underlyings")),
            confidence=str(raw["confidence"]),
            source=str(raw["source"]),
        )
        for raw in _tables("class")
    )


@cache
def fund_rows() -> tuple[FundRow, ...]:
    """Return the lists of funds."""
    return tuple(
        FundRow(
            stt_class=SttClass(str(raw["stt_class"])),
            symbols=_names(raw, "symbols"),
            confidence=str(raw["confidence"]),
            source=str(raw["source"]),
        )
        for raw in _tables("fund")
    )


def rate_rows() -> tuple[RateRow, ...]:
    """Return every row of a rate: by component, oldest first within one."""
    return tuple(sorted(_rates(), key=lambda row: (list(Component).index(row.component), row.valid_from)))


def rounding_rows() -> tuple[RoundingRow, ...]:
    """Return every row of a rounding rule: by mode, oldest first within one."""
    return tuple(sorted(_roundings(), key=lambda row: (list(RoundingMode).index(row.mode), row.valid_from)))


@cache
def rounding_on(mode: RoundingMode, on: date, segment: ChargeSegment | None = None) -> RoundingRow:
    """Return the mode's row in force, that for the segment if it has one; ``exact`` has one that rounds nothing."""
    if mode is RoundingMode.EXACT:
        return RoundingRow(
            mode=mode,
            valid_from=date.min,
            source="",
            confidence="",
            stt_places=None,
            stamp_places=None,
            places=None,
            minimum_delivery=Decimal(0),
            is_ipft_in_exchange=False,
            is_ipft_left_out=False,
            is_gst_on_ipft=True,
        )
    own = [row for row in _roundings() if row.mode is mode]
    special = [row for row in own if segment in row.segments]
    rows = sorted(special or (row for row in own if not row.segments), key=lambda row: row.valid_from)
    valid = [row for row in rows if row.valid_from <= on]
    return valid[-1] if valid else rows[0]


def unconfirmed(on: date) -> str:
    """Return the sentence to show for a date after the rates were last confirmed, else an empty one."""
    latest = max(_tables("confirmed"), key=_date_of)
    return str(latest["estimate"]) if on > _date_of(latest) else ""


@cache
def schedule_version() -> str:
    """Return a short hash of the schedule's content: it changes when any rate does."""
    return hashlib.sha256("".join(_texts()).encode()).hexdigest()[:12]


@cache
def _texts() -> tuple[str, ...]:
    # Newlines as Python reads them, so that the version does not depend on how a checkout writes them.
    files = sorted(Path(__file__).with_name("rows").glob("*.toml"), key=lambda file: file.name)
    return tuple(file.read_text(encoding="utf-8") for file in files)


@cache
def _tables(name: str) -> tuple[Mapping[str, object], ...]:
    return tuple(table for text in _texts() for table in tomllib.loads(text).get(name, ()))


@cache
def _rates() -> tuple[RateRow, ...]:
    return tuple(_rate_of(raw) for raw in _tables("rate"))


@cache
def _roundings() -> tuple[RoundingRow, ...]:
    return tuple(_rounding_of(raw) for raw in _tables("rounding"))


def _rate_of(raw: Mapping[str, object]) -> RateRow:
    cap = raw.get("cap")
    return RateRow(
        component=Component(str(raw["component"])),
        valid_from=_date_of(raw),
        source=str(raw["source"]),
        confidence=str(raw["confidence"]),
        estimate=str(raw.get("estimate", "")),
        fraction=Decimal(str(raw.get("percent", "0"))).scaleb(-2),
        cap=None if cap is None else Decimal(str(cap)),
        amount=Decimal(str(raw.get("amount", "0"))),
        side=RateSide(str(raw.get("side", "both"))),
        on=frozenset(_names(raw, "on")),
        base=str(raw.get("base", "")),
        only=frozenset(_names(raw, "only")),
        exchanges=frozenset(Exchange(name) for name in _names(raw, "exchanges")) or frozenset(Exchange),
        segments=frozenset(ChargeSegment(name) for name in _names(raw, "segments")) or frozenset(ChargeSegment),
    )


def _rounding_of(raw: Mapping[str, object]) -> RoundingRow:
    return RoundingRow(
        mode=RoundingMode(str(raw["mode"])),
        valid_from=_date_of(raw),
        source=str(raw["source"]),
        confidence=str(raw["confidence"]),
        stt_places=_places(raw, "stt_places"),
        stamp_places=_places(raw, "stamp_places"),
        places=_places(raw, "places"),
        minimum_delivery=Decimal(str(raw["minimum_delivery"])),
        is_ipft_in_exchange=raw["ipft"] == "in_exchange",
        is_ipft_left_out=raw["ipft"] == "left_out",
        is_gst_on_ipft=bool(raw["gst_on_ipft"]),
        estimate=str(raw.get("estimate", "")),
        segments=frozenset(ChargeSegment(name) for name in _names(raw, "segments")),
    )


def _date_of(raw: Mapping[str, object]) -> date:
    value = raw["valid_from"]
    if type(value) is not date:
        raise TypeError(f"valid_from = {value!r} is not a date")
    return value


def _names(raw: Mapping[str, object], name: str) -> tuple[str, ...]:
    value = raw.get(name, [])
    if not isinstance(value, list):
        # Read as none it would mean everywhere.
        raise TypeError(f"{name} = {value!r} is not a list")
    return tuple(str(part) for part in value)


def _places(raw: Mapping[str, object], name: str) -> int | None:
    value = raw.get(name)
    if value is None or type(value) is int:
        return value
    # Read as none it would mean that nothing is rounded.
    raise TypeError(f"{name} = {value!r} is not a whole number")
