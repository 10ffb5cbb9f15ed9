from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from qts.app.catalog import SeriesQuality, days_held, list_series, series_quality
from qts.app.workspace import Workspace
from qts.core import Bars, Exchange, InstrumentId, Interval

MINUTE = 60_000_000


def test_a_whole_series_scores_a_hundred(workspace: Workspace) -> None:
    alpha, beta = list_series(workspace)
    assert (alpha.instrument, alpha.bars, alpha.missing, alpha.quality, alpha.simulated) == ("NSE:ALPHA", 400, 0, 100.0, False)
    assert (beta.instrument, beta.simulated) == ("SIM:BETA", True)
    assert alpha.first.startswith("2022-01-03T09:15:00+05:30")


def test_a_hole_of_four_days_is_four_missing_sessions_and_one_percent(
    empty: Workspace, make_bars: Callable[..., Bars], store_bars: Callable[..., None]
) -> None:
    whole = make_bars("NSE:HOLES", Exchange.NSE, seed=3)
    keep = np.r_[0:100, 104:400]
    columns = {name: getattr(whole, name)[keep] for name in ("ts", "open", "high", "low", "close", "volume", "oi")}
    store_bars(empty, replace(whole, **columns))
    (info,) = list_series(empty)
    assert (info.missing, info.quality) == (4, 99.0)
    assert list_series(empty, as_of=empty.store.snapshot()) == (info,)


def test_an_index_has_no_calendar_of_ours(empty: Workspace, make_bars: Callable[..., Bars], store_bars: Callable[..., None]) -> None:
    store_bars(empty, replace(make_bars("NSE:X", Exchange.NSE, seed=3), instrument=InstrumentId("INDEX:X")))
    (info,) = list_series(empty)
    assert (info.missing, info.quality) == (None, None)


def test_half_a_session_of_minutes_is_half_of_what_is_expected(make_bars: Callable[..., Bars]) -> None:
    opens = make_bars("NSE:X", Exchange.NSE, seed=3, n_bars=3).ts
    full = np.concatenate([start + MINUTE * np.arange(375) for start in opens[[0, 2]]])
    quality = series_quality(days_held(full), Exchange.NSE, Interval.MINUTE_1)
    assert quality.missing_sessions == 1
    assert quality.score == pytest.approx(100 * 2 / 3, abs=0.01)


def test_bars_beyond_the_calendar_do_not_make_up_for_missing_ones(make_bars: Callable[..., Bars]) -> None:
    opens = make_bars("NSE:X", Exchange.NSE, seed=3, n_bars=2).ts
    long_day = np.concatenate([opens[0] + MINUTE * np.arange(500), opens[1] + MINUTE * np.arange(1)])
    assert series_quality(days_held(long_day), Exchange.NSE, Interval.MINUTE_1).score == pytest.approx(100 * 376 / 750, abs=0.01)


@pytest.mark.parametrize("interval", [Interval.WEEK, Interval.MONTH])
def test_longer_bars_are_not_judged(interval: Interval) -> None:
    assert series_quality({0: 1}, Exchange.NSE, interval).score is None
    assert series_quality({}, Exchange.NSE, Interval.DAY).score is None


def test_minutes_of_the_simulated_market_are_judged_after_the_closing_auction_came() -> None:
    days = {(date(2026, 11, day) - date(1970, 1, 1)).days: 375 for day in (18, 19, 20)}
    assert series_quality(days, Exchange.SIM, Interval.MINUTE_1) == SeriesQuality(missing_sessions=0, score=100.0)


def test_a_span_over_new_year_is_counted_once() -> None:
    held = {(on - date(1970, 1, 1)).days: 1 for on in (date(2025, 12, 30), date(2025, 12, 31), date(2026, 1, 2))}
    assert series_quality(held, Exchange.NSE, Interval.DAY) == SeriesQuality(missing_sessions=1, score=75.0)
