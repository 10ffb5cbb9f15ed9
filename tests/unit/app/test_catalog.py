from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from qts.app.catalog import list_series
from qts.app.quality import QualityRequest, quality
from qts.app.workspace import Workspace
from qts.core import Bars, Exchange, InstrumentId


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


def test_minutes_are_shares_of_whole_sessions(
    empty: Workspace, make_bars: Callable[..., Bars], store_bars: Callable[..., None], make_minutes: Callable[..., Bars]
) -> None:
    days = make_bars("NSE:X", Exchange.NSE, seed=3, n_bars=3)
    store_bars(empty, make_minutes(days, [375, 0, 375]))
    (info,) = list_series(empty)
    assert info.missing == 1
    assert info.quality == pytest.approx(100 * 2 / 3, abs=0.01)


def test_a_series_shows_its_score_once_it_was_judged_and_its_share_when_it_has_changed_since(
    empty: Workspace, make_bars: Callable[..., Bars], store_bars: Callable[..., None]
) -> None:
    bars = make_bars("NSE:X", Exchange.NSE, seed=3)
    volume = bars.volume.copy()
    volume[:40] = 0.0
    store_bars(empty, replace(bars, volume=volume))
    (before,) = list_series(empty)
    assert (before.quality, before.is_judged) == (100.0, False)
    (judged,) = quality(empty, QualityRequest()).series
    (after,) = list_series(empty)
    assert (after.quality, after.is_judged) == (judged.score, True)
    assert judged.score == pytest.approx(95.0)
    volume[0] = 5.0
    store_bars(empty, replace(bars, volume=volume))
    (changed,) = list_series(empty)
    assert (changed.quality, changed.is_judged) == (100.0, False)
