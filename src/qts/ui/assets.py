"""Which files the browser loads from us besides Streamlit's own, and under which never-changing addresses."""

from __future__ import annotations

import functools
import gzip
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

FOLDER: Final = Path(__file__).parent / "components"
CANDLES: Final = FOLDER / "candles.js"
CHART_LIBRARY: Final = FOLDER / "assets" / "lightweight-charts.mjs"
ICON: Final = FOLDER / "assets" / "icon.svg"

_FOREVER: Final = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """A file as it is sent: ``address`` carries a hash of the content, so that a browser may keep it for ever."""

    address: str
    body: bytes
    packed: bytes


@functools.cache
def asset(path: Path) -> Asset | None:
    """Return a file ready to be sent, or None if set-up did not put it there."""
    if not path.is_file():
        return None
    body = path.read_bytes()
    digest = hashlib.sha256(body).hexdigest()[:16]
    return Asset(address=f"/assets/{digest}-{path.name}", body=body, packed=gzip.compress(body, mtime=0))


def asset_route() -> Route:
    """Return the route that serves these files."""
    return Route("/assets/{name}", _serve)


def _serve(request: Request) -> Response:
    known = (asset(CANDLES), asset(CHART_LIBRARY))
    found = next((each for each in known if each is not None and each.address == f"/assets/{request.path_params['name']}"), None)
    if found is None:
        return Response(status_code=404)
    headers = {"cache-control": _FOREVER, "vary": "accept-encoding"}
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(found.packed, media_type="text/javascript", headers={**headers, "content-encoding": "gzip"})
    return Response(found.body, media_type="text/javascript", headers=headers)
