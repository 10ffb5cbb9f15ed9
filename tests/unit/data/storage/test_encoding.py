from __future__ import annotations

import io
import math

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from qts.core.errors import DataError
from qts.data.storage.encoding import ROW_GROUP, decode, encode, read_footer
from qts.data.storage.lookup import Span
from qts.data.storage.rows import Rows

ALWAYS = Span(start=None, end=None)
MINUTE = 60_000_000


def rows_of(
    prices: list[float], *, volume: list[float] | None = None, numbers: list[int] | None = None, oi: list[float] | None = None
) -> Rows:
    n = len(prices)
    values = np.array([prices, prices, prices, prices, volume or [0.0] * n, oi or [math.nan] * n])
    return Rows(numbers=np.array(numbers or [1] * n, dtype=np.int64), ts=np.arange(n, dtype=np.int64) * MINUTE, values=values)


def read_back(rows: Rows, *, number: int | None = None, span: Span = ALWAYS) -> Rows:
    content = encode(rows)
    return decode(pa.BufferReader(content), read_footer(pa.BufferReader(content)), number=number, span=span)


def price_type(rows: Rows) -> pa.DataType:
    return pq.read_schema(pa.BufferReader(encode(rows))).field("close").type


@pytest.mark.parametrize(
    ("prices", "kind"),
    [
        pytest.param([0.05, 1013.5, 9_999_999.99], pa.decimal32(9, 2), id="paise"),
        pytest.param([83.2125, 84.0], pa.decimal32(9, 4), id="four decimals, as currencies"),
        pytest.param([10_000_000.0], pa.float64(), id="above the largest decimal"),
        pytest.param([100_000.0, 83.2125], pa.float64(), id="four decimals above 99,999.9999"),
        pytest.param([100.0 / 3.0], pa.float64(), id="adjusted prices"),
        pytest.param([-37.63], pa.decimal32(9, 2), id="a negative price, as crude oil had"),
    ],
)
def test_prices_are_decimals_where_every_one_reads_back_the_same(prices: list[float], kind: pa.DataType) -> None:
    rows = rows_of(prices)
    assert price_type(rows) == kind
    assert_array_equal(read_back(rows).values, rows.values)


@pytest.mark.parametrize(
    ("price", "kind"),
    [
        pytest.param(0.05, pa.decimal32(9, 2), id="paise like the others"),
        pytest.param(83.2125, pa.decimal32(9, 4), id="four decimals"),
        pytest.param(100.0 / 3.0, pa.float64(), id="no decimal"),
        pytest.param(10_000_000.0, pa.float64(), id="too large"),
        pytest.param(-10_000_000.0, pa.float64(), id="too small"),
    ],
)
@pytest.mark.parametrize("place", [0, 8_191, 8_192, 20_000])
def test_one_price_anywhere_in_a_long_file_decides_for_all(price: float, kind: pa.DataType, place: int) -> None:
    prices = [100.0] * 20_001
    prices[place] = price
    rows = rows_of(prices)
    assert price_type(rows) == kind
    assert_array_equal(read_back(rows).values, rows.values)


@pytest.mark.parametrize(
    ("volume", "kind"),
    [
        pytest.param([0.0, 9e15], pa.int64(), id="whole"),
        pytest.param([math.nan, 3.0], pa.int64(), id="whole where present"),
        pytest.param([0.5], pa.float64(), id="a fraction"),
        pytest.param([math.nan, 0.5], pa.float64(), id="a fraction beside an absent one"),
        pytest.param([1e300], pa.float64(), id="beyond an integer"),
    ],
)
def test_volume_is_whole_where_it_can_be_and_absent_where_it_was(volume: list[float], kind: pa.DataType) -> None:
    rows = rows_of([1.0] * len(volume), volume=volume)
    assert pq.read_schema(pa.BufferReader(encode(rows))).field("volume").type == kind
    assert_array_equal(read_back(rows).values[4], volume)


def test_an_absent_volume_is_null_for_other_programs() -> None:
    table = pq.read_table(pa.BufferReader(encode(rows_of([1.0, 2.0], volume=[math.nan, 7.0]))))
    assert table.column("volume").to_pylist() == [None, 7]
    assert table.column("oi").to_pylist() == [None, None]


def test_the_file_is_what_the_format_says() -> None:
    n_bars = 2 * ROW_GROUP + 5
    footer = pq.read_metadata(pa.BufferReader(encode(rows_of([1.25] * n_bars))))
    assert [footer.row_group(i).num_rows for i in range(footer.num_row_groups)] == [ROW_GROUP, ROW_GROUP, 5]
    names = [footer.row_group(0).column(i).path_in_schema for i in range(8)]
    assert names == ["instrument_id", "ts", "open", "high", "low", "close", "volume", "oi"]
    close = footer.row_group(0).column(5)
    assert (close.physical_type, close.compression) == ("INT32", "ZSTD")
    assert "DELTA_BINARY_PACKED" in close.encodings
    assert str(footer.schema.column(5).logical_type) == "Decimal(precision=9, scale=2)"
    assert footer.row_group(0).column(1).physical_type == "INT64"
    assert str(footer.schema.column(1).logical_type).startswith("Timestamp(isAdjustedToUTC=true, timeUnit=microseconds")


def test_floats_are_split_into_byte_streams() -> None:
    footer = pq.read_metadata(pa.BufferReader(encode(rows_of([1 / 3, 2 / 3]))))
    assert "BYTE_STREAM_SPLIT" in footer.row_group(0).column(5).encodings


def test_the_same_rows_make_the_same_bytes() -> None:
    rows = rows_of([1.25, 2.5, 1 / 3])
    assert encode(rows).equals(encode(rows))


def test_rows_that_are_not_in_order_are_never_written() -> None:
    rows = rows_of([1.0, 2.0])
    for numbers, ts in (([1, 1], [5, 5]), ([1, 1], [6, 5]), ([2, 1], [5, 6])):
        with pytest.raises(DataError, match="not in order"):
            encode(Rows(numbers=np.array(numbers), ts=np.array(ts), values=rows.values))


def test_one_instrument_is_read_out_of_many() -> None:
    n_each = ROW_GROUP // 2 + 100
    numbers = [number for number in (3, 5, 9) for _ in range(n_each)]
    rows = rows_of([float(number) for number in numbers], numbers=numbers)
    for number in (3, 5, 9):
        part = read_back(rows, number=number)
        assert len(part) == n_each
        assert set(part.values[3]) == {float(number)}
    for absent in (1, 4, 10):
        assert len(read_back(rows, number=absent)) == 0


@pytest.mark.parametrize("start", [None, -1, 0, 1, 8_191, 8_192, 19_999, 20_000])
@pytest.mark.parametrize("end", [None, 0, 1, 8_192, 8_193, 19_999, 20_001])
def test_a_span_is_cut_to_the_bar(start: int | None, end: int | None) -> None:
    n_bars = 20_000
    rows = rows_of([float(i) for i in range(n_bars)])
    span = Span(start=None if start is None else start * MINUTE, end=None if end is None else end * MINUTE)
    expected = list(range(n_bars))[slice(max(start or 0, 0), n_bars if end is None else end)]
    assert read_back(rows, number=1, span=span).values[3].tolist() == expected
    assert read_back(rows, number=1, span=span).ts.tolist() == [i * MINUTE for i in expected]


def test_other_engines_read_the_same_prices(tmp_path_factory: pytest.TempPathFactory) -> None:
    prices = [paise / 100 for paise in range(1, 99_999, 7)]
    path = tmp_path_factory.mktemp("file") / "bars.parquet"
    path.write_bytes(encode(rows_of(prices)))
    with duckdb.connect() as connection:
        read = connection.execute("SELECT close::DOUBLE FROM read_parquet(?) ORDER BY ts", [str(path)]).fetchnumpy()
    assert_array_equal(next(iter(read.values())), prices)


PRICES = st.lists(
    st.one_of(st.integers(1, 10**9 - 1).map(lambda paise: paise / 100), st.floats(-1e12, 1e12, allow_nan=False)), min_size=1, max_size=30
)


@given(prices=PRICES)
def test_every_price_comes_back_bit_for_bit(prices: list[float]) -> None:
    rows = rows_of([price + 0.0 for price in prices])
    assert_array_equal(read_back(rows).values[:4].view(np.int64), rows.values[:4].view(np.int64))


def minute_walk(n_days: int) -> Rows:
    """Return minutes as a liquid share has them: steps of five paise, volumes of some hundreds to tens of thousands."""
    rng = np.random.default_rng(2_024)
    n_bars = n_days * 375
    close = 1_500 * np.exp(np.cumsum(rng.normal(0, 0.0006, n_bars)))
    open_ = np.concatenate([[1_500.0], close[:-1]])
    high = np.maximum(open_, close) * (1 + np.abs(rng.normal(0, 2e-4, n_bars)))
    low = np.minimum(open_, close) * (1 - np.abs(rng.normal(0, 2e-4, n_bars)))
    volume = np.round(rng.lognormal(8, 1, n_bars))
    ts = (np.arange(n_days)[:, None] * 86_400 + np.arange(375) * 60).ravel() * 1_000_000
    prices = [np.round(np.round(column * 20) / 20, 2) for column in (open_, high, low, close)]
    return Rows(
        numbers=np.full(n_bars, 17, dtype=np.int64), ts=ts.astype(np.int64), values=np.stack([*prices, volume, np.full(n_bars, np.nan)])
    )


def test_a_year_of_minutes_takes_at_most_7_bytes_a_bar() -> None:
    rows = minute_walk(250)
    assert encode(rows).size / len(rows) <= 7.0


def test_a_file_cut_short_is_no_file() -> None:
    content = encode(rows_of([1.0, 2.0])).to_pybytes()
    with pytest.raises(pa.ArrowInvalid):
        read_footer(io.BytesIO(content[:-9]))


def test_a_span_of_all_instruments_is_cut_from_each() -> None:
    n_rows = 3_000
    ts = np.tile(np.arange(n_rows // 3, dtype=np.int64), 3)
    rows = Rows(numbers=np.repeat(np.array([2, 5, 9]), n_rows // 3), ts=ts, values=np.tile(ts + 1.0, (6, 1)))
    content = encode(rows, row_group=512)
    footer = read_footer(pa.BufferReader(content))
    read = decode(pa.BufferReader(content), footer, number=None, span=Span(start=990, end=995))
    assert read.numbers.tolist() == [2] * 5 + [5] * 5 + [9] * 5
    assert read.ts.tolist() == [990, 991, 992, 993, 994] * 3
    assert read.values[0].tolist() == [991.0, 992.0, 993.0, 994.0, 995.0] * 3


def test_what_row_groups_have_none_of_is_known_the_second_time_and_reads_the_same() -> None:
    volume = [math.nan] * 8 + [math.nan, 5.0, math.nan, 7.0] + [3.0] * 4
    rows = rows_of([float(i) for i in range(16)], volume=volume)
    content = encode(rows, row_group=4)
    footer = read_footer(pa.BufferReader(content))
    spans = [ALWAYS, *(Span(start=first * MINUTE, end=stop * MINUTE) for first in range(0, 16, 3) for stop in range(first + 1, 17, 4))]
    for _ in range(2):
        # The shortest come first: what is known of some groups must not be taken for what is known of all.
        for span in reversed(spans):
            read = decode(pa.BufferReader(content), footer, number=1, span=span)
            first, stop = np.searchsorted(rows.ts, [span.start or 0, 16 * MINUTE if span.end is None else span.end])
            assert_array_equal(read.values, rows.values[:, first:stop])
            assert_array_equal(read.ts, rows.ts[first:stop])
    assert footer.absent.tolist() == [[True, True, False, False], [True] * 4]
    assert_array_equal(decode(pa.BufferReader(content), footer, number=None, span=ALWAYS).values, rows.values)
