"""What can be asked of a download, and what it answers."""

from __future__ import annotations

from datetime import date
from typing import Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from qts.app.requests import AnyTradedTexts, IntervalName, Request
from qts.app.run_document import ListPart
from qts.core.errors import BadParameter
from qts.core.interval import Interval

SourceName = Literal["kite", "sandbox"]
"""Whoever speaks as the broker does."""
IngestSourceName = Literal["kite", "sandbox", "yahoo", "files"]
"""Whatever bars may come from."""
FILES: Final = "files"


class IngestRequest(Request):
    """History to download: only what is missing is asked for. Files are taken in as they are: they need no instruments and no dates."""

    # Not at least one by its type: a job keeps its request with all fields, and files have none.
    instruments: AnyTradedTexts = Field(
        default=(),
        description="Instruments, as EXCHANGE:SYMBOL; @NAME for the members of an index or a watchlist, @fo for the shares that have "
        "futures; none for files.",
    )
    interval: IntervalName = Field(default=Interval.DAY, description="Length of the bars.")
    start: date | None = Field(default=None, alias="from", description="First date; none for files.")
    end: date | None = Field(default=None, alias="to", description="Last date, included; the last session that is over when absent.")
    source: IngestSourceName = Field(
        default="kite",
        description="Where from: kite, the simulated exchange of `qts sandbox`, yahoo (days only), or the files of the watch folder.",
    )
    dry_run: bool = Field(default=False, description="Whether to tell what would be asked for, and ask for nothing.")

    @model_validator(mode="after")
    def _fits_source(self) -> Self:
        if self.source == FILES:
            if self.instruments or self.start is not None or self.end is not None:
                hint = "Leave instruments and dates out: a file is taken in with all it holds."
                raise BadParameter("source", self.source, "files are not asked for instruments or dates", hint=hint)
        elif not self.instruments:
            raise BadParameter("instruments", "", "none is named", hint="Name them: NSE:INFY,NSE:TCS.")
        elif self.start is None:
            raise BadParameter("from", "", "no first date is given", hint="Give one: 2024-01-01.")
        return self

    @property
    def first(self) -> date:
        """Return the first date; for files, which have none, that of the calendar."""
        return self.start or date.min


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


class InboxFile(BaseModel):
    """What became of a file of the watch folder.

    ``known``: its content was taken in before. ``left``: it is not whole yet, or cannot be read now; the next run looks again. ``refused``:
    nothing of it could be stored; it is not read again by this release (``refused_before``). ``new``: it would be taken in.
    """

    model_config = ConfigDict(frozen=True)

    path: str
    outcome: Literal["new", "taken", "known", "left", "refused", "refused_before"]
    reason: str | None = None
    hint: str | None = None
    format: str | None = None
    interval: str | None = None
    prices: str | None = None
    stored: int = 0
    changed: int = 0
    unchanged: int = 0
    rejected_count: int = 0
    reject_counts: dict[str, int] = Field(default_factory=dict)
    instruments: int = 0
    first: str | None = None
    last: str | None = None
    notes: tuple[str, ...] = ()


class IngestDocument(BaseModel):
    """A download, or the plan of one: requests, about how many seconds and bytes they take, and what came of each series or file.

    ``notes`` say what is to be known of the source's prices, ``warnings`` what is to be known of whatever is computed on the ``lists``.
    """

    model_config = ConfigDict(frozen=True)

    source: str
    dry_run: bool
    interval: str
    requests: int
    eta_seconds: float
    disk_bytes: int
    windows: tuple[PlannedWindow, ...]
    series: tuple[SeriesOutcome, ...]
    files: tuple[InboxFile, ...] = ()
    lists: tuple[ListPart, ...] = ()
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    stored: int
    snapshot: str
    complete: bool
    seconds: float
