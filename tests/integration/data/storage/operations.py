"""A fixed sequence of everything that changes a store, the same for the store under test and for the one in memory that tells the truth.

As a program it forks processes that carry the sequence out until they are killed: for every line ``folder<TAB>log<TAB>first operation``
on standard input, one is forked and its process id printed; an empty line asks for its status. ``one FOLDER OPERATION`` carries out a
single operation and ends, for tests that count system calls.
"""

from __future__ import annotations

import importlib
import os
import sys
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from qts.core import Bars, InstrumentId, Interval
from qts.core.errors import EmptySpan, UnknownInstrument
from qts.data.storage import BarStore, ParquetStore, Provenance, SeriesBars, SeriesKey
from qts.data.storage.retention import Retention

MINUTES = tuple(SeriesKey(instrument=InstrumentId(f"NSE:S{i:02}"), interval=Interval.MINUTE_1) for i in range(16))
DAYS = tuple(SeriesKey(instrument=InstrumentId(f"NSE:S{i:02}"), interval=Interval.DAY) for i in range(4))
KINDS = ("session", "session", "overlap", "session", "delete", "session", "compact", "session", "collect")
OPENING = 1_704_166_500_000_000
DAY = 86_400_000_000
AT = datetime(2026, 1, 1, tzinfo=UTC)


def batch(key: SeriesKey, day: int, price: float) -> SeriesBars:
    """Return bars of one day, counted from 2 January 2024."""
    n_bars = 6 if key.interval.is_intraday else 1
    ts = OPENING + day * DAY + np.arange(n_bars, dtype=np.int64) * 60_000_000
    close = price + np.arange(n_bars, dtype=np.float64)
    columns = dict.fromkeys(("open", "high", "low", "close", "volume", "oi"), close)
    return SeriesBars(key=key, bars=Bars(instrument=key.instrument, interval=key.interval, ts=ts, **columns))


def carry_out(store: BarStore, i: int) -> None:
    """Carry out operation number ``i``."""
    kind, at = KINDS[i % len(KINDS)], AT + timedelta(minutes=i)
    if kind == "session":
        store.upsert([batch(key, i, 100.0 + i) for key in (*MINUTES, *DAYS)], Provenance(source=f"file:{i}"), at=at)
    elif kind == "overlap":
        batches = [batch(key, day, 500.0 + i) for key in MINUTES[: i % 16 + 1] for day in (i - 1, i)]
        store.upsert(batches, Provenance(source=f"file:{i}"), at=at)
    elif kind == "delete":
        start = datetime(2024, 1, 2, tzinfo=UTC) + timedelta(days=max(0, i - 5))
        with suppress(EmptySpan, UnknownInstrument):
            store.delete(MINUTES[i % 16], start=start, end=start + timedelta(days=3), at=at)
    elif isinstance(store, ParquetStore) and kind == "compact":
        store.compact(at=at, everything=True)
    elif isinstance(store, ParquetStore):
        # Long after, and with no time of grace: whatever can be taken is.
        keep = Retention(younger_than=timedelta(0), grace=timedelta(0))
        store.collect(at=datetime(2100, 1, 1, tzinfo=UTC), keep=keep)


def main(home: str, log: str, first: int) -> None:
    """Carry out the sequence from an operation on until killed."""
    store = ParquetStore.open(Path(home))
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    i = first
    while True:
        carry_out(store, i)
        os.write(descriptor, f"{i}\n".encode())
        os.fsync(descriptor)
        i += 1


def serve() -> None:
    """Fork a process for each request."""
    child = 0
    for line in sys.stdin:
        if not line.strip():
            sys.stdout.write(f"{os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}\n")
            sys.stdout.flush()
            continue
        child = os.fork()
        if child == 0:
            home, log, first = line.rstrip("\n").split("\t")
            main(home, log, int(first))
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    for name in ("manifest", "upserting", "compaction", "deletion", "retention", "encoding"):
        importlib.import_module(f"qts.data.storage.{name}")
    if sys.argv[1:2] == ["one"]:
        opened = ParquetStore.open(Path(sys.argv[2]))
        carry_out(opened, int(sys.argv[3]))
        opened.close()
    else:
        serve()
