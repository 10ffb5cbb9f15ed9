"""Taking stored bars out, and bringing them back while nothing of them was collected."""

from __future__ import annotations

from datetime import date

from pydantic import BaseModel, ConfigDict, Field

from qts.app.bars import instants
from qts.app.requests import InstrumentText, IntervalName, Request
from qts.app.workspace import Workspace
from qts.core.clock import instant_of
from qts.core.errors import BadParameter, InputError
from qts.core.instrument import InstrumentId
from qts.core.interval import Interval
from qts.data.storage import PriceBasis, SeriesInfo, SeriesKey, Snapshot
from qts.data.storage.lookup import Span, absent

_UNDO_OF = "undo of "


class DeleteRequest(Request):
    """Bars of one series to be taken out."""

    instrument: InstrumentText = Field(description="Instrument, as EXCHANGE:SYMBOL.")
    interval: IntervalName | None = Field(default=None, description="Length of the bars; may be left out where one only is stored.")
    start: date | None = Field(default=None, alias="from", description="First date in India; from the beginning when absent.")
    end: date | None = Field(default=None, alias="to", description="Last date in India, included; to the end when absent.")
    prices: PriceBasis | None = Field(default=None, description="Price basis; may be left out where one only is stored.")
    note: str = Field(default="", max_length=200, description="Why, for the history of the series.")


class DeletionDocument(BaseModel):
    """What was taken out, or with ``dry_run`` would be. ``snapshot`` is what brings it back, None where nothing was done."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    dry_run: bool
    instrument: str
    interval: str
    prices: str
    bars: int
    first: str
    last: str
    left: int
    snapshot: str | None


class UndoDocument(BaseModel):
    """What came back: ``bars`` are fewer than were deleted where there are bars again. ``undone`` is the snapshot of the deletion."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    undone: str
    bars: int
    snapshot: str


def delete_bars(workspace: Workspace, request: DeleteRequest, *, dry_run: bool = False) -> DeletionDocument:
    """Take bars of a series out of the present state; snapshots from before still hold them.

    Raises
    ------
    UnknownInstrument, EmptySpan
        If there are none.
    BadParameter
        If the instrument has several series, and it is not said which.
    """
    info = _chosen(workspace, request)
    start, end = instants(request.start, request.end)
    bars = workspace.store.read(info.key, start=start, end=end)
    snapshot, n_bars = None, len(bars)
    if not dry_run:
        done = workspace.store.delete(info.key, start=start, end=end, at=workspace.clock.now(), note=request.note)
        snapshot, n_bars = done.snapshot, done.deleted
    return DeletionDocument(
        dry_run=dry_run,
        instrument=info.key.instrument,
        interval=info.key.interval.value,
        prices=info.key.basis.value,
        bars=n_bars,
        first=instant_of(int(bars.ts[0])).isoformat(),
        last=instant_of(int(bars.ts[-1])).isoformat(),
        left=info.n_bars - n_bars,
        snapshot=snapshot,
    )


def undo_deletion(workspace: Workspace, snapshot: str | None = None) -> UndoDocument:
    """Bring back what a deletion took, the last one that was not undone by default, except where there are bars again.

    Raises
    ------
    InputError
        If there is no deletion to undo.
    BadParameter
        If the snapshot was not made by a deletion, or what it took was collected since.
    """
    undone = snapshot or _last_deletion(workspace.store.snapshots())
    report = workspace.store.undo(undone, at=workspace.clock.now())
    return UndoDocument(undone=undone, bars=report.stored, snapshot=report.snapshot)


def _chosen(workspace: Workspace, request: DeleteRequest) -> SeriesInfo:
    instrument = InstrumentId(request.instrument)
    held = workspace.store.series()
    found = [
        info
        for info in held
        if info.key.instrument == instrument and request.interval in {None, info.key.interval} and request.prices in {None, info.key.basis}
    ]
    if not found:
        wanted = SeriesKey(instrument=instrument, interval=request.interval or Interval.DAY, basis=request.prices or PriceBasis.RAW)
        raise absent(wanted, Span(start=None, end=None), held)
    if len(found) > 1:
        names = ", ".join(f"{info.key.interval} {info.key.basis}" for info in found)
        raise BadParameter("instrument", instrument, f"has several series: {names}", hint="Say which with --interval and --prices.")
    return found[0]


def _last_deletion(snapshots: tuple[Snapshot, ...]) -> str:
    open_: list[str] = []
    for one in snapshots:
        if one.kind == "delete":
            open_.append(one.id)
        elif one.kind == "undo" and (undone := one.note.removeprefix(_UNDO_OF)) in open_:
            open_.reverse()
            open_.remove(undone)
            open_.reverse()
    if not open_:
        raise InputError("There is no deletion to undo.", hint="`qts snapshots list` shows what was done; deletions are among it.")
    return open_[-1]
