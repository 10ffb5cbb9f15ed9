"""``qts schedule``: what a worker does again and again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from qts.cli.jobs import named_values, warn_of_worker
from qts.cli.options import Json
from qts.cli.output import note, say, write_json, write_table
from qts.cli.shell import opened

if TYPE_CHECKING:
    from collections.abc import Callable

    from qts.app import Workspace
    from qts.app.jobs.scheduling import ScheduleDocument

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the schedule, as `qts schedule list` shows it.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    schedule = typer.Typer(no_args_is_help=True, help="What a worker does again and again: downloads, backups and the like.")
    for name, command in (("list", list_), ("add", add), ("remove", remove), ("run", run), ("pause", pause), ("resume", resume)):
        schedule.command(name)(command)
    app.add_typer(schedule, name="schedule")


def list_(context: typer.Context, *, as_json: Json = False) -> None:
    """List the schedules, when they are due and how their last run ended; and those that are off, but can be added."""
    from qts.app.jobs.presence import has_worker
    from qts.app.jobs.scheduling import list_schedules

    with opened(context) as workspace:
        found = list_schedules(workspace)
        is_missing = any(one.state == "on" for one in found) and not has_worker(workspace.settings.home)
    if as_json:
        write_json(found)
    else:
        write_table(("Name", "", "What", "When", "Next", "Last"), [_row(one) for one in found])
        if all(one.state == "off" for one in found):
            note("Nothing is done by itself yet: `qts schedule add backup` turns that one on.")
        for one in found:
            if one.waits_for is not None:
                later = "; what falls due meanwhile is done once after it" if one.state == "on" else ""
                note(f"{one.name}: its job {one.waits_for} is {one.last_outcome.rstrip('.')}{later}.")
            elif (one.last_job is None and one.last_outcome) or (one.last_job is not None and one.last_job.errors):
                note(f"{one.name}: {one.last_outcome}")
    warn_of_worker(is_missing=is_missing)


def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="One of those that `qts schedule list` offers, or any other name.")],
    values: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME=VALUE]...", help="How, such as instruments=NSE:INFY from=2020-01-01, or keep=14.")
    ] = None,
    *,
    kind: Annotated[str | None, typer.Option(help="Kind of job: ingest, backup, compact, verify or instruments.")] = None,
    when: Annotated[str | None, typer.Option(help="daily@02:00, trading@08:30, sunday@03:00 or close+45, in Indian time.")] = None,
    exchange: Annotated[str, typer.Option(help="Exchange whose trading days and hours count.")] = "NSE",
    as_json: Json = False,
) -> None:
    """Turn a schedule on, from now. A worker that was not running catches up with one run, however many it missed."""
    from qts.app.jobs.scheduling import add_schedule

    def change(workspace: Workspace) -> ScheduleDocument:
        return add_schedule(workspace, name, named_values(values or ()), kind=kind, when=when, exchange=exchange)

    _change(context, change, "is on", as_json=as_json)


def remove(context: typer.Context, name: Name, *, as_json: Json = False) -> None:
    """Remove a schedule. Its jobs stay."""
    from qts.app.jobs.scheduling import remove_schedule

    _change(context, lambda workspace: remove_schedule(workspace, name), "is removed", as_json=as_json)


def run(context: typer.Context, name: Name, *, as_json: Json = False) -> None:
    """Queue now what a schedule does; while its last run goes on, nothing is queued."""
    from qts.app.jobs.asking import worker_is_missing
    from qts.app.jobs.scheduling import run_schedule

    with opened(context) as workspace:
        job, is_new = run_schedule(workspace, name)
        is_missing = worker_is_missing(workspace, [job])
    if as_json:
        write_json(job)
    else:
        say(f"Job {job.id} is queued." if is_new else f"Job {job.id} is at this already; nothing was queued.")
    warn_of_worker(is_missing=is_missing)


def pause(context: typer.Context, name: Name, *, as_json: Json = False) -> None:
    """Let a schedule rest. What falls due meanwhile is not done later."""
    from qts.app.jobs.scheduling import pause_schedule

    _change(context, lambda workspace: pause_schedule(workspace, name), "is paused", as_json=as_json)


def resume(context: typer.Context, name: Name, *, as_json: Json = False) -> None:
    """Let a schedule go on with what falls due from now."""
    from qts.app.jobs.scheduling import resume_schedule

    _change(context, lambda workspace: resume_schedule(workspace, name), "is on", as_json=as_json)


def _change(context: typer.Context, change: Callable[[Workspace], ScheduleDocument], done: str, *, as_json: bool) -> None:
    from qts.app.jobs.presence import has_worker

    with opened(context) as workspace:
        document = change(workspace)
        is_missing = done == "is on" and not has_worker(workspace.settings.home)
    if as_json:
        write_json(document)
    else:
        say(f"{document.name} {done}: {document.what}, {document.when_words}.")
        if done == "is on" and document.next_due_at is not None:
            say(f"Next: {_time(document.next_due_at)}.")
    warn_of_worker(is_missing=is_missing)


def _row(one: ScheduleDocument) -> tuple[str, ...]:
    needs = f"; needs {' and '.join(f'{name}=…' for name in one.needs)}" if one.needs else ""
    last = "" if one.last_job is None else one.last_job.state.replace("_", " ")
    return one.name, one.state, f"{one.what}{needs}", one.when_words, _time(one.next_due_at), last


def _time(stamp: str | None) -> str:
    from datetime import datetime

    from qts.app import format as shown

    return "" if stamp is None else shown.ist(datetime.fromisoformat(stamp))
