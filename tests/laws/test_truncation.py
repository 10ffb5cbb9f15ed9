"""What the engine did up to a bar does not depend on the bars after it, for every strategy that ships."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pytest

from qts.backtest import BacktestSettings, run
from qts.core import IST, Bars, InstrumentId, Interval, Product, micros_of
from qts.strategies import load_catalog

ENTRIES = {entry.id: entry for entry in load_catalog().entries}
N_DAYS = 420
# Bars of 15 minutes in a session.
A_DAY = 25


def walk(name: str, seed: int, *, intraday: bool) -> Bars:
    rng = np.random.default_rng(seed)
    a_day, step = (A_DAY, timedelta(minutes=15)) if intraday else (1, timedelta())
    days = [datetime(2022, 1, 3, 9, 15, tzinfo=IST) + timedelta(days=k) for k in range(N_DAYS * 2) if k % 7 < 5]
    days = [day + slot * step for day in days for slot in range(a_day)][:N_DAYS]
    close = np.round(400 * np.exp(np.cumsum(rng.normal(0, 0.02, N_DAYS))), 2)
    open_ = np.round(close * np.exp(rng.normal(0, 0.006, N_DAYS)), 2)
    return Bars(
        instrument=InstrumentId(name),
        interval=Interval.MINUTE_15 if intraday else Interval.DAY,
        ts=np.array([micros_of(day) for day in days], dtype=np.int64),
        open=open_,
        high=np.maximum(open_, close) + 1,
        low=np.minimum(open_, close) - 1,
        close=close,
        volume=rng.choice([0.0, 5e4, 2e6], N_DAYS, p=[0.02, 0.49, 0.49]),
        oi=np.full(N_DAYS, np.nan),
    )


@pytest.mark.parametrize("product", [Product.CNC, Product.MIS])
@pytest.mark.parametrize("name", sorted(ENTRIES))
def test_bars_to_come_change_no_earlier_fill(name: str, product: Product) -> None:
    strategy = ENTRIES[name].require()
    bars = [walk(f"NSE:S{i}", seed=i, intraday="intraday" in strategy.tags) for i in range(3)]
    settings = replace(BacktestSettings(), product=product)
    whole = run(strategy, {}, bars, settings)
    cuts = {1, 2, 51, 120, 253, 254, 333, N_DAYS - 1}
    if "intraday" in strategy.tags and product is Product.MIS:
        # The last bar of a session closes what is open, so that within one the end of the bars is an event itself.
        cuts = {(cut // A_DAY + 1) * A_DAY for cut in cuts if cut + A_DAY < N_DAYS}
    for cut in sorted(cuts):
        part = run(strategy, {}, [one.window(0, cut) for one in bars], settings)
        end = micros_of(datetime.fromtimestamp(bars[0].ts[cut - 1] / 1e6, tz=IST))
        assert part.fills == tuple(fill for fill in whole.fills if micros_of(fill.filled_at) <= end)
        np.testing.assert_array_equal(part.equity, whole.equity[:cut])
