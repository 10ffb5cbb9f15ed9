"""Series with one thing wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

import numpy as np
import pytest

from qts.core import Bars, Exchange, Floats, InstrumentId, Interval, micros_of
from qts.market.sessions import daily_stamp, sessions

SeriesMaker = Callable[..., Bars]


def days_from(first: date, n_days: int) -> list[date]:
    return [session.date for session in sessions(Exchange.NSE, first, date(first.year + 3, 12, 31))][:n_days]


@pytest.fixture
def make_series() -> SeriesMaker:
    """Return a maker of bars on sessions, of a quiet walk around 100 rupees, or of the closes given."""

    def make(
        n_bars: int = 100, *, closes: Sequence[float] | None = None, first: date = date(2019, 1, 1), interval: Interval = Interval.DAY
    ) -> Bars:
        rng = np.random.default_rng(7)
        close: Floats = np.array(closes, dtype=np.float64) if closes is not None else 100.0 * np.exp(np.cumsum(rng.normal(0, 0.01, n_bars)))
        open_ = np.concatenate(([close[0]], close[:-1]))
        days = days_from(first, len(close) if interval is Interval.DAY else -(-len(close) // 375))
        stamps = [micros_of(daily_stamp(Exchange.NSE, day)) for day in days]
        if interval is Interval.DAY:
            ts = np.array(stamps, dtype=np.int64)
        else:
            ts = (np.array(stamps, dtype=np.int64)[:, None] + np.arange(375) * 60_000_000).reshape(-1)[: len(close)]
        return Bars(
            instrument=InstrumentId("NSE:X"),
            interval=interval,
            ts=ts,
            open=open_,
            high=np.maximum(open_, close) * 1.002,
            low=np.minimum(open_, close) * 0.998,
            close=close,
            volume=np.full(len(close), 1000.0),
            oi=np.full(len(close), np.nan),
        )

    return make
