from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from qts.core import IST, Bars, InstrumentId, Interval, micros_of
from qts.data.storage import PriceBasis, SeriesKey
from qts.data.storage.layout import group_of, groups_of


def bars_at(key: SeriesKey, instants: list[datetime]) -> Bars:
    column = np.arange(len(instants), dtype=np.float64)
    return Bars(
        instrument=key.instrument,
        interval=key.interval,
        ts=np.array([micros_of(at) for at in instants], dtype=np.int64),
        open=column,
        high=column,
        low=column,
        close=column,
        volume=column,
        oi=column,
    )


def test_a_year_begins_at_midnight_in_india() -> None:
    key = SeriesKey(instrument=InstrumentId("NSE:A"), interval=Interval.MINUTE_1)
    instants = [
        datetime(2021, 6, 1, 9, 15, tzinfo=IST),
        datetime(2023, 12, 31, 23, 59, tzinfo=IST),
        datetime(2023, 12, 31, 18, 30, tzinfo=UTC),
        datetime(2024, 1, 1, 9, 15, tzinfo=IST),
    ]
    parts = [(group.year, bars.close.tolist()) for group, bars in groups_of(key, bars_at(key, instants))]
    assert parts == [(2021, [0.0]), (2023, [1.0]), (2024, [2.0, 3.0])]
    assert list(groups_of(key, bars_at(key, []))) == []


@pytest.mark.parametrize(
    ("interval", "basis", "label", "folder"),
    [
        (Interval.MINUTE_1, PriceBasis.RAW, "1m/NSE/raw/NSE:M&M/2024", "data/bars/1m/NSE/raw/12"),
        (Interval.MINUTE_60, PriceBasis.ADJUSTED, "60m/NSE/adjusted/NSE:M&M/2024", "data/bars/60m/NSE/adjusted/12"),
        (Interval.DAY, PriceBasis.RAW, "1d/NSE/raw/*/2024", "data/bars/1d/NSE/raw"),
        (Interval.MONTH, PriceBasis.ADJUSTED, "1mo/NSE/adjusted/*/2024", "data/bars/1mo/NSE/adjusted"),
    ],
)
def test_minutes_have_a_file_of_their_own_and_days_share_one(interval: Interval, basis: PriceBasis, label: str, folder: str) -> None:
    group = group_of(SeriesKey(instrument=InstrumentId("NSE:M&M"), interval=interval, basis=basis), 2024)
    assert group.label == label
    assert group.folder(12 if interval.is_intraday else None) == folder
