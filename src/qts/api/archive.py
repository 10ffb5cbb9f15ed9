"""The archive of bars over HTTP: how series came and in which files they lie, what leaves it and comes back, and kept option chains."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Query
from fastapi.responses import Response
from pydantic import Field

from qts.api.routes import ERRORS, Opened
from qts.app.chain_document import ChainRecord, ChainSnapshotDocument, KeptChainRequest
from qts.app.chains import list_chains, show_chain
from qts.app.deleting import DeleteRequest, DeletionDocument, UndoDocument, delete_bars, undo_deletion
from qts.app.exporting import ExportRequest, ExportSelection, estimate_export, export_bars
from qts.app.requests import Request
from qts.app.series_archive import SeriesHistoryDocument, SeriesRequest, show_series
from qts.core.errors import BadParameter

_MEDIA: Final = {"csv": "text/csv", "parquet": "application/vnd.apache.parquet", "duckdb": "application/octet-stream"}

router = APIRouter(prefix="/api", responses=ERRORS)


class ExportQuery(ExportSelection):
    """Stored series, and the kind of file to send them as."""

    format: Literal["csv", "parquet", "duckdb"] = Field(default="csv", description="Kind of file.")


class DeleteBody(DeleteRequest):
    """Bars of one series to be taken out, or only to be told of."""

    dry_run: bool = Field(default=False, description="Only tell what would be deleted.")


class UndoBody(Request):
    """A deletion to be undone."""

    snapshot: str | None = Field(default=None, description="The snapshot that the deletion reported; the last deletion when absent.")


@router.get("/series")
def get_series(workspace: Opened, request: Annotated[SeriesRequest, Query()]) -> tuple[SeriesHistoryDocument, ...]:
    """Return what is known of an instrument's series: each commit that touched them, what was downloaded, and the files that hold them."""
    return show_series(workspace, request)


@router.get("/export", response_class=Response, responses={200: {"content": {kind: {} for kind in _MEDIA.values()}}})
def get_export(workspace: Opened, query: Annotated[ExportQuery, Query()]) -> Response:
    """Return stored bars as one file, as ``qts export`` writes it; more bars than ``max_api_bars`` are refused."""
    # Twice: a giant request is refused before a bar is read, and the exact count decides.
    _limit(workspace.settings.max_api_bars, query, estimate_export(workspace, query) // 2)
    with tempfile.TemporaryDirectory(prefix="qts-export-") as folder:
        target = Path(folder) / f"bars.{query.format}"
        document = export_bars(workspace, ExportRequest.model_validate({**query.model_dump(), "target": target}))
        _limit(workspace.settings.max_api_bars, query, document.bars)
        content = target.read_bytes()
    return Response(content, media_type=_MEDIA[query.format], headers={"Content-Disposition": f'attachment; filename="{target.name}"'})


@router.post("/bars/delete")
def post_deletion(workspace: Opened, body: DeleteBody) -> DeletionDocument:
    """Delete bars of a series; its snapshot brings them back until they are collected. Nobody is asked: ``dry_run`` only tells."""
    request = DeleteRequest.model_validate(body.model_dump(exclude={"dry_run"}))
    return delete_bars(workspace, request, dry_run=body.dry_run)


@router.post("/bars/undo")
def post_undo(workspace: Opened, body: UndoBody) -> UndoDocument:
    """Bring back what a deletion took, except where there are bars again."""
    return undo_deletion(workspace, body.snapshot)


@router.get("/chains")
def get_chains(workspace: Opened) -> tuple[ChainRecord, ...]:
    """Return which option chains were kept, oldest first."""
    return list_chains(workspace)


@router.get("/chains/show")
def get_kept_chain(workspace: Opened, request: Annotated[KeptChainRequest, Query()]) -> ChainSnapshotDocument:
    """Return the last chain that was kept of an underlying: of all, of a day, or of that day up to a time."""
    return show_chain(workspace, request.underlying, on=request.on, until=request.at)


def _limit(most: int, query: ExportQuery, n_bars: int) -> None:
    if n_bars > most:
        hint = "Ask for fewer series or a shorter span; `qts export` on the server's own machine writes any number."
        raise BadParameter("from", query.start, f"the series hold more than {most} bars in the span", hint=hint)
