"""Which sessions differ from the table of weekday holidays: added, removed, or held at other hours."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Final

from qts.core import Exchange
from qts.core.errors import BadParameter
from qts.market.sessions.hours import Span, flag, optional_span, parse_span, require_apart

EQUITY_EXCHANGES: Final = frozenset({Exchange.NSE, Exchange.BSE, Exchange.NFO, Exchange.BFO})
_FIELDS: Final = frozenset(
    {"date", "kind", "note", "source", "windows", "estimate", "exchanges", "pre_open", "closing_auction", "post_close"}
)
# The simulated market is the same everywhere, and index levels keep no calendar: a row of theirs would change nothing.
_FIXED: Final = frozenset({Exchange.SIM, Exchange.INDEX})


class OverlayKind(StrEnum):
    """What a row of the overlay does to its date."""

    ADD = "add"
    REMOVE = "remove"
    ALTER = "alter"


@dataclass(frozen=True, slots=True, kw_only=True)
class OverlayRow:
    """One correction of the calendar. ``windows`` are continuous trading; empty means the regular hours of the day.

    ``pre_open``, ``closing_auction`` and ``post_close`` go with ``windows`` of their own.
    """

    date: date
    kind: OverlayKind
    note: str
    source: str
    windows: tuple[Span, ...] = ()
    pre_open: Span | None = None
    closing_auction: Span | None = None
    post_close: Span | None = None
    is_estimate: bool = False
    exchanges: frozenset[Exchange] = EQUITY_EXCHANGES


Overlay = Mapping[date, OverlayRow]


def parse_overlay(text: str, *, origin: str) -> tuple[OverlayRow, ...]:
    """Return the rows of an overlay in TOML.

    Raises
    ------
    BadParameter
        If the text is no TOML, or a row lacks a field or has one of a wrong kind; ``origin`` names the file.
    """
    try:
        return tuple(overlay_row(raw) for raw in tomllib.loads(text).get("session", []))
    except tomllib.TOMLDecodeError as error:
        raise BadParameter(
            origin, "calendar overlay", f"is not TOML: {error}", hint="Compare it with a row of the shipped overlay."
        ) from error
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        reason = f"lacks the field {error}" if isinstance(error, KeyError) else str(error)
        raise BadParameter(origin, "calendar overlay", reason, hint="A row needs date, kind, note and source.") from error


def load_overlay(exchange: Exchange, extra: Sequence[OverlayRow] = ()) -> Overlay:
    """Return the shipped rows of an exchange by date; a row of ``extra`` replaces the shipped one of its date.

    One that alters a session which a shipped row added keeps it: whoever knows better when a Muhurat session is held wants it held.
    """
    rows = {row.date: row for row in _shipped() if exchange in row.exchanges}
    return rows | {row.date: _kept(row, rows.get(row.date)) for row in extra if exchange in row.exchanges}


def _kept(row: OverlayRow, shipped: OverlayRow | None) -> OverlayRow:
    is_of_an_added = row.kind is OverlayKind.ALTER and shipped is not None and shipped.kind is OverlayKind.ADD
    return replace(row, kind=OverlayKind.ADD) if is_of_an_added else row


def overlay_row(raw: Mapping[str, object]) -> OverlayRow:
    """Return one row from its fields.

    Raises
    ------
    KeyError, TypeError, ValueError, AttributeError
        If a field is missing, not known, or does not fit.
    """
    on, windows, exchanges = raw["date"], raw.get("windows", []), raw.get("exchanges")
    if type(on) is not date or not isinstance(windows, list):
        raise ValueError(f"{on!s} needs a date like 2026-11-08 and a list of windows")
    row = OverlayRow(
        date=on,
        kind=OverlayKind(str(raw["kind"])),
        note=str(raw["note"]),
        source=str(raw["source"]),
        windows=tuple(parse_span(str(window)) for window in windows),
        pre_open=optional_span(raw, "pre_open"),
        closing_auction=optional_span(raw, "closing_auction"),
        post_close=optional_span(raw, "post_close"),
        is_estimate=flag(raw, "estimate"),
        exchanges=frozenset(Exchange(name) for name in exchanges) if isinstance(exchanges, list) else EQUITY_EXCHANGES,
    )
    _check(row, raw)
    return row


def _check(row: OverlayRow, raw: Mapping[str, object]) -> None:
    unknown = sorted(raw.keys() - _FIELDS)
    if unknown:
        raise ValueError(f"has a field that is not known: {unknown[0]}")
    if "exchanges" in raw and (not isinstance(raw["exchanges"], list) or not row.exchanges):
        raise ValueError("exchanges is a list of names that is not empty, or is left out")
    if row.exchanges & _FIXED:
        raise ValueError(f"the sessions of {' and '.join(sorted(row.exchanges & _FIXED))} cannot be corrected")
    others = (row.pre_open, row.closing_auction, row.post_close)
    if row.kind is OverlayKind.REMOVE and (row.windows or any(others)):
        raise ValueError("a session that is removed has no windows")
    if any(others) and not row.windows:
        raise ValueError("pre_open, closing_auction and post_close go with windows: write those of continuous trading, too")
    if any(later.opens < earlier.closes for earlier, later in pairwise(row.windows)):
        raise ValueError("the windows overlap or are not in order")
    require_apart(row.pre_open, row.windows)


@cache
def _shipped() -> tuple[OverlayRow, ...]:
    path = Path(__file__).with_name("overlay.toml")
    return parse_overlay(path.read_text(encoding="utf-8"), origin=path.name)
