from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from qts.core import InstrumentId, Interval, instant_of
from qts.core.errors import BadFile
from qts.data.intake import Verdict
from qts.data.reports import FileReport
from qts.data.storage import SeriesKey
from qts.data.testing import MemoryStore

MINUTES = [
    ["2019-12-04T09:15:00+0530", 12009.9, 12019.35, 12001.25, 12001.5, 163275, 13667775],
    ["2019-12-04T09:16:00+0530", 12001, 12003, 11998.25, 12001, 105750, 13667775],
]
DAYS = [
    ["2024-01-02T00:00:00+0530", 100, 102, 99, 101, 5000],
    ["2024-01-03T00:00:00+0530", 101, 102, 99, 101, 5000],
    ["2024-11-01T00:00:00+0530", 101, 102, 99, 101, 5000],
]


def test_candles_with_open_interest_are_stored_by_the_minute(bring: Callable[..., FileReport], store: MemoryStore) -> None:
    report = bring("answer.json", json.dumps({"status": "success", "data": {"candles": MINUTES}}), symbol="NIFTY 50")
    assert (report.format, report.interval, report.stored) == ("kite", Interval.MINUTE_1, 2)
    bars = store.read(SeriesKey(instrument=InstrumentId("NSE:NIFTY 50"), interval=Interval.MINUTE_1))
    assert bars.oi.tolist() == [13667775.0, 13667775.0]
    assert bars.open.tolist() == [12009.9, 12001.0]


@pytest.mark.parametrize("form", ["json", "csv", "spaced csv"])
def test_a_daily_candle_keeps_its_date_and_never_shifts_through_utc(
    bring: Callable[..., FileReport], store: MemoryStore, form: str
) -> None:
    text = json.dumps(DAYS)
    if form != "json":
        text = "date,open,high,low,close,volume\n" + "".join(",".join(map(str, row)) + "\n" for row in DAYS)
    if form == "spaced csv":
        text = text.replace("T", " ").replace("+0530", "+05:30")
    report = bring("INFY.csv", text)
    assert (report.format, report.interval) == ("kite", Interval.DAY)
    bars = store.read(SeriesKey(instrument=InstrumentId("NSE:INFY"), interval=Interval.DAY))
    assert [instant_of(ts).isoformat() for ts in bars.ts.tolist()] == [
        "2024-01-02T09:15:00+05:30",
        "2024-01-03T09:15:00+05:30",
        "2024-11-01T09:15:00+05:30",
    ]


def test_without_a_symbol_the_answer_is_refused_with_the_way_out(bring: Callable[..., FileReport]) -> None:
    report = bring("historical_minute.json", json.dumps({"data": {"candles": MINUTES}}))
    assert isinstance(report.error, BadFile)
    assert "--symbol" in report.error.hint


def test_broken_candles_are_refused_one_by_one(bring: Callable[..., FileReport]) -> None:
    candles = [*DAYS, ["soon", 1, 1, 1, 1, 1], ["2024-01-04T00:00:00+0530", None, 1, 1, 1, 1], [1, 2]]
    report = bring("INFY.json", json.dumps(candles))
    assert {rejection.row: rejection.reason for rejection in report.rejected} == {
        4: Verdict.BAD_DATE,
        5: Verdict.NO_VALUE,
        6: Verdict.MISFIT,
    }


def test_no_candles_are_a_file_without_rows(bring: Callable[..., FileReport]) -> None:
    assert "no rows" in str(bring("INFY.json", '{"data": {"candles": []}}').error)
