"""Coverage and quality of the real files: every quirk that is known of them is named where it is, and what is real is left alone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from qts.app.catalog import list_series
from qts.app.coverage import CoverageRequest, coverage
from qts.app.importing import import_files
from qts.app.quality import QualityRequest, SeriesQualityDocument, quality
from qts.app.requests import ImportRequest, build
from qts.app.settings import Settings
from qts.app.workspace import Workspace, open_workspace

pytestmark = pytest.mark.realdata

FILES = (
    "nse_daily_adjusted.parquet",
    "nse_daily_raw_2017_2022.parquet",
    "nifty50_1min_2024_jan_aug.parquet",
    "niftybank_15min_2018_2020.parquet",
    "nse_1min_from_ticks_2021.parquet",
)


@pytest.fixture(scope="module")
def held(realdata: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """Return a home with the series of the folder, imported once."""
    with open_workspace(Settings(home=tmp_path_factory.mktemp("real") / "home")) as workspace:
        import_files(workspace, build(ImportRequest, paths=[realdata / name for name in FILES]))
        yield workspace


def judged(held: Workspace, instrument: str, **options: Any) -> SeriesQualityDocument:
    (one,) = quality(held, build(QualityRequest, instruments=[instrument], **options)).series
    return one


def counts(one: SeriesQualityDocument) -> dict[str, int]:
    return {part.kind: part.count for part in one.deductions}


def dates(one: SeriesQualityDocument, kind: str) -> list[str]:
    return [(issue.at or "")[:10] for issue in one.issues if issue.kind == kind]


def test_the_saturday_that_ran_on_is_named_and_its_session_kept(held: Workspace) -> None:
    one = judged(held, "NSE:NIFTY 50", interval="1m")
    assert counts(one) == {"missing_bars": 5 * 375, "session_mismatch": 167}
    assert set(dates(one, "session_mismatch")) == {"2024-01-20"}
    document = coverage(held, CoverageRequest(instrument="NSE:NIFTY 50"))
    days = {day.date: day for day in document.days[0]}
    assert (days["2024-01-20"].state, days["2024-01-20"].held) == ("complete", 375)
    assert {on: days[on].held for on in ("2024-03-02", "2024-05-18")} == {"2024-03-02": 105, "2024-05-18": 105}
    assert [hole.first for hole in document.series[0].holes] == ["2024-02-01", "2024-03-04", "2024-04-05", "2024-05-07", "2024-07-10"]


def test_opens_outside_of_the_range_are_named_with_their_bars(held: Workspace, realdata: Path) -> None:
    one = judged(held, "NSE:NIFTY BANK")
    assert counts(one)["ohlc_breaks"] == 377
    broken = "high < greatest(open, close) OR low > least(open, close)"
    sql = f"SELECT ts FROM '{realdata}/niftybank_15min_2018_2020.parquet' WHERE {broken} ORDER BY ts"  # noqa: S608 - a path and a constant
    with duckdb.connect() as connection:
        wrong = [row[0].isoformat()[:10] for row in connection.execute(sql).fetchall()]
    assert dates(one, "ohlc_breaks") == wrong[:200]


@pytest.mark.parametrize(("instrument", "n_breaks"), [("NSE:HINDUNILVR", 28), ("NSE:INFY", 40)])
def test_bars_whose_range_does_not_hold_them_are_counted(held: Workspace, instrument: str, n_breaks: int) -> None:
    one = judged(held, instrument, prices="adjusted")
    assert counts(one)["ohlc_breaks"] == n_breaks


def test_the_two_sessions_that_the_raw_file_lacks_are_its_only_holes(held: Workspace) -> None:
    document = coverage(held, CoverageRequest(interval="1d", prices="raw"))
    assert len(document.series) == 26
    assert {(one.counts or {})["missing"] for one in document.series} == {2}
    assert {(one.counts or {})["unexpected"] for one in document.series} == {0}
    (one,) = coverage(held, CoverageRequest(instrument="NSE:INFY", prices="raw")).series
    assert [hole.first for hole in one.holes] == ["2018-01-02", "2021-08-10"]


@pytest.mark.parametrize("on", [date(2019, 10, 27), date(2020, 2, 1), date(2020, 11, 14), date(2021, 11, 4)])
def test_muhurat_and_budget_sessions_are_whole_days(held: Workspace, on: date) -> None:
    document = coverage(held, CoverageRequest(instrument="NSE:RELIANCE", interval="1d", prices="raw", start=on, end=on))
    assert [(day.date, day.state) for day in document.days[0]] == [(on.isoformat(), "complete")]


def test_the_crash_of_yes_bank_is_a_remark_and_no_error(held: Workspace) -> None:
    one = judged(held, "NSE:YESBANK", prices="adjusted", start=date(2020, 3, 1), end=date(2020, 3, 31))
    assert one.score == 100.0
    assert set(counts(one)) == {"large_moves"}
    assert {"2020-03-06", "2020-03-16"} <= set(dates(one, "large_moves"))


@pytest.mark.parametrize(
    ("instrument", "days"),
    [
        ("NSE:SUNPHARMA", ["2000-03-08"]),
        ("NSE:HCLTECH", ["2000-11-27", "2000-11-29"]),
        ("NSE:BPCL", ["2000-12-20"]),
        ("NSE:DRREDDY", ["2001-10-10", "2001-10-15"]),
        ("NSE:ASIANPAINT", ["2000-08-02", "2003-08-22"]),
    ],
)
def test_the_errors_of_the_adjusted_file_are_found_on_their_dates(held: Workspace, instrument: str, days: list[str]) -> None:
    assert dates(judged(held, instrument, prices="adjusted"), "jumps_without_action") == days


def test_three_weeks_of_december_2002_are_a_hole(held: Workspace) -> None:
    (one,) = coverage(held, CoverageRequest(instrument="NSE:TITAN", prices="adjusted")).series
    longest = max(one.holes, key=lambda hole: hole.sessions)
    assert (longest.first[:7], longest.last[:7]) == ("2002-12", "2002-12")
    assert longest.sessions >= 15


def test_bars_without_trades_of_the_adjusted_file_are_counted(held: Workspace) -> None:
    assert counts(judged(held, "NSE:RELIANCE", prices="adjusted"))["zero_volume"] == 40
    found = judged(held, "NSE:WIPRO", prices="adjusted")
    # 174 in the file: 27 on holidays were refused, the others stand in runs that repeat a price, or by themselves.
    assert counts(found)["zero_volume"] + counts(found)["stale_runs"] >= 147


def test_every_session_of_the_tick_series_tells_its_missing_minutes(held: Workspace) -> None:
    document = coverage(held, CoverageRequest(instrument="NSE:SBIN", interval="1m"))
    partial = [day for day in document.days[0] if day.state == "partial"]
    assert partial
    assert all(sum(part.bars for part in day.missing or ()) == day.at_least - day.held for day in partial)


def test_the_catalogue_shows_the_scores_that_were_found(held: Workspace) -> None:
    scores = {(one.instrument, one.interval, one.prices): one.score for one in quality(held, QualityRequest()).series}
    shown = {(one.instrument, one.interval, one.prices): one.quality for one in list_series(held)}
    assert shown == scores
    assert all(score is not None and score > 75 for score in scores.values())
