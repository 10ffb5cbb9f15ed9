"""The API as an application: routes, health checks, errors as documents, guards."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import structlog
from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.routing import Match, Route

import qts
from qts.api.archive import router as archive_router
from qts.api.broker import router as broker_router
from qts.api.jobs import router as jobs_router
from qts.api.routes import Opened, router
from qts.api.schedules import router as schedules_router
from qts.api.security import HEADERS, LOOPBACK_HOSTS, Message, OwnPages, Receive, SecurityHeaders, Send
from qts.api.statuses import status_of
from qts.app.errors import ErrorDocument, describe, foreseen
from qts.app.settings import Settings
from qts.app.workspace import Workspace
from qts.core.errors import QtsError

_LOG: Final = structlog.get_logger()
_UNAVAILABLE: Final = 503
_BAD_REQUEST: Final = 400
_DESCRIBED: Final = "GET /api/openapi.json describes every request."
_MOST_SHOWN: Final = 120

health = APIRouter(prefix="/health", include_in_schema=False)


def create_api(workspace: Workspace, *, lifespan: Callable[..., Any] | None = None) -> FastAPI:
    """Return the API over a workspace. ``lifespan`` is that of whatever will be mounted beside it."""
    app = FastAPI(
        title="qts",
        version=qts.__version__,
        lifespan=lifespan,
        openapi_url="/api/openapi.json",
        # The interactive pages load their scripts from another site.
        docs_url=None,
        redoc_url=None,
    )
    app.state.workspace = workspace
    app.include_router(router)
    app.include_router(archive_router)
    app.include_router(broker_router)
    app.include_router(jobs_router)
    app.include_router(schedules_router)
    app.include_router(health)
    for prefix in ("/api", "/health"):
        for path in (prefix, f"{prefix}/{{rest:path}}"):
            app.router.routes.append(Route(path, NoRoute(), include_in_schema=False))
    for failure in (Exception, QtsError, ValidationError, OSError):
        app.add_exception_handler(failure, _failed)
    for refusal in (HTTPException, RequestValidationError):
        app.add_exception_handler(refusal, _refused)
    app.add_middleware(OwnPages, hosts=_hosts(workspace.settings), named=workspace.settings.allowed_hosts)
    app.add_middleware(SecurityHeaders)
    return app


class NoRoute:
    """Say that there is no such request, before the pages that are mounted beside the API take it for one of theirs."""

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Refuse a request: with 405 where its path is one of ours under another method, else with 404."""
        for route in scope["app"].router.routes:
            match, found = route.matches(scope)
            if match is Match.PARTIAL:
                scope.update(found)
                await route.handle(scope, receive, send)
                return
        raise HTTPException(404, f"There is no {scope['method']} {scope['path'][:_MOST_SHOWN]}.")


@health.get("/live")
def live() -> dict[str, str]:
    """Say that the process answers."""
    return {"status": "live", "version": qts.__version__}


@health.get("/ready")
def ready(workspace: Opened) -> JSONResponse:
    """Say whether the store and the control database answer."""
    checks = {"store": workspace.store.snapshot, "control": workspace.control.check}
    failed = {}
    for name, check in checks.items():
        try:
            check()
        except Exception as error:  # noqa: BLE001 - a health check reports whatever fails
            failed[name] = describe(error, workspace.settings).message
    state = {name: failed.get(name, "ok") for name in checks}
    return JSONResponse({"status": "not ready" if failed else "ready", "checks": state}, status_code=_UNAVAILABLE if failed else 200)


def _failed(request: Request, error: Exception) -> JSONResponse:
    workspace: Workspace = request.app.state.workspace
    document = describe(error, workspace.settings)
    status = status_of(foreseen(error))
    if document.error_id is not None:
        _LOG.error("request_failed", path=request.url.path, error_id=document.error_id)
        # Where the log lies is not a client's business.
        document = document.model_copy(update={"log": None, "hint": "The server's log has the details under this id."})
    return _answer(document, status)


def _refused(request: Request, error: Exception) -> JSONResponse:
    del request
    if isinstance(error, HTTPException):
        return _answer(ErrorDocument(kind="HttpError", message=str(error.detail), hint=_DESCRIBED), error.status_code, error.headers)
    first = error.errors()[0] if isinstance(error, RequestValidationError) else {"loc": (), "msg": str(error)}
    where = ".".join(str(part) for part in first["loc"] if part not in {"query", "body", "path"})
    message = f"{where or 'request'}: {first['msg']}."
    return _answer(ErrorDocument(kind="BadParameter", message=message, hint=_DESCRIBED), _BAD_REQUEST)


def _answer(document: ErrorDocument, status: int, more: Mapping[str, str] | None = None) -> JSONResponse:
    # An answer to what nobody foresaw is sent from outside all guards, so it brings the headers itself.
    headers = {name.decode(): value.decode() for name, value in HEADERS} | dict(more or {})
    return JSONResponse({"error": document.model_dump(mode="json", exclude_none=True)}, status_code=status, headers=headers)


def _hosts(settings: Settings) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*LOOPBACK_HOSTS, settings.host, *settings.allowed_hosts)))
