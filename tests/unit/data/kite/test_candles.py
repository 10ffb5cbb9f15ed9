from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qts.core import IST, InstrumentId, Interval, instant_of
from qts.core.errors import BadReply
from qts.data.kite import CandleBatch, Reply, closed_bars, data_of, read_candles

INFY = InstrumentId("NSE:INFY")
GOOD = ["2026-01-05T09:15:00+0530", 100, 102.5, 99, 101, 2499]


def read(*rows: Any, interval: Interval = Interval.MINUTE_1) -> CandleBatch:
    return read_candles({"candles": list(rows)}, instrument=INFY, interval=interval)


def test_candles_become_bars_at_their_opens() -> None:
    found = read(GOOD, ["2026-01-05T09:16:00+0530", 101, 101, 100, 100.05, 0, 77])
    assert [instant_of(at).isoformat() for at in found.bars.ts.tolist()] == ["2026-01-05T09:15:00+05:30", "2026-01-05T09:16:00+05:30"]
    assert found.bars.close.tolist() == [101.0, 100.05]
    assert found.bars.volume.tolist() == [2499.0, 0.0]
    assert np.isnan(found.bars.oi[0])
    assert found.bars.oi[1] == 77
    assert found.refused == ()


def test_a_daily_candle_keeps_the_date_of_india() -> None:
    found = read(["2026-01-05T00:00:00+0530", *GOOD[1:]], interval=Interval.DAY)
    assert instant_of(int(found.bars.ts[0])).isoformat() == "2026-01-05T09:15:00+05:30"


def test_candles_out_of_order_are_sorted_and_of_two_the_last_holds() -> None:
    later = ["2026-01-05T09:17:00+0530", 101, 103, 101, 102, 5]
    found = read(later, GOOD, [*later[:4], 102.5, 6])
    assert found.bars.close.tolist() == [101.0, 102.5]


def test_no_candles_are_no_bars() -> None:
    assert len(read().bars) == 0


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        pytest.param(["2026-01-05T09:15:00+0530", 100, 100.5, 99, 101, 1], "high below", id="high below close"),
        pytest.param(["2026-01-05T09:15:00+0530", 100, 102, 100.5, 101, 1], "low above", id="low above open"),
        pytest.param(["2026-01-05T09:15:00+0530", 0, 102, 0, 101, 1], "a price that is none", id="a price of zero"),
        pytest.param(["2026-01-05T09:15:00+0530", -100, 102, -100, 101, 1], "a price that is none", id="a negative price"),
        pytest.param(["2026-01-05T09:15:00+0530", 100, 1e13, 99, 101, 1], "a price that is none", id="a price of ten trillion"),
        pytest.param(["2026-01-05T09:15:00+0530", 100, 102, 99, 101, -1], "negative volume", id="a negative volume"),
        pytest.param(["2026-01-05T09:15:30+0530", 100, 102, 99, 101, 1], "does not begin", id="within a minute"),
        pytest.param(["2026-01-05T09:15:00Z", 100, 102, 99, 101, 1], "no stamp in India's time", id="another zone"),
        pytest.param([1736048700, 100, 102, 99, 101, 1], "no stamp in India's time", id="an epoch"),
        pytest.param(["2026-01-05T09:15:00+0530", "100", 102, 99, 101, 1], "no number", id="a text for a price"),
        pytest.param(["2026-01-05T09:15:00+0530", True, 102, 99, 101, 1], "no number", id="a truth for a price"),
        pytest.param(["2026-01-05T09:15:00+0530", 100, 10**400, 99, 101, 1], "no number", id="a number beyond floats"),
        pytest.param(["2026-01-05T09:15:00+0530", 100, float("nan"), 99, 101, 1], "no number", id="not a number"),
        pytest.param(["2026-01-05T09:15:00+0530", 100, 102, 99], "six or seven", id="too short"),
        pytest.param({"open": 100}, "six or seven", id="an object"),
    ],
)
def test_a_candle_that_cannot_be_is_refused_and_the_others_are_kept(row: Any, reason: str) -> None:
    found = read(["2026-01-05T09:20:00+0530", *GOOD[1:]], row)
    assert len(found.bars) == 1
    ((place, said),) = found.refused
    assert (place, reason in said) == (1, True), said


@pytest.mark.parametrize(
    "data", [pytest.param(None, id="nothing"), pytest.param([], id="a list"), pytest.param({"candles": 5}, id="no list")]
)
def test_data_without_candles_is_a_bad_reply(data: object) -> None:
    with pytest.raises(BadReply):
        read_candles(data, instrument=INFY, interval=Interval.DAY)


def test_a_date_that_does_not_exist_is_a_bad_reply() -> None:
    with pytest.raises(BadReply, match="does not exist"):
        read(["2026-02-31T09:15:00+0530", *GOOD[1:]])


@pytest.mark.parametrize(
    ("now", "n_closed"),
    [
        pytest.param("2026-01-05T09:16:59+05:30", 1, id="the second minute runs"),
        pytest.param("2026-01-05T09:17:00+05:30", 2, id="it is over"),
        pytest.param("2026-01-05T09:15:59+05:30", 0, id="the first minute runs"),
    ],
)
def test_a_minute_is_closed_when_it_is_over(now: str, n_closed: int) -> None:
    bars = read(GOOD, ["2026-01-05T09:16:00+0530", *GOOD[1:]]).bars
    assert len(closed_bars(bars, now=datetime.fromisoformat(now))) == n_closed


@pytest.mark.parametrize(
    ("day", "now", "is_closed"),
    [
        pytest.param("2026-01-05", "2026-01-05T15:29:00+05:30", False, id="while the market is open"),
        pytest.param("2026-01-05", "2026-01-05T15:45:00+05:30", False, id="before the post-close session"),
        pytest.param("2026-01-05", "2026-01-05T16:05:00+05:30", True, id="after the post-close session"),
        pytest.param("2026-01-04", "2026-01-04T22:00:00+05:30", False, id="a Sunday that the calendar does not know"),
        pytest.param("2026-01-04", "2026-01-05T00:05:00+05:30", True, id="that Sunday, the day after"),
    ],
)
def test_a_day_is_closed_after_its_last_window(day: str, now: str, *, is_closed: bool) -> None:
    bars = read([f"{day}T00:00:00+0530", *GOOD[1:]], interval=Interval.DAY).bars
    assert len(closed_bars(bars, now=datetime.fromisoformat(now).astimezone(IST))) == is_closed


@pytest.mark.parametrize(
    ("name", "n_bars", "has_oi"), [("kite-mocks/historical_minute.json", 6, False), ("kite_mocks_more/historical_oi.json", 6, True)]
)
def test_the_brokers_own_examples_are_read(realdata: Path, name: str, n_bars: int, *, has_oi: bool) -> None:
    data = data_of(Reply(status=200, body=(realdata / name).read_bytes()))
    found = read_candles(data, instrument=INFY, interval=Interval.MINUTE_1)
    assert (len(found.bars), found.refused, bool(np.isnan(found.bars.oi).all())) == (n_bars, (), not has_oi)
    assert found.bars.open.tolist() == [row[1] for row in data["candles"]]


@given(body=st.binary(max_size=12), at=st.integers(0, 10_000), data=st.data())
def test_a_torn_reply_gives_an_error_or_sound_bars(body: bytes, at: int, data: st.DataObject) -> None:
    whole = json.dumps({"status": "success", "data": {"candles": [GOOD, ["2026-01-05T09:16:00+0530", 101, 101, 100, 100.05, 0]]}}).encode()
    start = at % len(whole)
    torn = whole[:start] + body + whole[start + data.draw(st.integers(0, 20)) :]
    try:
        found = read_candles(data_of(Reply(status=200, body=torn)), instrument=INFY, interval=Interval.MINUTE_1).bars
    except BadReply:
        return
    prices = np.stack([found.open, found.high, found.low, found.close])
    assert np.all(np.isfinite(prices))
    assert np.all(prices > 0)
    assert np.all(found.high >= prices.max(axis=0))
    assert np.all(found.low <= prices.min(axis=0))
    assert np.all(np.diff(found.ts) > 0)
