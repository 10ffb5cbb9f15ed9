"""Which bars a run works on: stored ones, or raw ones adjusted for what is confirmed, or those of the run that is repeated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from qts.app.bars import NoSuchSeries, choose_series, instants
from qts.app.derived import adjust_raw
from qts.app.requests import BacktestRequest
from qts.app.run_document import RunDocument, StepPart
from qts.app.run_identity import canonical_json, text_hash
from qts.app.workspace import Workspace
from qts.core.bars import Bars
from qts.core.clock import session_date_of
from qts.core.instrument import InstrumentId
from qts.core.interval import Interval
from qts.data.actions import Step, back_adjust
from qts.data.storage import PriceBasis, SeriesInfo, SeriesKey

_MOST_SHOWN: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedSeries:
    """A series of a run. ``info`` and ``bars`` are as the run sees them.

    ``raw`` are the prices as traded that they are or were made of, None where the series is stored adjusted; ``steps`` made them, and
    are empty where nothing had to be adjusted.
    """

    info: SeriesInfo
    bars: Bars
    raw: Bars | None
    steps: tuple[Step, ...] = ()

    @property
    def is_made(self) -> bool:
        """Return whether adjusted prices were made of raw ones for the run."""
        return self.raw is not None and self.info.key.basis is PriceBasis.ADJUSTED


def open_series(
    workspace: Workspace, request: BacktestRequest, name: InstrumentId, *, snapshot: str, stored: RunDocument | None = None
) -> OpenedSeries:
    """Return the bars of an instrument for a run.

    Adjusted prices that are not stored are made of raw ones, as they stood on the last day of the run: actions after it take no part.

    Parameters
    ----------
    workspace : Workspace
        Where bars and actions are kept.
    request : BacktestRequest
        What is asked for.
    name : InstrumentId
        One of its instruments.
    snapshot : str
        The state of the store to read.
    stored : RunDocument, optional
        The run that is to be repeated: prices are adjusted as they were for it.

    Raises
    ------
    UnknownInstrument
        If nothing at all is stored under the instrument.
    EmptySpan
        If it has no bars of this interval, basis and span, and they cannot be made.
    """
    start, end = instants(request.start, request.end)
    try:
        info = choose_series(workspace, name, request)
    except NoSuchSeries:
        if request.prices != "adjusted":
            raise
        made = _adjusted(workspace, request, name, snapshot=snapshot, stored=stored)
        if made is None:
            raise
        return made
    bars = workspace.read_for_run(info.key, start=start, end=end, as_of=snapshot)
    return OpenedSeries(info=info, bars=bars, raw=bars if info.key.basis is PriceBasis.RAW else None)


def read_finer(workspace: Workspace, request: BacktestRequest, opened: OpenedSeries, interval: Interval, *, snapshot: str) -> Bars:
    """Return the shorter bars that orders fill on, of the same basis and adjusted by the same steps."""
    start, end = instants(request.start, request.end)
    basis = PriceBasis.RAW if opened.is_made else opened.info.key.basis
    wanted = request.model_copy(update={"interval": interval, "prices": basis.value})
    key = choose_series(workspace, opened.info.key.instrument, wanted).key
    return back_adjust(workspace.read_for_run(key, start=start, end=end, as_of=snapshot), opened.steps)


def step_parts(opened: Sequence[OpenedSeries]) -> dict[str, tuple[StepPart, ...]]:
    """Return by which steps prices were adjusted, of the instruments whose adjusted prices are not stored."""
    return {one.info.key.instrument: tuple(_part(step) for step in one.steps) for one in opened if one.is_made}


def steps_hash(parts: Mapping[str, Sequence[StepPart]]) -> str:
    """Return what adjusted prices that were made for a run add to its identity: nothing where there are none."""
    plain = {name: [part.model_dump(mode="json") for part in steps] for name, steps in parts.items()}
    return text_hash(canonical_json(plain)) if plain else ""


def stored_steps(document: RunDocument, name: str) -> tuple[Step, ...] | None:
    """Return the steps by which a stored run's prices were adjusted, or None where they were not made of raw ones."""
    parts = document.data.adjusted_by.get(name)
    return None if parts is None else tuple(Step(ex_date=part.ex_date, factor=part.factor, is_cash=part.is_cash) for part in parts)


def unadjusted_warnings(opened: Sequence[OpenedSeries]) -> tuple[str, ...]:
    """Return a sentence naming the instruments whose adjusted prices are those as traded, for want of a confirmed action."""
    names = [one.info.key.instrument for one in opened if one.is_made and not one.steps]
    if not names:
        return ()
    more = f" and {len(names) - _MOST_SHOWN} more" if len(names) > _MOST_SHOWN else ""
    shown = ", ".join(names[:_MOST_SHOWN])
    return (f"Adjusted prices of {shown}{more} are those as traded: no corporate action is confirmed up to the run's last day.",)


def _adjusted(
    workspace: Workspace, request: BacktestRequest, name: InstrumentId, *, snapshot: str, stored: RunDocument | None
) -> OpenedSeries | None:
    key = SeriesKey(instrument=name, interval=request.interval, basis=PriceBasis.RAW)
    info = next((info for info in workspace.store.series(as_of=snapshot) if info.key == key), None)
    if info is None:
        return None
    start, end = instants(request.start, request.end)
    raw = workspace.read_for_run(key, start=start, end=end, as_of=snapshot)
    steps = stored_steps(stored, name) if stored is not None else _steps(workspace, request, key, raw)
    if steps is None:
        return None
    # What lies before the run was not adjusted with it, so nothing may look there.
    seen = replace(info, key=replace(key, basis=PriceBasis.ADJUSTED), first_ts=int(raw.ts[0]))
    return OpenedSeries(info=seen, bars=back_adjust(raw, steps), raw=raw, steps=steps)


def _steps(workspace: Workspace, request: BacktestRequest, key: SeriesKey, raw: Bars) -> tuple[Step, ...] | None:
    made = adjust_raw(workspace, key, up_to=session_date_of(int(raw.ts[-1])), snapshot=request.as_of)
    return None if made is None else made.steps


def _part(step: Step) -> StepPart:
    return StepPart(ex_date=step.ex_date, factor=step.factor, is_cash=step.is_cash)
