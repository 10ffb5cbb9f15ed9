from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from qts.app.jobs.asking import list_jobs
from qts.app.jobs.document import PENDING, JobError, JobState
from qts.app.jobs.job_store import JobStore
from qts.app.jobs.kind import kind_named
from qts.app.jobs.offers import OFFERS
from qts.app.jobs.schedule_store import UnknownSchedule
from qts.app.jobs.scheduling import (
    add_schedule,
    list_schedules,
    pause_schedule,
    queue_due,
    remove_schedule,
    resume_schedule,
    run_schedule,
    show_schedule,
)
from qts.app.settings import load_settings
from qts.app.workspace import Workspace, open_workspace
from qts.core import IST, FixedClock
from qts.core.errors import BadParameter

SANDBOX = {"instruments": "SIM:ZORVINBANK", "from": "2024-01-01", "source": "sandbox"}


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Workspace]:
    with open_workspace(load_settings(home=tmp_path / "home")) as workspace:
        yield workspace


def at(workspace: Workspace, text: str) -> Workspace:
    return replace(workspace, clock=FixedClock(datetime.fromisoformat(text).replace(tzinfo=IST)))


def end(workspace: Workspace, job_id: str, *errors: JobError) -> None:
    assert JobStore(workspace.control.database).finish(job_id, attempt=1, errors=errors, result=None, at=workspace.clock.now())


def test_what_is_offered_is_off_until_somebody_turns_it_on(opened: Workspace) -> None:
    assert {one.name: one.state for one in list_schedules(opened)} == dict.fromkeys(OFFERS, "off")
    assert queue_due(at(opened, "2030-01-01T12:00")) == ()
    added = add_schedule(at(opened, "2026-11-20T12:00"), "backup", {})
    assert (added.state, added.request, added.next_due_at) == ("on", {"keep": 14}, "2026-11-21T02:00:00+05:30")
    assert [one.state for one in list_schedules(opened)].count("off") == len(OFFERS) - 1


def test_a_due_time_becomes_one_job_and_no_second(opened: Workspace) -> None:
    add_schedule(at(opened, "2026-11-20T12:00"), "daily-bars", SANDBOX)
    assert queue_due(at(opened, "2026-11-20T16:44:59")) == ()
    (job,) = queue_due(at(opened, "2026-11-20T16:45"))
    assert (queue_due(at(opened, "2026-11-20T16:46")), len(list_jobs(opened))) == ((), 1)
    end(opened, job)
    assert queue_due(at(opened, "2026-11-22T23:00")) == ()
    found = show_schedule(at(opened, "2026-11-22T23:00"), "daily-bars")
    assert (found.last_due_at, found.last_outcome, found.next_due_at) == ("2026-11-20T16:45:00+05:30", "done", "2026-11-23T16:45:00+05:30")
    assert (list_jobs(opened)[0].schedule, list_jobs(opened)[0].kind) == ("daily-bars", "ingest")


def test_what_was_missed_while_no_worker_ran_is_done_once(opened: Workspace) -> None:
    add_schedule(at(opened, "2026-11-02T12:00"), "backup", {"keep": 3})
    later = at(opened, "2026-11-09T12:00")
    (job,) = queue_due(later)
    found = show_schedule(later, "backup")
    assert (found.last_due_at, found.merged, found.request) == ("2026-11-09T02:00:00+05:30", 6, {"keep": 3})
    end(opened, job)
    assert queue_due(later) == ()


def test_what_falls_due_while_the_last_run_goes_on_is_done_once_after_it(opened: Workspace) -> None:
    add_schedule(at(opened, "2026-11-19T12:00"), "daily-bars", SANDBOX)
    (job,) = queue_due(at(opened, "2026-11-19T17:00"))
    store = JobStore(opened.control.database)
    error = JobError(kind="AuthExpired", message="The session has ended.", hint="Log in with `qts login`.")
    assert store.wait_for_login(job, error, refused="", at=opened.clock.now())
    later = at(opened, "2026-11-25T17:00")  # the 24th is a holiday
    assert (queue_due(later), len(list_jobs(opened))) == ((), 1)
    waiting = show_schedule(later, "daily-bars")
    assert (waiting.waits_for, waiting.last_outcome) == (job, "waiting for login. The session has ended. Log in with `qts login`.")
    end(opened, job)
    (again,) = queue_due(later)
    assert (again != job, show_schedule(later, "daily-bars").merged) == (True, 2)


def test_of_workers_that_look_at_the_same_moment_one_queues_the_job(opened: Workspace) -> None:
    add_schedule(at(opened, "2026-11-19T12:00"), "backup", {})
    add_schedule(at(opened, "2026-11-19T12:00"), "compact", {})
    later, barrier = at(opened, "2026-11-20T12:00"), threading.Barrier(6)
    found: list[tuple[str, ...]] = []

    def look() -> None:
        barrier.wait()
        found.append(queue_due(later))

    workers = [threading.Thread(target=look) for _ in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(found) == 6
    assert sorted(job for jobs in found for job in jobs) == sorted(job.id for job in list_jobs(opened))
    assert sorted(job.kind for job in list_jobs(opened)) == ["backup", "compact"]


def test_a_paused_schedule_is_not_done_later_for_the_time_it_rested(opened: Workspace) -> None:
    add_schedule(at(opened, "2026-11-19T12:00"), "backup", {})
    assert pause_schedule(at(opened, "2026-11-19T13:00"), "backup").next_due_at is None
    assert queue_due(at(opened, "2026-11-21T12:00")) == ()
    assert resume_schedule(at(opened, "2026-11-21T12:00"), "backup").next_due_at == "2026-11-22T02:00:00+05:30"
    assert queue_due(at(opened, "2026-11-21T12:01")) == ()
    resume_schedule(at(opened, "2026-11-22T03:00"), "backup")  # it goes on already: nothing is forgotten
    assert len(queue_due(at(opened, "2026-11-22T03:00"))) == 1


def test_a_run_that_somebody_asks_for_leaves_what_is_due_as_it_is(opened: Workspace) -> None:
    noon = at(opened, "2026-11-20T12:00")
    add_schedule(noon, "daily-bars", SANDBOX)
    job, is_new = run_schedule(noon, "daily-bars")
    assert (is_new, run_schedule(noon, "daily-bars")) == (True, (job, False))
    end(opened, job.id, JobError(about="SIM:ZORVINBANK", kind="NotListed", message="It is not listed.", hint="Look it up."))
    evening = at(opened, "2026-11-20T17:00")
    assert show_schedule(evening, "daily-bars").last_outcome == "failed. SIM:ZORVINBANK: It is not listed. Look it up."
    assert len(queue_due(evening)) == 1


def test_a_schedule_that_is_removed_leaves_its_jobs(opened: Workspace) -> None:
    add_schedule(opened, "nightly", {}, kind="compact", when="daily@01:00")
    job, _ = run_schedule(opened, "nightly")
    assert remove_schedule(opened, "nightly").state == "on"
    assert [one.id for one in list_jobs(opened)] == [job.id]
    for verb in (show_schedule, remove_schedule, pause_schedule, resume_schedule, run_schedule):
        with pytest.raises(UnknownSchedule, match="no schedule 'nightly'"):
            verb(opened, "nightly")
    assert JobStore(opened.control.database).document(job.id).state in PENDING
    assert job.state is JobState.QUEUED


@pytest.mark.parametrize(
    ("name", "values", "options", "words"),
    [
        pytest.param("daily-bars", {}, {}, "the schedule daily-bars needs it", id="what an offer needs is missing"),
        pytest.param("daily-bars", SANDBOX | {"source": "moon"}, {}, "source", id="a value that does not fit"),
        pytest.param("backup", {"folder": "x"}, {}, "no such field", id="a field it has not"),
        pytest.param("mine", {}, {"when": "daily@02:00"}, "kind", id="no kind"),
        pytest.param("mine", {}, {"kind": "compact"}, "when", id="no time"),
        pytest.param("mine", {}, {"kind": "tidy", "when": "daily@02:00"}, "no such kind", id="an unknown kind"),
        pytest.param("Über", {}, {"kind": "compact", "when": "daily@02:00"}, "small letters", id="a name that is none"),
        pytest.param("compact", {}, {"exchange": "LSE"}, "no such exchange", id="an unknown exchange"),
        pytest.param("backup", {"keep": True}, {}, "keep = True: is no number", id="a yes in place of a number"),
        pytest.param("compact", {}, {"exchange": "INDEX", "when": "close+45"}, "never be due", id="an exchange that never opens"),
        pytest.param("compact", {}, {"when": "close+5"}, "minutes after the close", id="too soon"),
    ],
)
def test_what_can_come_to_nothing_is_refused_when_it_is_added(  # noqa: PLR0917 - a row of the table
    opened: Workspace, name: str, values: dict[str, object], options: dict[str, str], words: str
) -> None:
    with pytest.raises(BadParameter, match=words) as refused:
        add_schedule(opened, name, values, **options)
    assert refused.value.hint
    assert all(one.state == "off" for one in list_schedules(opened))


def test_a_name_is_given_once(opened: Workspace) -> None:
    add_schedule(opened, "backup", {})
    with pytest.raises(BadParameter, match="there is a schedule"):
        add_schedule(opened, "backup", {"keep": 2})
    assert show_schedule(opened, "backup").request == {"keep": 14}


@pytest.mark.parametrize(
    ("name", "values", "message", "hint"),
    [
        pytest.param(
            "chains", {}, "underlying = '': the schedule chains needs it.", "qts schedule add chains underlying=NIFTY", id="nothing"
        ),
        pytest.param(
            "chains", {"underlying": ""}, "underlying = '': the schedule chains needs it.", "underlying=NIFTY", id="an empty word"
        ),
        pytest.param("daily-bars", {"from": "2024-01-01"}, "the schedule daily-bars needs it", "instruments=NSE:INFY", id="half of it"),
        pytest.param("daily-bars", SANDBOX | {"from": "2026-11-21"}, "lies in the future", "from=2020-01-01", id="a day to come"),
        pytest.param("daily-bars", SANDBOX | {"to": "2026-11-19"}, "nothing left to download", "Leave it out", id="a day that is over"),
    ],
)
def test_a_schedule_that_would_do_nothing_is_refused_in_words(
    opened: Workspace, name: str, values: dict[str, object], *, message: str, hint: str
) -> None:
    with pytest.raises(BadParameter) as caught:
        add_schedule(at(opened, "2026-11-20T12:00"), name, values)
    assert message in caught.value.message
    assert hint in caught.value.hint
    assert {one.state for one in list_schedules(opened)} == {"off"}


def test_a_schedule_may_begin_today_and_end_on_a_day_to_come(opened: Workspace) -> None:
    values = SANDBOX | {"from": "2026-11-20", "to": "2026-11-20"}
    assert add_schedule(at(opened, "2026-11-20T12:00"), "today", values, kind="ingest", when="daily@18:00").state == "on"
    values["to"] = "2030-01-01"
    assert add_schedule(at(opened, "2026-11-20T12:00"), "later", values, kind="ingest", when="daily@18:00").what.endswith("to 2030-01-01")


def test_the_examples_of_the_offers_can_be_added(opened: Workspace) -> None:
    values = {name: dict(word.split("=") for word in offer.example.split()) for name, offer in OFFERS.items()}
    assert {name for name, given in values.items() if given} == {name for name, offer in OFFERS.items() if offer.needs}
    for name, given in values.items():
        # One for which no keys are needed.
        source = {"source": "sandbox"} if "source" in kind_named(OFFERS[name].kind).request.model_fields else {}
        assert add_schedule(at(opened, "2026-11-20T12:00"), name, given | source).state == "on"
