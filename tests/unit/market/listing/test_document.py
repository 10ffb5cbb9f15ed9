"""The page of the rules: every row of every file is on it."""

from __future__ import annotations

import tomllib
from pathlib import Path

import qts.market.listing
from qts.market.listing import RejectReason, listing_document

FILES = sorted(Path(qts.market.listing.__file__).parent.glob("*.toml"))


def test_every_row_of_every_file_stands_on_the_page_with_its_source_and_estimate() -> None:
    page = listing_document()
    n_rows = 0
    for path in FILES:
        for table, rows in tomllib.loads(path.read_text(encoding="utf-8")).items():
            if table == "index":  # a list of names, and no rule
                continue
            n_rows += len(rows)
            assert [row["source"] for row in rows if row["source"] not in page] == []
            assert [row["estimate"] for row in rows if row.get("estimate", "") not in page] == []
    assert sum(line.startswith("| ") for line in page.splitlines()) == n_rows + len(RejectReason) + 11


def test_rules_are_said_in_words() -> None:
    page = listing_document()
    for words in (
        "0.01 below 250; 0.05 to 1000; 0.10 to 5000; 0.50 to 10000; 1 to 20000; 5 above",
        "last Tuesday of the month",
        "2 working days before the last working day of the month",
        "65; quarterly contracts listed before: from 2025-12-31",
        "none fixed; dynamic, from 10 %",
        "2 %, 5 %, 10 %, 20 %",
        "long 100 % of the premium; short 15 % of the strike's value and the premium",
        "long 100 % of the value; no short position",
        "T+1",
        "BE, BZ, ST, SZ",
    ):
        assert words in page
