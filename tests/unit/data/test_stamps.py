from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qts.core import IST, instant_of, micros_of
from qts.data.stamps import NO_STAMP, DateOrder, Stamps, date_order, is_date_only, parse_stamps, settle

MORNING = datetime(2024, 1, 2, 9, 15, tzinfo=IST)
DAY = datetime(2024, 1, 2, tzinfo=IST)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("2024-01-02", DAY, id="ISO date"),
        pytest.param("2024-01-02 09:15", MORNING, id="minutes"),
        pytest.param("2024-01-02T09:15:00", MORNING, id="ISO without zone is India's"),
        pytest.param("2024-01-02T09:15:00+0530", MORNING, id="Kite"),
        pytest.param("2024-01-02 09:15:00+05:30", MORNING, id="pandas"),
        pytest.param("2024-01-02T03:45:00Z", MORNING, id="UTC"),
        pytest.param("2024-01-01T22:45:00-05:00", MORNING, id="New York"),
        pytest.param("2024-01-02T09:15:00.250 IST", MORNING + timedelta(milliseconds=250), id="fractions"),
        pytest.param("2024/1/2", DAY, id="slashes, year first"),
        pytest.param("02-JAN-2024", DAY, id="bhavcopy"),
        pytest.param("2-Jan-24", DAY, id="two-digit year"),
        pytest.param("02 January 2024", DAY, id="month in full"),
        pytest.param("Jan 02, 2024", DAY, id="American with a name"),
        pytest.param("20240102", DAY, id="compact"),
        pytest.param("20240102 09:15:00", MORNING, id="compact with time"),
        pytest.param("20240102091500", MORNING, id="compact to seconds"),
        pytest.param("202401020915", MORNING, id="compact to minutes"),
        pytest.param("13/01/2024 3:30 PM", datetime(2024, 1, 13, 15, 30, tzinfo=IST), id="afternoon"),
        pytest.param("13.01.2024 12:05 am", datetime(2024, 1, 13, 0, 5, tzinfo=IST), id="after midnight"),
        pytest.param("1704167100", MORNING, id="epoch seconds"),
        pytest.param("1704167100000", MORNING, id="epoch milliseconds"),
        pytest.param("1704167100000000", MORNING, id="epoch microseconds"),
        pytest.param("1704167100000000000", MORNING, id="epoch nanoseconds"),
    ],
)
def test_a_stamp_is_read_in_every_spelling(text: str, expected: datetime) -> None:
    stamps = parse_stamps(pa.array([text, f" {text.lower()} "]))
    assert [instant_of(ts) for ts in stamps.ts.tolist()] == [expected, expected]


@pytest.mark.parametrize(
    "text",
    ["yesterday", "2024-02-30", "2023-02-29", "2024-13-01", "32/01/2024", "2024-01-02 25:00", "2024-01-02 9:61", "2/3", "02-FOO-2024"],
)
def test_an_impossible_stamp_is_refused(text: str) -> None:
    stamps = parse_stamps(pa.array([text]))
    assert stamps.ts.tolist() == [NO_STAMP]
    assert stamps.month_first.tolist() == [NO_STAMP]
    assert not stamps.is_absent.any()


def test_an_absent_stamp_is_known_as_absent() -> None:
    stamps = parse_stamps(pa.array(["", None, "-", "NaT", "2024-01-02"]))
    assert stamps.is_absent.tolist() == [True, True, True, True, False]


@pytest.mark.parametrize(
    "column",
    [
        pytest.param(pa.array([date(2024, 1, 2)]), id="date"),
        pytest.param(pa.array([datetime(2024, 1, 2)], pa.timestamp("ns")), id="naive instant"),  # noqa: DTZ001 - naive is the point
        pytest.param(pa.array([datetime(2024, 1, 1, 18, 30, tzinfo=UTC)], pa.timestamp("us", tz="UTC")), id="the same in UTC"),
        pytest.param(pa.array([20240102]), id="integer"),
        pytest.param(pa.array([20240102.0]), id="float"),
        pytest.param(pa.array(["2024-01-02"]).dictionary_encode(), id="dictionary"),
    ],
)
def test_typed_columns_are_read_and_a_session_never_shifts(column: pa.Array) -> None:
    stamps = parse_stamps(column)
    assert instant_of(int(stamps.ts[0])) == DAY
    assert is_date_only(stamps.ts).all()


def test_nulls_of_typed_columns_are_absent() -> None:
    assert parse_stamps(pa.array([None, date(2024, 1, 2)])).is_absent.tolist() == [True, False]
    assert parse_stamps(pa.array([None, 1704167100.0])).is_absent.tolist() == [True, False]


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        pytest.param(pa.array(["09:15", "9:15:00", "915", "91500", "09:15:00 AM", "9:15 am"]), [MORNING] * 6, id="texts"),
        pytest.param(pa.array([915, 91500]), [MORNING] * 2, id="integers"),
        pytest.param(pa.array([33_300_000_000], pa.time64("us")), [MORNING], id="times"),
    ],
)
def test_time_in_a_column_of_its_own(times: pa.Array, expected: list[datetime]) -> None:
    stamps = parse_stamps(pa.array(["02-01-2024"] * len(times)), times)
    assert [instant_of(ts) for ts in stamps.ts.tolist()] == expected
    february = parse_stamps(pa.array(["02-01-2024"]), times.slice(0, 1)).month_first
    assert instant_of(int(february[0])) == datetime(2024, 2, 1, 9, 15, tzinfo=IST)


def test_a_bad_time_spoils_the_stamp() -> None:
    stamps = parse_stamps(pa.array(["2024-01-02"] * 3), pa.array(["25:00", "noon", ""]))
    assert stamps.ts.tolist() == [NO_STAMP] * 3
    assert stamps.is_absent.tolist() == [False, False, True]


def _read(*texts: str) -> tuple[list[str | None], list[bool], DateOrder]:
    stamps = parse_stamps(pa.array(list(texts)))
    order = date_order(stamps)
    ts, is_open = settle(stamps.ts, stamps.month_first, order)
    return [None if value == NO_STAMP else instant_of(value).date().isoformat() for value in ts.tolist()], is_open.tolist(), order


def test_day_first_unless_the_file_shows_otherwise() -> None:
    assert _read("02/03/2024")[0] == ["2024-03-02"]
    assert _read("02/03/2024", "13/03/2024")[0] == ["2024-03-02", "2024-03-13"]
    assert _read("02/03/2024", "03/13/2024")[0] == ["2024-02-03", "2024-03-13"]


def test_a_file_with_both_orders_refuses_what_can_be_read_both_ways() -> None:
    days, is_open, order = _read("02/03/2024", "03/13/2024", "14/03/2024", "05/05/2024", "2024-03-15")
    assert days == [None, "2024-03-13", "2024-03-14", "2024-05-05", "2024-03-15"]
    assert is_open == [True, False, False, False, False]
    assert order == DateOrder(day_first=1, month_first=1, either=1)


def test_no_stamps_are_no_problem() -> None:
    stamps = parse_stamps(pa.array([], pa.string()))
    assert len(stamps.ts) == 0
    assert date_order(stamps) == DateOrder()


@given(at=st.datetimes(min_value=datetime(1990, 1, 2), max_value=datetime(2099, 12, 31)))  # noqa: DTZ001 - drawn naive, then placed in India
def test_printing_and_reading_an_instant_is_the_identity(at: datetime) -> None:
    local = at.replace(tzinfo=IST)
    texts = [
        local.isoformat(),
        local.astimezone(UTC).isoformat(),
        local.strftime("%d-%b-%Y %H:%M:%S.%f"),
        local.strftime("%Y%m%d %I:%M:%S.%f %p"),
        local.strftime("%d/%m/%Y %H:%M:%S.%f"),
    ]
    assert parse_stamps(pa.array(texts)).ts.tolist() == [micros_of(local)] * len(texts)


@given(days=st.lists(st.integers(-10_000, 60_000), min_size=1, max_size=50))
def test_settling_leaves_single_readings_alone(days: list[int]) -> None:
    ts = np.array(days, dtype=np.int64) * 86_400_000_000
    stamps = Stamps(ts=ts, month_first=ts, is_absent=np.zeros(len(ts), np.bool_))
    settled, is_open = settle(stamps.ts, stamps.month_first, date_order(stamps))
    assert settled.tolist() == ts.tolist()
    assert not is_open.any()
