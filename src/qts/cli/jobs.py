"""``qts worker`` and ``qts jobs``: long work that goes on while nobody watches."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, Annotated

import typer

from qts.cli.exit_codes import DONE, OUTSIDE
from qts.cli.options import Json
from qts.cli.output import flush, note, say, write_json, write_table
from qts.cli.shell import opened, stopped_by_signals

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.text import Text

    from qts.app import Workspace
    from qts.app.jobs.document import JobDocument

JobId = Annotated[str, typer.Argument(metavar="ID", help="Id of the job, as `qts jobs list` shows it.")]
_LOOKS_EVERY = 0.5
_MINUTE = 60.0
_HOUR = 3600.0
_WIDTH = 20


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("worker")(worker)
    jobs = typer.Typer(no_args_is_help=True, help="Long work in the background: see, pause, resume, cancel and retry it.")
    for name, command in (
        ("submit", submit),
        ("list", list_),
        ("show", show),
        ("watch", watch),
        ("pause", pause),
        ("resume", resume),
        ("cancel", cancel),
        ("retry", retry),
    ):
        jobs.command(name)(command)
    app.add_typer(jobs, name="jobs")


def worker(
    context: typer.Context,
    *,
    once: Annotated[bool, typer.Option("--once", help="End when nothing is left to be done.")] = False,
    parent_pipe: Annotated[int | None, typer.Option(hidden=True)] = None,
) -> None:
    """Carry out jobs until Ctrl-C. What another worker was at when it died goes on here."""
    from qts.app.jobs.worker import Worker
    from qts.app.supervisor import end_with_parent

    if parent_pipe is not None:
        end_with_parent(parent_pipe)
    has_ended = True
    with stopped_by_signals(), opened(context) as workspace:
        at_work = Worker(workspace)
        try:
            at_work.start()
            note("Waiting for jobs (Ctrl-C ends it)." if not once else "Carrying out what is queued.")
            at_work.run(once=once)
        except KeyboardInterrupt:
            note("Ending; jobs go on with the next worker.")
        finally:
            has_ended = at_work.stop()
    if not has_ended:
        # A request that hangs must not hold us: its step is done again by the next worker.
        flush()
        os._exit(DONE)


def submit(
    context: typer.Context,
    kind: Annotated[str, typer.Argument(metavar="KIND", help="What is to be done: ingest, backup, compact, verify or instruments.")],
    values: Annotated[list[str] | None, typer.Argument(metavar="[NAME=VALUE]...", help="How, such as keep=14 for backup.")] = None,
    *,
    as_json: Json = False,
) -> None:
    """Queue a job and end at once with its id. The same request again, while it is pending, is no second job."""
    from qts.app.jobs.asking import submit_values, worker_is_missing

    with opened(context) as workspace:
        job, is_new = submit_values(workspace, kind, named_values(values or ()))
        is_missing = worker_is_missing(workspace, [job])
    if as_json:
        write_json(job)
    else:
        say(f"Job {job.id} is queued." if is_new else f"Job {job.id} is at this already; nothing was queued.")
        say(f"Follow it with `qts jobs watch {job.id}`.")
    warn_of_worker(is_missing=is_missing)


def named_values(texts: Sequence[str]) -> dict[str, object]:
    """Return the values of ``name=value`` by name; raises BadParameter."""
    from qts.core.errors import BadParameter

    found: dict[str, object] = {}
    for text in texts:
        name, sign, value = text.partition("=")
        if not sign or not name:
            raise BadParameter("value", text, "is not NAME=VALUE", hint="Write keep=14, with commas between the parts of a list.")
        found[name.strip().replace("-", "_")] = value
    return found


def list_(
    context: typer.Context,
    *,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many, the latest first.")] = 20,
    as_json: Json = False,
) -> None:
    """List the latest jobs."""
    from qts.app.jobs.asking import list_jobs, worker_is_missing

    with opened(context) as workspace:
        found = list_jobs(workspace, limit=limit)
        is_missing = worker_is_missing(workspace, found)
    if as_json:
        write_json(found)
    elif not found:
        say("There are no jobs. `qts ingest … --background` makes one.")
    else:
        write_table(_COLUMNS, [_row(job) for job in found], numeric=_NUMERIC)
    warn_of_worker(is_missing=is_missing)


def show(context: typer.Context, job_id: JobId, *, as_json: Json = False) -> None:
    """Show a job: how far it has come, and what went wrong with the way out."""
    from qts.app.jobs.asking import show_job, worker_is_missing

    with opened(context) as workspace:
        job = show_job(workspace, job_id)
        is_missing = worker_is_missing(workspace, [job])
    write_json(job) if as_json else _draw(job)
    warn_of_worker(is_missing=is_missing)


def pause(context: typer.Context, job_id: JobId, *, as_json: Json = False) -> None:
    """Let a job rest after the request it is at."""
    from qts.app.jobs.asking import pause_job

    _change(context, pause_job, job_id, as_json=as_json)


def resume(context: typer.Context, job_id: JobId, *, as_json: Json = False) -> None:
    """Let a job go on where it was."""
    from qts.app.jobs.asking import resume_job

    _change(context, resume_job, job_id, as_json=as_json)


def cancel(context: typer.Context, job_id: JobId, *, as_json: Json = False) -> None:
    """End a job. What it did is kept."""
    from qts.app.jobs.asking import cancel_job

    _change(context, cancel_job, job_id, as_json=as_json)


def retry(context: typer.Context, job_id: JobId, *, as_json: Json = False) -> None:
    """Begin a job again that failed or was cancelled; what it did before is not done twice."""
    from qts.app.jobs.asking import retry_job

    _change(context, retry_job, job_id, as_json=as_json)


def watch(
    context: typer.Context,
    job_id: Annotated[str | None, typer.Argument(metavar="[ID]", help="Id of the job; all that are pending when absent.")] = None,
    *,
    as_json: Json = False,
) -> int:
    """Follow a job, or all that are pending, until nothing changes any more. Ctrl-C ends the watching only.

    Ends with code 4 where a job failed, was cancelled or needs a login.
    """
    from qts.app.jobs.asking import list_jobs, show_job, worker_is_missing
    from qts.app.jobs.document import PENDING, JobState

    with opened(context) as workspace:
        watched = [job_id] if job_id is not None else [job.id for job in list_jobs(workspace) if job.state in PENDING]
        found = tuple(show_job(workspace, one) for one in watched)
        warn_of_worker(is_missing=worker_is_missing(workspace, found))
        found = _followed(workspace, found, quiet=as_json)
    if as_json:
        write_json(found[0] if job_id is not None else found)
    elif not found:
        say("No job is pending. `qts jobs list` shows those that have ended, `qts ingest … --background` makes one.")
    else:
        for job in found:
            _draw(job)
    return DONE if all(job.state is JobState.DONE for job in found) else OUTSIDE


def _followed(workspace: Workspace, jobs: Sequence[JobDocument], *, quiet: bool) -> tuple[JobDocument, ...]:
    from qts.app.jobs.asking import show_job
    from qts.app.jobs.document import ACTIVE

    found = tuple(jobs)
    with _drawn(quiet=quiet) as draw:
        while True:
            draw(found)
            if not any(job.state in ACTIVE for job in found):
                return found
            time.sleep(_LOOKS_EVERY)
            found = tuple(show_job(workspace, job.id) for job in found)


class _drawn:  # noqa: N801 - used as a function
    """Draws jobs on stderr: a picture that moves on a terminal, otherwise a line for every change worth a line."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._live: object | None = None
        self._said: dict[str, str] = {}

    def __enter__(self) -> Callable[[Sequence[JobDocument]], None]:
        if self._quiet:
            return lambda _jobs: None
        if not sys.stderr.isatty():
            return self._lines
        from rich.live import Live

        from qts.cli.output import console

        live = Live(console=console(sys.stderr), refresh_per_second=4, transient=True)
        live.start()
        self._live = live
        return lambda jobs: live.update(_picture(jobs))

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()  # type: ignore[attr-defined]

    def _lines(self, jobs: Sequence[JobDocument]) -> None:
        for job in jobs:
            # A line for every tenth of the way.
            mark = f"{job.state} {int(job.progress * 10)}"
            if self._said.get(job.id) != mark:
                self._said[job.id] = mark
                note(f"{job.id}  {_state(job)}  {_progress(job)}  {_left(job)}  {job.detail}".rstrip())


def _change(context: typer.Context, change: Callable[[Workspace, str], JobDocument], job_id: str, *, as_json: bool) -> None:
    from qts.app.jobs.asking import worker_is_missing

    with opened(context) as workspace:
        job = change(workspace, job_id)
        is_missing = worker_is_missing(workspace, [job])
    write_json(job) if as_json else say(f"Job {job.id} is {_state(job)}.")
    warn_of_worker(is_missing=is_missing)


def warn_of_worker(*, is_missing: bool) -> None:
    """Say that nobody does the jobs, where nobody does."""
    from qts.app.jobs.asking import NO_WORKER

    if is_missing:
        note(NO_WORKER)


_COLUMNS = ("Id", "What", "State", "Progress", "Left", "Retries", "At")
_NUMERIC = ("Progress", "Left", "Retries")


def _row(job: JobDocument) -> tuple[str, ...]:
    return job.id, job.what, _state(job), _progress(job), _left(job), str(job.retries), job.detail


def _picture(jobs: Sequence[JobDocument]) -> Text:
    """Return jobs as they are drawn while they run: what is done, how far it has come, and what it is at."""
    from rich.text import Text as RichText

    lines = []
    for job in jobs:
        left = f"{_left(job)} left" if _left(job) else ""
        again = f"{job.retries} again" if job.retries else ""
        done = round(job.progress * _WIDTH)
        parts = (job.id, _state(job), "#" * done + "-" * (_WIDTH - done), _progress(job), left, again)
        lines += ["  ".join(part for part in parts if part), f"  {job.what}", *([f"  {job.detail}"] if job.detail else [])]
    return RichText("\n".join(lines))


def _draw(job: JobDocument) -> None:
    say(f"{job.id}: {job.what}")
    pace = "" if job.rate is None else f", {job.rate * _MINUTE:.0f} a minute"
    left = f", about {_left(job)} left" if job.eta_seconds is not None else ""
    again = f", {job.retries} requests made again" if job.retries else ""
    # Some kinds have no units, and a job that waits for its turn has not counted them yet.
    counted = f": {job.done} of {job.total}{pace}{left}" if job.total else ""
    say(f"  {_state(job)}{counted}{again}")
    if job.detail:
        say(f"  {job.detail}")
    stamps = (("submitted", job.submitted_at), ("started", job.started_at), ("ended", job.finished_at))
    say("  " + ", ".join(f"{name} {_time(stamp)}" for name, stamp in stamps if stamp))
    for error in job.errors:
        about = f"{error.about}: " if error.about else ""
        say(f"  {about}{error.message}")
        if error.hint:
            say(f"    {error.hint}")


def _time(stamp: str) -> str:
    from datetime import datetime

    from qts.app import format as shown

    return shown.ist(datetime.fromisoformat(stamp))


def _state(job: JobDocument) -> str:
    return job.state.replace("_", " ")


def _progress(job: JobDocument) -> str:
    return f"{job.progress:.0%}" + (f" of {job.total}" if job.total else "")


def _left(job: JobDocument) -> str:
    seconds = job.eta_seconds
    if seconds is None:
        return ""
    if seconds < 2 * _MINUTE:
        return f"{seconds:.0f} s"
    return f"{seconds / _MINUTE:.0f} min" if seconds < 2 * _HOUR else f"{seconds / _HOUR:.1f} h"
