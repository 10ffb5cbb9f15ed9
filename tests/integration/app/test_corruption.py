"""Every kind of file of a home harmed in every way: what is answered is right, or refused by name, or `qts verify` tells of the damage."""

from __future__ import annotations

import os
import shutil
import sys
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from qts.app.backtests import list_runs, load_run, run_backtest
from qts.app.backups import back_up
from qts.app.requests import BacktestRequest, build
from qts.app.restoring import check_backup
from qts.app.settings import load_settings
from qts.app.verification import verify_home
from qts.app.workspace import Workspace, open_workspace
from qts.core import ActionKind, Bars, FixedClock, InstrumentId, Interval
from qts.core.errors import QtsError
from qts.data.actions import ActionRecord, ActionState, StatedAction
from qts.data.instruments import ChangeState, IndexMember, SymbolChange
from qts.data.storage import Provenance, SeriesBars, SeriesKey

AT = datetime(2026, 1, 5, tzinfo=UTC)
N_CORRUPTIONS = 300 if os.environ.get("QTS_STRESS") else 12
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
        ask("runs", lambda: list_runs(workspace))
        ask("trials", lambda: workspace.control.trials("ema_cross"))
        ask("actions", partial(workspace.actions.read, known_at=AT))
        ask("actions of one", partial(workspace.actions.read, instruments=[NAMES[7]]))
        ask("members", lambda: workspace.indices.members("NIFTY 50", AT.date()))
        ask("watchlists", workspace.watchlists.all)
        ask("names", lambda: workspace.symbol_changes.names(NAMES[7]))
        for run_id in RUNS:
            ask(f"run {run_id}", partial(run_answer, workspace, run_id))
    finally:
        workspace.files.close()
        workspace.close()
    return found


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
    """Keep actions, members of an index, a watchlist and a change of symbols of many instruments."""
    splits = [StatedAction(instrument=name, ex_date=date(2025, 3, 3), kind=ActionKind.SPLIT, ratio=Decimal(2)) for name in NAMES]
    workspace.actions.record([ActionRecord(action=one, state=ActionState.CONFIRMED, source="file:a.csv") for one in splits], at=AT)
    workspace.indices.replace([IndexMember(index="NIFTY 50", instrument=name, start=AT.date(), end=None, source="a.csv") for name in NAMES])
    workspace.watchlists.add("mine", NAMES, at=AT)
    pairs = zip(NAMES[::2], NAMES[1::2], strict=True)
    stated = ChangeState.CONFIRMED
    workspace.symbol_changes.put(
        SymbolChange(old=old, new=new, on=date(2025, 4, 9), state=stated, evidence="stated by a file", source="a.csv") for old, new in pairs
    )


RUNS: list[str] = []


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home with every kind of file in it."""
    home = tmp_path_factory.mktemp("sound") / "home"
    workspace = open_workspace(load_settings(home=home), clock=FixedClock(AT))
    workspace.store.upsert([batch(DAILY), batch(MINUTES), *(batch(key, n_bars=8_000) for key in HOT)], Provenance(source="a"), at=AT)
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
