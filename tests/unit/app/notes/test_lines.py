from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qts.app.notes.lines import MAX_BYTES, separators_of, split_lines, text_of
from qts.core.errors import BadFile


@pytest.mark.parametrize(
    ("content", "why"),
    [
        pytest.param(b"", "is empty", id="empty"),
        pytest.param(b"\xef\xbb\xbf \r\n", "is empty", id="only a mark"),
        pytest.param(b"<!DOCTYPE html><html><table>", "web page", id="html named csv"),
        pytest.param(b"  \n<html>", "web page", id="html after blanks"),
        pytest.param(b"PK\x03\x04....", "Excel", id="xlsx named csv"),
        pytest.param(b"%PDF-1.7", "PDF", id="pdf named csv"),
        pytest.param(b"\xd0\xcf\x11\xe0....", "Excel", id="xls"),
        pytest.param(b"symbol\0\1\2", "not text", id="binary"),
        pytest.param(b"x" * (MAX_BYTES + 1), "20 MB", id="giant"),
    ],
)
def test_what_is_no_text_of_a_table_is_refused_with_the_way_out(content: bytes, why: str) -> None:
    with pytest.raises(BadFile, match=why) as caught:
        text_of("note.csv", content)
    assert caught.value.hint


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_encodings_are_told_apart(encoding: str) -> None:
    assert text_of("a.csv", "symbol,é".encode(encoding)) == "symbol,é"


def test_a_quote_left_open_loses_one_line_only() -> None:
    first, second, third = split_lines('a,"b\nc,d\n"e,f",g', separator=",")
    assert first.flaw
    assert second.cells == ("c", "d")
    assert (third.number, third.cells) == (3, ("e,f", "g"))


def test_the_most_frequent_separator_comes_first() -> None:
    assert separators_of("a;b;c,d")[0] == ";"


@given(content=st.binary(max_size=200))
def test_no_bytes_bring_it_down(content: bytes) -> None:
    try:
        text = text_of("x", content)
    except BadFile:
        return
    split_lines(text, separator=",")
