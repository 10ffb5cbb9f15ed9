from __future__ import annotations

from typing import Any

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
