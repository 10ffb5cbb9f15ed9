from __future__ import annotations

import math

import numpy as np

from qts.core import Exchange
from qts.data.intake import OUTCOMES, Block, Names, Skip, Verdict
from qts.data.reports import Tally, rejection_of
from qts.data.stamps import NO_STAMP
from qts.data.storage import UpsertReport


def block_of(*outcomes: str) -> Block:
    n = len(outcomes)
    values = np.full((6, n), math.nan)
    values[:4] = 12.5
    return Block(
        rows=np.arange(n, 0, -1),
        codes=np.zeros(n, np.int64),
        ts=np.full(n, 1704167100_000_000, np.int64),
        month_first=np.zeros(n, np.int64),
        values=values,
        ranks=np.zeros(n, np.int64),
        states=np.array([OUTCOMES.index(outcome) for outcome in outcomes], np.uint8),
        details={},
    )


def names() -> Names:
    found = Names(exchange=Exchange.NSE)
    found.code("INFY")
    return found


def test_counts_are_by_reason_and_refused_rows_in_the_order_of_the_file() -> None:
    tally = Tally(path="x.csv")
    tally.count(block_of("accepted", Verdict.HIGH, Skip.SERIES, Verdict.LOW, Verdict.HIGH), names())
    tally.commit(UpsertReport(stored=1, unchanged=0, changed=0, snapshot="s", files_written=1))
    report = tally.report()
    assert report.reject_counts == {Verdict.HIGH: 2, Verdict.LOW: 1}
    assert report.skip_counts == {Skip.SERIES: 1}
    assert [rejection.row for rejection in report.rejected] == [1, 2, 4]
    assert (report.rows_read, report.stored, report.rejected_count, report.skipped_count) == (5, 1, 3, 1)
    assert report.notes == ("1 rows skipped: a series other than shares.",)


def test_a_refused_row_shows_what_stands_there() -> None:
    block = block_of(Verdict.HIGH, Verdict.MISFIT)
    assert rejection_of(block, 0, names()).detail == "NSE:INFY 2024-01-02 09:15 open 12.5 high 12.5 low 12.5 close 12.5"
    block.ts[1], block.codes[1], block.details[1] = NO_STAMP, -1, "3 fields"
    assert rejection_of(block, 1, names()).detail == "3 fields"
    block.details.clear()
    block.values[:, 1] = math.nan
    assert rejection_of(block, 1, names()).detail == ""


def test_refused_rows_are_counted_by_instrument_reason_and_day() -> None:
    tally = Tally(path="x.csv")
    block = block_of(Verdict.HIGH, "accepted", Verdict.LOW, Verdict.HIGH, Verdict.HIGH, Verdict.MISFIT)
    found = names()
    found.code("TCS")
    block.codes[:] = [0, 0, 0, 1, 0, -1]
    block.ts[4] += 86_400_000_000
    tally.count(block, found)
    tally.count(block_of(Verdict.HIGH), found)
    counted = {(rows.instrument, rows.reason): dict(rows.days) for rows in tally.report().refused}
    assert counted == {
        ("NSE:INFY", Verdict.HIGH): {19724: 2, 19725: 1},
        ("NSE:INFY", Verdict.LOW): {19724: 1},
        ("NSE:TCS", Verdict.HIGH): {19724: 1},
    }
    examples = next(rows.examples for rows in tally.report().refused if rows.instrument == "NSE:TCS")
    assert examples == ((1704167100_000_000, "NSE:TCS 2024-01-02 09:15 open 12.5 high 12.5 low 12.5 close 12.5"),)


def test_a_note_is_told_once() -> None:
    tally = Tally(path="x.csv")
    tally.tell("a")
    tally.tell("a")
    assert tally.report(is_skipped=True).notes == ("a",)
