from __future__ import annotations

from typing import Any

from qts.app.jobs.offers import OFFERS


def test_a_schedule_is_added_listed_run_paused_resumed_and_removed(client: Any) -> None:
    assert {one["name"]: one["state"] for one in client.get("/api/schedules").json()} == dict.fromkeys(OFFERS, "off")
    added = client.post("/api/schedules", json={"name": "backup", "request": {"keep": 3}})
    assert (added.status_code, added.json()["state"], added.json()["next_due_at"]) == (201, "on", "2026-11-21T02:00:00+05:30")
    first, again = client.post("/api/schedules/backup/run"), client.post("/api/schedules/backup/run")
    job = first.json()
    assert (first.status_code, first.headers["location"], job["schedule"]) == (201, f"/api/jobs/{job['id']}", "backup")
    assert (again.status_code, again.headers["location"], again.json()["id"]) == (200, f"/api/jobs/{job['id']}", job["id"])
    assert client.get("/api/schedules/backup").json()["waits_for"] == job["id"]
    states = [client.post(f"/api/schedules/backup/{verb}").json()["state"] for verb in ("pause", "resume")]
    assert states == ["paused", "on"]
    assert client.request("DELETE", "/api/schedules/backup").json()["name"] == "backup"
    assert client.get("/api/jobs").json()[0]["id"] == job["id"]


def test_what_is_not_there_or_cannot_be_is_told(client: Any) -> None:
    missing = client.get("/api/schedules/backup")
    assert (missing.status_code, missing.json()["error"]["kind"]) == (404, "UnknownSchedule")
    refused = client.post("/api/schedules", json={"name": "compact", "when": "at noon"})
    assert (refused.status_code, "daily@02:00" in refused.json()["error"]["hint"]) == (400, True)
