"""The verbs of the command line as routes. Importing files is not among them: paths of the server are not a client's to name."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Final, Literal

import pyarrow as pa
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field

from qts.app.actions import (
    ActionDocument,
    ActionsRequest,
    ConfirmRequest,
    RejectRequest,
    confirm_action,
    list_actions,
    reject_action,
    suspect_actions,
)
from qts.app.backtests import list_runs, load_run, run_backtest, run_states, runs_document
from qts.app.bars import estimate_bars, read_bars, records, table
from qts.app.calendar import CalendarDocument, list_sessions
from qts.app.catalog import SeriesDocument, list_series
from qts.app.continuous import ContinuousDocument, ContinuousRequest, continuous_bars
from qts.app.costs import CostsDocument, price_costs
from qts.app.coverage import CoverageDocument, CoverageRequest, coverage
from qts.app.errors import ErrorDocument
from qts.app.instrument_documents import (
    ChainDocument,
    ChainRequest,
    ExpiriesDocument,
    HitDocument,
    InstrumentDocument,
    InstrumentRequest,
    SearchRequest,
    UnderlyingRequest,
)
from qts.app.instruments import list_expiries, option_chain, search_instruments, show_instrument
from qts.app.quality import QualityDocument, QualityRequest, quality
from qts.app.reconciling import ReconcileTextRequest, ReconciliationDocument, reconcile_text
from qts.app.replays import ReplayDocument, replay
from qts.app.requests import BacktestRequest, BarsRequest, CalendarRequest, OrderCostsRequest
from qts.app.run_building import equity_rows
from qts.app.run_document import RunDocument
from qts.app.strategies import StrategyDocument, list_strategies
from qts.app.watching import (
    IndexDocument,
    MembersDocument,
    WatchlistDocument,
    WatchlistRequest,
    add_to_watchlist,
    index_members,
    list_indices,
    list_watchlists,
    remove_from_watchlist,
)
from qts.app.workspace import Workspace
from qts.core.errors import BadParameter, UnknownStrategy
from qts.core.instrument import InstrumentId

ARROW: Final = "application/vnd.apache.arrow.stream"


class BarsQuery(BarsRequest):
    """Bars of one instrument, and how to send them."""

    format: Literal["json", "arrow"] = Field(default="json", description="A JSON list of bars, or an Arrow stream.")


class CatalogDocument(BaseModel):
    """All stored series and the snapshot they are of."""

    series: tuple[SeriesDocument, ...]
    snapshot: str


class ErrorAnswer(BaseModel):
    """What every answer other than 200 looks like."""

    error: ErrorDocument


def workspace_of(request: Request) -> Workspace:
    """Return the workspace this server was started with."""
    workspace: Workspace = request.app.state.workspace
    return workspace


Opened = Annotated[Workspace, Depends(workspace_of)]
ERRORS: Final[dict[int | str, dict[str, Any]]] = {status: {"model": ErrorAnswer} for status in (400, 403, 404, 422, 500)}

router = APIRouter(prefix="/api", responses=ERRORS)


@router.get("/catalog")
def get_catalog(workspace: Opened) -> CatalogDocument:
    """Return what is stored, and what is missing in it."""
    return CatalogDocument(series=list_series(workspace), snapshot=workspace.store.snapshot())


@router.get("/bars")
def get_bars(workspace: Opened, query: Annotated[BarsQuery, Query()]) -> Response:
    """Return bars as a JSON list or as an Arrow stream; a span of more bars than ``max_api_bars`` is refused."""
    request = BarsRequest.model_validate(query.model_dump(exclude={"format"}))
    # Twice: a giant request is refused before a bar is read, and the exact count decides.
    _limit(workspace, request, estimate_bars(workspace, request) // 2)
    answer = read_bars(workspace, request)
    _limit(workspace, request, len(answer.bars))
    if query.format == "arrow":
        return Response(_stream(table(answer)), media_type=ARROW)
    return JSONResponse(records(answer))


@router.get("/actions")
def get_actions(workspace: Opened, request: Annotated[ActionsRequest, Query()]) -> tuple[ActionDocument, ...]:
    """Return what is known of corporate actions, or was known on a date."""
    return list_actions(workspace, request)


@router.post("/actions/suspect")
def post_suspect(workspace: Opened, request: ActionsRequest) -> tuple[ActionDocument, ...]:
    """Look for corporate actions in the stored raw prices and return what is suspected."""
    return suspect_actions(workspace, request)


@router.post("/actions/confirm")
def post_confirm(workspace: Opened, request: ConfirmRequest) -> ActionDocument:
    """Confirm a corporate action, as it is suspected or on the terms given: from now on it is applied."""
    return confirm_action(workspace, request)


@router.post("/actions/reject")
def post_reject(workspace: Opened, request: RejectRequest) -> ActionDocument:
    """Reject a corporate action: it is neither applied nor told of again."""
    return reject_action(workspace, request)


@router.get("/instruments")
def get_instruments(workspace: Opened, request: Annotated[SearchRequest, Query()]) -> tuple[HitDocument, ...]:
    """Return the instruments that a person may mean who has typed so far, best first."""
    return search_instruments(workspace, request)


@router.get("/instruments/show")
def get_instrument(workspace: Opened, request: Annotated[InstrumentRequest, Query()]) -> InstrumentDocument:
    """Return the lot, tick, token and expiry of an instrument as of a date, and its history under all its names."""
    return show_instrument(workspace, request)


@router.get("/instruments/expiries")
def get_expiries(workspace: Opened, request: Annotated[UnderlyingRequest, Query()]) -> ExpiriesDocument:
    """Return when the contracts on an underlying end, and its futures in order."""
    return list_expiries(workspace, request)


@router.get("/instruments/chain")
def get_chain(workspace: Opened, request: Annotated[ChainRequest, Query()]) -> ChainDocument:
    """Return the options of one expiry by strike."""
    return option_chain(workspace, request)


@router.get("/continuous")
def get_continuous(workspace: Opened, request: Annotated[ContinuousRequest, Query()]) -> ContinuousDocument:
    """Return one series from the stored futures on an underlying, each bar with the contract it is of."""
    document = continuous_bars(workspace, request)
    _limit(workspace, request, len(document.bars))
    return document


@router.get("/watchlists")
def get_watchlists(workspace: Opened) -> tuple[WatchlistDocument, ...]:
    """Return the watchlists, by name."""
    return list_watchlists(workspace)


@router.post("/watchlists/add")
def post_watchlist(workspace: Opened, request: WatchlistRequest) -> WatchlistDocument:
    """Add instruments to a watchlist, which is made where there is none."""
    return add_to_watchlist(workspace, request)


@router.post("/watchlists/remove")
def post_watchlist_removal(workspace: Opened, request: WatchlistRequest) -> WatchlistDocument | None:
    """Take instruments out of a watchlist."""
    return remove_from_watchlist(workspace, request.name, tuple(InstrumentId(name) for name in request.instruments))


@router.get("/indices")
def get_indices(workspace: Opened) -> tuple[IndexDocument, ...]:
    """Return the indices whose members are known."""
    return list_indices(workspace)


@router.get("/indices/{index}")
def get_members(workspace: Opened, index: str, on: date | None = None) -> MembersDocument:
    """Return the members of an index on a date, and whether they are those of the date."""
    return index_members(workspace, index, on)


@router.get("/coverage")
def get_coverage(workspace: Opened, request: Annotated[CoverageRequest, Query()]) -> CoverageDocument:
    """Return which days of the stored series are whole, and where the holes are."""
    return coverage(workspace, request)


@router.get("/quality")
def get_quality(workspace: Opened, request: Annotated[QualityRequest, Query()]) -> QualityDocument:
    """Return a score of stored series from 0 to 100, with its working and every issue."""
    return quality(workspace, request)


@router.get("/calendar")
def get_calendar(workspace: Opened, request: Annotated[CalendarRequest, Query()]) -> CalendarDocument:
    """Return when an exchange trades."""
    return list_sessions(request, workspace.clock)


@router.get("/costs")
def get_costs(workspace: Opened, request: Annotated[OrderCostsRequest, Query()]) -> CostsDocument:
    """Return what an order costs, line by line."""
    return price_costs(request, workspace.clock)


@router.post("/reconcile")
def post_reconcile(workspace: Opened, request: ReconcileTextRequest) -> ReconciliationDocument:
    """Return a broker's bills beside ours, from the text of a contract note, a tradebook or a reply of its API."""
    return reconcile_text(request, workspace.clock)


@router.get("/strategies")
def get_strategies(workspace: Opened) -> tuple[StrategyDocument, ...]:
    """Return which strategies can be run."""
    return list_strategies(workspace)


@router.post("/backtests")
def post_backtest(workspace: Opened, request: BacktestRequest) -> RunDocument:
    """Run a strategy of the catalogue, keep the run and return its document."""
    if request.strategy not in {entry.id for entry in workspace.catalog().entries}:
        # Files of the server are not a client's to name, so a path is unknown here even where it exists.
        raise UnknownStrategy(request.strategy)
    return run_backtest(workspace, request)


@router.get("/runs")
def get_runs(workspace: Opened) -> list[dict[str, Any]]:
    """Return the stored runs, latest first."""
    return runs_document(list_runs(workspace), run_states(workspace))


@router.get("/runs/{run_id}")
def get_run(workspace: Opened, run_id: str, *, equity: bool = False) -> RunDocument:
    """Return the document of a stored run, with its equity curve where asked for."""
    run = load_run(workspace, run_id)
    return run.document.model_copy(update={"equity": equity_rows(run.curves)}) if equity else run.document


@router.post("/runs/{run_id}/replay")
def post_replay(workspace: Opened, run_id: str) -> ReplayDocument:
    """Compute a stored run again and compare it byte for byte."""
    return replay(workspace, run_id)


def _limit(workspace: Workspace, request: BarsRequest | ContinuousRequest, n_bars: int) -> None:
    most = workspace.settings.max_api_bars
    if n_bars > most:
        raise BadParameter("from", request.start, f"the span holds more than {most} bars", hint="Ask for a shorter span.")


def _stream(whole: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, whole.schema) as writer:
        writer.write_table(whole)
    return bytes(sink.getvalue())
