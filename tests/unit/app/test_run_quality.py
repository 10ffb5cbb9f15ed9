"""The quality of a run's own bars."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest

from qts.app.run_quality import RunQuality, days_held, run_quality
from qts.app.workspace import Workspace
from qts.core import ActionKind, Bars, CorporateAction, Exchange, InstrumentId, session_date_of
from qts.data.storage import SeriesInfo, SeriesKey


def info_of(bars: Bars) -> SeriesInfo:
    key = SeriesKey(instrument=bars.instrument, interval=bars.interval)
    return SeriesInfo(key=key, first_ts=0, last_ts=0, last_close=1.0, n_bars=len(bars), simulated=False, sources=())


def judged(*bars: Bars, actions: tuple[CorporateAction, ...] = ()) -> RunQuality:
    return run_quality([info_of(one) for one in bars], bars, actions)


def test_whole_and_sound_bars_have_a_hundred(make_bars: Callable[..., Bars]) -> None:
    assert judged(make_bars("NSE:X", Exchange.NSE, seed=3)) == RunQuality(score=100.0, share=100.0)


def test_the_mean_over_the_instruments_is_told(make_bars: Callable[..., Bars]) -> None:
    whole = make_bars("NSE:X", Exchange.NSE, seed=3)
    volume = whole.volume.copy()
    volume[:40] = 0.0
    assert judged(whole, replace(whole, volume=volume)) == RunQuality(score=97.5, share=100.0)


def test_a_split_that_the_run_knows_costs_nothing(make_bars: Callable[..., Bars]) -> None:
    bars = make_bars("NSE:X", Exchange.NSE, seed=3)
    columns = {name: getattr(bars, name).copy() for name in ("open", "high", "low", "close")}
    for column in columns.values():
        column[200:] /= 2.0
    split = replace(bars, **columns)
    on = session_date_of(int(bars.ts[200]))
    action = CorporateAction(instrument=InstrumentId("NSE:X"), ex_date=on, kind=ActionKind.SPLIT, ratio=Decimal(2))
    assert judged(split).score == pytest.approx(95.0)
    assert judged(split, actions=(action,)).score == 100.0
    assert judged(split, actions=(replace(action, instrument=InstrumentId("NSE:Y")),)).score == pytest.approx(95.0)
    dividend = CorporateAction(instrument=InstrumentId("NSE:X"), ex_date=on, kind=ActionKind.DIVIDEND, cash=Decimal(2))
    assert judged(split, actions=(dividend,)).score == pytest.approx(95.0)


def test_index_levels_are_not_scored(make_bars: Callable[..., Bars]) -> None:
    bars = replace(make_bars("NSE:X", Exchange.NSE, seed=3), instrument=InstrumentId("INDEX:X"))
    assert judged(bars) == RunQuality(score=None, share=None)


def test_bars_are_counted_by_their_date_in_india(make_minutes: Callable[..., Bars], make_bars: Callable[..., Bars]) -> None:
    days = make_bars("NSE:X", Exchange.NSE, seed=3, n_bars=2)
    assert list(days_held(make_minutes(days, [10, 20]).ts).values()) == [10, 20]


def test_a_run_tells_the_score_of_its_own_bars(workspace: Workspace) -> None:
    infos = [info for info in workspace.store.series() if info.key.instrument == "NSE:ALPHA"]
    assert run_quality(infos, [workspace.store.read(infos[0].key)]).score == 100.0
