"""``qts verify``, ``qts backup``, ``qts restore``, ``qts compact`` and ``qts doctor``: looking after a home."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qts.cli.exit_codes import DONE, FOUND
from qts.cli.options import Json
from qts.cli.output import note, say, write_json, write_table
from qts.cli.shell import opened, settings_of

if TYPE_CHECKING:
    from qts.app.restoring import BackupCheck
    from qts.app.verification import VerifyDocument

_SHOWN_HOLES = 40


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("verify")(verify)
    app.command("backup")(backup)
    app.command("restore")(restore)
    app.command("doctor")(doctor)
    app.command("compact")(compact)


def verify(
    context: typer.Context,
    *,
    quick: Annotated[bool, typer.Option("--quick", help="Look at sizes and pages only, not at every byte.")] = False,
    look_only: Annotated[bool, typer.Option("--look-only", help="Change nothing, whatever is found.")] = False,
    heal_from: Annotated[
        Path | None, typer.Option(help="Folder of backups to take lost files from; backups in the home when absent.")
    ] = None,
    backup_path: Annotated[Path | None, typer.Option("--backup", help="Check this backup instead of the home.")] = None,
    as_json: Json = False,
) -> int:
    """Check that all that is stored is what was written. Damaged bars are set aside, so that they are imported again.

    Ends with code 5 where damage is found.
    """
    if backup_path is not None:
        return _verify_backup(backup_path, as_json=as_json)
    from qts.app.verification import verify_home

    document = verify_home(settings_of(context), quick=quick, look_only=look_only, backups=heal_from)
    write_json(document) if as_json else _draw_verification(document)
    return DONE if document.sound and not document.refill else FOUND


def backup(
    context: typer.Context,
    *,
    folder: Annotated[Path | None, typer.Option("--to", help="Folder of backups; backups in the home when absent.")] = None,
    keep: Annotated[int | None, typer.Option(min=1, help="How many backups stay; the oldest go. All when absent.")] = None,
    as_json: Json = False,
) -> int:
    """Make a backup of the home, which may be in use. What has not changed since the last backup costs no room.

    Ends with code 5 where the store had lost files before: they are not in the backup.
    """
    from qts.app import format as shown
    from qts.app.backups import back_up

    with opened(context) as workspace:
        report = back_up(workspace, folder, keep=keep)
    if as_json:
        write_json(report)
    else:
        say(f"{report.path}: snapshot {report.snapshot}, {shown.number(report.files, places=0)} files, {_megabytes(report.bytes)},")
        say(f"of which {_megabytes(report.new_bytes)} are new.")
        for name in report.removed:
            say(f"Removed {name}.")
        for path in report.missing:
            note(f"Not in the backup, as the store has lost it: {path}")
    return FOUND if report.missing else DONE


def restore(
    context: typer.Context,
    backup_path: Annotated[Path, typer.Argument(metavar="BACKUP", help="A backup, as qts backup names it.")],
    *,
    as_json: Json = False,
) -> int:
    """Copy a backup into the home, which must be empty, and check all that was copied."""
    from qts.app.restoring import restore as restore_into
    from qts.app.verification import verify_home

    settings = settings_of(context)
    report = restore_into(backup_path, settings)
    checked = verify_home(settings)
    if as_json:
        write_json({"restored": report, "verified": checked})
    else:
        say(f"Restored {report.home} as it was at {report.made_at}, snapshot {report.snapshot}.")
        _draw_verification(checked)
    return DONE if checked.sound else FOUND


def doctor(
    context: typer.Context,
    *,
    security: Annotated[bool, typer.Option("--security", help="Ask who else may read and write the home.")] = False,
    as_json: Json = False,
) -> int:
    """Look at the home, the disk, the versions and the databases, and say what is not well. Ends with code 5 where there is a problem."""
    from qts.app.doctor import Health, examine

    document = examine(settings_of(context), security=security)
    if as_json:
        write_json(document)
    else:
        marks = {Health.OK: "ok", Health.WARNING: "warning", Health.PROBLEM: "PROBLEM"}
        write_table(("About", "", "Finding"), [(finding.about, marks[finding.health], finding.text) for finding in document.findings])
        for finding in document.findings:
            if finding.hint:
                note(f"{finding.about}: {finding.hint}")
    return DONE if document.well else FOUND


def compact(
    context: typer.Context,
    *,
    everything: Annotated[bool, typer.Option("--all", help="Also where there is little to gain.")] = False,
    as_json: Json = False,
) -> None:
    """Put what imports brought lately into the files of their years, which are read faster. Nothing changes but the files."""
    from qts.app import format as shown
    from qts.app.snapshots import compact_store

    with opened(context) as workspace:
        done = compact_store(workspace, everything=everything)
    if as_json:
        write_json(done)
        return
    if not done:
        say("Nothing to do: all bars are in the files of their years.")
        return
    rows = [
        (one.dataset, str(one.hot_files), str(one.files_written), shown.number(one.bars, places=0), one.left_because or "") for one in done
    ]
    write_table(("Dataset", "Lately", "Files written", "Bars", "Left because"), rows, numeric=("Lately", "Files written", "Bars"))


def _verify_backup(path: Path, *, as_json: bool) -> int:
    from qts.app.restoring import check_backup

    check = check_backup(path)
    write_json(check) if as_json else _draw_backup(check)
    return FOUND if check.damaged or check.missing else DONE


def _draw_backup(check: BackupCheck) -> None:
    for path, reason in check.damaged.items():
        note(f"Damaged: {path}: {reason}")
    for path in check.missing:
        note(f"Not in the backup, as the store had lost it: {path}")
    state = "damaged" if check.damaged else "sound"
    say(f"Backup {check.name}, snapshot {check.snapshot}: {check.files:,} files, {_megabytes(check.bytes)}, {state}.")


def _draw_damage(document: VerifyDocument) -> None:
    for damage in document.damage:
        done = " (put right)" if damage.put_back else f" (now in {damage.aside})" if damage.aside else ""
        note(f"{damage.state.capitalize()}: {damage.path}: {damage.reason}{done}")
        if damage.cure and not damage.put_back:
            note(f"  {damage.cure}")
    if document.unneeded:
        note(f"{len(document.unneeded)} damaged or missing files are of collected snapshots only: the next collection forgets them.")
    if document.unhashed_runs:
        note(f"{len(document.unhashed_runs)} runs were kept without hashes by an earlier release; `qts replay RUN` adds them to each.")


def _draw_verification(document: VerifyDocument) -> None:
    _draw_damage(document)
    if document.refill:
        note("To be imported or fetched again:")
        for hole in document.refill[:_SHOWN_HOLES]:
            note(f"  {hole.instrument} {hole.interval} {hole.prices}, {hole.first}..{hole.last}")
        if len(document.refill) > _SHOWN_HOLES:
            note(f"  and {len(document.refill) - _SHOWN_HOLES} more; --json lists all")
    looked = "sizes" if document.quick else "every byte"
    state = "all sound" if document.sound else f"{len(document.damage)} damaged or missing"
    chains = f" and {document.chains:,} option chains" if document.chains else ""
    say(f"{document.files:,} files of bars and {document.runs:,} runs{chains} checked ({looked}): {state}.")
    if document.foreign:
        say(f"{len(document.foreign):,} files among the bars are in no snapshot; they harm nothing.")


def _megabytes(n_bytes: int) -> str:
    return f"{n_bytes / 1e6:,.1f} MB"
