"""Headers that every answer carries, and which pages may ask for anything to be done."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Asgi = Callable[[Message, Receive, Send], Awaitable[None]]

HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"frame-ancestors 'self'"),
    (b"x-frame-options", b"SAMEORIGIN"),
    (b"referrer-policy", b"same-origin"),
)
LOOPBACK_HOSTS: Final = ("127.0.0.1", "localhost", "::1")
MAX_BODY: Final = 1 << 20
"""Bytes of the largest request to the API: a backtest of thousands of instruments is a tenth of it."""
_USUAL_PORTS: Final = {"http": 80, "https": 443}
_HARMLESS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    scheme: str
    host: str
    port: int | None


class SecurityHeaders:
    """Add the headers to every answer that does not set them itself. It never buffers, so streams and WebSockets pass."""

    def __init__(self, app: Asgi) -> None:
        self._app = app

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer a request."""

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                sent = {name.lower() for name, _ in message.get("headers", ())}
                message["headers"] = [*message.get("headers", ()), *((name, value) for name, value in HEADERS if name not in sent)]
            await send(message)

        await self._app(scope, receive, sending)


class OwnPages:
    """Turn away what names a host that is not ours, and what another site's page asks to be done.

    The first stops DNS rebinding; the second stops a page that a person happens to look at from starting a backtest here, also one that
    another program of this machine serves at another port. ``named`` are those of the ``hosts`` that were named for a proxy, which may
    speak to us under another host and port than the browser sees.
    """

    def __init__(self, app: Asgi, *, hosts: Sequence[str], named: Sequence[str] = ()) -> None:
        self._app = app
        self._hosts = frozenset(hosts)
        self._named = frozenset(named)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        asked = _place(f"//{headers.get(b'host', b'').decode('latin-1')}")
        if asked is None or asked.host not in self._hosts:
            await _refuse(send, "The request names a host that is not this server's.", "Use the address that the server printed.")
        elif scope["method"] not in _HARMLESS and not self._is_ours(headers, asked):
            await _refuse(send, "The request comes from the page of another site.", "Send it from this server's own pages or a program.")
        elif scope["path"].startswith("/api") and not _is_modest(headers):
            await _refuse(send, "The request is larger than a mebibyte, or does not say how large it is.", "Send less.", status=413)
        else:
            await self._app(scope, receive, send)

    def _is_ours(self, headers: dict[bytes, bytes], asked: _Place) -> bool:
        # What a browser itself says of scheme, host and port holds behind any proxy. Old ones, and plain HTTP elsewhere, do not say it.
        site, origin = headers.get(b"sec-fetch-site"), headers.get(b"origin")
        if site not in {None, b"same-origin", b"none"}:
            return False
        if origin is None:
            return True
        page = _place(origin.decode("latin-1"))
        if page is None or page.scheme not in _USUAL_PORTS or page.host not in self._hosts:
            return False
        return site is not None or self._is_same(page, asked)

    def _is_same(self, page: _Place, asked: _Place) -> bool:
        if page.host != asked.host:
            return page.host in self._named
        # A proxy may leave the port out.
        return asked.port in {None, page.port or _USUAL_PORTS[page.scheme]}


def _is_modest(headers: dict[bytes, bytes]) -> bool:
    # Refused before a byte of it is read.
    length = headers.get(b"content-length", b"0")
    return b"transfer-encoding" not in headers and length.isdigit() and int(length) <= MAX_BODY


def _place(url: str) -> _Place | None:
    try:
        parts = urlsplit(url)
        return _Place(scheme=parts.scheme, host=parts.hostname or "", port=parts.port)
    except ValueError:
        return None


async def _refuse(send: Send, message: str, hint: str, *, status: int = 403) -> None:
    body = json.dumps({"error": {"kind": "Refused", "message": message, "hint": hint}}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
