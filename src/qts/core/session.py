"""Sessions: one trading day of one exchange, with its windows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum


class WindowKind(StrEnum):
    """What the exchange does during a window."""

    PRE_OPEN = "pre_open"
    CONTINUOUS = "continuous"
    CLOSING_AUCTION = "closing_auction"
    POST_CLOSE = "post_close"


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A stretch of a session, ``[opens_at, closes_at)``, aware instants in IST."""

    opens_at: datetime
    closes_at: datetime
    kind: WindowKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One trading day of one exchange and segment. ``note`` names what is special about it (Muhurat, Budget, outage)."""

    date: date
    windows: tuple[Window, ...]
    note: str = ""
    source: str = ""
    is_estimate: bool = False
