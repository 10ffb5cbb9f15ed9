"""The login with the broker through the browser: where it begins, and where the broker sends the user back to."""

from __future__ import annotations

import html
from typing import Annotated, Final

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse, RedirectResponse

from qts.api.routes import Opened
from qts.api.statuses import status_of
from qts.app.broker import BrokerStatus, begin_login, broker_status, finish_redirect
from qts.app.format import ist
from qts.core.errors import QtsError

PREFIX: Final = "/api/broker/kite"
_PAGE: Final = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="color-scheme" content="light dark"><title>{title}</title>
<body style="font: 16px system-ui, sans-serif; margin: 4em auto; max-width: 32em; padding: 0 1em">
<h1>{title}</h1><p>{text}</p><p><a href="{link}">{way}</a></p></body></html>"""
# The address of this page holds a token: it must not go to the next page, nor stay in a cache.
_HEADERS: Final = {"Referrer-Policy": "no-referrer", "Cache-Control": "no-store"}

router = APIRouter(prefix=PREFIX)


@router.get("/status")
def status(workspace: Opened) -> BrokerStatus:
    """Return what is known of the session with the broker."""
    return broker_status(workspace)


@router.get("/login", include_in_schema=False)
def login(workspace: Opened) -> RedirectResponse:
    """Send the browser to the broker's login page."""
    return RedirectResponse(begin_login(workspace), status_code=302)


@router.get("/callback", include_in_schema=False)
def callback(
    workspace: Opened,
    request_token: Annotated[str, Query(max_length=200)] = "",
    state: Annotated[str, Query(max_length=200)] = "",
    status: Annotated[str, Query(max_length=40)] = "success",  # the broker's name for it
) -> HTMLResponse:
    """Take the user back from the broker's login page."""
    try:
        found = finish_redirect(workspace, request_token=request_token, state=state, status=status)
    except QtsError as error:
        return _page("Not logged in", f"{error.message} {error.hint}", link=f"{PREFIX}/login", way="Log in again", code=status_of(error))
    return _page("Logged in", f"{found.user_name} ({found.user_id}), until about {ist(found.expires_at)}.", link="/", way="Go on", code=200)


def _page(title: str, text: str, *, link: str, way: str, code: int) -> HTMLResponse:
    content = _PAGE.format(title=html.escape(title), text=html.escape(text), link=link, way=way)
    return HTMLResponse(content, status_code=code, headers=_HEADERS)
