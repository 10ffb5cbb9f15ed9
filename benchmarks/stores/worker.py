"""The process in which one store is measured: it does what a line of JSON on its input names, and answers with a line of JSON.

A store is driven through the few calls of ``Store``; clocks, loops and comparisons are the same for all. Python's own library and NumPy
only, because this runs in the environments of all stores.
"""

from __future__ import annotations

import gc
import json
import os
import random
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Stamps = NDArray[np.int64]
Prepared: TypeAlias = Any
OPEN, HIGH, LOW, CLOSE, VOLUME = range(5)
POOL = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Bars of some symbols that share their instants. ``prices`` has the shape (n_symbols, 5, n_bars), ``ts`` is in microseconds UTC."""

    symbols: tuple[int, ...]
    ts: Stamps
    prices: Floats

    @classmethod
    def load(cls, path: str) -> Block:
        """Return the block that ``save`` wrote."""
        with np.load(path) as kept:
            return cls(symbols=tuple(kept["symbols"].tolist()), ts=kept["ts"], prices=kept["prices"])

    def save(self, path: Path) -> Path:
        """Write it where the stores' processes read it."""
        np.savez(path, symbols=np.array(self.symbols), ts=self.ts, prices=self.prices)
        return path

    @property
    def n_bars(self) -> int:
        """Return the bars of all symbols."""
        return len(self.symbols) * len(self.ts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The bars of one symbol that open in ``[start, end)``: how many there are, and the sum of their closes in paise."""

    symbol: int
    start: int
    end: int
    n_bars: int
    paise: int

    def is_answered_by(self, ts: Stamps, close: Floats) -> bool:
        """Return whether these are the bars."""
        return len(ts) == self.n_bars and paise(close) == self.paise


class Store(Protocol):
    """A store under test. Bars go in as it likes them best: ``prepared`` is not on the clock."""

    def version(self) -> str: ...
    def open(self, folder: Path, *, read_only: bool = False) -> None: ...
    def close(self) -> None: ...
    def prepared(self, block: Block) -> Prepared: ...
    def load(self, prepared: Prepared) -> None: ...
    def upsert(self, prepared: Prepared) -> None: ...
    def reader(self) -> Callable[[int, int, int], dict[str, Any]]: ...
    def latest(self, symbols: Sequence[int]) -> Floats: ...
    def days(self, symbols: Sequence[int], start: int, end: int) -> Floats: ...
    def size(self) -> int: ...


def paise(prices: Floats) -> int:
    """Return the sum of prices in paise: whole numbers, so that it does not depend on an order of adding."""
    return int(np.rint(prices * 100.0).astype(np.int64).sum())


class Bench:
    """The commands, on one store. Each answer names CPU and wall seconds where there is something to time."""

    def __init__(self, store: Store, folder: Path) -> None:
        self._store = store
        self._folder = folder
        self._seen: dict[str, float] = {}

    def open(self, *, read_only: bool = False) -> dict[str, Any]:
        """Open the store, after closing it where it is open."""
        self._store.close()
        with self._clock():
            self._store.open(self._folder, read_only=read_only)
        return {"version": self._store.version(), **self._seen}

    def load(self, path: str) -> dict[str, Any]:
        """Store the first bars of symbols."""
        return self._put(path, self._store.load)

    def upsert(self, path: str) -> dict[str, Any]:
        """Store bars of which some or all may be there already."""
        return self._put(path, self._store.upsert)

    def _put(self, path: str, put: Callable[[Any], None]) -> dict[str, Any]:
        block = Block.load(path)
        prepared = self._store.prepared(block)
        with self._clock():
            put(prepared)
        return {"n_bars": block.n_bars, **self._seen}

    def size(self) -> dict[str, Any]:
        """Return what the store takes on the disk."""
        return {"bytes": self._store.size()}

    def read(self, wanted: list[dict[str, int]]) -> dict[str, Any]:
        """Read one span after the other, each twice: what the first time finds out about a file, the second knows."""
        read = self._store.reader()
        first, cpu, wall, n_wrong = [], [], [], 0
        for each in [Wanted(**one) for one in wanted]:
            with self._clock():
                read(each.symbol, each.start, each.end)
            first.append(self._seen["wall"])
            with self._clock(collects=False):
                found = read(each.symbol, each.start, each.end)
            cpu.append(self._seen["cpu"])
            wall.append(self._seen["wall"])
            n_wrong += not (each.is_answered_by(found["ts"], found["close"]) and is_whole(found))
        return {"first": first, "cpus": cpu, "walls": wall, "n_wrong": n_wrong}

    def latest(self, symbols: list[int], n_times: int) -> dict[str, Any]:
        """Read the last close of each symbol, so many times after a first."""
        found, times = self._repeated(lambda: self._store.latest(symbols), n_times)
        return {"paise": paise(found), **times}

    def days(self, symbols: list[int], start: int, end: int, n_times: int) -> dict[str, Any]:
        """Make days of minutes, so many times after a first."""
        found, times = self._repeated(lambda: self._store.days(symbols, start, end), n_times)
        return {"paise": paise(found), "n_days": found.size, **times}

    def _repeated(self, action: Callable[[], Floats], n_times: int) -> tuple[Floats, dict[str, Any]]:
        found = action()
        cpu, wall = [], []
        for _ in range(n_times):
            with self._clock(collects=False):
                found = action()
            cpu.append(self._seen["cpu"])
            wall.append(self._seen["wall"])
        return found, {"cpus": cpu, "walls": wall}

    def crowd(
        self, *, wanted: list[dict[str, int]], n_threads: int, begin: float, seconds: float, think: float = 0.0, pooled: bool = False
    ) -> dict[str, Any]:
        """Let threads read at random, each the next span when it has the last, from an instant of the monotonic clock on."""
        spans = [Wanted(**one) for one in wanted]
        crowd = Crowd(spans, until=begin + seconds, think=think, pool=ThreadPoolExecutor(POOL) if pooled else None)
        users = [
            threading.Thread(target=crowd.use, args=(self._store.reader(), random.Random(f"{os.getpid()} {i}")))  # noqa: S311 - no secret
            for i in range(n_threads)
        ]
        time.sleep(max(0.0, begin - time.monotonic()))
        for user in users:
            user.start()
        for user in users:
            user.join()
        return {"lasted": time.monotonic() - begin, "walls": crowd.walls, "n_wrong": len(crowd.wrong), "errors": crowd.errors}

    def stop(self) -> dict[str, Any]:
        """Close the store."""
        self._store.close()
        return {}

    @contextmanager
    def _clock(self, *, collects: bool = True) -> Iterator[None]:
        if collects:
            gc.collect()
        began_wall, began = time.perf_counter(), time.process_time()
        yield
        self._seen = {"cpu": time.process_time() - began, "wall": time.perf_counter() - began_wall}


class Crowd:
    """What threads that read at the same time have in common."""

    def __init__(self, spans: Sequence[Wanted], *, until: float, think: float, pool: ThreadPoolExecutor | None) -> None:
        self._spans = spans
        self._until = until
        self._think = think
        self._pool = pool
        self.walls: list[float] = []
        self.errors: list[str] = []
        self.wrong: list[int] = []  # threads may append to a list at the same time, and must not add to a number

    def use(self, read: Callable[[int, int, int], dict[str, Any]], rng: random.Random) -> None:
        """Read until the time is up."""
        time.sleep(self._think * rng.random())
        while time.monotonic() < self._until:
            span = rng.choice(self._spans)
            began = time.perf_counter()
            try:
                found = self._read(read, span)
            except Exception as error:  # noqa: BLE001 - whatever fails is counted
                self.errors.append(f"{type(error).__name__}: {error}"[:200])
                time.sleep(0.01)
                continue
            self.walls.append(time.perf_counter() - began)
            if not span.is_answered_by(found["ts"], found["close"]):
                self.wrong.append(span.symbol)
            if self._think:
                time.sleep(self._think)

    def _read(self, read: Callable[[int, int, int], dict[str, Any]], span: Wanted) -> dict[str, Any]:
        if self._pool is None:
            return read(span.symbol, span.start, span.end)
        return self._pool.submit(read, span.symbol, span.start, span.end).result()


def is_whole(found: dict[str, Any]) -> bool:
    """Return whether all columns are there, as 64-bit numbers in the order of time."""
    names = ("open", "high", "low", "close", "volume")
    return all(found[name].dtype == np.float64 and len(found[name]) == len(found["ts"]) for name in names) and bool(
        (np.diff(found["ts"]) > 0).all()
    )


def serve(store: Store, bench: type[Bench] = Bench) -> None:
    """Answer the lines of the input until it ends; the command line names the store's folder."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a store prints is no answer
    commands = bench(store, Path(sys.argv[1]))
    for line in sys.stdin:
        told = json.loads(line)
        found = getattr(commands, told.pop("do"))(**told)
        answers.write(json.dumps(found) + "\n")
        answers.flush()


def plain(wanted: Sequence[Wanted]) -> list[dict[str, int]]:
    """Return spans as JSON takes them."""
    return [asdict(one) for one in wanted]


def weight(folder: Path) -> int:
    """Return the room that the files of a folder take on the disk."""
    return sum(path.stat().st_blocks * 512 for path in folder.rglob("*") if path.is_file())
