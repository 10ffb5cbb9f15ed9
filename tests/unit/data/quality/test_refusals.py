"""Rows that an import refused are remembered by series."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from qts.app.control import ControlDatabase
from qts.core import InstrumentId, Interval
from qts.data.intake import Verdict
from qts.data.quality import IssueKind, Refusal, Refusals, refusal_findings
from qts.data.storage import SeriesKey

AT = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
KEY = SeriesKey(instrument=InstrumentId("NSE:INFY"), interval=Interval.DAY)
OTHER = SeriesKey(instrument=InstrumentId("NSE:TCS"), interval=Interval.DAY)
DAY = (date(2020, 3, 5) - date(1970, 1, 1)).days
STAMP = DAY * 86_400_000_000
HIGH = Refusal(key=KEY, source="file:a.csv", reason=str(Verdict.HIGH), days={DAY: 2, DAY + 1: 1}, examples=((STAMP, "high 1"),))


@pytest.fixture
def refusals(tmp_path: Path) -> Iterator[Refusals]:
    control = ControlDatabase.open(tmp_path / "control.sqlite")
    yield Refusals(control.database)
    control.close()


def test_what_was_refused_can_be_read_again(refusals: Refusals) -> None:
    twice = Refusal(key=OTHER, source="file:a.csv", reason=str(Verdict.DUPLICATE), days={DAY: 4}, examples=())
    refusals.replace("file:a.csv", [KEY, OTHER], [HIGH, twice], seen_at=AT)
    assert refusals.of(KEY) == (HIGH,)
    assert refusals.all() == {KEY: (HIGH,), OTHER: (twice,)}
    assert HIGH.count == 3


def test_a_source_that_is_read_again_takes_the_place_of_what_it_said(refusals: Refusals) -> None:
    refusals.replace("file:a.csv", [KEY], [HIGH], seen_at=AT)
    refusals.replace("file:b.csv", [KEY], [replace(HIGH, source="file:b.csv")], seen_at=AT)
    fewer = replace(HIGH, days={DAY: 1})
    refusals.replace("file:a.csv", [KEY], [fewer], seen_at=AT)
    assert [one.count for one in refusals.of(KEY)] == [1, 3]
    refusals.replace("file:a.csv", [KEY], [], seen_at=AT)
    assert [one.source for one in refusals.of(KEY)] == ["file:b.csv"]


def test_series_that_the_source_does_not_hold_now_stay(refusals: Refusals) -> None:
    refusals.replace("file:a.csv", [KEY], [HIGH], seen_at=AT)
    refusals.replace("file:a.csv", [OTHER], [], seen_at=AT)
    assert refusals.of(KEY) == (HIGH,)


def test_reasons_become_kinds_of_issues() -> None:
    rows = [
        HIGH,
        replace(HIGH, reason=str(Verdict.LOW), days={DAY: 1}, examples=()),
        replace(HIGH, reason=str(Verdict.CONFLICT), days={DAY: 5}, examples=()),
        replace(HIGH, reason=str(Verdict.OFF_HOURS), days={DAY: 7}, examples=()),
        replace(HIGH, reason=str(Verdict.BAD_NUMBER), days={DAY: 9}, examples=()),
    ]
    found = {finding.kind: finding for finding in refusal_findings(rows, 100)}
    counts = {kind: finding.count for kind, finding in found.items()}
    assert counts == {IssueKind.OHLC_BREAKS: 4, IssueKind.DUPLICATES: 5, IssueKind.SESSION_MISMATCH: 7}
    assert "refused at import of file:a.csv" in found[IssueKind.OHLC_BREAKS].issues[0].text


def test_only_rows_of_the_span_count() -> None:
    (finding,) = refusal_findings([HIGH], 100, span=(DAY + 1, DAY + 9))
    assert (finding.count, finding.issues) == (1, ())
    assert refusal_findings([HIGH], 100, span=(DAY + 2, DAY + 9)) == ()
