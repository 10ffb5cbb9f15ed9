"""What the queries of the pages take on 2,000 daily and 100 minute series, each asked of the API as a page does."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

import httpx
import numpy as np

from benchmarks.instruments import FIRST, N_ROWS, dump_lines
from benchmarks.matches import Plan
from benchmarks.ours import BARS_PER_SESSION, bars_of, minute_stamps
from benchmarks.stores.bars import ticks
from benchmarks.stores.worker import Stamps
from benchmarks.table import Figure, Section, seconds
from benchmarks.walk import DAY_STEP, SEED, walk
from qts.api.server import create_api
from qts.app.settings import load_settings
from qts.app.workspace import Workspace, open_workspace
from qts.core import Bars, Exchange, FixedClock, Interval, micros_of
from qts.data.instruments import parse_dump
from qts.data.storage import Provenance, SeriesBars, SeriesKey
from qts.market.sessions import daily_stamp, sessions

N_DAILY: Final = 2_000
N_MINUTE: Final = 100
TOGETHER: Final = 500
FEWER: Final = 20
SPAN: Final = (date(2016, 1, 1), date(2025, 12, 31))
NOW: Final = datetime(2026, 11, 20, 12, tzinfo=UTC)
ORIGIN: Final = Provenance(source="benchmark")
MOST_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One query of a page, asked again and again; ``check`` says whether an answer is what it must be."""

    what: str
    ask: Callable[[], Any]
    check: Callable[[Any], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """How long the answers took, the first one first, by the wall clock and in CPU time."""

    what: str
    waits: Sequence[float]
    worked: Sequence[float]
    is_right: bool


def part(plan: Plan) -> tuple[list[Figure], list[Section]]:
    """Fill a home, ask, and return what was seen."""
    n_times = 5 if plan.quick else 20
    with tempfile.TemporaryDirectory(prefix="qts-bench-", dir=plan.folder) as name:
        with open_workspace(load_settings(home=Path(name)), clock=FixedClock(NOW)) as workspace:
            held = fill(workspace, n_sessions=20 if plan.quick else 250)
        # Opened anew: what the filling had found out must not help.
        with open_workspace(load_settings(home=Path(name)), clock=FixedClock(NOW)) as workspace, answering(workspace) as get:
            asked = [timed(query, n_times) for query in queries(workspace, get, held)]
            asked += typing(get, n_keystrokes=100 if plan.quick else 500)
    words = (
        f"{N_DAILY:,} series of ten years of days and {N_MINUTE} of minutes, {held['n_bars']:,} bars; {N_ROWS:,} listed instruments. "
        "Each is asked of the API in this process, from the request to the bytes of the answer, wall clock; the first time counts."
    )
    rows = [
        [
            one.what,
            seconds(one.waits[0]),
            seconds(middle(one)),
            seconds(max(one.waits)),
            seconds(float(np.median(one.worked))),
            str(len(one.waits)),
        ]
        for one in asked
    ]
    return figures(asked), [
        Section(title="Queries of pages", words=words, heads=("query", "first", "p50", "slowest", "CPU, p50", "times"), rows=rows)
    ]


def figures(asked: Sequence[Asked]) -> list[Figure]:
    """Return the slowest answer to each query, which must come within a second."""
    return [
        Figure(
            what=f"page: {one.what}, slowest",
            seen=max(one.waits) * 1e3,
            floor=MOST_SECONDS * 1e3,
            unit=" ms",
            more_is_better=False,
            how=f"of {len(one.waits)}; p50 {seconds(middle(one))}",
            doubt="" if one.is_right else "the answer is not what it must be",
        )
        for one in asked
    ]


def fill(workspace: Workspace, *, n_sessions: int) -> dict[str, Any]:
    """Store the series, and list the instruments; every tenth daily series has a hole of three sessions."""
    days = [session.date for session in sessions(Exchange.NSE, *SPAN)]
    stamps = np.array([micros_of(daily_stamp(Exchange.NSE, day)) for day in days], dtype=np.int64)
    n_bars = 0
    for first in range(0, N_DAILY, TOGETHER):
        batch = [series(daily(number, stamps)) for number in range(first, min(first + TOGETHER, N_DAILY))]
        n_bars += workspace.store.upsert(batch, ORIGIN, at=NOW).stored
    minutes = minute_stamps(n_sessions * BARS_PER_SESSION)
    for first in range(0, N_MINUTE, FEWER):
        numbers = range(first, min(first + FEWER, N_MINUTE))
        batch = [series(bars_of(ticks(len(minutes), number), name_of(number), Interval.MINUTE_1, minutes)) for number in numbers]
        n_bars += workspace.store.upsert(batch, ORIGIN, at=NOW).stored
    dump = "\n".join(dump_lines(N_ROWS)).encode()
    workspace.instruments.load(parse_dump(dump, label="dump", on=FIRST), on=FIRST, source="dump", at=NOW)
    return {"n_bars": n_bars, "n_days": len(stamps), "last": float(daily(0, stamps).close[-1]), "month": str(date(2021, 1, 31))}


def daily(number: int, stamps: Stamps) -> Bars:
    """Return the days of one series."""
    bars = bars_of(walk(len(stamps), start=500.0, step=DAY_STEP, number=number), name_of(number), Interval.DAY, stamps)
    if not has_hole(number):
        return bars
    keep = np.ones(len(stamps), dtype=bool)
    keep[1_000:1_003] = False
    columns = {name: getattr(bars, name)[keep] for name in ("ts", "open", "high", "low", "close", "volume", "oi")}
    return Bars(instrument=bars.instrument, interval=bars.interval, **columns)


def has_hole(number: int) -> bool:
    """Return whether a daily series lacks three sessions."""
    return number % 10 == 1


def series(bars: Bars) -> SeriesBars:
    """Return bars under their key."""
    return SeriesBars(key=SeriesKey(instrument=bars.instrument, interval=bars.interval), bars=bars)


def name_of(number: int) -> str:
    """Return the instrument of a series."""
    return f"NSE:PAGE{number:04}"


@contextmanager
def answering(workspace: Workspace) -> Iterator[Callable[..., httpx.Response]]:
    """Give what asks the API for a path, and fails where the answer is an error."""
    address = f"http://127.0.0.1:{workspace.settings.port}"
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app=create_api(workspace)), base_url=address)
    with asyncio.Runner() as runner:

        def get(path: str, **params: str | int) -> httpx.Response:
            answer = runner.run(client.get(path, params=params))
            answer.raise_for_status()
            return answer

        yield get
        runner.run(client.aclose())


def queries(workspace: Workspace, get: Callable[..., httpx.Response], held: dict[str, Any]) -> list[Query]:
    """Return what pages ask, with what a right answer must hold."""
    n_all = N_DAILY + N_MINUTE
    keys = [SeriesKey(instrument=info.key.instrument, interval=info.key.interval) for info in workspace.store.series()]
    first = next(key for key in keys if key.instrument == name_of(0) and key.interval is Interval.DAY)
    with_hole = name_of(next(number for number in range(N_DAILY) if has_hole(number)))
    return [
        Query(
            what="catalogue of all series",
            ask=lambda: get("/api/catalog"),
            check=lambda found: len(found.json()["series"]) == n_all,
        ),
        Query(
            what="coverage map of all series",
            ask=lambda: get("/api/coverage"),
            check=lambda found: sum(one["n_holes"] > 0 for one in found.json()["series"]) == N_DAILY // 10,
        ),
        Query(
            what="days and gaps of one daily series",
            ask=lambda: get("/api/coverage", instrument=with_hole, interval="1d"),
            check=lambda found: [hole["sessions"] for hole in found.json()["series"][0]["holes"]] == [3],
        ),
        Query(
            what="days and gaps of one minute series",
            ask=lambda: get("/api/coverage", instrument=name_of(0), interval="1m"),
            check=lambda found: found.json()["series"][0]["n_holes"] == 0,
        ),
        Query(
            what="latest bars of all series",
            ask=lambda: workspace.store.latest(keys),
            check=lambda found: len(found) == n_all and found[first].close == held["last"],
        ),
        Query(
            what="bars of ten years of days",
            ask=lambda: get("/api/bars", instrument=name_of(0), interval="1d"),
            check=lambda found: len(found.json()) == held["n_days"],
        ),
        Query(
            what="bars of a month of minutes",
            ask=lambda: get("/api/bars", instrument=name_of(0), interval="1m", to=held["month"]),
            check=lambda found: len(found.json()) == 20 * BARS_PER_SESSION,
        ),
    ]


def timed(query: Query, n_times: int) -> Asked:
    """Ask so many times."""
    waits, worked, is_right = [], [], True
    for _ in range(n_times):
        began, began_work = time.perf_counter(), time.process_time()
        found = query.ask()
        worked.append(time.process_time() - began_work)
        waits.append(time.perf_counter() - began)
        is_right = is_right and query.check(found)
    return Asked(what=query.what, waits=waits, worked=worked, is_right=is_right)


def typing(get: Callable[..., httpx.Response], *, n_keystrokes: int) -> list[Asked]:
    """Search as somebody types: the first search of a process makes its index, and has a row of its own."""
    rows = [line.split(",")[2] for line in dump_lines(N_ROWS)[1:]]
    chosen = np.random.default_rng(SEED).choice(len(rows), n_keystrokes)
    typed = [rows[i][:n] for i in chosen for n in range(1, len(rows[i]) + 1)][:n_keystrokes]
    texts = iter([typed[0], *typed])
    search = Query(what="", ask=lambda: get("/api/instruments", text=next(texts)), check=lambda found: len(found.json()) > 0)
    first = timed(search, 1)
    rest = timed(search, len(typed))
    return [
        Asked(what=f"first symbol search over {N_ROWS:,} instruments", waits=first.waits, worked=first.worked, is_right=first.is_right),
        Asked(what=f"symbol search over {N_ROWS:,} instruments", waits=rest.waits, worked=rest.worked, is_right=rest.is_right),
    ]


def middle(asked: Asked) -> float:
    """Return the median wait."""
    return float(np.median(asked.waits))
