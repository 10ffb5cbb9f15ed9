"""What a reply of the REST interface is: its data, or the error that it stands for."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from qts.core.errors import AccessDenied, AuthExpired, BadReply, RateLimited, RequestRefused, SourceDown, SourceError

_MOST_SHOWN: Final = 160
_LONGEST_WAIT: Final = 3600.0
_TOO_MANY: Final = 429
_FORBIDDEN: Final = 403
_FIRST_SERVER_ERROR: Final = 500
_FIRST_ERROR: Final = 400
# The documented error types. Of the others the HTTP status decides.
_KINDS: Final[Mapping[str, Callable[[str], SourceError]]] = {
    "TokenException": AuthExpired,
    "PermissionException": AccessDenied,
    "UserException": AccessDenied,
    "TwoFAException": AuthExpired,
    "InputException": RequestRefused,
    "OrderException": RequestRefused,
    "MarginException": RequestRefused,
    "HoldingException": RequestRefused,
    "NetworkException": SourceDown,
    "DataException": SourceDown,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A reply as it came over the wire. Names of headers are in lower case."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


def data_of(reply: Reply) -> Any:  # noqa: ANN401 - whatever JSON holds; the readers of each kind check it
    """Return what stands under ``data`` of a good reply.

    Raises
    ------
    AuthExpired, AccessDenied, RequestRefused, RateLimited, SourceDown
        What the reply says has happened.
    BadReply
        If it is none of the documented replies: cut, empty, a web page, or JSON of another shape.
    """
    if reply.status == _TOO_MANY:
        raise RateLimited(_wait_of(reply))
    envelope = _envelope(reply)
    if envelope.get("status") == "success" and reply.status < _FIRST_ERROR and "data" in envelope:
        return envelope["data"]
    if envelope.get("status") != "error":
        raise BadReply(f"it is neither a success nor an error (HTTP {reply.status})")
    message = _short(envelope.get("message"))
    kind = _KINDS.get(str(envelope.get("error_type")))
    raise _by_status(reply.status, message) if kind is None else kind(message)


def _envelope(reply: Reply) -> dict[str, Any]:
    try:
        envelope = json.loads(reply.body)
    except (ValueError, RecursionError) as error:  # not JSON, not Unicode, or nested without end
        kind = reply.headers.get("content-type", "no content type").partition(";")[0]
        found = f"HTTP {reply.status}, {kind}, {len(reply.body)} bytes that are no JSON"
        raise (SourceDown(found) if reply.status >= _FIRST_SERVER_ERROR else BadReply(found)) from error
    if not isinstance(envelope, dict):
        raise BadReply(f"it is JSON, but no object (HTTP {reply.status})")
    return envelope


def _by_status(status: int, message: str) -> SourceError:
    if status == _FORBIDDEN:
        return AccessDenied(message)
    if status >= _FIRST_SERVER_ERROR:
        return SourceDown(message)
    return RequestRefused(message) if status >= _FIRST_ERROR else BadReply(f"an error with HTTP {status}: {message}")


def _wait_of(reply: Reply) -> float | None:
    """Return the seconds of ``Retry-After``; its other form, a date, is read as unknown: our clock may be another than theirs."""
    text = reply.headers.get("retry-after", "").strip()
    return min(float(text), _LONGEST_WAIT) if text.isascii() and text.isdigit() else None


def _short(message: object) -> str:
    text = " ".join(str(message or "no reason given").split()).rstrip(".")
    return text if len(text) <= _MOST_SHOWN else f"{text[: _MOST_SHOWN - 1]}…"
