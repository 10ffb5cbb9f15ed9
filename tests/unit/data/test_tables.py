from __future__ import annotations

import io
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from qts.core.errors import BadFile, NotPrices
from qts.data import tables
from qts.data.tables import Container, Table, open_table
from qts.data.unpack import members_of


def opened(folder: Path, content: str | bytes, name: str = "x.csv") -> Table:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return open_table(members_of(path, name)[0])


def rows_of(table: Table, *columns: str) -> list[tuple[object, ...]]:
    return [
        (int(row), *(batch.columns[name][i].as_py() for name in columns or table.columns))
        for batch in table.batches(columns or table.columns)
        for i, row in enumerate(batch.rows)
    ]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_delimiter_and_line_ends_are_detected(tmp_path: Path, delimiter: str, newline: str) -> None:
    lines = ["date,open", '2024-01-02,"1"', "2024-01-03,2"]
    table = opened(tmp_path, newline.join(lines).replace(",", delimiter))
    assert table.columns == ("date", "open")
    assert rows_of(table) == [(2, "2024-01-02", "1"), (3, "2024-01-03", "2")]


def test_quoted_delimiters_and_blanks_in_names_are_kept_apart(tmp_path: Path) -> None:
    table = opened(tmp_path, ' date , "open, first"\n2024-01-02,"1,234.50"\n')
    assert rows_of(table) == [(2, "2024-01-02", "1,234.50")]


def test_rows_are_numbered_as_an_editor_counts_lines(tmp_path: Path) -> None:
    table = opened(tmp_path, "\n\na,b\n1,2\n\n3\n4,5,6\n   \n* a remark\n7,8\n")
    (batch,) = table.batches(["a", "b"])
    assert batch.rows.tolist() == [4, 10]
    assert [(misfit.row, misfit.detail) for misfit in batch.misfits] == [
        (6, "1 fields where the header has 2"),
        (7, "3 fields where the header has 2"),
    ]


def test_numbering_goes_on_over_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qts.data.unpack.BLOCK", 50)
    table = opened(tmp_path, "a,b\n" + "".join(f"{i},{i}\n" if i % 7 else f"{i}\n" for i in range(2, 100)))
    batches = list(table.batches(["a"]))
    assert len(batches) > 5
    assert [row for batch in batches for row in batch.rows.tolist()] == [i for i in range(2, 100) if i % 7]
    assert [misfit.row for batch in batches for misfit in batch.misfits] == [i for i in range(2, 100) if i % 7 == 0]
    assert all(value == str(row) for batch in batches for value, row in zip(batch.columns["a"].to_pylist(), batch.rows, strict=True))


def test_a_comma_too_many_makes_a_nameless_column(tmp_path: Path) -> None:
    assert opened(tmp_path, "a,b,\n1,2,\n").columns == ("a", "b", "#1")
    assert rows_of(opened(tmp_path, "a,b\n1,2,\n3,4,\n"), "a", "b") == [(2, "1", "2"), (3, "3", "4")]


def test_columns_of_one_name_stay_distinct(tmp_path: Path) -> None:
    assert opened(tmp_path, "a,a,b\n1,2,3\n").columns == ("a", "a#2", "b")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-8-sig"])
def test_other_encodings_are_converted_and_said(tmp_path: Path, encoding: str) -> None:
    table = opened(tmp_path, "date,open\n2024-01-02,1\n".encode(encoding))
    assert rows_of(table) == [(2, "2024-01-02", "1")]
    assert bool(table.notes) == encoding.startswith("utf-16")


def test_latin_1_is_read_and_said_once(tmp_path: Path) -> None:
    table = opened(tmp_path, "name,open\nSoci\xe9t\xe9,1\n".encode("latin-1"))
    assert rows_of(table) == [(2, "Société", "1")]
    list(table.batches(["name"]))
    assert table.notes == ["The text is not UTF-8; it was read as Latin-1."]


@pytest.mark.parametrize("content", [b"", b" \n\n", b"\xef\xbb\xbf\n"])
def test_an_empty_file_is_called_empty(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(BadFile, match="is empty"):
        opened(tmp_path, content)


def test_rubbish_is_called_neither_text_nor_parquet(tmp_path: Path) -> None:
    with pytest.raises(NotPrices, match="neither text nor Parquet"):
        opened(tmp_path, bytes(range(256)) * 10)


def test_a_line_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "MAX_LINE", 1000)
    monkeypatch.setattr("qts.data.unpack.BLOCK", 600)
    table = opened(tmp_path, "a,b" * 1000)
    with pytest.raises(BadFile, match="line longer than"):
        list(table.batches(table.columns[:1]))


def _parquet_bytes() -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table({"date": ["2024-01-02", None], "open": [1.5, 2.5], "extra": [[1], [2]]}), sink)
    return sink.getvalue()


def test_parquet_is_read_column_by_column_wherever_it_stands(tmp_path: Path) -> None:
    table = opened(tmp_path, _parquet_bytes(), "x.dat")
    assert (table.container, table.columns) == (Container.PARQUET, ("date", "open"))
    assert table.sample == ({"date": "2024-01-02", "open": "1.5"}, {"date": "", "open": "2.5"})
    assert rows_of(table, "open") == [(1, 1.5), (2, 2.5)]


@pytest.mark.parametrize("cut", [30, 200, -4])
def test_damaged_parquet_says_so(tmp_path: Path, cut: int) -> None:
    with pytest.raises(BadFile, match="damaged Parquet"):
        opened(tmp_path, _parquet_bytes()[:cut])


def test_parquet_damaged_in_its_pages_says_so(tmp_path: Path) -> None:
    data = bytearray(_parquet_bytes())
    data[4:60] = bytes(56)
    with pytest.raises(BadFile, match="damaged Parquet"):
        opened(tmp_path, bytes(data))


def test_parquet_without_rows_has_an_empty_sample(tmp_path: Path) -> None:
    sink = io.BytesIO()
    pq.write_table(pa.table({"date": pa.array([], pa.string())}), sink)
    assert opened(tmp_path, sink.getvalue()).sample == ()


CANDLE = ["2017-12-15T09:15:00+0530", 1704.5, 1705, 1699.25, 1702.8, 2499]


@pytest.mark.parametrize("document", [{"status": "success", "data": {"candles": [CANDLE]}}, {"candles": [CANDLE]}, [CANDLE]])
def test_candles_are_found_in_kites_answer_and_bare(tmp_path: Path, document: object) -> None:
    table = opened(tmp_path, json.dumps(document))
    assert (table.container, table.columns) == (Container.JSON, ("date", "open", "high", "low", "close", "volume"))
    assert rows_of(table, "date", "volume") == [(1, CANDLE[0], "2499")]


def test_candles_of_wrong_length_are_misfits_and_short_ones_have_no_volume(tmp_path: Path) -> None:
    table = opened(tmp_path, json.dumps([CANDLE, CANDLE[:5], CANDLE[:3], [*CANDLE, 5], [*CANDLE, 5, 6]]))
    assert table.columns[-1] == "oi"
    assert rows_of(table, "volume", "oi") == [(1, "2499", ""), (2, "", ""), (4, "2499", "5")]
    (batch,) = table.batches(["date"])
    assert [misfit.row for misfit in batch.misfits] == [3, 5]


@pytest.mark.parametrize("text", ['{"status": "error"}', "[1, 2]", '{"data": {"candles": 3}}'])
def test_json_without_candles_is_no_price_data(tmp_path: Path, text: str) -> None:
    with pytest.raises(NotPrices, match="holds no candles") as caught:
        opened(tmp_path, text)
    assert "candles" in caught.value.hint


def test_cut_json_is_damaged_and_huge_json_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadFile, match="damaged JSON"):
        opened(tmp_path, '{"data": {"candles": [[')
    monkeypatch.setattr(tables, "MAX_WHOLE", 10)
    with pytest.raises(BadFile, match="larger than"):
        opened(tmp_path, json.dumps([CANDLE]))


def test_what_a_parquet_column_holds_never_fails_the_reading(tmp_path: Path) -> None:
    table = pa.table(
        {
            "nested": [[1], [2]],
            "text": pa.array([b"INFY", b"TCS"]),
            "beyond": pa.array([2**60, 0], pa.timestamp("ms")),
        }
    )
    sink = io.BytesIO()
    pq.write_table(table, sink)
    held = opened(tmp_path, sink.getvalue(), "x.parquet")
    assert held.columns == ("text", "beyond")
    assert held.sample[0] == {"text": "INFY", "beyond": "no date of the calendar"}
    assert [row[-1] for row in rows_of(held, "text")] == ["INFY", "TCS"]


def test_bytes_that_are_no_text_are_damage(tmp_path: Path) -> None:
    sink = io.BytesIO()
    pq.write_table(pa.table({"symbol": pa.array([b"\xff\xfe"])}), sink)
    with pytest.raises(BadFile, match="damaged Parquet"):
        opened(tmp_path, sink.getvalue(), "x.parquet")
