"""A client of the simulated exchange that logs itself in: there is nobody to ask for a password."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import httpx

from qts.app.call_hooks import NO_HOOKS, CallHooks
from qts.app.sandbox import KEY, PORT, SECRET
from qts.app.workspace import Workspace
from qts.core.errors import SourceDown
from qts.data.kite.client import Access, KiteClient, Timing
from qts.data.kite.pacing import Pacer

ADDRESS: Final = f"http://127.0.0.1:{PORT}"
_FOUND: Final = 302


@contextmanager
def sandbox_client(
    workspace: Workspace, *, transport: httpx.BaseTransport | None = None, hooks: CallHooks = NO_HOOKS
) -> Iterator[KiteClient]:
    """Yield a client of the exchange that ``qts sandbox`` runs on this machine, or that the setting ``kite_root`` names.

    Raises
    ------
    SourceDown
        If it does not run.
    """
    root = workspace.settings.kite_root
    address = root if "kite_root" in workspace.settings.model_fields_set else ADDRESS
    timing = Timing(clock=workspace.clock, seconds=time.monotonic, sleep=hooks.sleep, on_retry=hooks.on_retry)
    pacer = Pacer(workspace.control.database, KEY, clock=workspace.clock, sleep=hooks.sleep)
    tokens: list[str] = []
    with httpx.Client(base_url=address, transport=transport, trust_env=False) as http:
        client = KiteClient(http, Access(api_key=KEY, token=lambda: tokens[-1]), pacer=pacer, timing=timing)
        tokens.append(client.log_in(_request_token(http), SECRET).access_token)
        yield client


def _request_token(http: httpx.Client) -> str:
    try:
        reply = http.post("/connect/login", data={"api_key": KEY})
    except httpx.HTTPError as error:
        raise SourceDown("no simulated exchange runs here; start one with `qts sandbox`") from error
    if reply.status_code != _FOUND:
        raise SourceDown(f"what answers there is no simulated exchange (HTTP {reply.status_code})")
    return str(httpx.URL(reply.headers["location"]).params.get("request_token", ""))
