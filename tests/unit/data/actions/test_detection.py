"""Jumps that betray actions, and jumps that are news, on made series with one thing changed at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import pytest

from qts.core import Bars
from qts.data.actions import ActionRecord, ActionState, market_moves, suspect_jumps, unsettled, without_paid_out

MakeBars = Callable[..., Bars]
AT = 40
SPLIT, LOST = 0.5, 1.0


def series(make_bars: MakeBars, factor: float, *, last: float = 1.0, volume: float = 1.5, span: float = 0.01) -> Bars:
    """Return 60 days, on the 41st of which the price jumps by a factor and then drifts to ``last`` times its open."""
    rng = np.random.default_rng(5)
    steps = np.exp(np.cumsum(rng.normal(0, 0.004, 60)))
    close = 600.0 * steps
    open_ = np.concatenate(([600.0], close[:-1])) * (1 + rng.normal(0, 0.001, 60))
    close[AT:] *= factor * last
    open_[AT] *= factor
    open_[AT + 1 :] *= factor * last
    bars = make_bars(close.tolist(), opens=open_.tolist())
    bars.volume[AT] *= volume
    bars.high[AT], bars.low[AT] = max(open_[AT], close[AT]) * (1 + span / 2), min(open_[AT], close[AT]) * (1 - span / 2)
    return bars


def found(bars: Bars, market: Mapping[int, float] | None = None) -> list[tuple[str, str, float]]:
    return [
        (record.action.ex_date.isoformat(), record.action.kind, round(record.action.price_factor(), 4))
        for record in suspect_jumps(bars, market=market)
    ]


@pytest.mark.parametrize(
    ("factor", "expected"),
    [
        *[(0.5, 0.5), (0.503, 0.5), (0.48, 0.5), (1 / 3, 0.3333), (0.2, 0.2), (0.1, 0.1)],
        *[(0.667, 0.6667), (0.75, 0.75), (0.835, 0.8333), (0.908, 0.9091), (2.02, 2.0), (9.9, 10.0)],
    ],
)
def test_a_calm_jump_to_a_common_ratio_is_suspected_with_its_factor(make_bars: MakeBars, factor: float, expected: float) -> None:
    assert found(series(make_bars, factor)) == [("2024-02-10", "split", expected)]


@pytest.mark.parametrize(
    ("factor", "why"),
    [
        pytest.param(0.95, {}, id="a day's move"),
        pytest.param(1.3, {}, id="a rise that news makes"),
        pytest.param(0.87, {}, id="a fall near no common ratio"),
        pytest.param(0.75, {"volume": 20.0}, id="a crowd trades"),
        pytest.param(0.909, {"volume": 4.0}, id="more trades than a bonus of one for ten brings"),
        pytest.param(0.75, {"span": 0.2}, id="the price runs through the day"),
        pytest.param(0.5, {"last": 1.5}, id="half of it is won back within a week"),
        pytest.param(2.0, {"last": 0.6}, id="a doubling that is lost within a week"),
    ],
)
def test_a_jump_of_news_is_left_alone(make_bars: MakeBars, factor: float, why: dict[str, float]) -> None:
    assert found(series(make_bars, factor, **why)) == []


def test_a_price_locked_at_its_limit_is_news(make_bars: MakeBars) -> None:
    bars = series(make_bars, 0.8)
    bars.high[AT] = bars.low[AT] = bars.close[AT] = bars.open[AT]
    assert found(bars) == []


def test_a_large_drop_with_a_price_still_to_be_found_looks_like_a_part_split_off(make_bars: MakeBars) -> None:
    [record] = suspect_jumps(series(make_bars, 0.487, span=0.25))
    assert (record.action.kind, record.state) == ("demerger", "suspected")
    assert record.action.price_factor() == pytest.approx(0.487, abs=0.002)
    assert record.confidence is not None
    assert record.confidence <= 0.5


def test_a_jump_of_the_whole_market_is_not_one_of_a_share(make_bars: MakeBars) -> None:
    crash = [series(make_bars, 0.8) for _ in range(9)]
    market = market_moves(crash)
    assert all(found(bars, market) == [] for bars in crash)
    assert found(crash[0], {}) == [("2024-02-10", "split", 0.8)]
    # A split on the day of a crash keeps its factor.
    assert found(series(make_bars, 0.8 * 0.5), market) == [("2024-02-10", "split", 0.5)]


def after_a_pause(bars: Bars, n_days: int) -> Bars:
    """Return the series with so many days without a bar before the jump."""
    ts = bars.ts.copy()
    ts[AT:] += n_days * 86_400_000_000
    return replace(bars, ts=ts)


def test_what_happened_in_months_without_bars_is_no_move_of_the_market(make_bars: MakeBars) -> None:
    away = [after_a_pause(series(make_bars, 0.8), 400) for _ in range(9)]
    [day] = {int(bars.ts[AT] + 19_800_000_000) // 86_400_000_000 for bars in away}
    calm = [make_bars([50.0] * 500) for _ in range(5)]
    assert day not in market_moves(away)
    assert market_moves([*away, *calm])[day] == 0.0


def test_after_a_pause_only_a_large_jump_is_suspected_and_with_little_confidence(make_bars: MakeBars) -> None:
    market = dict.fromkeys(range(19_000, 21_000), -0.2)
    assert found(after_a_pause(series(make_bars, 0.8), 30)) == []
    assert found(after_a_pause(series(make_bars, 0.8), 5)) == [("2024-02-15", "split", 0.8)]
    [record] = suspect_jumps(after_a_pause(series(make_bars, 0.5), 30), market=market)
    # The market's move of one night is not taken out of what weeks did.
    assert record.action.price_factor() == 0.5
    assert record.confidence is not None
    assert record.confidence <= 0.25
    assert record.evidence["days_since_close_before"] == 31


def test_few_peers_are_no_market(make_bars: MakeBars) -> None:
    assert market_moves([series(make_bars, 0.8) for _ in range(4)]) == {}


def test_evidence_tells_what_was_seen_and_speaks_louder_the_better_it_fits(make_bars: MakeBars) -> None:
    [good] = suspect_jumps(series(make_bars, 0.5), market={})
    [poor] = suspect_jumps(series(make_bars, 0.475, volume=12.0), market={})
    assert set(good.evidence) >= {"close_before", "open", "nearest_factor", "volume_times_usual", "week_after_open"}
    assert isinstance(good, ActionRecord)
    assert good.confidence is not None
    assert poor.confidence is not None
    assert 0.0 < poor.confidence < good.confidence < 1.0


def test_a_dividend_that_is_confirmed_explains_the_drop_it_makes(make_bars: MakeBars, make_record: Callable[..., ActionRecord]) -> None:
    bars = series(make_bars, 0.909)
    [drop] = suspect_jumps(bars)
    cash = round(float(bars.close[AT - 1]) * 0.091, 2)
    paid = make_record("dividend", "2024-02-10", cash=str(cash))
    assert [len(unsettled(bars, records)) for records in ([], [paid], [replace(paid, state=ActionState.REJECTED)])] == [1, 0, 1]
    assert without_paid_out([drop], [paid]) == ()
    small = make_record("dividend", "2024-02-10", cash=str(round(cash / 3, 2)))
    other_day = make_record("dividend", "2024-02-11", cash=str(cash))
    assert without_paid_out([drop], [small, other_day]) == (drop,)


def test_a_tick_of_a_penny_share_is_no_action(make_bars: MakeBars) -> None:
    assert found(make_bars([0.1] * 10 + [0.05] * 10)) == []


@pytest.mark.parametrize("n_bars", [0, 1])
def test_too_short_a_series_betrays_nothing(make_bars: MakeBars, n_bars: int) -> None:
    assert suspect_jumps(make_bars([100.0] * n_bars)) == ()
    assert market_moves([make_bars([100.0] * n_bars)] * 6) == {}
