"""Cases on real bars: random wishes on windows of daily and minute bars of NSE shares as they were traded."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from tests.reference.cases import Case, script_of, settings_of, wishes

from qts.core import Bars, Exchange, InstrumentId, Interval, micros_of
from qts.market.sessions import daily_stamp

FILES = {Interval.DAY: "nse_daily_raw_2017_2022.parquet", Interval.MINUTE_1: "nse_1min_from_ticks_2021.parquet"}
SHARES = {Interval.DAY: ("RELIANCE", "SBIN", "TCS", "INFY", "WIPRO"), Interval.MINUTE_1: ("RELIANCE", "SBIN", "TCS")}


def real_case(folder: Path, seed: int) -> Case:
    """Return a case on real bars, of targets or, with an odd seed, of orders."""
    rng = np.random.default_rng((seed, 5))
    interval = Interval(str(rng.choice(list(FILES))))
    names = [str(name) for name in rng.choice(SHARES[interval], int(rng.integers(1, 4)), replace=False)]
    whole = [series(folder / FILES[interval], interval, name) for name in names]
    start = int(rng.integers(0, len(whole[0]) - 400))
    first, last = int(whole[0].ts[start]), int(whole[0].ts[start + int(rng.integers(100, 400))])
    bars = tuple(one.window(*np.searchsorted(one.ts, (first, last)).tolist()) for one in whole)
    bars = tuple(one for one in bars if len(one))
    settings = settings_of(rng, interval)
    if seed % 2:
        settings["fractional"] = "False"
        return Case(seed=seed, interval=interval, bars=bars, targets={}, settings=settings, script=script_of(rng, bars))
    targets = {str(one.instrument): wishes(rng, len(one)) for one in bars}
    return Case(seed=seed, interval=interval, bars=bars, targets=targets, settings=settings)


@cache
def series(path: Path, interval: Interval, name: str) -> Bars:
    column = "date" if interval is Interval.DAY else "ts"
    table = pq.read_table(path, filters=[("symbol", "=", name)])
    assert isinstance(table, pa.Table)
    table = table.take(pc.sort_indices(table, [(column, "ascending")]))
    floats = {one: table[one].to_numpy().astype(np.float64) for one in ("open", "high", "low", "close", "volume")}
    return Bars(
        instrument=InstrumentId(f"NSE:{name}"),
        interval=interval,
        ts=np.array([stamp(at, interval) for at in table[column].to_pylist()], dtype=np.int64),
        oi=np.full(len(table), np.nan),
        **floats,
    )


def stamp(at: datetime, interval: Interval) -> int:
    return micros_of(daily_stamp(Exchange.NSE, at.date()) if interval is Interval.DAY else at)
