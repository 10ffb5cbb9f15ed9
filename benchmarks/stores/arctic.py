"""ArcticDB on LMDB under test: a symbol for each instrument, whole batches where its interface has them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from arcticdb import Arctic, QueryBuilder, ReadRequest, UpdatePayload, WritePayload  # type: ignore[import-not-found]  # in its own environment
from arcticdb import __version__ as arctic_version

from benchmarks.stores.worker import CLOSE, HIGH, LOW, OPEN, VOLUME, Block, Floats, Prepared, serve, weight

NAMES = (("open", OPEN), ("high", HIGH), ("low", LOW), ("close", CLOSE), ("volume", VOLUME))
HOW = {"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum"}
MOST_BYTES = 16 << 30  # the map of its file; the file grows as needed


class ArcticStore:
    """A library of frames on LMDB."""

    def __init__(self) -> None:
        self._arctic: Any = None
        self._library: Any = None
        self._folder = Path()

    def version(self) -> str:
        return str(arctic_version)

    def open(self, folder: Path, *, read_only: bool = False) -> None:
        del read_only  # it has no such mode
        folder.mkdir(exist_ok=True)
        self._folder = folder
        self._arctic = Arctic(f"lmdb://{folder}?map_size={MOST_BYTES >> 20}MB")
        self._library = self._arctic.get_library("bars", create_if_missing=True)
        self._library.list_symbols()

    def close(self) -> None:
        self._library = self._arctic = None

    def prepared(self, block: Block) -> Prepared:
        index = pd.DatetimeIndex(block.ts.view("datetime64[us]").astype("datetime64[ns]"), name="ts")
        return [
            (name_of(symbol), pd.DataFrame({name: rows[row] for name, row in NAMES}, index=index))
            for symbol, rows in zip(block.symbols, block.prices, strict=True)
        ]

    def load(self, prepared: Prepared) -> None:
        self._library.write_batch([WritePayload(name, frame) for name, frame in prepared])

    def upsert(self, prepared: Prepared) -> None:
        done = self._library.update_batch(
            [UpdatePayload(name, frame) for name, frame in prepared], upsert=True, prune_previous_versions=True
        )
        failed = [one for one in done if type(one).__name__ == "DataError"]
        if failed:
            raise RuntimeError(f"{len(failed)} updates failed, the first: {failed[0]}")

    def reader(self) -> Callable[[int, int, int], dict[str, Any]]:
        library = self._library

        def read(symbol: int, start: int, end: int) -> dict[str, Any]:
            frame = library.read(name_of(symbol), date_range=span_of(start, end)).data
            found = {name: frame[name].to_numpy() for name, _ in NAMES}
            return found | {"ts": frame.index.to_numpy().astype("datetime64[us]").view(np.int64)}

        return read

    def latest(self, symbols: Sequence[int]) -> Floats:
        asked = [ReadRequest(name_of(symbol), row_range=(-1, None), columns=["close"]) for symbol in symbols]
        return np.array([one.data["close"].iloc[0] for one in self._library.read_batch(asked)])

    def days(self, symbols: Sequence[int], start: int, end: int) -> Floats:
        asked = [
            ReadRequest(name_of(symbol), date_range=span_of(start, end), query_builder=QueryBuilder().resample("D").agg(HOW))
            for symbol in symbols
        ]
        return np.concatenate([one.data["close"].to_numpy() for one in self._library.read_batch(asked)])

    def size(self) -> int:
        return weight(self._folder)


def name_of(symbol: int) -> str:
    """Return what a symbol is stored under."""
    return f"WALK{symbol:03}"


def span_of(start: int, end: int) -> tuple[pd.Timestamp, pd.Timestamp]:
    """Return a span as ArcticDB takes it: the end is included."""
    return pd.Timestamp(start, unit="us"), pd.Timestamp(end - 1, unit="us")


if __name__ == "__main__":
    serve(ArcticStore())
