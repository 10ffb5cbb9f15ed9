from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qts.data.numerals import parse_numbers


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("1234.5", 1234.5, id="plain"),
        pytest.param("1,234.50", 1234.5, id="grouped by thousands"),
        pytest.param("1,23,456.50", 123456.5, id="grouped by lakhs"),
        pytest.param("12,34,56,789", 123456789.0, id="grouped by crores"),
        pytest.param(" 00058384.00", 58384.0, id="padded with zeros"),
        pytest.param("₹ 1,234", 1234.0, id="with the rupee sign"),
        pytest.param("Rs. 99.5", 99.5, id="with Rs"),
        pytest.param("+.5", 0.5, id="without a leading zero"),
        pytest.param("-3", -3.0, id="negative"),
        pytest.param("1.5E+3", 1500.0, id="with an exponent"),
        pytest.param("12.5M", 12_500_000.0, id="rounded to millions"),
        pytest.param("1,234K", 1_234_000.0, id="rounded to thousands"),
        pytest.param("-inf", -math.inf, id="infinite"),
    ],
)
def test_a_number_is_read_in_every_spelling(text: str, expected: float) -> None:
    numbers = parse_numbers(pa.array([text, "1,000"]))
    assert numbers.values[0] == expected
    assert not numbers.is_bad.any()
    assert not numbers.is_absent.any()


@pytest.mark.parametrize("text", ["", "-", "NaN", "null", "N/A", None])
def test_a_missing_figure_is_absent_and_not_wrong(text: str | None) -> None:
    numbers = parse_numbers(pa.array([text, "x"], pa.string()))
    assert numbers.is_absent.tolist() == [True, False]
    assert numbers.is_bad.tolist() == [False, True]


@pytest.mark.parametrize(
    "text", ["abc", "1.2.3", "1,2", "1234,5", "12,3456", "1 234", "0x10", ".", ",", "--5", "1e", "e0", "12.5T", "1.2.3M"]
)
def test_what_is_no_number_is_bad(text: str) -> None:
    numbers = parse_numbers(pa.array([text]))
    assert numbers.is_bad.tolist() == [True]
    assert math.isnan(numbers.values[0])


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        pytest.param(pa.array([1, None], pa.int64()), [1.0, None], id="integers"),
        pytest.param(pa.array([1.5, math.nan]), [1.5, None], id="floats"),
        pytest.param(pa.array([Decimal("2.50"), None]), [2.5, None], id="decimals"),
        pytest.param(pa.array([None, None], pa.null()), [None, None], id="nulls"),
        pytest.param(pa.array(["3", "-"]).dictionary_encode(), [3.0, None], id="a dictionary"),
        pytest.param(pa.array(["3", None], pa.large_string()), [3.0, None], id="large text"),
    ],
)
def test_typed_columns_are_read(column: pa.Array, expected: list[float | None]) -> None:
    numbers = parse_numbers(column)
    assert [None if absent else value for value, absent in zip(numbers.values.tolist(), numbers.is_absent, strict=True)] == expected


def test_a_column_that_holds_no_numbers_at_all_is_bad() -> None:
    column: Any = pa.array([[1.0], [2.0]])
    assert parse_numbers(column).is_bad.all()


@given(value=st.decimals(min_value=0, max_value=10**9, places=2))
def test_every_price_reads_back_as_printed_with_groups(value: Decimal) -> None:
    assert parse_numbers(pa.array([f"{value:,}", "-"])).values[0] == float(value)
