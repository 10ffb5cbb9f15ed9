"""What can be asked of a download, and what it answers."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from qts.app.requests import InstrumentTexts, IntervalName, Request
from qts.core.interval import Interval

SourceName = Literal["kite", "sandbox"]


class IngestRequest(Request):
    """History to download: only what is missing is asked for."""

    instruments: InstrumentTexts = Field(description="Instruments, as EXCHANGE:SYMBOL.")
    interval: IntervalName = Field(default=Interval.DAY, description="Length of the bars.")
    start: date = Field(alias="from", description="First date.")
    end: date | None = Field(default=None, alias="to", description="Last date, included; the last session that is over when absent.")
    source: SourceName = Field(default="kite", description="Where from: kite, or the simulated exchange of `qts sandbox`.")
    dry_run: bool = Field(default=False, description="Whether to tell what would be asked for, and ask for nothing.")


class PlannedWindow(BaseModel):
    """One request of the plan: an instrument and the dates, both included."""

    model_config = ConfigDict(frozen=True, populate_by_name=True)

    instrument: str
    start: str = Field(serialization_alias="from")
    end: str = Field(serialization_alias="to")


class RefusedCandle(BaseModel):
    """A candle that was not stored: the window it came in, its place there, and why."""

    model_config = ConfigDict(frozen=True)

    window: str
    row: int
    reason: str


class SeriesOutcome(BaseModel):
    """What came of one series. ``rewritten`` says how its past had changed at the source, where that was found."""

    model_config = ConfigDict(frozen=True)

    instrument: str
    interval: str
    prices: str
    requests: int
    stored: int
    changed: int
    unchanged: int
    refused_count: int
    refused: tuple[RefusedCandle, ...]
    rewritten: str | None
    error: str | None
    hint: str | None
    kind: str | None


class IngestDocument(BaseModel):
    """A download, or the plan of one: requests, about how many seconds and bytes they take, and what came of each series."""

    model_config = ConfigDict(frozen=True)

    source: str
    dry_run: bool
    interval: str
    requests: int
    eta_seconds: float
    disk_bytes: int
    windows: tuple[PlannedWindow, ...]
    series: tuple[SeriesOutcome, ...]
    stored: int
    snapshot: str
    complete: bool
    seconds: float
