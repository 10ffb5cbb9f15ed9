"""What the simulated exchange lists, and where its prices come from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Protocol

from qts.core import Bars

COLUMNS = (
    "instrument_token",
    "exchange_token",
    "tradingsymbol",
    "name",
    "last_price",
    "expiry",
    "strike",
    "tick_size",
    "lot_size",
    "instrument_type",
    "segment",
    "exchange",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A row of the instrument dump. The upper 24 bits of ``token`` are the exchange's own number, the lower 8 the segment."""

    token: int
    symbol: str
    exchange: str
    name: str = ""
    segment: str = "NSE"
    kind: str = "EQ"
    expiry: date | None = None
    strike: Decimal = Decimal(0)
    tick_size: Decimal = Decimal("0.05")
    lot_size: int = 1

    @property
    def key(self) -> str:
        """Return the name by which quotes are asked for."""
        return f"{self.exchange}:{self.symbol}"

    @property
    def is_index(self) -> bool:
        """Return whether it is a number only, which nobody can trade."""
        return self.segment == "INDICES"

    def row(self) -> tuple[str, ...]:
        """Return its columns as they stand in the dump."""
        expiry = "" if self.expiry is None else self.expiry.isoformat()
        numbers = (str(self.token), str(self.token >> 8))
        return (
            *numbers,
            self.symbol,
            self.name,
            "0",
            expiry,
            str(self.strike),
            str(self.tick_size),
            str(self.lot_size),
            self.kind,
            self.segment,
            self.exchange,
        )


class Market(Protocol):
    """Where prices come from. What lies in the future of the exchange's clock is hidden by the exchange, not by the market."""

    @property
    def listings(self) -> Sequence[Listed]:
        """Return everything that is listed, in the order of the dump."""
        ...

    def minutes(self, listed: Listed) -> Bars:
        """Return all minutes of an instrument, oldest first; none where it has days only."""
        ...

    def days(self, listed: Listed) -> Bars:
        """Return all days of an instrument, oldest first."""
        ...
