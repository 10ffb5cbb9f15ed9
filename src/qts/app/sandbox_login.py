"""A client of the simulated exchange that logs itself in: there is nobody to ask for a password."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import httpx

from qts.app.call_hooks import NO_HOOKS, CallHooks
from qts.app.sandbox import KEY, SECRET
from qts.app.workspace import Workspace
from qts.core.errors import SourceDown
from qts.data.kite.client import Access, KiteClient, Timing
from qts.data.kite.deadline import open_http
from qts.data.kite.pacing import Pacer

_FOUND: Final = 302


@contextmanager
def sandbox_client(
    workspace: Workspace, *, transport: httpx.BaseTransport | None = None, hooks: CallHooks = NO_HOOKS
) -> Iterator[KiteClient]:
    """Yield a client of the exchange that ``qts sandbox`` runs on this machine, or that a setting names.

    That is ``sandbox_root``, or ``kite_root`` where only this one is set.

    Raises
    ------
    SourceDown
        If it does not run.
    """
    settings = workspace.settings
    is_named = "kite_root" in settings.model_fields_set and "sandbox_root" not in settings.model_fields_set
    address = settings.kite_root if is_named else settings.sandbox_root
    timing = Timing(clock=workspace.clock, seconds=time.monotonic, sleep=hooks.sleep, on_retry=hooks.on_retry)
    pacer = Pacer(workspace.control.database, KEY, clock=workspace.clock, sleep=hooks.sleep)
    tokens: list[str] = []
    with open_http(address, transport=transport, trust_env=False) as http:
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
