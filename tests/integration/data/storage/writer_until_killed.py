"""Writers that store bars in several series, one commit after another, and log each commit that they were told is stored.

For every line ``folder<TAB>log<TAB>first commit`` on standard input, one is forked and its process id printed; it writes until it is
killed from outside, after which an empty line asks for its status. Forking saves the second of imports of a new interpreter.
"""

from __future__ import annotations

import importlib
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from qts.core import Bars, InstrumentId, Interval
from qts.data.storage import ParquetStore, Provenance, SeriesBars, SeriesKey

SERIES = (
    SeriesKey(instrument=InstrumentId("NSE:AAA"), interval=Interval.MINUTE_1),
    SeriesKey(instrument=InstrumentId("NSE:M&M"), interval=Interval.MINUTE_1),
    SeriesKey(instrument=InstrumentId("NSE:AAA"), interval=Interval.DAY),
    SeriesKey(instrument=InstrumentId("NSE:BBB"), interval=Interval.DAY),
)
N_BARS = 50
STEP = 3_600_000_000
FIRST = 1_700_000_000_000_000


def batch(key: SeriesKey, commit: int) -> SeriesBars:
    """Return the bars of one commit: every price is the commit's number, half of the bars overlap the commit before."""
    ts = FIRST + (np.arange(N_BARS, dtype=np.int64) + commit * N_BARS // 2) * STEP
    price = np.full(N_BARS, float(commit + 1))
    absent = np.full(N_BARS, np.nan)
    bars = Bars(
        instrument=key.instrument, interval=key.interval, ts=ts, open=price, high=price, low=price, close=price, volume=absent, oi=absent
    )
    return SeriesBars(key=key, bars=bars)


def main(home: str, log: str, first: int) -> None:
    """Commit until killed."""
    store = ParquetStore.open(Path(home))
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    commit = first
    while True:
        store.upsert([batch(key, commit) for key in SERIES], Provenance(source=f"file:{commit}"), at=datetime(2026, 1, 1, tzinfo=UTC))
        os.write(descriptor, f"{commit}\n".encode())
        os.fsync(descriptor)
        commit += 1


def serve() -> None:
    """Fork a writer for each request."""
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
    for name in ("manifest", "drafting", "encoding"):
        importlib.import_module(f"qts.data.storage.{name}")
    serve()
