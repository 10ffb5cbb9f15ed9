from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

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


def test_every_route_is_described(client: Any) -> None:
    paths = client.get("/api/openapi.json").json()["paths"]
    assert {"/api/bars", "/api/backtests", "/api/catalog", "/api/runs/{run_id}", "/api/strategies"} <= set(paths)
    assert client.get("/docs").status_code == 404
