"""Bars where the exchange did not trade."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime

import numpy as np
import pytest

from qts.core import IST, Bars, InstrumentId, Interval, micros_of
from qts.data.quality import session_findings

SeriesMaker = Callable[..., Bars]


def at(bars: Bars, *instants: str) -> Bars:
    """Return the first bars, stamped at these instants."""
    ts = np.array([micros_of(datetime.fromisoformat(text).replace(tzinfo=IST)) for text in instants], dtype=np.int64)
    n = len(ts)
    return replace(bars, ts=ts, **{name: getattr(bars, name)[:n] for name in ("open", "high", "low", "close", "volume", "oi")})


def test_a_day_that_is_no_session_is_told(make_series: SeriesMaker) -> None:
    finding = session_findings(at(make_series(), "2024-01-19T09:15", "2024-01-20T09:15", "2024-01-22T09:15", "2024-01-23T09:15"))
    assert [issue.text for issue in finding.issues] == ["Monday: not a session"]


@pytest.mark.parametrize(
    ("instants", "count"),
    [
        pytest.param(["2024-01-20T09:15", "2024-01-20T15:29", "2024-01-20T15:30", "2024-01-20T18:16"], 2, id="the Saturday that ran on"),
        pytest.param(["2024-03-02T09:59", "2024-03-02T10:00", "2024-03-02T11:29", "2024-03-02T11:30"], 2, id="between two short sessions"),
        pytest.param(["2024-11-01T18:00", "2024-11-01T18:59"], 0, id="Muhurat"),
        pytest.param(["2024-07-03T09:14", "2024-07-03T09:15"], 1, id="before the open"),
        pytest.param(["2009-06-01T09:15"], 0, id="hours that are an estimate"),
        pytest.param(["2026-08-03T15:20", "2026-08-03T15:36"], 1, id="the closing auction is trading"),
    ],
)
def test_minutes_outside_of_windows_are_told(make_series: SeriesMaker, instants: list[str], count: int) -> None:
    finding = session_findings(at(make_series(400, interval=Interval.MINUTE_1), *instants))
    assert (finding.count, finding.of) == (count, len(instants))


def test_a_bar_that_reaches_into_a_session_is_inside(make_series: SeriesMaker) -> None:
    bars = replace(at(make_series(400, interval=Interval.MINUTE_1), "2024-07-03T09:00", "2024-07-03T15:15"), interval=Interval.MINUTE_30)
    assert session_findings(bars).count == 0


def test_weeks_and_index_levels_are_not_judged(make_series: SeriesMaker) -> None:
    sunday = at(make_series(), "2024-01-21T09:15")
    assert session_findings(replace(sunday, interval=Interval.WEEK)).count == 0
    assert session_findings(replace(sunday, instrument=InstrumentId("INDEX:SPX"))).count == 0
    assert session_findings(sunday).count == 1


def test_the_sessions_of_a_series_are_all_inside(make_series: SeriesMaker) -> None:
    assert session_findings(make_series(300, first=date(2023, 10, 1))).count == 0
    assert session_findings(make_series(3000, first=date(2023, 10, 3), interval=Interval.MINUTE_1)).count == 0
