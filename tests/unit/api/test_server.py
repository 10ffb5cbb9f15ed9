from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.responses import PlainTextResponse
from tests.unit.api.conftest import Client

from qts.api.server import create_api
from qts.app.workspace import Workspace
from qts.data.testing import MemoryStore


class Broken(MemoryStore):
    """A store whose disk has gone."""

    def snapshot(self) -> str:
        raise ZeroDivisionError("secret detail")


@pytest.fixture
def broken(workspace: Workspace, connect: Callable[[Workspace], Any]) -> Any:
    return connect(dataclasses.replace(workspace, store=Broken()))


def test_it_is_live_and_ready(client: Any) -> None:
    assert client.get("/health/live").json()["status"] == "live"
    answer = client.get("/health/ready")
    assert (answer.status_code, answer.json()) == (200, {"status": "ready", "checks": {"store": "ok", "control": "ok"}})


def test_it_is_not_ready_when_the_store_does_not_answer(broken: Any) -> None:
    answer = broken.get("/health/ready")
    assert answer.status_code == 503
    assert answer.json()["checks"]["control"] == "ok"
    assert "secret" not in answer.text
    assert broken.get("/health/live").status_code == 200


def test_what_nobody_foresaw_has_an_id_and_tells_nothing_else(broken: Any, workspace: Workspace) -> None:
    answer = broken.get("/api/catalog")
    assert answer.status_code == 500
    error = answer.json()["error"]
    assert error["kind"] == "InternalError"
    assert "secret" not in answer.text
    assert str(workspace.settings.home) not in answer.text
    assert error["error_id"] in (workspace.settings.logs_folder / "qts.log").read_text()
    assert answer.headers["x-content-type-options"] == "nosniff"


UNKNOWN = ("/api", "/api/", "/api/nosuch", "/api/jobs/", "/api//runs", "/api/bars/x/y", "/health", "/health/redy")


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
def test_what_is_no_request_is_a_document_and_no_page(with_pages: Any, method: str) -> None:
    answers = {path: with_pages.request(method, path) for path in UNKNOWN}
    assert {(one.status_code, one.headers["content-type"]) for one in answers.values()} == {(404, "application/json")}
    assert [one.json()["error"]["message"] for one in answers.values()] == [f"There is no {method} {path}." for path in UNKNOWN]
    assert "openapi.json" in answers["/api"].json()["error"]["hint"]
    assert answers["/api"].headers["x-content-type-options"] == "nosniff"


def test_the_head_of_what_is_no_request_says_so(with_pages: Any) -> None:
    assert [with_pages.request("HEAD", path).status_code for path in UNKNOWN] == [404] * len(UNKNOWN)


def test_another_method_of_a_request_is_told_apart(with_pages: Any) -> None:
    for method, path in (("DELETE", "/api/runs"), ("POST", "/api/bars"), ("GET", "/api/jobs/j/cancel"), ("PUT", "/health/live")):
        answer = with_pages.request(method, path)
        assert (answer.status_code, answer.json()["error"]["kind"]) == (405, "HttpError"), path
        assert answer.headers["allow"]


def test_whatever_else_there_is_goes_to_the_pages(with_pages: Any) -> None:
    assert [with_pages.get(path).text for path in ("/", "/view", "/apis", "/healthy")] == ["a page"] * 4


@pytest.fixture
def with_pages(workspace: Workspace) -> Any:
    """Return a client of the API with pages mounted beside it, as they are in the service."""
    app = create_api(workspace)
    app.mount("/", PlainTextResponse("a page"))
    return Client(app)


def test_every_route_is_described(client: Any) -> None:
    paths = client.get("/api/openapi.json").json()["paths"]
    assert {"/api/bars", "/api/backtests", "/api/catalog", "/api/runs/{run_id}", "/api/strategies"} <= set(paths)
    assert client.get("/docs").status_code == 404
