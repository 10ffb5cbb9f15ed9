from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from qts.app.ingest_document import IngestRequest
from qts.app.jobs.asking import submit_values
from qts.app.jobs.job_store import JobStore
from qts.app.jobs.kind import kind_named
from qts.app.workspace import Workspace
from qts.core import IST, FixedClock


def test_a_request_for_files_is_read_again_as_it_was_queued(workspace: Workspace) -> None:
    job, _ = submit_values(workspace, "ingest", {"source": "files"})
    kept = JobStore(workspace.control.database).find([job.id])[job.id].request
    assert IngestRequest.model_validate_json(kept) == IngestRequest(source="files")


def test_a_job_takes_in_new_files_and_names_those_that_were_refused(workspace: Workspace) -> None:
    later = replace(workspace, clock=FixedClock(datetime(2100, 1, 4, 20, tzinfo=IST)))
    inbox = later.settings.inbox_folder
    inbox.mkdir()
    (inbox / "INFY.csv").write_text("date,open,high,low,close,volume\n2022-01-03,10,12,9,11,100\n")
    (inbox / "notes.txt").write_text("hello")
    told: list[str] = []
    work: Any = SimpleNamespace(
        workspace=later, sleep=lambda _seconds: None, check=lambda: None, advance=lambda _done, _total, detail: told.append(detail)
    )
    kind, request = kind_named("ingest"), IngestRequest(source="files")
    assert kind.describe(request) == "Take in new files of the watch folder"
    kind.check(later, request)
    first = kind.run(work, request)
    assert (first.result["stored"], [(one.about, one.kind) for one in first.errors]) == (1, [("notes.txt", "BadFile")])
    assert set(told) == {"INFY.csv", "notes.txt"}
    second = kind.run(work, request)
    assert (second.result["stored"], second.errors) == (0, ())
