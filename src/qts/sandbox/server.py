"""The simulated exchange as a web server: the REST interface, the login page, the ticker, and levers for whoever tests with it."""

from __future__ import annotations

import asyncio
import html
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, timedelta
from email.utils import format_datetime
from typing import Final
from urllib.parse import parse_qsl, urlencode

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute

from qts.sandbox.asked import Asked
from qts.sandbox.clock import VirtualClock
from qts.sandbox.exchange import Answer, Sandbox
from qts.sandbox.faults import Fault, FaultPlan
from qts.sandbox.ticker import Ticker

DRIP_BYTES: Final = 16
DRIP_SECONDS: Final = 0.05
HANG_SECONDS: Final = 600.0
_BAD_REQUEST: Final = 400
_METHODS: Final = ["GET", "POST", "PUT", "DELETE"]
_LOGIN_PAGE: Final = """<!doctype html><html lang="en"><title>Sandbox login</title>
<body style="font: 16px sans-serif; margin: 4em auto; max-width: 28em">
<h1>Simulated exchange</h1><p>This is no broker. Nothing here is real money, and no password is asked for.</p>
<form method="post"><input type="hidden" name="api_key" value="{key}">
<input type="hidden" name="redirect_params" value="{params}">
<button name="status" value="success">Log in as {user}</button>
<button name="status" value="cancelled">Cancel</button></form></body></html>"""


def create_sandbox(sandbox: Sandbox) -> Starlette:
    """Return the server of a simulated exchange; whoever runs it must leave the header ``date`` to it.

    Notes
    -----
    Beside the broker's routes there are ``GET /_sandbox/ready``, ``GET /_sandbox/arrivals`` (the log), ``POST /_sandbox/faults`` (a new
    plan of faults), ``POST /_sandbox/clock`` (``{"advance_seconds": n}``), ``POST /_sandbox/expire`` (ends all sessions) and
    ``POST /_sandbox/order`` (an order update for everyone at the ticker).
    """
    ticker = Ticker(sandbox)
    levers = _Levers(sandbox, ticker)
    routes = [
        Route("/connect/login", _Login(sandbox).page, methods=["GET", "POST"]),
        Route("/_sandbox/ready", levers.ready, methods=["GET"]),
        Route("/_sandbox/arrivals", levers.arrivals, methods=["GET"]),
        Route("/_sandbox/faults", levers.faults, methods=["POST"]),
        Route("/_sandbox/clock", levers.clock, methods=["POST"]),
        Route("/_sandbox/expire", levers.expire, methods=["POST"]),
        Route("/_sandbox/order", levers.order, methods=["POST"]),
        WebSocketRoute("/", ticker.serve),
        Route("/{path:path}", _Rest(sandbox).answer, methods=_METHODS),
    ]
    return Starlette(routes=routes)


class _Rest:
    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    async def answer(self, request: Request) -> Response:
        """Answer any request of the REST interface."""
        asked = Asked(
            method=request.method,
            path=request.url.path,
            query=tuple(request.query_params.multi_items()),
            form=await _form(request),
            headers={name.lower(): value for name, value in request.headers.items()},
            body=await request.body(),
        )
        answer = await run_in_threadpool(self._sandbox.answer, asked)
        # The exchange's own time, not the machine's: a client must be able to tell a candle that runs.
        return await _sent(answer, date=format_datetime(self._sandbox.clock.now().astimezone(UTC), usegmt=True))


async def _sent(answer: Answer, *, date: str) -> Response:
    headers = {**answer.headers, "content-type": answer.kind, "date": date}
    match answer.fault:
        case Fault.HANG:
            await asyncio.sleep(HANG_SECONDS)
        case Fault.DRIP:
            return StreamingResponse(_dripping(answer.body), status_code=answer.status, headers=headers)
        case Fault.RESET:
            # More is promised than comes: the server closes the connection in the middle.
            promised = {**headers, "content-length": str(len(answer.body) + 1)}
            return StreamingResponse(_torn(answer.body), status_code=answer.status, headers=promised)
        case _:
            pass
    return Response(answer.body, status_code=answer.status, headers=headers)


async def _dripping(body: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(body), DRIP_BYTES):
        yield body[start : start + DRIP_BYTES]
        await asyncio.sleep(DRIP_SECONDS)


async def _torn(body: bytes) -> AsyncIterator[bytes]:
    yield body[: len(body) // 2]
    raise ConnectionResetError


async def _form(request: Request) -> Mapping[str, str]:
    if "form" not in request.headers.get("content-type", ""):
        return {}
    return dict(parse_qsl((await request.body()).decode(errors="replace"), keep_blank_values=True))


class _Login:
    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    async def page(self, request: Request) -> Response:
        """Show the login page, or send the browser back to the application with a request token."""
        given = {**request.query_params, **await _form(request)}
        app = self._sandbox.accounts.app(given.get("api_key", ""))
        if app is None:
            return HTMLResponse("<p>There is no application with this api_key.</p>", status_code=_BAD_REQUEST)
        params = given.get("redirect_params", "")
        if request.method == "GET":
            return HTMLResponse(
                _LOGIN_PAGE.format(key=html.escape(app.api_key), params=html.escape(params), user=html.escape(app.user_name))
            )
        back = {"action": "login", "type": "login", "status": given.get("status", "success")}
        if back["status"] == "success":
            back["request_token"] = self._sandbox.accounts.log_in(app)
        return RedirectResponse(f"{app.redirect_url}?{urlencode([*back.items(), *parse_qsl(params)])}", status_code=302)


class _Levers:
    def __init__(self, sandbox: Sandbox, ticker: Ticker) -> None:
        self._sandbox = sandbox
        self._ticker = ticker

    async def ready(self, _request: Request) -> Response:
        """Say that the exchange answers."""
        return JSONResponse({"ok": True})

    async def arrivals(self, _request: Request) -> Response:
        """Return the log of requests."""
        names = ("at", "key", "kind", "path", "status", "fault")
        return JSONResponse([{name: getattr(one, name) for name in names} for one in self._sandbox.meter.arrivals])

    async def faults(self, request: Request) -> Response:
        """Take a new plan of faults."""
        try:
            self._sandbox.faults = _plan_of(await request.json())
        except (ValueError, TypeError, KeyError) as error:
            return JSONResponse({"error": str(error)}, status_code=_BAD_REQUEST)
        return JSONResponse({"ok": True})

    async def clock(self, request: Request) -> Response:
        """Put the exchange's clock forward."""
        clock = self._sandbox.clock
        if not isinstance(clock, VirtualClock):
            return JSONResponse({"error": "this exchange's clock cannot be set"}, status_code=_BAD_REQUEST)
        body = await request.json()
        return JSONResponse({"now": clock.advance(timedelta(seconds=float(body["advance_seconds"]))).isoformat()})

    async def expire(self, _request: Request) -> Response:
        """End all sessions."""
        self._sandbox.accounts.end_all()
        return JSONResponse({"ok": True})

    async def order(self, request: Request) -> Response:
        """Send an order update to everyone at the ticker."""
        return JSONResponse({"sent": await self._ticker.tell_order(await request.json())})


def _plan_of(body: Mapping[str, object]) -> FaultPlan:
    names = body.get("kinds")
    at = body.get("at") or {}
    if not isinstance(at, Mapping) or not isinstance(names, (list, type(None))):
        raise TypeError("kinds is a list, at an object")
    plan = FaultPlan(
        share=float(str(body.get("share", 0.0))),
        seed=int(str(body.get("seed", 0))),
        at={int(place): Fault(str(name)) for place, name in at.items()},
    )
    return plan if names is None else FaultPlan(share=plan.share, seed=plan.seed, at=plan.at, kinds=[Fault(str(name)) for name in names])
