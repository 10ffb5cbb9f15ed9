from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from qts.app.broker import save_keys
from qts.app.workspace import Workspace

HUSH = "canary-secret"


@pytest.fixture
def keys(workspace: Workspace) -> None:
    save_keys(workspace, api_key="canary-api-key", api_secret=HUSH)


def test_the_status_shows_the_end_of_the_key_only(client: Any, workspace: Workspace) -> None:
    assert client.get("/api/broker/kite/status").json()["state"] == "not_configured"
    save_keys(workspace, api_key="canary-api-key", api_secret=HUSH)
    answer = client.get("/api/broker/kite/status")
    assert (answer.json()["state"], answer.json()["api_key"]) == ("logged_out", "…-key")
    assert "canary" not in answer.text


@pytest.mark.usefixtures("keys")
def test_the_login_leads_to_the_broker_and_marks_the_question(client: Any) -> None:
    answer = client.get("/api/broker/kite/login")
    query = parse_qs(urlsplit(answer.headers["location"]).query)
    assert (answer.status_code, query["api_key"]) == (302, ["canary-api-key"])
    assert "state=" in query["redirect_params"][0]


@pytest.mark.usefixtures("keys")
def test_a_redirect_that_nobody_asked_for_is_refused_in_words(client: Any) -> None:
    answer = client.get("/api/broker/kite/callback?request_token=abc12345&state=forged&status=success")
    assert (answer.status_code, "Not logged in" in answer.text, "not begun here" in answer.text) == (400, True, True)
    assert (answer.headers["referrer-policy"], answer.headers["cache-control"]) == ("no-referrer", "no-store")


@pytest.mark.usefixtures("keys")
def test_a_login_that_was_cancelled_says_so(client: Any) -> None:
    address = client.get("/api/broker/kite/login").headers["location"]
    state = parse_qs(parse_qs(urlsplit(address).query)["redirect_params"][0])["state"][0]
    answer = client.get(f"/api/broker/kite/callback?status=cancelled&state={state}")
    assert (answer.status_code, "was cancelled" in answer.text, 'href="/api/broker/kite/login"' in answer.text) == (400, True, True)
