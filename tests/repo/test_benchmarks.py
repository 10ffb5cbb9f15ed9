"""The benchmarks measure what they say: their oracle is right, the C limit agrees with it, and a failing engine stops nobody else."""

from __future__ import annotations

import argparse
import dataclasses
import math
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.append(str(REPOSITORY))  # the benchmarks are no installed package

from benchmarks import machine, matches, oracle, run, table, walk  # noqa: E402 - after the path
from benchmarks.agreement import differences  # noqa: E402
from benchmarks.contest import Contestant, cold_starts, contest, without_folders  # noqa: E402
from benchmarks.ours import CASES  # noqa: E402
from benchmarks.peers.worker import Outcome, Spec  # noqa: E402
from benchmarks.stores import field, measured  # noqa: E402
from benchmarks.stores import ours as own_store  # noqa: E402
from benchmarks.stores.bars import Shape, market  # noqa: E402
from benchmarks.stores.field import ARCTIC, DUCK, QTS, Field  # noqa: E402
from benchmarks.stores.worker import Bench  # noqa: E402

OURS = Path(sys.executable)
PAIRS = tuple((fast, slow) for fast in range(2, 12, 3) for slow in range(14, 40, 5))


@pytest.fixture(scope="module")
def limit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the compiled C limit; skip where there is no compiler."""
    if machine.compiler() is None:
        pytest.skip("this machine has no C compiler")
    built = machine.build_limit(REPOSITORY / "benchmarks" / "limit.c", tmp_path_factory.mktemp("limit"))
    assert built is not None
    return built


def prices(closes: list[float], opens: list[float]) -> list[list[float]]:
    return [opens, closes, closes, closes, [1.0] * len(closes)]


def test_the_oracle_finds_the_trades_that_a_person_finds() -> None:
    # Averages of spans 1 and 3: the close itself, and half of it plus half of the last average: 10, 10, 10, 10, 11, 13.5, 11.25, 8.625.
    closes = [10.0, 10.0, 10.0, 10.0, 12.0, 16.0, 9.0, 6.0]
    opens = [10.0, 10.0, 10.0, 10.0, 10.0, 13.0, 15.0, 8.0]
    found = oracle.single(prices(closes, opens), (1, 3), Spec(pairs=((1, 3),), capital=10_000.0, shares=100, fee=0.01))
    # Up at bar 4, bought at 13; down at bar 6, sold at 8.
    cash = 10_000.0 - 1_300.0 * 1.01
    curve = [10_000.0] * 5 + [cash + 1_600.0, cash + 900.0, cash + 800.0 * 0.99]
    returns = [after / before - 1.0 for before, after in zip([10_000.0, *curve], curve, strict=False)]
    assert found.entries == [1]
    assert found.final_equity == pytest.approx([curve[-1]])
    assert found.max_drawdown == pytest.approx([curve[-1] / curve[5] - 1.0])
    assert found.sharpe == pytest.approx([np.mean(returns) / np.std(returns, ddof=1)])


def test_the_oracle_refuses_prices_that_make_cash_the_limit() -> None:
    closes = [10.0, 10.0, 10.0, 10.0, 12.0, 16.0]
    with pytest.raises(ValueError, match="cash"):
        oracle.single(prices(closes, closes), (1, 3), Spec(pairs=((1, 3),), capital=100.0))


@pytest.mark.parametrize("step", [0.004, 0.00005], ids=["prices that move", "prices that often stand still, with ties of averages"])
def test_the_c_limit_gives_the_oracles_numbers(limit: Path, tmp_path: Path, step: float) -> None:
    rows = walk.walk(1_300, start=128.0, step=step)
    rows[:4, :200] = 128.0  # a power of two: all averages are equal to the last bit here, however a compiler rounds
    path = walk.saved(tmp_path, "prices", rows)
    spec = Spec(pairs=PAIRS)
    outcomes = [oracle.single(rows.tolist(), pair, spec) for pair in PAIRS]
    field = [Contestant(name="C", module="benchmarks.peers.limit", case="sweep", option=str(limit), python=OURS)]
    found = contest(field, path, spec, rounds=1)["C"]
    assert found.failure == ""
    assert found.outcome is not None
    assert [differences(matches.one_of(found.outcome, at), right) for at, right in enumerate(outcomes)] == [[]] * len(PAIRS)
    assert sum(found.outcome.entries) > 0
    assert 0.0 < found.cpu < math.inf
    one = dataclasses.replace(spec, pairs=PAIRS[:1])
    singles = [dataclasses.replace(field[0], name=case, case=case) for case in ("single", "curve")]
    for entry in contest(singles, path, one, rounds=1).values():
        assert entry.outcome is not None, entry.failure
        assert differences(entry.outcome, outcomes[0]) == []


@pytest.mark.parametrize("case", ["single", "curve", "sweep", "run", "on_bar_run"])
def test_our_own_cases_give_the_oracles_numbers(case: str) -> None:
    rows = walk.walk(1_200, start=100.0, step=0.002)
    spec = Spec(pairs=((5, 20),))
    right = oracle.single(rows.tolist(), spec.pairs[0], spec)
    assert right.entries[0] > 10
    assert differences(CASES[case](rows, spec)(), right) == []


def test_our_own_account_of_many_symbols_gives_the_oracles_numbers() -> None:
    symbols = walk.many(4, 400, start=10.0, step=0.02)
    spec = Spec(pairs=((5, 20),))
    right = oracle.portfolio(symbols.tolist(), spec.pairs[0], spec)
    assert right.entries[0] > 20
    assert differences(CASES["portfolio"](symbols, spec)(), right) == []


def test_an_engine_that_fails_is_reported_and_stops_nobody_else(limit: Path, tmp_path: Path) -> None:
    path = walk.saved(tmp_path, "prices", walk.walk(1_300, start=100.0, step=0.004))
    field = [
        Contestant(name="absent", module="benchmarks.peers.limit", case="single", python=tmp_path / "python"),
        Contestant(name="broken", module="benchmarks.peers.limit", case="single", option=str(tmp_path / "nothing.so"), python=OURS),
        Contestant(name="C", module="benchmarks.peers.limit", case="single", option=str(limit), python=OURS),
    ]
    spec = Spec(pairs=((12, 26),))
    for found in (contest(field, path, spec, rounds=1), cold_starts(field, path, spec, rounds=1)):
        assert found["absent"].failure == "not installed"
        assert "nothing.so" in found["broken"].failure
        assert found["C"].failure == ""
        assert found["C"].outcome is not None


RIGHT = Outcome(final_equity=[1e6, 2e6], max_drawdown=[-0.1, -0.2], entries=[3, 4], sharpe=[0.5, 0.0])


@pytest.mark.parametrize(
    ("change", "named"),
    [
        pytest.param({}, [], id="the same"),
        pytest.param({"final_equity": [1e6 + 0.0005, 2e6]}, [], id="equity within 1e-9"),
        pytest.param({"final_equity": [1e6 + 0.01, 2e6]}, ["final equity"], id="equity beyond"),
        pytest.param({"final_equity": [math.nan, 2e6]}, ["final equity"], id="equity that is no number"),
        pytest.param({"entries": [3, 5]}, ["entries"], id="one entry more"),
        pytest.param({"max_drawdown": [-0.1, math.nan], "sharpe": [0.6, 0.0]}, ["drawdown", "Sharpe"], id="drawdown and Sharpe"),
        pytest.param({"final_equity": [1e6]}, ["1 results for 2"], id="a result missing"),
    ],
)
def test_what_differs_is_named(change: dict[str, list[float]], named: list[str]) -> None:
    found = differences(dataclasses.replace(RIGHT, **change), RIGHT)  # type: ignore[arg-type]  # entries are whole numbers
    assert len(found) == len(named)
    assert all(text.startswith(name) for text, name in zip(found, named, strict=True))


@pytest.mark.parametrize(
    ("figure", "verdict"),
    [
        pytest.param(table.Figure(what="", seen=100, floor=60, aim=100), "aim reached", id="at the aim"),
        pytest.param(table.Figure(what="", seen=60, floor=60, aim=100), "floor reached", id="at the floor"),
        pytest.param(table.Figure(what="", seen=59.9, floor=60, aim=100), "**floor missed**", id="below the floor"),
        pytest.param(table.Figure(what="", seen=3, floor=2, aim=1, more_is_better=False), "**floor missed**", id="less is better"),
        pytest.param(table.Figure(what="", seen=70, aim=100), "aim missed", id="without a floor"),
        pytest.param(table.Figure(what="", seen=70, floor=60), "floor reached", id="without an aim"),
        pytest.param(table.Figure(what="", seen=70), "", id="without either"),
        pytest.param(table.Figure(what="", seen=500, floor=60, aim=100, doubt="differs"), "**differs**", id="fast but wrong"),
        pytest.param(table.Figure(what="", seen=math.nan, floor=60, aim=100), "**not measured**", id="no number"),
    ],
)
def test_a_verdict_tells_a_missed_floor_and_wrong_numbers(figure: table.Figure, verdict: str) -> None:
    assert figure.verdict() == verdict


@pytest.mark.parametrize(
    ("value", "text"), [(0.0123, "0.0123"), (59.96, "60"), (1.5, "1.5"), (123.4, "123"), (12_345.0, "12,345"), (3.1e6, "3.1 M"), (0.0, "0")]
)
def test_a_number_is_shown_with_three_digits(value: float, text: str) -> None:
    assert table.shown(value) == text


@pytest.mark.parametrize(
    ("chosen", "quick", "store_bars", "typed"),
    [
        (list(run.PARTS), False, 0, "make bench"),
        (list(run.PARTS), True, 0, "make bench QUICK=1"),
        (["store"], False, 100_000_000, "python -m benchmarks.run --only store --store-bars 100M"),
        (["W1", "costs"], True, 2_500_000, "python -m benchmarks.run --only W1,costs --store-bars 2500000 --quick"),
        (list(run.PARTS), False, 2_000_000, "python -m benchmarks.run --store-bars 2M"),
    ],
)
def test_a_page_tells_by_which_command_it_was_written(*, chosen: list[str], quick: bool, store_bars: int, typed: str) -> None:
    assert run.command(chosen, quick=quick, store_bars=store_bars) == typed


@pytest.mark.parametrize("name", ["RESULTS.md", "RESULTS-100M.md"])
def test_the_results_name_no_place_of_the_machine_they_were_made_on(name: str) -> None:
    page = (REPOSITORY / "benchmarks" / name).read_text(encoding="utf-8")
    assert str(REPOSITORY) not in page
    assert str(Path.home()) not in page or Path.home() == Path("/")
    assert "/tmp" not in page  # noqa: S108 - looked for, not used


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("OSError: /home/someone/x/limit.so: cannot open", "OSError: limit.so: cannot open"),
        ("No module named 'a.b' (/opt/y/__init__.py)", "No module named 'a.b' (__init__.py)"),
        ("1/2 of a/b is either/or", "1/2 of a/b is either/or"),
    ],
)
def test_an_error_is_told_without_the_folders_of_the_machine(said: str, kept: str) -> None:
    assert without_folders(said) == kept


def test_an_unknown_part_is_named(repository: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.run", "--only", "W9"], cwd=repository, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "no part W9" in done.stderr
    assert "W1" in done.stderr


TINY = Shape(n_symbols=4, n_long=2, long=30, short=2)


class ListStore(own_store.OwnStore):
    """A store that answers from a list of bars."""

    def __init__(self, stamps: list[int], closes: list[float], volumes: list[float]) -> None:
        super().__init__()
        prices = np.array(closes)
        self._found = {"ts": np.array(stamps), **dict.fromkeys(("open", "high", "low", "close"), prices), "volume": np.array(volumes)}

    def reader(self) -> Callable[[int, int, int], dict[str, Any]]:
        return lambda *_: self._found


def test_the_bars_of_stores_are_as_many_as_asked_for_and_their_answers_right() -> None:
    for n_bars in (2_000_000, 20_000_000, 100_000_000):
        assert Shape.of(n_bars).n_bars == pytest.approx(n_bars, rel=0.03)
    held = market(TINY, n_months=5, n_years=2)
    blocks = list(held.blocks())
    assert sum(block.n_bars for block in blocks) == TINY.n_bars == (2 * 30 + 2 * 2) * 375
    loaded = {symbol: (block.ts, rows) for block in blocks for symbol, rows in zip(block.symbols, block.prices, strict=True)}
    for span in (*held.months, *held.years):
        ts, rows = loaded[span.symbol]
        closes = [close for at, close in zip(ts.tolist(), rows[3].tolist(), strict=True) if span.start <= at < span.end]
        assert (span.n_bars, span.paise) == (len(closes), sum(round(close * 100) for close in closes))
        assert span.n_bars > 0
    lasts = [rows[3, 374::375] for symbol, (_, rows) in loaded.items() if symbol < 2]
    assert (held.n_days, held.day_paise) == (60, sum(round(close * 100) for each in lasts for close in each.tolist()))
    session = held.session(0)
    assert session.ts[0] > blocks[0].ts[-1]
    assert session.n_bars == 4 * 375


def test_a_wrong_answer_of_a_store_is_counted(tmp_path: Path) -> None:
    bench = Bench(ListStore([1, 2], [10.0, 10.05], [5.0, 5.0]), tmp_path)
    right = {"symbol": 0, "start": 0, "end": 9, "n_bars": 2, "paise": 2005}
    assert bench.read([right, right | {"paise": 2006}, right | {"n_bars": 3}])["n_wrong"] == 2
    turned = Bench(ListStore([2, 1], [10.0, 10.05], [5.0, 5.0]), tmp_path)
    assert turned.read([right])["n_wrong"] == 1
    crowd = bench.crowd(wanted=[right | {"paise": 1}], n_threads=2, begin=time.monotonic(), seconds=0.05)
    assert crowd["n_wrong"] == len(crowd["walls"]) > 0
    assert crowd["errors"] == []


@pytest.mark.parametrize(
    ("volumes", "is_torn"),
    [
        pytest.param([1.0, 7.0, 7.0], False, id="one commit"),
        pytest.param([1.0, 7.0, 8.0], True, id="bars of two commits"),
    ],
)
def test_a_session_that_was_read_torn_is_counted(volumes: list[float], is_torn: bool) -> None:  # noqa: FBT001 - a table
    watched = own_store.Watched(ListStore([10, 20, 30], [1.0, 1.0, 1.0], volumes), 20)
    watched.reader()(0, 0, 99)
    assert bool(watched.torn) is is_torn


def test_stores_side_by_side_give_the_same_numbers_and_an_absent_one_says_so(tmp_path: Path) -> None:
    modules = {QTS: ("ours", OURS), DUCK: ("duck", OURS), ARCTIC: ("arctic", tmp_path / "python")}
    held = market(TINY, n_months=4, n_years=4)
    fielded = Field(tmp_path, modules)
    try:
        for name in modules:
            fielded.start(name)
        field.load(fielded, held)
        field.read(fielded, held, fielded.running)
        field.resample(fielded, held, fielded.running, n_times=1)
        field.upsert(fielded, held, n_sessions=1)
        field.crowd(fielded, QTS, held, seconds=0.2, pooled=False)
    finally:
        fielded.end_all()
    verdicts = {name: store.verdict for name, store in fielded.stores.items()}
    assert verdicts == {QTS: "same", DUCK: "same", ARCTIC: "not available: not installed"}
    assert fielded.stores[QTS].all("crowd", "walls")
    figures = {figure.what: figure for figure in measured.figures(fielded.stores, held)}
    assert figures["bytes per bar vs ArcticDB"].verdict() == "**not available: not installed**"
    assert figures["bytes per bar vs DuckDB, by symbol"].seen > 1.0
    rows = [row for section in measured.sections(fielded.stores, held) for row in section.rows if row[0].startswith(ARCTIC)]
    assert {row[-1] for row in rows} == {"not available: not installed"}


@pytest.mark.parametrize(("text", "count"), [("100M", 100_000_000), ("2000000", 2_000_000)])
def test_a_number_of_bars_may_be_in_millions(text: str, count: int) -> None:
    assert run.bars(text) == count


@pytest.mark.parametrize("text", ["1M", "101M", "-5M"])
def test_a_number_of_bars_beyond_what_is_bounded_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="is not between"):
        run.bars(text)


def test_the_writer_beside_readers_commits_once_however_late_it_starts(tmp_path: Path) -> None:
    held = market(TINY, n_months=1, n_years=1)
    list(held.blocks())
    path = held.session(0).save(tmp_path / "session.npz")
    bench = own_store.OwnBench(own_store.OwnStore(), tmp_path / "home")
    bench.open()
    done = bench.write(path=str(path), first=6, begin=0.0, seconds=0.0, every=0.0)
    assert (done["last"], done["errors"], len(done["walls"])) == (7, [], 1)
    start = int(held.session(0).ts[0])
    found = bench.own.reader()(3, start, start + 86_400_000_000)
    assert set(found["volume"].tolist()) == {7.0}
    assert len(found["ts"]) == 375
    bench.stop()
