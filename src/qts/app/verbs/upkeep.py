"""Checks, backups and snapshots of the home from a notebook."""

from __future__ import annotations

from pathlib import Path

from qts.app.backups import BackupReport, back_up
from qts.app.doctor import DoctorDocument, examine
from qts.app.restoring import RestoreReport
from qts.app.restoring import restore as restore_backup
from qts.app.settings import load_settings
from qts.app.snapshots import (
    KEEP_DAYS,
    CollectionDocument,
    CompactionDocument,
    ComparisonDocument,
    SnapshotDocument,
    compact_store,
    list_snapshots,
)
from qts.app.snapshots import collect_snapshots as collect_old
from qts.app.snapshots import compare_snapshots as compare_two
from qts.app.snapshots import forget_name as forget_one
from qts.app.snapshots import name_snapshot as name_one
from qts.app.verbs.opening import Home, opened
from qts.app.verification import VerifyDocument, verify_home


def verify(*, home: Home = None, quick: bool = False, look_only: bool = False, heal_from: Path | str | None = None) -> VerifyDocument:
    """Check that all that is stored is what was written; damaged bars are set aside unless ``look_only``, or taken from a backup."""
    backups = None if heal_from is None else Path(heal_from)
    return verify_home(load_settings(home=home), quick=quick, look_only=look_only, backups=backups)


def backup(folder: Path | str | None = None, *, home: Home = None, keep: int | None = None) -> BackupReport:
    """Make a backup of the home, which may be in use, in a folder of backups."""
    with opened(home) as workspace:
        return back_up(workspace, None if folder is None else Path(folder), keep=keep)


def restore(path: Path | str, *, home: Home = None) -> RestoreReport:
    """Copy a backup into an empty home."""
    return restore_backup(Path(path), load_settings(home=home))


def doctor(*, home: Home = None, security: bool = False) -> DoctorDocument:
    """Look at the home, the disk, the versions and the databases, or at who else may read and write."""
    return examine(load_settings(home=home), security=security)


def snapshots(*, home: Home = None) -> tuple[SnapshotDocument, ...]:
    """Return the snapshots of the store, the latest first."""
    with opened(home) as workspace:
        return list_snapshots(workspace)


def compare_snapshots(before: str, after: str | None = None, *, home: Home = None) -> ComparisonDocument:
    """Return which series changed between two snapshots, the present being the later by default."""
    with opened(home) as workspace:
        return compare_two(workspace, before, after)


def name_snapshot(name: str, snapshot: str | None = None, *, home: Home = None) -> SnapshotDocument:
    """Call a snapshot, the present one by default, by a name, which keeps it."""
    with opened(home) as workspace:
        return name_one(workspace, name, snapshot)


def collect_snapshots(*, keep_days: int = KEEP_DAYS, dry_run: bool = False, home: Home = None) -> CollectionDocument:
    """Give back the room of snapshots that are older, have no name and were used by no stored run."""
    with opened(home) as workspace:
        return collect_old(workspace, keep_days=keep_days, dry_run=dry_run)


def compact(*, everything: bool = False, home: Home = None) -> tuple[CompactionDocument, ...]:
    """Put what imports brought lately into the files of their years."""
    with opened(home) as workspace:
        return compact_store(workspace, everything=everything)


def forget_snapshot(name: str, *, home: Home = None) -> SnapshotDocument:
    """Take a name away from its snapshot, which is then kept no longer than others."""
    with opened(home) as workspace:
        return forget_one(workspace, name)
