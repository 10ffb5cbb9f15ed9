"""Our own store under test, and what only it is asked: compaction, backups, writing beside readers."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

import qts
from benchmarks.ours import bars_of
from benchmarks.stores.worker import VOLUME, Bench, Block, Floats, Prepared, serve, weight
from qts.app.backups import back_up
from qts.app.restoring import check_backup
from qts.app.settings import load_settings
from qts.app.workspace import open_workspace
from qts.core import InstrumentId, Interval
from qts.data.storage import ParquetStore, Provenance, SeriesBars, SeriesKey
from qts.data.storage.decoded import MOST_BYTES
from qts.market.resampling import resample

ORIGIN = Provenance(source="benchmark", simulated=True)
AT = datetime(2026, 1, 1, tzinfo=UTC)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class OwnStore:
    """The store of a home."""

    def __init__(self, *, decoded_bytes: int = MOST_BYTES) -> None:
        self.kept: ParquetStore | None = None
        self._folder = Path()
        self._decoded_bytes = decoded_bytes

    @property
    def open_store(self) -> ParquetStore:
        """Return the store, which must be open."""
        if self.kept is None:
            raise RuntimeError("the store is not open")
        return self.kept

    def version(self) -> str:
        return qts.__version__

    def open(self, folder: Path, *, read_only: bool = False) -> None:
        del read_only  # readers and writers are the same
        self._folder = folder
        self.kept = ParquetStore.open(folder, decoded_bytes=self._decoded_bytes)
        self.kept.snapshot()

    def close(self) -> None:
        if self.kept is not None:
            self.kept.close()
            self.kept = None

    def prepared(self, block: Block) -> Prepared:
        return [
            SeriesBars(key=key_of(symbol), bars=bars_of(rows, key_of(symbol).instrument, Interval.MINUTE_1, block.ts))
            for symbol, rows in zip(block.symbols, block.prices, strict=True)
        ]

    def load(self, prepared: Prepared) -> None:
        self.open_store.upsert(prepared, ORIGIN, at=AT)

    def upsert(self, prepared: Prepared) -> None:
        self.open_store.upsert(prepared, ORIGIN, at=AT)

    def reader(self) -> Callable[[int, int, int], dict[str, Any]]:
        kept = self.open_store

        def read(symbol: int, start: int, end: int) -> dict[str, Any]:
            bars = kept.read(key_of(symbol), start=instant(start), end=instant(end))
            return {name: getattr(bars, name) for name in ("ts", "open", "high", "low", "close", "volume")}

        return read

    def latest(self, symbols: Sequence[int]) -> Floats:
        keys = [key_of(symbol) for symbol in symbols]
        found = self.open_store.latest(keys)
        return np.array([found[key].close for key in keys])

    def days(self, symbols: Sequence[int], start: int, end: int) -> Floats:
        read = self.open_store.read
        closes = [resample(read(key_of(symbol), start=instant(start), end=instant(end)), Interval.DAY).bars.close for symbol in symbols]
        return np.concatenate(closes)

    def size(self) -> int:
        return weight(self._folder / "data" / "bars") + sum(path.stat().st_size for path in self._folder.glob("manifest.sqlite*"))


class OwnBench(Bench):
    """The commands, and ours."""

    @property
    def own(self) -> OwnStore:
        """Return the store as what it is."""
        if not isinstance(self._store, OwnStore):
            raise TypeError("this is another's store")
        return self._store

    def read(self, wanted: list[dict[str, int]]) -> dict[str, Any]:
        """Read as all do, decoding every span anew: what was read the first time must not be what is given the second time."""
        store = OwnStore(decoded_bytes=0)
        store.open(self._folder)
        try:
            return Bench(store, self._folder).read(wanted)
        finally:
            store.close()

    def upsert(self, path: str) -> dict[str, Any]:
        """Store bars, and tell the files that were written."""
        block = Block.load(path)
        prepared = self._store.prepared(block)
        with self._clock():
            report = self.own.open_store.upsert(prepared, ORIGIN, at=AT)
        return {"n_bars": block.n_bars, "stored": report.stored, "files": report.files_written, **self._seen}

    def compact(self) -> dict[str, Any]:
        """Put everything hot where it is read best."""
        with self._clock():
            self.own.open_store.compact(at=AT, everything=True)
        return dict(self._seen)

    def write(self, *, path: str, first: int, begin: float, seconds: float, every: float) -> dict[str, Any]:
        """Store a session again and again, once at least, all its bars with the number of the commit as their volume."""
        block = Block.load(path)
        waits, errors = [], []
        time.sleep(max(0.0, begin - time.monotonic()))
        number = first
        while number == first or time.monotonic() < begin + seconds:
            began = time.monotonic()
            number += 1
            block.prices[:, VOLUME] = number
            try:
                self.own.open_store.upsert(self._store.prepared(block), ORIGIN, at=AT)
            except Exception as error:  # noqa: BLE001 - whatever fails is counted
                errors.append(f"{type(error).__name__}: {error}"[:200])
            waits.append(time.monotonic() - began)
            time.sleep(max(0.0, every - waits[-1]))
        return {"walls": waits, "errors": errors, "last": number}

    def compact_often(self, begin: float, seconds: float, every: float) -> dict[str, Any]:
        """Compact whenever there is enough to compact."""
        errors, n_done, waits = [], 0, []
        time.sleep(max(0.0, begin - time.monotonic()))
        while (began := time.monotonic()) < begin + seconds:
            try:
                done = self.own.open_store.compact(at=AT)
            except Exception as error:  # noqa: BLE001 - whatever fails is counted
                errors.append(f"{type(error).__name__}: {error}"[:200])
            else:
                n_done += bool(done)
                waits += [time.monotonic() - began] if done else []
            time.sleep(every)
        return {"n_done": n_done, "walls": waits, "errors": errors}

    def known(self, symbols: list[int], start: int, end: int) -> dict[str, Any]:
        """Return what these symbols hold in a span, for comparisons while others write."""
        read = self._store.reader()
        found = []
        for symbol in symbols:
            bars = read(symbol, start, end)
            found.append([symbol, len(bars["ts"]), int(np.rint(bars["close"] * 100.0).astype(np.int64).sum())])
        return {"spans": [{"symbol": symbol, "start": start, "end": end, "n_bars": n, "paise": total} for symbol, n, total in found]}

    def watch(
        self, *, wanted: list[dict[str, int]], session: int, n_threads: int, begin: float, seconds: float, think: float
    ) -> dict[str, Any]:
        """Read as ``crowd`` does, and hold each session that is being written to one commit: a torn one has bars of two."""
        watched = Watched(self.own, session)
        found = OwnBench(watched, self._folder).crowd(wanted=wanted, n_threads=n_threads, begin=begin, seconds=seconds, think=think)
        return found | {"n_torn": len(watched.torn)}

    def back_up(self, folder: str) -> dict[str, Any]:
        """Make a backup of the home and check it."""
        with open_workspace(load_settings(home=self._folder)) as workspace:
            with self._clock():
                report = back_up(workspace, Path(folder))
            made = dict(self._seen)
        with self._clock():
            check = check_backup(Path(report.path))
        told = {"files": report.files, "linked": report.linked, "bytes": report.bytes, "new_bytes": report.new_bytes}
        sound = not check.damaged and not check.missing and not report.missing
        return {**made, "check": dict(self._seen), "sound": sound, **told}


class Watched(OwnStore):
    """A store whose answers are looked at for torn sessions before they are given."""

    def __init__(self, store: OwnStore, session: int) -> None:
        super().__init__()
        self.kept = store.kept
        self._store = store
        self.torn: list[int] = []
        self._session = session

    def reader(self) -> Callable[[int, int, int], dict[str, Any]]:
        read = self._store.reader()

        def looked_at(symbol: int, start: int, end: int) -> dict[str, Any]:
            found = read(symbol, start, end)
            written = found["volume"][np.searchsorted(found["ts"], self._session) :]
            if len(written) == 0 or not (written == written[0]).all():
                self.torn.append(symbol)
            return found

        return looked_at


def key_of(symbol: int) -> SeriesKey:
    """Return what a symbol is stored under."""
    return SeriesKey(instrument=InstrumentId(f"NSE:WALK{symbol:03}"), interval=Interval.MINUTE_1)


def instant(micros: int) -> datetime:
    """Return an instant from its microseconds."""
    return EPOCH + timedelta(microseconds=micros)


if __name__ == "__main__":
    serve(OwnStore(), OwnBench)
