"""What is told of option chains that were kept: which there are, and the quotes of one."""

from __future__ import annotations

from datetime import date, time
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from qts.app.ingest_document import SourceName
from qts.app.instrument_documents import ExchangeName
from qts.app.requests import InstrumentText, Request
from qts.core.errors import BadParameter

Side = Literal["underlying", "call", "put"]


def _upper(value: object) -> object:
    return value.strip().upper() if isinstance(value, str) else value


def _of_india(value: time | None) -> time | None:
    # A number is taken for seconds of a day elsewhere, and comes with that zone.
    if value is not None and value.tzinfo is not None:
        raise BadParameter("at", value, "is a time of another zone, or a number", hint="Write the time in India as 15:45.")
    return value


class KeepChainRequest(Request):
    """Which options to ask for quotes of, and where."""

    underlying: Annotated[str, BeforeValidator(_upper), Field(min_length=1)] = Field(description="Underlying, such as NIFTY.")
    expiries: int = Field(default=2, ge=1, le=24, description="Of how many days of expiry, nearest first.")
    source: SourceName = Field(default="kite", description="Who is asked: kite, or the simulated exchange of `qts sandbox`.")
    exchange: ExchangeName | None = Field(default=None, description="Exchange of the options, where several list them.")
    spot: InstrumentText | None = Field(
        default=None, description="Instrument that is the underlying, such as NSE:NIFTY 50; the one known by its name when absent."
    )


class KeptChainRequest(Request):
    """Which of the chains that were kept of an underlying."""

    underlying: Annotated[str, BeforeValidator(_upper), Field(min_length=1)] = Field(description="Underlying, such as NIFTY.")
    on: date | None = Field(default=None, description="Date in India on which it was kept; the last one when absent.")
    at: Annotated[time | None, AfterValidator(_of_india)] = Field(
        default=None, description="The last one of that date up to this time in India, such as 15:45."
    )


class ChainQuote(BaseModel):
    """A contract, or the underlying itself, as it was quoted; prices in rupees.

    ``quoted`` is false where the source gave no quote: it then has no price at all. ``close`` is that of the session before. ``traded_at``
    is the last trade, ``at`` the instant of the quote by the exchange's clock.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    instrument: str
    side: Side
    expiry: str | None = None
    strike: float | None = None
    lot: int | None = None
    quoted: bool
    last_price: float | None = None
    open: float | None = None
    high: float | None = None
    low: float | None = None
    close: float | None = None
    volume: int | None = None
    oi: int | None = None
    bid: float | None = None
    bid_quantity: int | None = None
    ask: float | None = None
    ask_quantity: int | None = None
    traded_at: str | None = None
    at: str | None = None


class ChainRecord(BaseModel):
    """A chain that was kept, in one line.

    ``asked_at`` is when the first quote was asked for; ``listed_on`` the date of the list of instruments that named the contracts.
    ``n_contracts`` were asked for and ``n_quoted`` of them answered.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    underlying: str
    exchange: str
    asked_at: str
    source: str
    listed_on: str
    expiries: tuple[str, ...]
    n_contracts: int
    n_quoted: int
    path: str
    n_bytes: int
    sha256: str

    @property
    def is_simulated(self) -> bool:
        """Return whether its prices are those of the simulated exchange."""
        return self.source == "sandbox"


class ChainSnapshotDocument(BaseModel):
    """A chain that was kept, with its quotes; ``spot`` is None where it is not known which instrument the underlying is.

    ``same_day`` are the instants of all that were kept of the underlying on that day.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    record: ChainRecord
    simulated: bool
    same_day: tuple[str, ...]
    spot: ChainQuote | None
    contracts: tuple[ChainQuote, ...]
