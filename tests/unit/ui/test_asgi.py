from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import streamlit as st
from streamlit import config

from qts.app.settings import load_settings
from qts.app.workspace import Workspace, open_workspace
from qts.ui.asgi import SCRIPT, Guard, streamlit_app

EXPECTED = {
    "runner.postScriptGC": False,
    "client.toolbarMode": "minimal",
    "client.showErrorDetails": "none",
    "browser.gatherUsageStats": False,
    "server.fileWatcherType": "none",
    "server.address": "127.0.0.1",
    "server.port": 8599,
    "server.enableXsrfProtection": True,
    "server.enableCORS": True,
    "server.xsrfCookieSameSite": "strict",
    "server.allowedHosts": ["127.0.0.1", "localhost", "::1"],
    "server.enableStaticServing": False,
    "server.enableAgentApi": False,
    "server.maxUploadSize": 25,
    "theme.light.backgroundColor": "#ffffff",
    "theme.dark.backgroundColor": "#10141c",
}


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with open_workspace(load_settings(home=tmp_path / "home", port=8599)) as opened:
        yield opened


@pytest.fixture
def app(workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[st.App]:
    """Return the pages as an installed package serves them: from a working directory that is none of ours."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(config, "_main_script_path", None)
    monkeypatch.setattr(config, "_config_options", {})
    yield streamlit_app(workspace)
    st.cache_resource.clear()


@pytest.mark.parametrize(("option", "value"), EXPECTED.items())
def test_the_settings_hold_wherever_the_server_starts(app: st.App, option: str, value: object) -> None:
    assert app.script_path == SCRIPT
    assert config.get_option(option) == value


def test_light_and_dark_define_the_same_colours(app: st.App) -> None:
    del app
    names = {name: {key for key, value in config.get_options_for_section(f"theme.{name}").items() if value} for name in ("light", "dark")}
    assert names["light"] == names["dark"]
    assert len(names["light"]) > 25


def test_the_pages_answer_with_headers_that_streamlit_does_not_send(app: st.App) -> None:
    async def fetching() -> httpx.Response:
        async with app.lifespan()(app), httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1:8599") as client:
            return await client.get("/")

    response = asyncio.run(fetching())
    assert response.status_code == 200
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["content-security-policy"] == "frame-ancestors 'self'"
    assert response.headers["referrer-policy"] == "same-origin"


def called(origin: bytes | None) -> tuple[bool, list[Any]]:
    """Return whether a WebSocket with this origin came through the guard, and what was sent instead."""
    reached: list[bool] = []
    sent: list[Any] = []

    async def inner(scope: Any, receive: Any, send: Any) -> None:
        del scope, receive, send
        reached.append(True)

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [] if origin is None else [(b"origin", origin)]
    asyncio.run(Guard(inner, hosts=("127.0.0.1", "localhost"))({"type": "websocket", "headers": headers}, receive, send))
    return bool(reached), sent


@pytest.mark.parametrize("origin", [b"http://127.0.0.1:8501", b"http://localhost:3000", None])
def test_a_websocket_of_our_own_pages_comes_through(origin: bytes | None) -> None:
    assert called(origin) == (True, [])


@pytest.mark.parametrize("origin", [b"https://evil.example", b"null", b"http://127.0.0.1.evil.example", b"http://[", b""])
def test_a_websocket_of_another_site_is_turned_away(origin: bytes) -> None:
    assert called(origin) == (False, [{"type": "websocket.close", "code": 1008}])
