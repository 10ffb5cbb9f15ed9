"""``qts snapshots``: what the store looked like before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from qts.cli.options import Json
from qts.cli.output import say, write_json, write_table
from qts.cli.shell import opened

if TYPE_CHECKING:
    from qts.app.snapshots import SeriesState

_SHOWN_LETTERS = 60


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(no_args_is_help=True, help="What the store looked like before.")
    group.command("list")(list_)
    group.command("compare")(compare)
    group.command("name")(name)
    group.command("forget")(forget)
    group.command("collect")(collect)
    app.add_typer(group, name="snapshots")


def list_(
    context: typer.Context,
    *,
    limit: Annotated[int, typer.Option(min=1, help="How many to show, the latest first.")] = 20,
    as_json: Json = False,
) -> None:
    """Show the snapshots of the store: `--as-of ID` of other commands reads one."""
    from qts.app import format as shown
    from qts.app.snapshots import list_snapshots

    with opened(context) as workspace:
        snapshots = list_snapshots(workspace)
    if as_json:
        write_json(snapshots[:limit])
        return
    rows = [
        (snapshot.id, ", ".join(snapshot.names), shown.ist(snapshot.at), snapshot.kind, _cut(snapshot.note))
        for snapshot in snapshots[:limit]
    ]
    write_table(("Snapshot", "Name", "Made at", "By", "Note"), rows, title=f"{len(rows)} of {len(snapshots)} snapshots")


def compare(
    context: typer.Context,
    before: Annotated[str, typer.Argument(help="The earlier snapshot, by id or name.")],
    after: Annotated[str | None, typer.Argument(help="The later snapshot; the present when absent.")] = None,
    *,
    as_json: Json = False,
) -> None:
    """Show which series changed between two snapshots."""
    from qts.app.snapshots import compare_snapshots

    with opened(context) as workspace:
        document = compare_snapshots(workspace, before, after)
    if as_json:
        write_json(document)
        return
    rows = [
        (change.instrument, change.interval, change.prices, *_drawn(change.before), *_drawn(change.after)) for change in document.changes
    ]
    columns = ("Instrument", "Bars of", "Prices", "Bars before", "Last before", "Bars after", "Last after")
    title = f"{len(rows)} series changed from {document.before} to {document.after}, {document.unchanged} did not"
    write_table(columns, rows, title=title, numeric=("Bars before", "Bars after"))


def name(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="What it is called from now on; `--as-of NAME` reads it.")],
    snapshot: Annotated[str | None, typer.Argument(help="The snapshot; the present when absent.")] = None,
    *,
    as_json: Json = False,
) -> None:
    """Call a snapshot by a name. It is kept as long as it has one."""
    from qts.app.snapshots import name_snapshot

    with opened(context) as workspace:
        document = name_snapshot(workspace, name, snapshot)
    write_json(document) if as_json else say(f"Snapshot {document.id} is called {', '.join(document.names)}.")


def forget(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The name of a snapshot.")],
    *,
    as_json: Json = False,
) -> None:
    """Take a name away. Its snapshot is then kept no longer than others."""
    from qts.app.snapshots import forget_name

    with opened(context) as workspace:
        document = forget_name(workspace, name)
    write_json(document) if as_json else say(f"No snapshot is called {name} any more.")


def collect(
    context: typer.Context,
    *,
    keep_days: Annotated[int, typer.Option(min=0, help="Keep all snapshots of so many days.")] = 30,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would be given back.")] = False,
    as_json: Json = False,
) -> None:
    """Give back the room of old snapshots. Those with a name, those that runs were made from and the present one are kept."""
    from qts.app.snapshots import collect_snapshots

    with opened(context) as workspace:
        document = collect_snapshots(workspace, keep_days=keep_days, dry_run=dry_run)
    if as_json:
        write_json(document)
        return
    would = "would be " if dry_run else ""
    say(
        f"{len(document.snapshots):,} snapshots {would}forgotten, {document.files:,} files ({document.bytes / 1e6:,.1f} MB) {would}removed."
    )


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN_LETTERS else f"{text[: _SHOWN_LETTERS - 3]}..."


def _drawn(state: SeriesState | None) -> tuple[str, str]:
    from qts.app import format as shown

    return ("", "") if state is None else (shown.number(state.bars, places=0), shown.day(state.last))
