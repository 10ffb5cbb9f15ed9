from __future__ import annotations

from collections.abc import Callable

import numpy as np

from qts.analytics import RunCurves

MakeCurves = Callable[..., RunCurves]


def test_calendar_days_run_from_the_first_to_the_last_date_in_india(make_curves: MakeCurves) -> None:
    assert make_curves([1.0, 2.0, 3.0], every=7).calendar_days == 14


def test_bars_of_one_day_span_no_calendar_day(make_curves: MakeCurves) -> None:
    minute = 60_000_000
    assert make_curves([1.0, 2.0], ts=np.array([0, minute])).calendar_days == 0


def test_a_run_without_bars_still_holds_its_capital(make_curves: MakeCurves) -> None:
    empty = make_curves([])
    assert (empty.n_bars, empty.calendar_days, empty.final_equity) == (0, 0, 100_000.0)
