"""The stores side by side: each in processes of its own, doing the same things in turns."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from benchmarks.contest import OURS, THEIRS, Worker, WorkerFailed
from benchmarks.ours import BARS_PER_SESSION, DAY_MICROS
from benchmarks.stores.bars import MONTH, N_NEW, Market
from benchmarks.stores.worker import CLOSE, Block, paise, plain

QTS: Final = "qts"
DUCK: Final = "DuckDB, by symbol"
ARRIVAL: Final = "DuckDB, by arrival"
ARCTIC: Final = "ArcticDB"
MODULES: Final = {QTS: ("ours", OURS), DUCK: ("duck", OURS), ARCTIC: ("arctic", THEIRS), ARRIVAL: ("duck", OURS)}
PATIENCE: Final = 900.0
N_TURNS: Final = 4
N_USERS: Final = 100
N_PROCESSES: Final = 2
N_WATCHERS: Final = 4
THINK: Final = 0.02
EVERY: Final = 1.0
WRITTEN: Final = N_NEW - 1


@dataclass(slots=True, kw_only=True)
class Store:
    """What was measured of one store, by what it was asked; ``wrong`` names the answers that were not the right ones."""

    name: str
    version: str = ""
    failure: str = ""
    answers: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def all(self, what: str, key: str) -> list[float]:
        """Return the numbers of all answers to a question."""
        found = [answer[key] for answer in self.answers.get(what, [])]
        return [value for each in found for value in (each if isinstance(each, list) else [each])]

    def total(self, what: str, key: str) -> float:
        """Return their sum; no number where the question was not answered."""
        found = self.all(what, key)
        return sum(found) if found else float("nan")

    @property
    def verdict(self) -> str:
        """Return "same", or what is wrong with it."""
        if self.failure:
            return f"not available: {self.failure}"
        return f"differs: {'; '.join(dict.fromkeys(self.wrong))}" if self.wrong else "same"


class Field:
    """The stores and their processes. A store that fails is reported and stops nobody else."""

    def __init__(self, folder: Path, modules: Mapping[str, tuple[str, Path]] = MODULES) -> None:
        self.folder = folder
        self._modules = modules
        self.stores: dict[str, Store] = {}
        self._workers: dict[str, Worker] = {}

    @property
    def running(self) -> list[str]:
        """Return the stores that work."""
        return list(self._workers)

    def start(self, name: str) -> None:
        """Start a store in an empty folder."""
        self.stores.setdefault(name, Store(name=name))
        if not self._modules[name][1].exists():
            self.stores[name].failure = "not installed"
            return
        with self._failing(name):
            self._workers[name] = self.process(name)
            answer = self._answer(name, do="open")
            self.stores[name].version = answer["version"]

    def process(self, name: str) -> Worker:
        """Return a new process for a store."""
        module, python = self._modules[name]
        return Worker([str(python), "-m", f"benchmarks.stores.{module}", str(self.place(name))], seconds=PATIENCE)

    def place(self, name: str) -> Path:
        """Return the folder of a store."""
        return self.folder / name.replace(", ", "-").replace(" ", "-").lower()

    def ask(self, name: str, what: str, **told: object) -> dict[str, Any] | None:
        """Ask one store, and keep the answer under ``what``."""
        answer = None
        if name in self._workers:
            with self._failing(name):
                answer = self._answer(name, **told)
                self.stores[name].answers.setdefault(what, []).append(answer)
        return answer

    def ask_all(self, what: str, **told: object) -> dict[str, dict[str, Any]]:
        """Ask all stores one after the other."""
        found = {name: self.ask(name, what, **told) for name in self.running}
        return {name: answer for name, answer in found.items() if answer is not None}

    def end(self, name: str) -> None:
        """End the process of a store."""
        worker = self._workers.pop(name, None)
        if worker is not None:
            worker.stop()

    def end_all(self) -> None:
        """End all processes."""
        for name in self.running:
            self.end(name)

    def _answer(self, name: str, **told: object) -> dict[str, Any]:
        worker = self._workers[name]
        worker.tell(json.dumps(told))
        return worker.answer()

    @contextmanager
    def _failing(self, name: str) -> Iterator[None]:
        try:
            yield
        except (WorkerFailed, OSError) as error:
            self.stores[name].failure = str(error)
            self.end(name)


def warm_up(fielded: Field, block: Block) -> None:
    """Let every store do everything once on a session of the first block, and begin anew: what is loaded once does not count."""
    few = Block(symbols=block.symbols, ts=block.ts[:BARS_PER_SESSION], prices=block.prices[:, :, :BARS_PER_SESSION])
    path = few.save(fielded.folder / "warm.npz")
    start = int(block.ts[0])
    span = [{"symbol": block.symbols[0], "start": start, "end": start + DAY_MICROS, "n_bars": 0, "paise": 0}]
    for name in fielded.running:
        for told in (
            {"do": "load", "path": str(path)},
            {"do": "upsert", "path": str(path)},
            {"do": "read", "wanted": span},
            {"do": "stop"},
        ):
            fielded.ask(name, "warm", **told)
        shutil.rmtree(fielded.place(name), ignore_errors=True)
        fielded.ask(name, "warm", do="open")
    path.unlink()


def load(fielded: Field, market: Market) -> None:
    """Load all blocks into all stores."""
    for number, block in enumerate(market.blocks()):
        if number == 0:
            warm_up(fielded, block)
        path = block.save(fielded.folder / "block.npz")
        fielded.ask_all("load", do="load", path=str(path))
        path.unlink()
    fielded.ask_all("size", do="size")


def read(fielded: Field, market: Market, names: Sequence[str]) -> None:
    """Read months and years, in turns."""
    for what, wanted in (("month", market.months), ("year", market.years)):
        for turn in range(N_TURNS):
            spans = plain(wanted[turn::N_TURNS])
            for name in names:
                answer = fielded.ask(name, what, do="read", wanted=spans)
                if answer is not None and answer["n_wrong"]:
                    fielded.stores[name].wrong.append(f"{answer['n_wrong']} of {len(spans)} spans of a {what}")


def resample(fielded: Field, market: Market, names: Sequence[str], *, n_times: int) -> None:
    """Make days of minutes."""
    start, end = market.year
    for name in names:
        answer = fielded.ask(name, "days", do="days", symbols=market.resampled, start=start, end=end, n_times=n_times)
        if answer is not None and (answer["n_days"], answer["paise"]) != (market.n_days, market.day_paise):
            fielded.stores[name].wrong.append("closes of days")


def upsert(fielded: Field, market: Market, *, n_sessions: int) -> None:
    """Add sessions of all symbols, the last of them twice, and ask for the latest bars."""
    for number in range(n_sessions):
        path = market.session(number).save(fielded.folder / "session.npz")
        fielded.ask_all("upsert", do="upsert", path=str(path))
    again = fielded.ask_all("again", do="upsert", path=str(path))
    if again.get(QTS, {}).get("files"):
        fielded.stores[QTS].wrong.append("the same session was written twice")
    path.unlink()
    closes = paise(market.session(n_sessions - 1).prices[:, CLOSE, -1])
    answers = fielded.ask_all("latest", do="latest", symbols=list(range(market.shape.n_symbols)), n_times=20)
    for name, answer in answers.items():
        if answer["paise"] != closes:
            fielded.stores[name].wrong.append("latest closes")


def reopen(fielded: Field) -> None:
    """Close and open the stores, for reading."""
    for name in fielded.running:
        for _ in range(3):
            fielded.ask(name, "open", do="open", read_only=True)


def crowd(fielded: Field, name: str, market: Market, *, seconds: float, pooled: bool) -> None:
    """Let a hundred users read months without a pause, half of them in a second process."""
    told = {"do": "crowd", "wanted": plain(market.months), "n_threads": N_USERS // N_PROCESSES, "pooled": pooled}
    what = "pooled crowd" if pooled else "crowd"
    answers = together(fielded, [(name, told)] * N_PROCESSES, seconds=seconds)
    fielded.stores[name].answers[what] = answers
    n_wrong = sum(answer["n_wrong"] for answer in answers)
    if n_wrong:
        fielded.stores[name].wrong.append(f"{n_wrong} answers to the crowd")


def together(fielded: Field, tasks: Sequence[tuple[str, dict[str, Any]]], *, seconds: float) -> list[dict[str, Any]]:
    """Do several things at the same time, each in a new process; what fails is reported as an error of its own answer."""
    workers = [fielded.process(name) for name, _ in tasks]
    try:
        for worker in workers:
            worker.tell(json.dumps({"do": "open", "read_only": True}))
        for worker in workers:
            worker.answer()
        begin = time.monotonic() + 0.3
        for worker, (_, told) in zip(workers, tasks, strict=True):
            worker.tell(json.dumps(told | {"begin": begin, "seconds": seconds}))
        return [worker.answer() for worker in workers]
    except WorkerFailed as error:
        return [{"lasted": seconds, "walls": [], "n_wrong": 0, "n_torn": 0, "n_done": 0, "errors": [str(error)]}]
    finally:
        for worker in workers:
            worker.stop()


def beside_writers(fielded: Field, market: Market, *, seconds: float) -> None:
    """Let our readers read the last month alone, and then beside a writer and a compactor."""
    session = int(market.stamps[(market.shape.long + WRITTEN) * BARS_PER_SESSION])
    end = session + DAY_MICROS
    path = market.session(WRITTEN).save(fielded.folder / "session.npz")
    write = {"do": "write", "path": str(path), "every": EVERY}
    fielded.ask(QTS, "first write", **write, first=0, begin=0.0, seconds=0.0)
    fielded.ask(QTS, "compact", do="compact")
    symbols = list(range(market.shape.n_symbols))
    known = fielded.ask(QTS, "known", do="known", symbols=symbols, start=end - MONTH, end=end)
    if known is None:
        return
    watch = {"do": "watch", "wanted": known["spans"], "session": session, "n_threads": N_WATCHERS // N_PROCESSES, "think": THINK}
    alone = together(fielded, [(QTS, watch)] * N_PROCESSES, seconds=seconds)
    others = [(QTS, write | {"first": 1_000}), (QTS, {"do": "compact_often", "every": EVERY / 2})]
    beside = together(fielded, [(QTS, watch)] * N_PROCESSES + others, seconds=seconds)
    ours = fielded.stores[QTS].answers
    ours["alone"], ours["beside"], ours["writing"] = alone, beside[:N_PROCESSES], beside[N_PROCESSES:]


def back_up(fielded: Field, market: Market) -> None:
    """Back our home up while sessions are written into it, and check the backup."""
    if QTS not in fielded.running:
        return
    path = market.session(WRITTEN).save(fielded.folder / "session.npz")
    writer = fielded.process(QTS)
    try:
        writer.tell(json.dumps({"do": "open"}))
        writer.answer()
        told = {"do": "write", "path": str(path), "first": 2_000, "begin": time.monotonic(), "seconds": 3.0, "every": 0.0}
        writer.tell(json.dumps(told))
        time.sleep(0.5)
        fielded.ask(QTS, "backup", do="back_up", folder=str(fielded.folder / "backups"))
        fielded.stores[QTS].answers["writing while backing up"] = [writer.answer()]
    finally:
        writer.stop()


def by_arrival(fielded: Field, market: Market) -> None:
    """Fill a second file of DuckDB from its first in the order in which bars arrive, and read from it."""
    if DUCK not in fielded.running:
        return
    fielded.end(DUCK)
    fielded.start(ARRIVAL)
    fielded.ask(ARRIVAL, "rewrite", do="rewrite", source=str(fielded.place(DUCK)))
    fielded.ask(ARRIVAL, "size", do="size")
    read(fielded, market, [ARRIVAL])
