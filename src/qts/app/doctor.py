"""What a person looks at first when something is odd: is the home sound, is there room, which versions, who may read what."""

from __future__ import annotations

import os
import platform
import shutil
import stat
from collections.abc import Iterator
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict

import qts
from qts.app.backup_document import BACKUPS, BackupDocument, finished_backups
from qts.app.control import CONTROL, ControlDatabase
from qts.app.settings import TOML_NAME, UNFINISHED_RESTORE, Settings
from qts.core.errors import DamagedFile, QtsError
from qts.data.storage import FileState, ParquetStore, Reserve
from qts.data.storage.manifest import MANIFEST
from qts.data.storage.retention import LOST_MANIFEST
from qts.data.storage.seals import RESTORE_HINT

_LIBRARIES: Final = ("duckdb", "pyarrow", "numpy", "numba", "sqlalchemy", "streamlit", "fastapi")
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_WRITTEN_BY_OTHERS: Final = stat.S_IWGRP | stat.S_IWOTH


class Health(StrEnum):
    """What a look at one thing came to."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


class DoctorFinding(BaseModel):
    """One thing that was looked at; ``hint`` is the way out where it is not well."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    about: str
    health: Health
    text: str
    hint: str = ""


class DoctorDocument(BaseModel):
    """All that was looked at. ``well`` unless there is a problem; warnings leave it so."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    home: str
    well: bool
    findings: tuple[DoctorFinding, ...]


def examine(settings: Settings, *, security: bool = False) -> DoctorDocument:
    """Look at a home; ``security`` asks who else may read or write it instead. Databases of an earlier release are brought up to date."""
    findings = tuple(_security(settings) if security else _health(settings))
    return DoctorDocument(
        home=str(settings.home), well=all(finding.health is not Health.PROBLEM for finding in findings), findings=findings
    )


def _health(settings: Settings) -> Iterator[DoctorFinding]:
    yield _ok("release", f"qts {qts.__version__}, Python {platform.python_version()} on {platform.system()} {platform.machine()}")
    yield _ok("libraries", ", ".join(f"{name} {version(name)}" for name in _LIBRARIES))
    if not settings.home.is_dir():
        yield _warning("home", f"{settings.home} is not there yet", "The first command that stores something makes it.")
        return
    yield from _home(settings)
    yield _room(settings)
    yield from _bars(settings)
    yield _cache(settings)
    yield _control(settings)
    yield _backups(settings)


def _home(settings: Settings) -> Iterator[DoctorFinding]:
    home = settings.home
    if (home / UNFINISHED_RESTORE).exists():
        yield _problem("home", f"a restore into {home} was not finished", "Run the same `qts restore` again.")
    elif os.access(home, os.W_OK | os.X_OK):
        yield _ok("home", f"{home} can be written")
    else:
        yield _problem("home", f"{home} cannot be written", "Check its owner and permissions.")


def _room(settings: Settings) -> DoctorFinding:
    usage = shutil.disk_usage(settings.home)
    text = f"{usage.free / 2**30:,.1f} of {usage.total / 2**30:,.1f} GiB are free"
    try:
        Reserve(n_bytes=settings.keep_free_bytes).require(settings.home)
    except QtsError as error:
        return _problem("disk", f"{text}: nothing more is stored", error.hint)
    return _ok("disk", text)


def _bars(settings: Settings) -> Iterator[DoctorFinding]:
    if not (settings.store_root / "manifest.sqlite").exists():
        if next((settings.store_root / "data" / "bars").rglob("*.parquet"), None) is None:
            yield _ok("bars", "nothing is stored yet")
        else:
            yield _problem("manifest", "manifest.sqlite is missing, and yet there are files of bars", RESTORE_HINT)
        return
    try:
        store = ParquetStore.open(settings.store_root)
    except QtsError as error:
        yield _problem("bars", error.message.rstrip("."), error.hint)
        return
    try:
        yield from _store(store)
    except DamagedFile as error:
        yield _problem("manifest", error.message.rstrip("."), error.hint)
    finally:
        store.close()


def _store(store: ParquetStore) -> Iterator[DoctorFinding]:
    pages = store.database_findings(quick=True)
    if pages:
        yield _problem("manifest", f"manifest.sqlite is damaged: {pages[0]}", "Restore a backup with `qts restore`.")
        return
    findings = store.verify(quick=True)
    if not store.has_commits() and any(finding.path.endswith(".parquet") for finding in findings):
        yield _problem("manifest", f"manifest.sqlite: {LOST_MANIFEST}", RESTORE_HINT)
        return
    n_series, n_snapshots = len(store.series()), len(store.snapshots())
    yield _ok("manifest", f"schema {MANIFEST.head}, {n_series:,} series, {n_snapshots:,} snapshots, present snapshot {store.snapshot()}")
    harmed = [finding for finding in findings if finding.is_needed and finding.state in {FileState.DAMAGED, FileState.MISSING}]
    holes = store.refill()
    if harmed or holes:
        text = f"{len(harmed):,} files are damaged or missing, {len(holes):,} spans are to be fetched again"
        yield _problem("files", text, "`qts verify` names them.")
    else:
        yield _ok("files", f"{len(findings):,} files are in their places with their sizes; `qts verify` reads them all")
    n_foreign = sum(finding.state is FileState.FOREIGN for finding in findings)
    if n_foreign:
        yield _warning(
            "files", f"{n_foreign:,} files among the bars are in no snapshot", "They harm nothing: a writer that was killed left them."
        )


def _cache(settings: Settings) -> DoctorFinding:
    files = list(settings.bar_cache_folder.glob("*.bars"))
    n_bytes = sum(_size_of(file) for file in files)
    text = f"{len(files):,} copies of series for backtests take {n_bytes / 2**30:,.2f} GiB, of {settings.cache_size} that they may"
    return _ok("cache", f"{text}; the folder cache may be deleted at any time")


def _size_of(file: Path) -> int:
    """Return the size of a file, 0 where another process has just removed it."""
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0


def _control(settings: Settings) -> DoctorFinding:
    if not settings.control_path.exists():
        return _ok("control", "no run is stored yet")
    try:
        control = ControlDatabase.open(settings.control_path)
    except QtsError as error:
        return _problem("control", error.message.rstrip("."), error.hint)
    try:
        pages = control.database.findings(quick=True)
        if pages:
            return _problem("control", f"control.sqlite is damaged: {pages[0]}", "Restore a backup with `qts restore`.")
        return _ok("control", f"schema {CONTROL.head}, {len(control.runs()):,} runs")
    finally:
        control.close()


def _backups(settings: Settings) -> DoctorFinding:
    made = finished_backups(settings.home / BACKUPS)
    if not made:
        return _warning("backups", "there is none in this home", "Make one with `qts backup`, best on another disk with --to.")
    try:
        return _ok("backups", f"{len(made):,} in this home, the last of {BackupDocument.read(made[-1]).made_at}")
    except QtsError as error:
        return _problem("backups", error.message.rstrip("."), "Make a new one with `qts backup`.")


def _security(settings: Settings) -> Iterator[DoctorFinding]:
    home = settings.home
    private = {home: "home folder", home / TOML_NAME: TOML_NAME, home / "control.sqlite": "control database", home / BACKUPS: "backups"}
    for path, name in private.items():
        if path.exists():
            yield _privacy(path, name)
    if settings.key_file.exists():
        yield _privacy(settings.key_file, "key file")
    for path in sorted(settings.strategies_folder.rglob("*.py")) if settings.strategies_folder.is_dir() else ():
        if path.stat().st_mode & _WRITTEN_BY_OTHERS:
            yield _problem("strategies", f"others may write {path}, which runs as you", f"Run: chmod go-w {path}")
    if settings.host in _LOOPBACK:
        yield _ok("web", f"the web server listens on {settings.host}: this machine only")
    else:
        hint = "Whoever reaches it can use it: keep it behind a firewall or a proxy that asks for a password."
        yield _warning("web", f"the web server listens on {settings.host}: other machines can reach it", hint)


def _privacy(path: Path, name: str) -> DoctorFinding:
    mode = stat.S_IMODE(path.stat().st_mode)
    if not mode & _OTHERS:
        return _ok(name, f"{path} is yours alone")
    # Behind a closed home nobody gets to what lies in it.
    closed = any(not stat.S_IMODE(parent.stat().st_mode) & stat.S_IXOTH for parent in path.parents)
    hint = f"Run: chmod go-rwx {path}"
    if mode & _WRITTEN_BY_OTHERS and not closed:
        return _problem(name, f"others may write {path} (mode {mode:o})", hint)
    if closed:
        return _ok(name, f"{path} lies in a folder that others may not enter")
    return _problem(name, f"others may read {path} (mode {mode:o})", hint)


def _ok(about: str, text: str) -> DoctorFinding:
    return DoctorFinding(about=about, health=Health.OK, text=text)


def _warning(about: str, text: str, hint: str) -> DoctorFinding:
    return DoctorFinding(about=about, health=Health.WARNING, text=text, hint=hint)


def _problem(about: str, text: str, hint: str) -> DoctorFinding:
    return DoctorFinding(about=about, health=Health.PROBLEM, text=text, hint=hint)
