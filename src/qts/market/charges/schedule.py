"""The dated rows of ``rates.toml``: which row of which component is in force on a date."""

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

from qts.core import Exchange
from qts.market.charges.orders import ChargeSegment, RoundingMode


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


class RateSide(StrEnum):
    """Which side of a trade pays."""

    BOTH = "both"
    BUY = "buy"
    SELL = "sell"


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
    exchanges: frozenset[Exchange] = frozenset(Exchange)
    segments: frozenset[ChargeSegment] = frozenset(ChargeSegment)


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundingRow:
    """How a source of bills rounds from a date on; ``None`` places mean that the line is not rounded."""

    mode: RoundingMode
    valid_from: date
    source: str
    stt_places: int | None
    stamp_places: int | None
    places: int | None
    minimum_delivery: Decimal
    is_ipft_in_exchange: bool
    is_gst_on_ipft: bool
    estimate: str = ""


def row_on(component: Component, on: date, exchange: Exchange, segment: ChargeSegment) -> RateRow | None:
    """Return the row in force, the earliest where the date is before it, or None where the component has no rows for the segment."""
    rows = rows_of(component, exchange, segment)
    valid = [row for row in rows if row.valid_from <= on]
    if valid:
        return valid[-1]
    return rows[0] if rows else None


@cache
def rows_of(component: Component, exchange: Exchange, segment: ChargeSegment) -> tuple[RateRow, ...]:
    """Return the component's rows for an exchange's segment, oldest first."""
    rows = (row for row in _rates() if row.component is component and exchange in row.exchanges and segment in row.segments)
    return tuple(sorted(rows, key=lambda row: row.valid_from))


@cache
def rounding_on(mode: RoundingMode, on: date) -> RoundingRow:
    """Return the mode's row in force; ``exact`` has one that rounds nothing."""
    if mode is RoundingMode.EXACT:
        return RoundingRow(
            mode=mode,
            valid_from=date.min,
            source="",
            stt_places=None,
            stamp_places=None,
            places=None,
            minimum_delivery=Decimal(0),
            is_ipft_in_exchange=False,
            is_gst_on_ipft=True,
        )
    rows = sorted((row for row in _roundings() if row.mode is mode), key=lambda row: row.valid_from)
    valid = [row for row in rows if row.valid_from <= on]
    return valid[-1] if valid else rows[0]


@cache
def schedule_version() -> str:
    """Return a short hash of the schedule's content: it changes when any rate does."""
    return hashlib.sha256(_text().encode()).hexdigest()[:12]


@cache
def _text() -> str:
    # Newlines as Python reads them, so that the version does not depend on how a checkout writes them.
    return Path(__file__).with_name("rates.toml").read_text(encoding="utf-8")


@cache
def _document() -> Mapping[str, list[dict[str, object]]]:
    return tomllib.loads(_text())


@cache
def _rates() -> tuple[RateRow, ...]:
    return tuple(_rate_of(raw) for raw in _document()["rate"])


@cache
def _roundings() -> tuple[RoundingRow, ...]:
    return tuple(_rounding_of(raw) for raw in _document()["rounding"])


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
        exchanges=frozenset(Exchange(name) for name in _names(raw, "exchanges")) or frozenset(Exchange),
        segments=frozenset(ChargeSegment(name) for name in _names(raw, "segments")) or frozenset(ChargeSegment),
    )


def _rounding_of(raw: Mapping[str, object]) -> RoundingRow:
    return RoundingRow(
        mode=RoundingMode(str(raw["mode"])),
        valid_from=_date_of(raw),
        source=str(raw["source"]),
        stt_places=_places(raw, "stt_places"),
        stamp_places=_places(raw, "stamp_places"),
        places=_places(raw, "places"),
        minimum_delivery=Decimal(str(raw["minimum_delivery"])),
        is_ipft_in_exchange=raw["ipft"] == "in_exchange",
        is_gst_on_ipft=bool(raw["gst_on_ipft"]),
        estimate=str(raw.get("estimate", "")),
    )


def _date_of(raw: Mapping[str, object]) -> date:
    value = raw["valid_from"]
    if type(value) is not date:
        raise TypeError(f"valid_from = {value!r} is not a date")
    return value


def _names(raw: Mapping[str, object], name: str) -> tuple[str, ...]:
    value = raw.get(name, ())
    return tuple(str(part) for part in value) if isinstance(value, list) else ()


def _places(raw: Mapping[str, object], name: str) -> int | None:
    value = raw.get(name)
    return value if type(value) is int else None
