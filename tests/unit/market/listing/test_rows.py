"""Rule files: every row has a date, a source and a confidence, and an estimate where it is only recalled."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

import qts.market.listing
from qts.market.listing.rows import RuleRow, row_in_force, rule_rows

FILES = sorted(Path(qts.market.listing.__file__).parent.glob("*.toml"))


def tables() -> Iterator[tuple[str, str]]:
    for path in FILES:
        for table in tomllib.loads(path.read_text(encoding="utf-8")):
            yield path.stem, table


def test_there_are_rule_files() -> None:
    assert {"expiry", "ticks"} <= {path.stem for path in FILES}


@pytest.mark.parametrize(("file", "table"), list(tables()))
def test_every_row_says_where_it_comes_from_and_how_sure_it_is(file: str, table: str) -> None:
    rows = rule_rows(file, table)
    assert rows
    assert [row for row in rows if not row.source or row.confidence not in {"A", "B", "C"}] == []
    assert [row.valid_from for row in rows] == sorted(row.valid_from for row in rows)


# An expiry by rule is always flagged where it is used, whatever its row says; names of indices are no estimates.
@pytest.mark.parametrize(("file", "table"), [found for found in tables() if found[0] != "expiry"])
def test_what_is_recalled_or_assumed_is_an_estimate(file: str, table: str) -> None:
    assert [row for row in rule_rows(file, table) if row.confidence == "C" and not row.estimate] == []


def row(valid_from: date) -> RuleRow:
    return RuleRow(valid_from=valid_from, source="s", confidence="A", estimate="", values={})


@pytest.mark.parametrize(
    ("on", "expected"),
    [
        pytest.param(date(2024, 12, 31), None, id="before the first row there is none"),
        pytest.param(date(2025, 1, 1), date(2025, 1, 1), id="a row holds from its own date"),
        pytest.param(date(2025, 5, 31), date(2025, 1, 1), id="to the day before the next"),
        pytest.param(date(2026, 1, 1), date(2025, 6, 1), id="and the last one on and on"),
    ],
)
def test_the_newest_row_begun_is_in_force(on: date, expected: date | None) -> None:
    found = row_in_force([row(date(2025, 6, 1)), row(date(2025, 1, 1))], on)
    assert (None if found is None else found.valid_from) == expected
