from __future__ import annotations

from typing import Any

import pytest

from qts.app.jobs.asking import submit
from qts.app.jobs.kinds.compact import CompactRequest
from qts.app.workspace import Workspace


def test_a_job_is_listed_shown_paused_resumed_cancelled_and_retried(client: Any, workspace: Workspace) -> None:
    assert client.get("/api/jobs").json() == []
    job, _ = submit(workspace, "compact", CompactRequest())
    assert [one["id"] for one in client.get("/api/jobs").json()] == [job.id]
    assert client.get(f"/api/jobs/{job.id}").json()["state"] == "queued"
    states = [client.post(f"/api/jobs/{job.id}/{verb}").json()["state"] for verb in ("pause", "resume", "cancel", "retry")]
    assert states == ["paused", "queued", "cancelled", "queued"]


def test_a_job_that_is_not_there_is_not_found(client: Any) -> None:
    answer = client.get("/api/jobs/nobody")
    assert (answer.status_code, answer.json()["error"]["kind"]) == (404, "UnknownJob")
    assert client.post("/api/jobs/nobody/cancel").status_code == 404


def test_what_cannot_be_done_now_says_why(client: Any, workspace: Workspace) -> None:
    job, _ = submit(workspace, "compact", CompactRequest())
    answer = client.post(f"/api/jobs/{job.id}/retry")
    assert (answer.status_code, answer.json()["error"]["kind"]) == (400, "WrongState")


def test_a_job_of_any_kind_is_submitted_and_a_double_click_is_none(client: Any) -> None:
    body = {"kind": "ingest", "request": {"instruments": "SIM:ZORVINBANK", "from": "2026-01-01", "source": "sandbox"}}
    first, again = client.post("/api/jobs", json=body), client.post("/api/jobs", json=body)
    assert (first.status_code, again.status_code, again.json()["id"] == first.json()["id"]) == (201, 200, True)
    assert {one.headers["location"] for one in (first, again)} == {f"/api/jobs/{first.json()['id']}"}
    assert client.get(first.headers["location"]).json() == first.json()
    backup = client.post("/api/jobs", json={"kind": "backup", "request": {"keep": 7}})
    assert (backup.status_code, backup.json()["what"]) == (201, "Make a backup of the home and keep the last 7")
    assert {one["submitted_by"] for one in client.get("/api/jobs").json()} == {"local"}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        pytest.param({"kind": "tidy"}, "no such kind", id="no kind"),
        pytest.param({"kind": "backup", "request": {"folder": "elsewhere"}}, "no such field", id="a path of the server"),
        pytest.param({"kind": "backup", "request": {"keep": 0}}, "keep", id="a value out of range"),
        pytest.param({"kind": "ingest", "request": {"source": "sandbox"}}, "none is named", id="no instruments"),
        pytest.param({"request": {}}, "kind", id="nothing"),
    ],
)
def test_a_job_that_can_come_to_nothing_is_refused_in_words(client: Any, body: dict[str, Any], words: str) -> None:
    answer = client.post("/api/jobs", json=body)
    assert (answer.status_code, words in answer.json()["error"]["message"]) == (400, True)
    assert client.get("/api/jobs").json() == []
