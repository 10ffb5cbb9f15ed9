"""Corporate actions for programs and people: listed, read from files, suspected from prices, confirmed and rejected."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from qts.app.requests import InstrumentTexts, Request
from qts.app.workspace import Workspace
from qts.core.bars import Bars
from qts.core.clock import IST
from qts.core.corporate_action import ActionKind
from qts.core.errors import BadParameter, InputError, UnknownInstrument
from qts.core.instrument import Exchange, InstrumentId, exchange_of
from qts.core.interval import Interval
from qts.data.actions import (
    ActionRecord,
    ActionState,
    StatedAction,
    compare_series,
    market_moves,
    parse_action_id,
    read_statements,
    suspect_jumps,
    without_paid_out,
)
from qts.data.actions.ratios import parse_ratio
from qts.data.storage import PriceBasis, SeriesKey
from qts.data.storage.lookup import near_matches
from qts.market.resampling import resample

# Contracts end before a company splits its shares twice, and their terms are changed with the share; indices have no actions.
_OF_SHARES: Final = frozenset({Exchange.NSE, Exchange.BSE, Exchange.SIM})
_BY_HAND: Final = ", terms stated by hand"
_MOST_REFUSALS: Final = 1000
KindName = Literal["split", "bonus", "dividend", "rights", "demerger"]
StateName = Literal["confirmed", "suspected", "rejected"]


class UnknownAction(InputError):
    """Nothing is known of a corporate action of this id."""

    def __init__(self, action_id: str, *, near: Sequence[str] = ()) -> None:
        self.action_id = action_id
        self.near = tuple(near)
        hint = f"Known of it: {', '.join(self.near)}." if self.near else "`qts actions list` and `qts actions suspected` show the ids."
        super().__init__(f"There is no corporate action {action_id!r}.", hint=hint)


class ActionsRequest(Request):
    """Which corporate actions to list."""

    instruments: InstrumentTexts | None = Field(default=None, description="Only those of these instruments, as EXCHANGE:SYMBOL.")
    state: StateName | None = Field(default=None, description="Only those in this state: confirmed, suspected or rejected.")
    known_on: date | None = Field(default=None, description="What was known at the end of this date in India; the present when absent.")


class ActionsImportRequest(Request):
    """A file of corporate actions."""

    path: Path = Field(description="File to read, CSV or JSON.")
    exchange: str = Field(default="NSE", description="Exchange of symbols that do not name one.")


class ConfirmRequest(Request):
    """An action to confirm, as it is suspected or on better terms."""

    id: str = Field(description="Id of the action, as INSTRUMENT/EX-DATE/KIND.")
    kind: KindName | None = Field(default=None, description="What it was: split, bonus, rights, demerger or dividend.")
    ratio: Annotated[str | None, BeforeValidator(lambda value: None if value is None else str(value))] = Field(
        default=None, description="Ratio: new to held of a bonus or rights, as 1:2; face values of a split, as 10->2."
    )
    cash: Decimal | None = Field(default=None, ge=0, description="Dividend in rupees a share.")
    price: Decimal | None = Field(default=None, ge=0, description="Price of a new share of a rights issue, in rupees.")
    factor: Decimal | None = Field(
        default=None, gt=0, description="What prices before the ex date are multiplied by, of a demerger or rights."
    )


class RejectRequest(Request):
    """An action that did not happen."""

    id: str = Field(description="Id of the action, as INSTRUMENT/EX-DATE/KIND.")


class ActionDocument(BaseModel):
    """A corporate action. ``factor`` is what prices before it are multiplied by, null where it depends on the last close before it."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    id: str
    instrument: str
    ex_date: str
    kind: KindName
    ratio: float
    cash: float
    price: float | None
    factor: float | None
    state: StateName
    confidence: float | None
    evidence: dict[str, float | str]
    source: str
    recorded_at: str | None


class RefusedRow(BaseModel):
    """A row that was not taken, and why."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    row: int
    reason: str


class ActionsImportDocument(BaseModel):
    """What a file of corporate actions changed. ``other`` counts its rows about other things, such as meetings and bonds."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    path: str
    rows_read: int
    actions: int
    new: int
    changed: int
    unchanged: int
    ended: int
    other: int
    rejected: tuple[RefusedRow, ...]
    rejected_count: int


def list_actions(workspace: Workspace, request: ActionsRequest) -> tuple[ActionDocument, ...]:
    """Return what is known of corporate actions, or was known on a date, by instrument and ex date.

    Raises
    ------
    UnknownInstrument
        If of an instrument named there are no bars, no actions and no listing.
    """
    _require_known(workspace, request.instruments or ())
    known_at = None if request.known_on is None else datetime.combine(request.known_on + timedelta(days=1), time(), tzinfo=IST)
    records = workspace.actions.read(
        instruments=None if request.instruments is None else [InstrumentId(name) for name in request.instruments],
        states=None if request.state is None else [ActionState(request.state)],
        # The last instant of that day.
        known_at=None if known_at is None else known_at - timedelta(microseconds=1),
    )
    return tuple(action_document(record) for record in records)


def import_actions(workspace: Workspace, request: ActionsImportRequest) -> ActionsImportDocument:
    """Confirm the actions that a file states; importing it again changes nothing.

    Raises
    ------
    BadPath
        If the file cannot be read.
    BadFile
        If it is no list of corporate actions.
    """
    statements = read_statements(request.path, exchange=request.exchange)
    records = statements.records(f"file:{request.path.name}")
    report = workspace.actions.record(records, at=workspace.clock.now())
    return ActionsImportDocument(
        path=str(request.path),
        rows_read=statements.n_rows,
        actions=len(records),
        new=report.new,
        changed=report.changed,
        unchanged=report.unchanged,
        ended=report.ended,
        other=statements.n_other,
        rejected=tuple(RefusedRow(row=one.row, reason=one.reason) for one in statements.refused[:_MOST_REFUSALS]),
        rejected_count=len(statements.refused),
    )


def suspect_actions(workspace: Workspace, request: ActionsRequest) -> tuple[ActionDocument, ...]:
    """Look for actions in the stored raw prices, note what is new, and return all that is suspected and not yet settled.

    Every raw series of shares is looked through, or those of the instruments named; where an adjusted series is held beside it the two
    are compared, which says more than a jump.

    Raises
    ------
    UnknownInstrument
        If of an instrument named there are no bars, no actions and no listing.
    """
    _require_known(workspace, request.instruments or ())
    found = find_suspected(workspace, request.instruments)
    if found:
        workspace.actions.record(found, at=workspace.clock.now())
    return list_actions(workspace, request.model_copy(update={"state": "suspected"}))


def find_suspected(workspace: Workspace, instruments: Iterable[str] | None = None) -> tuple[ActionRecord, ...]:
    """Return what the stored raw prices betray, settled or not, without noting it."""
    names = None if instruments is None else set(instruments)
    held = {info.key for info in workspace.store.series() if exchange_of(info.key.instrument) in _OF_SHARES}
    daily = sorted({key.instrument for key in held if key.basis is PriceBasis.RAW})
    wanted = [name for name in daily if names is None or name in names]
    # The market is all of an exchange, also where one instrument is asked for.
    exchanges = {exchange_of(name) for name in wanted}
    markets = {
        exchange: market_moves(_raw_daily(workspace, held, [name for name in daily if exchange_of(name) is exchange]))
        for exchange in exchanges
    }
    found: list[ActionRecord] = []
    for raw in _raw_daily(workspace, held, wanted):
        compared = _compared(workspace, held, raw)
        known = {record.action.ex_date for record in compared}
        found += compared
        found += [
            record for record in suspect_jumps(raw, market=markets[exchange_of(raw.instrument)]) if record.action.ex_date not in known
        ]
    paid = workspace.actions.read(instruments=wanted, states=[ActionState.CONFIRMED])
    return without_paid_out(found, paid)


def confirm_action(workspace: Workspace, request: ConfirmRequest) -> ActionDocument:
    """Confirm an action, as it is suspected or on the terms given; from now on it is applied.

    Raises
    ------
    UnknownAction
        If nothing of this id is known, and no kind and terms are given that say what it was.
    BadParameter
        If the terms make up no action.
    """
    instrument, on, kind = parse_action_id(request.id)
    known = _known(workspace, instrument, on, kind)
    if known is None and not _states_terms(request):
        raise UnknownAction(request.id, near=_near(workspace, instrument, on))
    if known is not None and known.recorded_at is None:
        _require_unexplained(workspace, known)
    action = _on_terms(request, known, instrument=instrument, on=on, kind=ActionKind(request.kind or kind))
    is_amended = known is None or action != known.action
    source = "stated by hand" if known is None else known.source.removesuffix(_BY_HAND) + (_BY_HAND if is_amended else "")
    record = ActionRecord(
        action=action,
        state=ActionState.CONFIRMED,
        source=source,
        evidence={} if known is None else known.evidence,
        confidence=None if known is None or is_amended else known.confidence,
    )
    return _settled(workspace, record, instead_of=known)


def reject_action(workspace: Workspace, request: RejectRequest) -> ActionDocument:
    """Reject an action: it is neither applied nor told of again.

    Raises
    ------
    UnknownAction
        If nothing of this id is known.
    """
    instrument, on, kind = parse_action_id(request.id)
    known = _known(workspace, instrument, on, kind)
    if known is None:
        raise UnknownAction(request.id, near=_near(workspace, instrument, on))
    return _settled(workspace, replace(known, state=ActionState.REJECTED))


def action_document(record: ActionRecord) -> ActionDocument:
    """Return a record as a document."""
    action = record.action
    return ActionDocument(
        id=action.id,
        instrument=action.instrument,
        ex_date=action.ex_date.isoformat(),
        kind=action.kind.value,
        ratio=float(action.ratio),
        cash=float(action.cash),
        price=None if action.price is None else float(action.price),
        factor=None if action.needs_close else action.price_factor(),
        state=record.state.value,
        confidence=record.confidence,
        evidence=dict(record.evidence),
        source=record.source,
        recorded_at=None if record.recorded_at is None else record.recorded_at.isoformat(),
    )


def _require_known(workspace: Workspace, names: Iterable[str]) -> None:
    wanted = [InstrumentId(name) for name in names]
    if not wanted:
        return
    held = {info.key.instrument for info in workspace.store.series()}
    acted = {record.action.instrument for record in workspace.actions.read()}
    for name in wanted:
        if name not in held | acted and not workspace.instruments.listings(name):
            raise UnknownInstrument(name, near=near_matches(name, sorted(held | acted)))


def _raw_daily(workspace: Workspace, held: set[SeriesKey], names: Iterable[InstrumentId]) -> Iterator[Bars]:
    """Yield the raw daily series of these instruments; where only shorter bars are held, days made of the longest of them."""
    lengths = list(Interval)
    for name in names:
        keys = [key for key in held if key.instrument == name and key.basis is PriceBasis.RAW and key.interval not in {"1w", "1mo"}]
        if not keys:
            continue
        bars = workspace.store.read(max(keys, key=lambda key: lengths.index(key.interval)))
        yield bars if bars.interval is Interval.DAY else resample(bars, Interval.DAY).bars


def _compared(workspace: Workspace, held: set[SeriesKey], raw: Bars) -> tuple[ActionRecord, ...]:
    key = SeriesKey(instrument=raw.instrument, interval=Interval.DAY, basis=PriceBasis.ADJUSTED)
    return compare_series(raw, workspace.store.read(key)) if key in held else ()


def _known(workspace: Workspace, instrument: InstrumentId, on: date, kind: ActionKind) -> ActionRecord | None:
    """Return what is noted of an action, or else what prices betray of it now."""
    noted = {record.action.id: record for record in workspace.actions.read(instruments=[instrument])}
    wanted = f"{instrument}/{on.isoformat()}/{kind}"
    if wanted in noted:
        return noted[wanted]
    return next((record for record in find_suspected(workspace, [instrument]) if record.action.id == wanted), None)


def _require_unexplained(workspace: Workspace, found: ActionRecord) -> None:
    """Refuse a guess at a day whose action is confirmed already: its jump would be counted twice."""
    confirmed = workspace.actions.read(instruments=[found.action.instrument], states=[ActionState.CONFIRMED])
    for other in confirmed:
        if other.action.changes_shares and other.action.ex_date == found.action.ex_date:
            hint = "Reject that one first if it is wrong; if there were two actions on the day, give the terms of the second."
            raise BadParameter("id", found.action.id, f"the jump of that day is explained by {other.action.id}", hint=hint)


def _near(workspace: Workspace, instrument: InstrumentId, on: date) -> list[str]:
    records = workspace.actions.read(instruments=[instrument])
    return [record.action.id for record in sorted(records, key=lambda record: abs(record.action.ex_date - on))[:3]]


def _states_terms(request: ConfirmRequest) -> bool:
    return any(value is not None for value in (request.ratio, request.cash, request.price, request.factor))


def _on_terms(request: ConfirmRequest, known: ActionRecord | None, *, instrument: InstrumentId, on: date, kind: ActionKind) -> StatedAction:
    """Return the action on the terms given, and for the rest on those known, as far as they say something of its kind."""
    before = None if known is None else known.action
    ratio = parse_ratio(request.ratio, kind) if request.ratio is not None else None
    factor, price = request.factor, request.price
    shares = {ActionKind.SPLIT, ActionKind.BONUS}
    if before is not None:
        if ratio is None and kind in shares and before.kind in shares and factor is None:
            ratio = before.ratio
        if factor is None and kind in {ActionKind.DEMERGER, ActionKind.RIGHTS} and price is None:
            factor = Decimal(str(round(before.price_factor(), 6))) if not before.needs_close else None
    if kind in shares and ratio is None and factor is not None:
        ratio, factor = 1 / factor, None
    if kind is ActionKind.DIVIDEND and request.cash is None and before is not None and before.kind is not kind:
        raise BadParameter("cash", "", "is needed for a dividend", hint="Give the rupees a share with --cash.")
    cash = request.cash if request.cash is not None else before.cash if before is not None else Decimal(0)
    return StatedAction(instrument=instrument, ex_date=on, kind=kind, ratio=ratio or Decimal(1), cash=cash, price=price, factor=factor)


def _settled(workspace: Workspace, record: ActionRecord, *, instead_of: ActionRecord | None = None) -> ActionDocument:
    """Keep what a person decided, and return it as it is kept."""
    records = [record]
    if instead_of is not None and instead_of.action.id != record.action.id and instead_of.state is not ActionState.SUSPECTED:
        # It was confirmed as something else before: that one must not count beside it.
        records.insert(0, replace(instead_of, state=ActionState.REJECTED))
    workspace.actions.record(records, at=workspace.clock.now())
    kept = {one.action.id: one for one in workspace.actions.read(instruments=[record.action.instrument])}
    return action_document(kept[record.action.id])
