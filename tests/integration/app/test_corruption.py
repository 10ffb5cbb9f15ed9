"""Every kind of file of a home harmed in every way: what is answered is right, or refused by name, or `qts verify` tells of the damage."""

from __future__ import annotations

import os
import shutil
import sqlite3
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qts.app.backtests import list_runs, load_run, run_backtest
from qts.app.backups import back_up
from qts.app.jobs.job_store import JobOrder, JobStore
from qts.app.jobs.schedule_store import ScheduleRow, ScheduleStore
from qts.app.requests import BacktestRequest, build
from qts.app.restoring import check_backup
from qts.app.settings import load_settings
from qts.app.verification import verify_home
from qts.app.workspace import Workspace, open_workspace
from qts.core import ActionKind, Bars, FixedClock, InstrumentId, Interval, symbol_of
from qts.core.errors import QtsError
from qts.data.actions import ActionRecord, ActionState, StatedAction
from qts.data.fetching import FetchLedger
from qts.data.instruments import ChangeState, Dump, DumpRow, IndexMember, SymbolChange
from qts.data.quality import JudgedSeries, Refusal
from qts.data.storage import Provenance, SeriesBars, SeriesKey

AT = datetime(2026, 1, 5, tzinfo=UTC)
N_CORRUPTIONS, N_CHANGES = (300, 100) if os.environ.get("QTS_STRESS") else (12, 6)
SEED = int(os.environ.get("QTS_SEED", "20260105"))
DAILY = SeriesKey(instrument=InstrumentId("NSE:AAA"), interval=Interval.DAY)
MINUTES = SeriesKey(instrument=InstrumentId("NSE:AAA"), interval=Interval.MINUTE_1)
HOT = tuple(SeriesKey(instrument=InstrumentId(f"NSE:H{number:02}"), interval=Interval.MINUTE_1) for number in range(12))
NAMES = tuple(InstrumentId(f"NSE:A{number:02}") for number in range(40))
KEYS = (DAILY, MINUTES, *HOT[:2])
KINDS = {
    "bars of years": "data/bars/1d/NSE/raw/*.parquet",
    "bars of one instrument": "data/bars/1m/NSE/raw/*/*.parquet",
    "hot bars": "data/bars/1m/NSE/raw/hot/*.parquet",
    "manifest": "manifest.sqlite",
    "control database": "control.sqlite",
    "runs": "data/runs/*/*",
    "mapped copies": "cache/bars/*.bars",
    "backups": "backups/*/home/data/**/*.*",
    "what backups say": "backups/*/backup.json",
    "databases of backups": "backups/*/home/*.sqlite",
}


def flip(path: Path, _other: Path, rng: np.random.Generator) -> None:
    content = bytearray(path.read_bytes())
    content[int(rng.integers(len(content)))] ^= 1 << int(rng.integers(8))
    rewrite(path, content)


def cut(path: Path, _other: Path, rng: np.random.Generator) -> None:
    content = path.read_bytes()
    rewrite(path, content[: int(rng.integers(1, len(content)))])


def empty(path: Path, _other: Path, _rng: np.random.Generator) -> None:
    rewrite(path, b"")


def remove(path: Path, _other: Path, _rng: np.random.Generator) -> None:
    path.unlink()


def put_another(path: Path, other: Path, _rng: np.random.Generator) -> None:
    rewrite(path, other.read_bytes())


def put_rubbish(path: Path, _other: Path, rng: np.random.Generator) -> None:
    rewrite(path, rng.bytes(path.stat().st_size))


def zero(path: Path, _other: Path, rng: np.random.Generator) -> None:
    content = bytearray(path.read_bytes())
    start = int(rng.integers(len(content)))
    content[start : start + 16] = bytes(len(content[start : start + 16]))
    rewrite(path, content)


HARMS: tuple[Callable[[Path, Path, np.random.Generator], None], ...] = (flip, cut, empty, remove, put_another, put_rubbish, zero)


def rewrite(path: Path, content: bytes | bytearray) -> None:
    path.unlink()  # it may be another name for the bytes of a backup
    path.write_bytes(content)


def batch(key: SeriesKey, *, first: int = 0, n_bars: int = 300) -> SeriesBars:
    rng = np.random.default_rng(len(key.instrument) + first)
    step = 60_000_000 if key.interval.is_intraday else 86_400_000_000
    close = np.round(100.0 * np.exp(np.cumsum(rng.normal(0, 0.01, n_bars))), 2)
    ts = 1_704_166_500_000_000 + (first + np.arange(n_bars, dtype=np.int64)) * step
    volume = np.full(n_bars, 1_000.0)
    bars = Bars(
        instrument=key.instrument,
        interval=key.interval,
        ts=ts,
        open=close,
        high=close + 1,
        low=close - 1,
        close=close,
        volume=volume,
        oi=volume,
    )
    return SeriesBars(key=key, bars=bars)


def answers(home: Path) -> dict[str, object]:
    """Return what a home answers to everything that is asked here; an error of ours is an answer, any other is none."""
    found: dict[str, object] = {}

    def ask(name: str, question: Callable[[], object]) -> None:
        try:
            found[name] = question()
        except QtsError as error:
            found[name] = error

    try:
        workspace = open_workspace(load_settings(home=home), clock=FixedClock(AT))
    except QtsError as error:
        return {"home": error}
    try:
        for key in KEYS:
            ask(f"{key.instrument} {key.interval}", partial(closes_of, workspace, key))
        ask("for a run", partial(closes_for_run, workspace))
        ask("catalogue", lambda: [(str(info.key), info.n_bars, info.last_close) for info in workspace.store.series()])
        ask("snapshot", workspace.store.snapshot)
        ask("snapshots", workspace.store.snapshots)
        ask("history", partial(workspace.store.history, HOT[0]))
        ask("as of a name", partial(workspace.store.info, HOT[0], as_of="first"))
        ask("days", lambda: {str(key): dict(counts) for key, counts in workspace.store.bars_per_day().items()})
        ask("runs", lambda: list_runs(workspace))
        ask("trials", lambda: workspace.control.trials("ema_cross"))
        ask("actions", partial(workspace.actions.read, known_at=AT))
        ask("actions of one", partial(workspace.actions.read, instruments=[NAMES[7]]))
        ask("members", lambda: workspace.indices.members("NIFTY 50", AT.date()))
        ask("watchlists", workspace.watchlists.all)
        ask("names", lambda: workspace.symbol_changes.names(NAMES[7]))
        for name, question in of_the_tables(workspace).items():
            ask(name, question)
        for run_id in RUNS:
            ask(f"run {run_id}", partial(run_answer, workspace, run_id))
    finally:
        workspace.files.close()
        workspace.close()
    return found


def of_the_tables(workspace: Workspace) -> dict[str, Callable[[], object]]:
    """Return what is asked of the tables of the control database that know of listings, of sources and of work to do."""
    database, listed = workspace.control.database, workspace.instruments
    return {
        "listing": lambda: listed.listing(NAMES[7], AT.date()),
        "listings": lambda: listed.rows(AT.date()),
        "dumps": listed.dumps,
        "empty days": lambda: workspace.known_empty.days(DAILY),
        "all empty days": lambda: dict(workspace.known_empty.all_days()),
        "asked": lambda: FetchLedger(database).asked(DAILY),
        "given": lambda: FetchLedger(database).counts(DAILY, "kite"),
        "scores": workspace.scores.all,
        "refusals": lambda: dict(workspace.refusals.all()),
        "jobs": JobStore(database).documents,
        "schedules": ScheduleStore(database).all,
    }


def closes_for_run(workspace: Workspace) -> list[float]:
    closes: list[float] = workspace.read_for_run(DAILY).close.tolist()
    return closes


def run_answer(workspace: Workspace, run_id: str) -> tuple[object, ...]:
    run = load_run(workspace, run_id)
    return (run.document, run.curves.to_pydict(), run.source)


def closes_of(workspace: Workspace, key: SeriesKey) -> list[float]:
    closes: list[float] = workspace.store.read(key).close.tolist()
    return closes


def fill_tables(workspace: Workspace) -> None:
    """Keep actions, members of an index, a watchlist, listings, changes of symbols, and what was asked, judged and ordered."""
    splits = [StatedAction(instrument=name, ex_date=date(2025, 3, 3), kind=ActionKind.SPLIT, ratio=Decimal(2)) for name in NAMES]
    workspace.actions.record([ActionRecord(action=one, state=ActionState.CONFIRMED, source="file:a.csv") for one in splits], at=AT)
    workspace.indices.replace([IndexMember(index="NIFTY 50", instrument=name, start=AT.date(), end=None, source="a.csv") for name in NAMES])
    workspace.watchlists.add("mine", NAMES, at=AT)
    pairs = zip(NAMES[::2], NAMES[1::2], strict=True)
    stated = ChangeState.CONFIRMED
    workspace.symbol_changes.put(
        SymbolChange(old=old, new=new, on=date(2025, 4, 9), state=stated, evidence="stated by a file", source="a.csv") for old, new in pairs
    )
    rows = tuple(DumpRow("NSE", symbol_of(name), i, f"COMPANY {i}", None, None, 5, 1, "EQ", "NSE") for i, name in enumerate(NAMES, start=1))
    dump = Dump(rows=rows, n_read=len(rows), n_rejected=0, rejected=(), sha256="ab" * 32)
    workspace.instruments.load(dump, on=date(2025, 12, 1), source="dump", at=AT)
    series = [SeriesKey(instrument=name, interval=Interval.DAY) for name in NAMES]
    for key in (DAILY, *series[:5]):
        workspace.known_empty.add(key, [date(2024, 1, 3), date(2024, 1, 4)], source="kite", asked_at=AT)
        FetchLedger(workspace.control.database).record(key, "kite", {19_725: 0, 19_726: 1, 20_100: 375}, asked_at=AT)
    refused = Refusal(key=DAILY, source="file:a.csv", reason="duplicate", days={19_725: 2}, examples=((19_725 * 86_400_000_000, "row 4"),))
    workspace.refusals.replace("file:a.csv", [DAILY], [refused], seen_at=AT)
    judged = [JudgedSeries(key=key, fingerprint="ab" * 32, score=98.5, document='{"score": 98.5}') for key in (DAILY, *series)]
    workspace.scores.put(judged, scored_at=AT)
    JobStore(workspace.control.database).add(JobOrder(kind="fake", request="{}", what="Do it", key="k"), at=AT)
    ScheduleStore(workspace.control.database).add(SCHEDULE)


RUNS: list[str] = []
SCHEDULE = ScheduleRow(
    name="daily",
    kind="fake",
    what="Do it",
    request="{}",
    timing="close+45",
    exchange="NSE",
    submitted_by="local",
    settled_until=AT,
    added_at=AT,
)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home with every kind of file in it."""
    home = tmp_path_factory.mktemp("sound") / "home"
    workspace = open_workspace(load_settings(home=home), clock=FixedClock(AT))
    workspace.store.upsert([batch(DAILY), batch(MINUTES), *(batch(key, n_bars=8_000) for key in HOT)], Provenance(source="a"), at=AT)
    workspace.store.name_snapshot(workspace.store.snapshot(), "first", at=AT)
    workspace.store.upsert([batch(key, first=8_000, n_bars=100) for key in HOT], Provenance(source="b"), at=AT)
    workspace.read_for_run(DAILY)
    fill_tables(workspace)
    RUNS[:] = [
        run_backtest(
            workspace, build(BacktestRequest, strategy="ema_cross", instruments="NSE:AAA", params={"fast": fast, "slow": 20})
        ).run_id
        for fast in (5, 6)
    ]
    back_up(workspace)
    workspace.files.close()
    workspace.close()
    for pattern in KINDS.values():
        assert any(path.is_file() for path in home.glob(pattern)), pattern
    return home


def harmed_backup(home: Path) -> bool:
    (backup,) = (path for path in (home / "backups").iterdir() if path.is_dir())
    try:
        check = check_backup(backup)
    except QtsError:
        return True
    return bool(check.damaged or check.missing)


@pytest.mark.crash
def test_no_harm_to_any_file_gives_a_wrong_answer_in_silence(sound: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(SEED)
    truth = answers(sound)
    assert not [answer for answer in truth.values() if isinstance(answer, QtsError)]
    told: Counter[str] = Counter()
    for number in range(N_CORRUPTIONS):
        home = tmp_path / "home"
        shutil.rmtree(home, ignore_errors=True)
        shutil.copytree(sound, home)
        kind = list(KINDS)[number % len(KINDS)]
        files = sorted(path for path in home.glob(KINDS[kind]) if path.is_file())
        path = files[int(rng.integers(len(files)))]
        others = sorted(other for other in home.rglob("*") if other.suffix == path.suffix and other != path and other.is_file())
        before = path.read_bytes()
        harm = HARMS[int(rng.integers(len(HARMS)))]
        harm(path, others[int(rng.integers(len(others)))] if others else sound / "manifest.sqlite", rng)
        case = f"{number}: {harm.__name__} of {path.relative_to(home)} (seed {SEED})"
        is_as_before = path.exists() and path.read_bytes() == before
        found = answers(home)
        wrong = [name for name, answer in found.items() if not isinstance(answer, QtsError) and answer != truth[name]]
        is_refused = any(isinstance(answer, QtsError) for answer in found.values())
        # A database that is gone cannot refuse: a new one is made, and only a look at all of the home tells.
        is_found = harmed_backup(home) if kind.endswith("backups") or kind == "what backups say" else not is_sound(home)
        assert not wrong or is_found, f"{case}: {wrong} in silence"
        assert is_found or is_refused or is_as_before or kind in MAY_BE_HARMLESS, f"{case}: nobody noticed"
        assert all(answer.hint for answer in found.values() if isinstance(answer, QtsError)), f"{case}: no way out is told"
        told[f"{kind}: {'refused' if is_refused else 'found' if is_found else 'harmless'}"] += 1
    sys.stdout.write(f"{N_CORRUPTIONS} corruptions: {dict(sorted(told.items()))}\n")


# A bit of a database may lie where nothing is; a copy for runs that is not what it was is made again.
MAY_BE_HARMLESS = frozenset({"manifest", "control database", "mapped copies"})


def is_sound(home: Path) -> bool:
    try:
        return verify_home(load_settings(home=home), look_only=True).sound
    except QtsError:
        return False


# The first is put right by the next request; the others say which release the tables are of.
UNSEALED = frozenset({"pace", "alembic_version", "format"})
# Numbers that the databases give and nobody refers to.
UNNOTICED = frozenset(
    {
        *(f"control.sqlite {name}" for name in ("instrument_dumps.id", "instrument_listings.id", "corporate_actions.seq")),
        "manifest.sqlite series.id",
    }
)


def change_a_value(path: Path, rng: np.random.Generator) -> str:
    """Change one digit, letter or bit of one value of a database, as SQLite would not, and return where that was."""
    with sqlite3.connect(path, isolation_level=None) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
        held = [name for name in tables if name not in UNSEALED and not name.startswith("sqlite_") and count(connection, name)]
        while True:
            table = held[int(rng.integers(len(held)))]
            columns = [name for _, name, *_ in connection.execute(f"PRAGMA table_info({table})")]
            column = columns[int(rng.integers(len(columns)))]
            rows = connection.execute(f"SELECT rowid, {column} FROM {table} ORDER BY rowid").fetchall()  # noqa: S608 - our own names
            rowid, value = rows[int(rng.integers(len(rows)))]
            wrong = another(value, rng)
            if wrong is None or f"{path.name} {table}.{column}" in UNNOTICED:
                continue
            with suppress(sqlite3.IntegrityError):  # what SQLite itself holds apart stays so
                connection.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (wrong, rowid))  # noqa: S608 - our own names
                return f"{path.name} {table}.{column} of row {rowid}: {value!r} became {wrong!r}"


def count(connection: sqlite3.Connection, table: str) -> int:
    (number,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608 - our own names
    return int(number)


def another(value: Any, rng: np.random.Generator) -> Any:
    """Return a value that differs from one in a digit, a letter or a bit; None where there is nothing to change."""
    if isinstance(value, bytes) and value:
        place = int(rng.integers(len(value)))
        return value[:place] + bytes([value[place] ^ 1 << int(rng.integers(8))]) + value[place + 1 :]
    if isinstance(value, float):
        return value * 1.25 or 1.0
    if isinstance(value, int):
        return value ^ 1 << int(rng.integers(max(1, value.bit_length())))
    if not value:
        return None
    place = int(rng.integers(len(value)))
    near = "9876543210"[int(value[place])] if value[place].isdecimal() else chr(ord(value[place]) ^ 1)
    return value[:place] + near + value[place + 1 :]


@pytest.mark.crash
def test_no_value_of_a_database_changes_without_anybody_noticing(sound: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(SEED)
    truth = answers(sound)
    for number in range(N_CHANGES):
        home = tmp_path / "home"
        shutil.rmtree(home, ignore_errors=True)
        shutil.copytree(sound, home)
        case = f"{number}: {change_a_value(home / ('control.sqlite', 'manifest.sqlite')[number % 2], rng)} (seed {SEED})"
        found = answers(home)
        wrong = [name for name, answer in found.items() if not isinstance(answer, QtsError) and answer != truth[name]]
        is_refused = any(isinstance(answer, QtsError) for answer in found.values())
        is_found = not is_sound(home)
        assert not wrong or is_found, f"{case}: {wrong} in silence"
        assert is_found or is_refused, f"{case}: nobody noticed"
        assert all(answer.hint for answer in found.values() if isinstance(answer, QtsError)), f"{case}: no way out is told"
