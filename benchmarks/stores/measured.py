"""The storage part of the results: what is measured in which order, and how it is told."""

from __future__ import annotations

import math
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from benchmarks.contest import ROOT
from benchmarks.matches import Plan
from benchmarks.stores import field
from benchmarks.stores.bars import Market, Shape, market, share
from benchmarks.stores.field import ARCTIC, DUCK, QTS, Field, Store
from benchmarks.table import ABSENT, Figure, Section, ratio, seconds, shown

QUICK_BARS: Final = 2_000_000
USUAL_BARS: Final = 20_000_000
MOST_BYTES: Final = 60  # on the disk for each bar, all stores together
SPARE_BYTES: Final = 2 << 30
MISSING: Final = math.nan
NO_MARKS: Final = (math.nan, math.nan)


def part(plan: Plan) -> tuple[list[Figure], list[Section]]:
    """Measure the stores and return what was seen."""
    shape = Shape.of(plan.store_bars or (QUICK_BARS if plan.quick else USUAL_BARS))
    held = market(shape, n_months=100 if plan.quick else 400, n_years=12 if plan.quick else 40)
    with disk_folder(shape.n_bars * MOST_BYTES + SPARE_BYTES) as folder:
        fielded = Field(folder)
        try:
            measure(fielded, held, quick=plan.quick)
        finally:
            fielded.end_all()
    return figures(fielded.stores, held), sections(fielded.stores, held)


def measure(fielded: Field, held: Market, *, quick: bool) -> None:
    """Do everything, each store in its folder; what is big and done with is removed."""
    n_times = 3 if quick else 5
    lasting = 2.0 if quick else 10.0
    for name in (QTS, DUCK, ARCTIC):
        fielded.start(name)
    field.load(fielded, held)
    field.read(fielded, held, fielded.running)
    field.resample(fielded, held, fielded.running, n_times=n_times)
    field.upsert(fielded, held, n_sessions=1 if quick else 3)
    field.reopen(fielded)
    for name in fielded.running:
        for pooled in (False, True):
            field.crowd(fielded, name, held, seconds=lasting, pooled=pooled)
    fielded.end(ARCTIC)
    shutil.rmtree(fielded.place(ARCTIC), ignore_errors=True)
    field.by_arrival(fielded, held)
    for name in (DUCK, field.ARRIVAL):
        fielded.end(name)
        shutil.rmtree(fielded.place(name), ignore_errors=True)
    field.beside_writers(fielded, held, seconds=5.0 if quick else 20.0)
    field.back_up(fielded, held)


@contextmanager
def disk_folder(n_bytes: int) -> Iterator[Path]:
    """Give a folder on the disk the project lies on, which has so much room; it is removed afterwards, and by `make clean`."""
    place = ROOT / "build"
    place.mkdir(exist_ok=True)
    free = shutil.disk_usage(place).free
    if free < n_bytes:
        raise OSError(f"this size needs {n_bytes / 1e9:.1f} GB on the disk, and {free / 1e9:.1f} GB are free")
    with tempfile.TemporaryDirectory(prefix="bench-", dir=place) as name:
        yield Path(name)


def figures(stores: dict[str, Store], held: Market) -> list[Figure]:
    """Return what is asked of us, and our ratios to the others."""
    return [*writing(stores, held), *reading(stores, held), *crowded(stores), *upkeep(stores[QTS]), *ratios(stores, held)]


def writing(stores: dict[str, Store], held: Market) -> list[Figure]:
    """Return size and speed of what is written."""
    own = stores[QTS]
    doubt = doubt_of(own)
    load = f"{held.shape.n_bars:,} minute bars in {len(own.all('load', 'wall'))} commits, synchronised to disk"
    day = f"the least of {len(own.all('upsert', 'wall'))}: a new session, {day_bars(own):,} bars, one commit, synchronised to disk"
    bulk = {kind: own.total("load", "n_bars") / own.total("load", kind) / 1e6 for kind in ("wall", "cpu")}
    daily = {kind: day_bars(own) / least(own.all("upsert", kind)) / 1e6 for kind in ("wall", "cpu")}
    size = own.total("size", "bytes") / held.shape.n_bars
    walk = "random walk on the tick of 0.05, with volumes; the manifest counts; real prices differ"
    return [
        Figure(what="bytes per minute bar", seen=size, floor=7.0, aim=5.5, more_is_better=False, how=walk, doubt=doubt),
        Figure(what="bulk load", seen=bulk["wall"], floor=3.0, aim=8.0, unit=" M rows/s", how=load, doubt=doubt),
        Figure(what="bulk load, a second of one core", seen=bulk["cpu"], unit=" M rows", how="the time that the processors worked for it"),
        Figure(what="daily upsert of 500 symbols", seen=daily["wall"], floor=0.7, aim=2.0, unit=" M rows/s", how=day, doubt=doubt),
        Figure(
            what="daily upsert, a second of one core", seen=daily["cpu"], unit=" M rows", how="the time that the processors worked for it"
        ),
        wait(
            "the same session again",
            least(own.all("again", "wall")),
            (300.0, 20.0),
            how="compared with what is stored, no new file",
            doubt=doubt,
        ),
    ]


def reading(stores: dict[str, Store], held: Market) -> list[Figure]:
    """Return what one user waits for, in CPU time."""
    own = stores[QTS]
    doubt = doubt_of(own)
    found = []
    for what, label, floors, aims in (
        ("month", "symbol-month into float64", (3.0, 8.0), (1.0, 3.0)),
        ("year", "symbol-year into float64", (12.0, 20.0), (5.0, 10.0)),
    ):
        cpu = own.all(what, "cpus")
        how = f"CPU, {len(cpu)} spans at random, one user, files opened before, every span decoded anew"
        for part_, floor, aim, name in zip((0.5, 0.99), floors, aims, ("p50", "p99"), strict=True):
            found.append(wait(f"{label}, {name}", at(cpu, part_), (floor, aim), how=how, doubt=doubt))
    first = "wall clock; a file's hash is compared when a process first opens it"
    n_symbols = len(held.resampled)
    days, latest = least(own.all("days", "cpus")), at(own.all("latest", "cpus"), 0.5)
    return [
        *found,
        wait("symbol-month, the first time, p50", at(own.all("month", "first"), 0.5), NO_MARKS, how=first, doubt=doubt),
        wait(
            f"{n_symbols} symbols, one year, minutes into days",
            days,
            (400.0 * n_symbols / 50, 100.0 * n_symbols / 50),
            how="CPU",
            doubt=doubt,
        ),
        wait("latest bar of 500 symbols, p50", latest, (20.0, 1.0), how="CPU; instant and close of each, asked by key", doubt=doubt),
    ]


def crowded(stores: dict[str, Store]) -> list[Figure]:
    """Return what a hundred readers get."""
    own = stores[QTS]
    doubt = doubt_of(own) or errors_of(own, "crowd")
    waits = own.all("crowd", "walls")
    how = "closed loop without pause, symbol-months at random, 2 processes of 50 threads, 128 MiB of rows kept by each, wall clock"
    return [
        wait("100 readers, p99", at(waits, 0.99), (500.0, 150.0), how=how, doubt=doubt),
        Figure(what="100 readers, requests a second", seen=pace(own, "crowd"), floor=800.0, aim=2_000.0, how=how, doubt=doubt),
    ]


def upkeep(own: Store) -> list[Figure]:
    """Return how readers fare beside writers, and what keeping the store in order takes."""
    alone, beside = own.all("alone", "walls"), own.all("beside", "walls")
    written = own.answers.get("writing", [])
    n_commits = sum(len(answer["walls"]) for answer in written[:1])
    n_compactions = sum(answer.get("n_done", 0) for answer in written[1:])
    n_errors = sum(len(answer["errors"]) for what in ("alone", "beside", "writing") for answer in own.answers.get(what, []))
    n_torn = sum(answer["n_torn"] + answer["n_wrong"] for what in ("alone", "beside") for answer in own.answers.get(what, []))
    growth = 100.0 * (at(beside, 0.99) / at(alone, 0.99) - 1.0)
    n_opens = f"the least of {len(own.all('open', 'wall'))}, wall clock"
    how = f"{len(beside):,} reads beside {n_commits} commits of a session of 500 symbols and {n_compactions} compactions"
    backup = (own.answers.get("backup") or [{}])[0]
    doubt = "" if backup.get("sound") else "the backup is not sound" if backup else "not measured"
    busy = own.answers.get("writing while backing up", [{"walls": []}])[0]
    made = f"{backup.get('files', 0):,} files, {backup.get('linked', 0):,} of them linked, beside {len(busy['walls'])} commits; wall clock"
    return [
        Figure(
            what="errors of readers, writer and compactor", seen=n_errors if beside else MISSING, floor=0.0, more_is_better=False, how=how
        ),
        Figure(what="torn reads", seen=n_torn if beside else MISSING, floor=0.0, more_is_better=False, how=how),
        Figure(
            what="p99 of readers beside a writer, growth",
            seen=growth,
            aim=20.0,
            unit=" %",
            more_is_better=False,
            how=f"4 readers with 20 ms of thought, a commit a second; {seconds(at(alone, 0.99))} alone; wall clock",
        ),
        Figure(
            what="compaction of everything hot",
            seen=own.total("compact", "wall"),
            unit=" s",
            more_is_better=False,
            how=f"sessions of 500 symbols into their years; {seconds(own.total('compact', 'cpu'))} of CPU",
        ),
        Figure(
            what="backup of the whole while writing",
            seen=backup.get("wall", MISSING),
            aim=5.0,
            unit=" s",
            more_is_better=False,
            how=made,
            doubt=doubt,
        ),
        Figure(
            what="its verification",
            seen=backup.get("check", {}).get("wall", MISSING),
            unit=" s",
            more_is_better=False,
            how=f"{backup.get('bytes', 0) / 1e6:,.0f} MB read and hashed",
            doubt=doubt,
        ),
        wait("start-up: the store opened", least(own.all("open", "wall")), (1_000.0, math.nan), how=n_opens),
    ]


def ratios(stores: dict[str, Store], held: Market) -> list[Figure]:
    """Return how we stand to the others: how many times faster, or smaller."""
    own = stores[QTS]
    rows = []
    for name in (DUCK, ARCTIC):
        other = stores.get(name, Store(name=name, failure="not started"))
        marks = {"bytes per bar": 4.0, "month": 4.0, "upsert": 100.0} if name == ARCTIC else {}
        doubt = other.verdict if other.failure else doubt_of(own) or doubt_of(other)
        for label, key, how in (
            ("bytes per bar", "bytes per bar", "how many times smaller"),
            ("bulk load", "load", "CPU"),
            ("daily upsert", "upsert", "CPU"),
            ("symbol-month, p50", "month", "CPU"),
            ("symbol-year, p50", "year", "CPU"),
            ("minutes into days", "days", "CPU"),
            ("latest bars", "latest", "CPU"),
            ("100 readers, requests a second", "crowd", "wall clock"),
        ):
            seen = ratio(cost(own, key, held), cost(other, key, held))
            floor = 1.0 if name == ARCTIC else math.nan
            aim = marks.get(key, math.nan)
            rows.append(Figure(what=f"{label} vs {name}", seen=seen, floor=floor, aim=aim, unit="x", how=how, doubt=doubt))
    return rows


def cost(store: Store, key: str, held: Market) -> float:
    """Return what a store takes for something: less is better."""
    if key == "bytes per bar":
        return store.total("size", "bytes") / held.shape.n_bars
    if key == "crowd":
        return 1.0 / (pace(store, "crowd") or math.nan)
    if key == "load":
        return store.total("load", "cpu")
    if key == "upsert":
        return least(store.all("upsert", "cpu"))
    return at(store.all(key, "cpus"), 0.5)


def sections(stores: dict[str, Store], held: Market) -> list[Section]:
    """Return the tables of all stores."""
    shape = held.shape
    others = f", {shape.n_symbols - shape.n_long} of {shape.short}" if shape.n_symbols > shape.n_long else ""
    words = f"{shape.n_bars:,} minute bars: {shape.n_long} symbols of {shape.long} sessions{others}. CPU / wall clock."
    kept = list(stores.values())
    return [
        Section(
            title="Store: writing",
            words=words,
            heads=("store", "bytes per bar", "bulk load", "rows a CPU-second", "daily upsert", "the same again", "opened", "numbers"),
            rows=[written_row(store, held) for store in kept],
        ),
        Section(
            title="Store: reading",
            words="One user; CPU time, then the wall clock's. The numbers are held to those that were made, and so to one another.",
            heads=("store", "month p50", "month p99", "year p50", "year p99", "minutes into days", "latest of 500", "numbers"),
            rows=[read_row(store) for store in kept],
        ),
        Section(
            title="Store: 100 readers",
            words="Symbol-months without pause from 2 processes of 50 threads; in turns: two at a time in each, first come, first served.",
            heads=("store", "requests/s", "p50", "p99", "slowest", "in turns: requests/s", "p50", "p99", "errors"),
            rows=[crowd_row(store) for store in kept if store.answers.get("crowd")],
        ),
    ]


def written_row(store: Store, held: Market) -> list[str]:
    """Return what a store took for writing."""
    label = f"{store.name} {store.version}".strip()
    size = store.total("size", "bytes")
    if store.failure:
        return [label, *[ABSENT] * 6, store.verdict]
    if not store.all("load", "cpu"):  # the copy in another order
        return [label, shown(size / store.total("rewrite", "n_bars")), *[ABSENT] * 5, store.verdict]
    return [
        label,
        shown(size / held.shape.n_bars),
        both(store.total("load", "cpu"), store.total("load", "wall")),
        shown(store.total("load", "n_bars") / store.total("load", "cpu")),
        both(least(store.all("upsert", "cpu")), least(store.all("upsert", "wall"))),
        both(least(store.all("again", "cpu")), least(store.all("again", "wall"))),
        both(least(store.all("open", "cpu")), least(store.all("open", "wall"))),
        store.verdict,
    ]


def read_row(store: Store) -> list[str]:
    """Return what a store took for reading."""
    spans = [
        both(at(store.all(what, "cpus"), part_), at(store.all(what, "walls"), part_)) for what in ("month", "year") for part_ in (0.5, 0.99)
    ]
    rest = [both(at(store.all(what, "cpus"), 0.5), at(store.all(what, "walls"), 0.5)) for what in ("days", "latest")]
    return [store.name, *spans, *rest, store.verdict]


def crowd_row(store: Store) -> list[str]:
    """Return what a crowd got of a store."""
    waits, pooled = store.all("crowd", "walls"), store.all("pooled crowd", "walls")
    n_errors = sum(len(answer["errors"]) for what in ("crowd", "pooled crowd") for answer in store.answers.get(what, []))
    return [
        store.name,
        shown(pace(store, "crowd")),
        *(seconds(at(waits, part_)) for part_ in (0.5, 0.99, 1.0)),
        shown(pace(store, "pooled crowd")),
        *(seconds(at(pooled, part_)) for part_ in (0.5, 0.99)),
        str(n_errors),
    ]


def wait(what: str, spent: float, marks: tuple[float, float], *, how: str, doubt: str = "") -> Figure:
    """Return a waiting time to stay below, in milliseconds."""
    return Figure(what=what, seen=spent * 1000.0, floor=marks[0], aim=marks[1], unit=" ms", more_is_better=False, how=how, doubt=doubt)


def both(cpu: float, wall: float) -> str:
    """Return two times of one thing."""
    return ABSENT if math.isnan(cpu) else f"{seconds(cpu)} / {seconds(wall)}"


def pace(store: Store, what: str) -> float:
    """Return the requests a second that a crowd made."""
    return sum(len(answer["walls"]) / answer["lasted"] for answer in store.answers[what]) if what in store.answers else MISSING


def day_bars(store: Store) -> int:
    """Return the bars of one session of all symbols."""
    return int((store.all("upsert", "n_bars") or [0])[0])


def least(values: Sequence[float]) -> float:
    """Return the least of some times; no number where there are none."""
    return min(values, default=MISSING)


def at(values: Sequence[float], part_: float) -> float:
    """Return the value that this part of them does not exceed; no number where there are none."""
    return share(values, part_) if values else MISSING


def doubt_of(store: Store) -> str:
    """Return why the figures of a store do not count."""
    return "" if store.verdict == "same" else store.verdict


def errors_of(store: Store, what: str) -> str:
    """Return the first error of a crowd."""
    errors = [error for answer in store.answers.get(what, []) for error in answer["errors"]]
    return f"{len(errors)} errors, the first: {errors[0]}" if errors else ""
