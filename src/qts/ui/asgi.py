"""The pages as an ASGI application, to be mounted beside the API in one process."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import anyio
import streamlit as st
from starlette.middleware import Middleware
from streamlit.web.bootstrap import load_config_options

from qts.app.instruments import prepare_search
from qts.app.workspace import Workspace
from qts.core.errors import QtsError
from qts.ui.assets import asset_route
from qts.ui.components.held import count_series
from qts.ui.errors import on_script_error
from qts.ui.page import pages
from qts.ui.workspace import share, workspace

SCRIPT: Final = Path(__file__).parent / "script" / "streamlit_app.py"
LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")

_HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"content-security-policy", b"frame-ancestors 'self'"),
    (b"cross-origin-opener-policy", b"same-origin"),
)

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Asgi = Callable[[Message, Receive, Send], Awaitable[None]]


def streamlit_app(ws: Workspace) -> st.App:
    """Return the pages, ready to be mounted at ``/``: the parent takes its ``lifespan()`` and puts its own routes first.

    >>> # parent = FastAPI(lifespan=pages.lifespan()); parent.include_router(api); parent.mount("/", pages)
    """
    share(ws)
    app = st.App(
        SCRIPT,
        lifespan=_lifespan,
        routes=[asset_route()],
        middleware=[Middleware(Guard, hosts=(*LOOPBACK, ws.settings.host))],
        on_script_error=on_script_error,
    )
    # Something may have asked for a setting before the script's own folder was known.
    load_config_options(
        {"server_address": ws.settings.host, "server_port": ws.settings.port, "server_allowedHosts": _allowed(ws.settings.host)}
    )
    return app


@asynccontextmanager
async def _lifespan(_app: st.App) -> AsyncIterator[None]:
    await anyio.to_thread.run_sync(_warm_up)
    # What is loaded by now stays for good: the collector need not look at it again and again.
    gc.collect()
    gc.freeze()
    try:
        async with anyio.create_task_group() as group:
            for prepare in (_count_series, _prepare_search):
                group.start_soon(partial(anyio.to_thread.run_sync, prepare, abandon_on_cancel=True))
            yield
            group.cancel_scope.cancel()
    finally:
        gc.unfreeze()


def _warm_up() -> None:
    pages()
    workspace().catalog()


def _count_series() -> None:
    # Beside the serving: a large store takes seconds, and the first page then finds it done. What is wrong, that page will tell.
    with suppress(QtsError):
        count_series()


def _prepare_search() -> None:
    with suppress(QtsError):
        prepare_search(workspace())


def _allowed(host: str) -> list[str]:
    return list(dict.fromkeys((*LOOPBACK, host)))


class Guard:
    """Refuse WebSockets that another site's page opened, and send the headers that Streamlit does not.

    Streamlit compares an unknown origin with this machine's public address, which it asks a service on the internet for.
    Whatever is not one of our own hosts is turned away before it comes to that.
    """

    def __init__(self, app: Asgi, *, hosts: tuple[str, ...]) -> None:
        self._app = app
        self._hosts = frozenset(hosts)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Pass a request on, or turn it away."""
        if scope["type"] == "websocket" and not self._is_ours(scope):
            await receive()
            await send({"type": "websocket.close", "code": 1008})
            return
        await self._app(scope, receive, _with_headers(send))

    def _is_ours(self, scope: Message) -> bool:
        headers = dict(scope["headers"])
        origin = headers.get(b"origin")
        if origin is None:
            return True
        try:
            host = urlsplit(origin.decode("latin-1")).hostname
        except ValueError:
            return False
        return host in self._hosts


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            sent = {name for name, _ in message.get("headers", ())}
            message["headers"] = [*message.get("headers", ()), *((name, value) for name, value in _HEADERS if name not in sent)]
        await send(message)

    return sending
