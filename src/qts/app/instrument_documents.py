"""What is asked and answered of instruments: requests and documents that the command line and the API share."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from qts.app.requests import InstrumentText, Request
from qts.core.errors import BadParameter
from qts.core.instrument import Exchange


def _exchange(value: object) -> object:
    if isinstance(value, str) and value.strip().upper() not in Exchange.__members__:
        raise BadParameter("exchange", value, "there is no such exchange", hint=f"Exchanges are {', '.join(Exchange)}.")
    return value.strip().upper() if isinstance(value, str) else value


ExchangeName = Annotated[str, BeforeValidator(_exchange)]
_ON = "Date in India; today when absent."


class DumpRequest(Request):
    """A broker's dump of instruments to read."""

    path: Path = Field(description="Kite's CSV of instruments, plain or gzipped.")
    on: date | None = Field(default=None, description="Date the dump was made for; that in the file's name when absent.")
    force: bool = Field(default=False, description="Whether a dump is taken that has fewer than half the rows of the one before.")


class SearchRequest(Request):
    """What a person has typed."""

    text: str = Field(max_length=200, description="Beginnings of words of a symbol or a name; NSE: before them keeps to one exchange.")
    on: date | None = Field(default=None, description=_ON)
    limit: int = Field(default=20, ge=1, le=200, description="How many at most.")


class InstrumentRequest(Request):
    """One instrument on a date."""

    instrument: InstrumentText = Field(description="Instrument, as EXCHANGE:SYMBOL.")
    on: date | None = Field(default=None, description=_ON)


class UnderlyingRequest(Request):
    """The contracts on an underlying on a date."""

    underlying: str = Field(min_length=1, description="Underlying, such as NIFTY.")
    on: date | None = Field(default=None, description=_ON)
    exchange: ExchangeName | None = Field(default=None, description="Only contracts of this exchange.")


class ChainRequest(UnderlyingRequest):
    """The options of one expiry."""

    expiry: date | None = Field(default=None, description="Day of expiry; the nearest when absent.")


class Document(BaseModel):
    """Base of all answers here: frozen, field names or aliases taken."""

    model_config = ConfigDict(frozen=True, defer_build=True, populate_by_name=True, serialize_by_alias=True)


KindName = Literal["index", "equity", "future", "call", "put"]


class HitDocument(Document):
    """Something that was found."""

    instrument: str
    name: str
    kind: KindName
    expiry: str | None


class ListingDocument(Document):
    """An instrument as dumps listed it from one date until before another; ``until`` null: still.

    ``price_band`` is a fraction of the previous close: 0 where there is known to be none, null where nothing is known.
    """

    instrument: str
    name: str
    kind: KindName
    segment: str
    token: int
    lot: int | None
    tick: float | None
    expiry: str | None
    strike: float | None
    start: str = Field(alias="from")
    until: str | None
    price_band: float | None = None


class NameDocument(Document):
    """A name that an instrument had from one date until before another; null where that is open."""

    instrument: str
    start: str | None = Field(alias="from")
    until: str | None


class InstrumentDocument(Document):
    """What is known of an instrument on a date, under all names it had. ``listing`` is null where it was not listed on that date."""

    instrument: str
    on: str
    listing: ListingDocument | None
    names: tuple[NameDocument, ...]
    history: tuple[ListingDocument, ...]


class ExpiriesDocument(Document):
    """When the contracts on an underlying end, and its futures."""

    underlying: str
    on: str
    expiries: tuple[str, ...]
    futures: tuple[ListingDocument, ...]


class ChainRow(Document):
    """The options of one strike."""

    strike: float
    call: str | None
    put: str | None
    lot: int | None


class ChainDocument(Document):
    """The options of one expiry, by strike."""

    underlying: str
    on: str
    expiry: str
    rows: tuple[ChainRow, ...]


class ChangeDocument(Document):
    """A change of a symbol: proposed, confirmed or dismissed."""

    old: str
    new: str
    on: str
    state: Literal["proposed", "confirmed", "dismissed"]
    evidence: str
    source: str


class RejectedRowDocument(Document):
    """A row that was not taken, and why."""

    row: int
    reason: str


class DumpDocument(Document):
    """What a dump changed."""

    path: str
    on: str
    rows_read: int
    rejected_count: int
    rejected: tuple[RejectedRowDocument, ...]
    exchanges: dict[str, int]
    unchanged: bool
    new: int
    ended: int
    renames: tuple[ChangeDocument, ...]
    notes: tuple[str, ...]


class LoadedDocument(Document):
    """A dump that was read before, of one exchange."""

    exchange: str
    on: str
    source: str
    rows: int
    rejected: int
    sha256: str
