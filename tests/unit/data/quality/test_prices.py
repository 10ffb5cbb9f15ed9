"""What is wrong with prices and volumes, each thing by itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import pytest

from qts.core import ActionKind, Bars, Interval, session_date_of
from qts.data.quality import Finding, IssueKind, price_findings
from qts.data.storage import PriceBasis

SeriesMaker = Callable[..., Bars]


@dataclass(frozen=True)
class Action:
    ex_date: date
    kind: ActionKind = ActionKind.SPLIT


def by_kind(
    bars: Bars, basis: PriceBasis = PriceBasis.RAW, *, actions: tuple[Action, ...] = (), real_on: tuple[date, ...] = ()
) -> dict[IssueKind, Finding]:
    found = price_findings(bars, basis=basis, actions=actions, real_on=real_on)
    return {finding.kind: finding for finding in found if finding.count}


def changed(bars: Bars, **columns: dict[int, float]) -> Bars:
    arrays = {name: getattr(bars, name).copy() for name in columns}
    for name, cells in columns.items():
        for i, value in cells.items():
            arrays[name][i] = value
    return replace(bars, **arrays)


def scaled(bars: Bars, start: int, factor: float, stop: int | None = None) -> Bars:
    part = slice(start, stop)
    columns = {}
    for name in ("open", "high", "low", "close"):
        columns[name] = getattr(bars, name).copy()
        columns[name][part] *= factor
    return replace(bars, **columns)


def test_a_quiet_series_has_nothing_wrong(make_series: SeriesMaker) -> None:
    assert by_kind(make_series(500)) == {}


def test_a_high_below_the_close_is_a_break_and_a_rounding_is_none(make_series: SeriesMaker) -> None:
    bars = make_series()
    high = float(max(bars.open[40], bars.close[40]))
    found = by_kind(changed(bars, high={40: high - 0.5, 50: float(max(bars.open[50], bars.close[50])) * (1 - 1e-12)}))
    finding = found[IssueKind.OHLC_BREAKS]
    assert (finding.count, finding.of) == (1, 100)
    assert finding.issues[0].ts == bars.ts[40]
    assert finding.issues[0].value == bars.open[40]


@pytest.mark.parametrize(("n_same", "count"), [(4, 0), (5, 4), (9, 8)])
def test_the_same_price_over_and_over_is_stale(make_series: SeriesMaker, n_same: int, count: int) -> None:
    bars = make_series()
    columns = {name: getattr(bars, name).copy() for name in ("open", "high", "low", "close")}
    for column in columns.values():
        column[20 : 20 + n_same] = 100.0
    found = by_kind(replace(bars, **columns))
    assert found.get(IssueKind.STALE_RUNS, Finding(kind=IssueKind.STALE_RUNS, count=0, of=0, issues=())).count == count


def test_minutes_are_stale_after_an_hour_only(make_series: SeriesMaker) -> None:
    bars = make_series(750, interval=Interval.MINUTE_1)
    columns = {name: getattr(bars, name).copy() for name in ("open", "high", "low", "close")}
    for column in columns.values():
        column[20:70] = 100.0
        column[400:470] = 100.0
    (issue,) = by_kind(replace(bars, **columns))[IssueKind.STALE_RUNS].issues
    assert issue.n_bars == 69


def test_a_price_that_leaves_and_comes_back_is_an_outlier(make_series: SeriesMaker) -> None:
    bars = make_series()
    odd = changed(bars, close={30: 200.0}, high={30: 201.0}, open={31: float(bars.close[31])})
    finding = by_kind(odd)[IssueKind.OUTLIERS]
    assert [issue.ts for issue in finding.issues] == [bars.ts[30]]


def test_a_low_far_from_everything_is_an_outlier_unless_traded_in_heavy_volume(make_series: SeriesMaker) -> None:
    bars = changed(make_series(), low={30: 40.0})
    assert by_kind(bars)[IssueKind.OUTLIERS].count == 1
    found = by_kind(changed(bars, volume={30: 5000.0}))
    assert set(found) == {IssueKind.LARGE_MOVES}


def test_one_wild_bar_among_wild_bars_is_a_remark(make_series: SeriesMaker) -> None:
    wild = changed(make_series(), low=dict.fromkeys(range(28, 34), 60.0))
    found = by_kind(wild)
    assert set(found) == {IssueKind.LARGE_MOVES}
    assert found[IssueKind.LARGE_MOVES].count == 6


def test_a_split_is_a_jump_unless_the_action_is_known(make_series: SeriesMaker) -> None:
    bars = scaled(make_series(), 50, 0.5)
    on = session_date_of(int(bars.ts[50]))
    finding = by_kind(bars)[IssueKind.JUMPS]
    assert (finding.count, finding.of) == (1, 100)
    assert finding.issues[0].value == pytest.approx(0.5, abs=0.01)
    assert by_kind(bars, actions=(Action(on),)) == {}
    assert IssueKind.JUMPS in by_kind(bars, actions=(Action(date(2019, 1, 10)),))


def test_an_action_on_a_day_without_bars_explains_the_jump_after_it(make_series: SeriesMaker) -> None:
    bars = scaled(make_series(), 50, 0.5)
    keep = np.arange(100) != 50
    gapped = replace(bars, **{name: getattr(bars, name)[keep] for name in ("ts", "open", "high", "low", "close", "volume", "oi")})
    assert by_kind(gapped, actions=(Action(session_date_of(int(bars.ts[50]))),)) == {}


def test_a_known_action_left_in_adjusted_prices_is_an_error_that_says_so(make_series: SeriesMaker) -> None:
    bars = scaled(make_series(), 50, 0.5)
    action = Action(session_date_of(int(bars.ts[50])))
    (issue,) = by_kind(bars, PriceBasis.ADJUSTED, actions=(action,))[IssueKind.JUMPS].issues
    assert "seems not to be in these adjusted prices" in issue.text


def test_a_fall_like_no_split_in_heavy_volume_is_a_remark(make_series: SeriesMaker) -> None:
    bars = changed(scaled(make_series(), 50, 0.55), volume={50: 20_000.0})
    assert set(by_kind(bars)) == {IssueKind.LARGE_MOVES}
    assert IssueKind.JUMPS in by_kind(scaled(make_series(), 50, 0.55))
    # At the ratio of a split even heavy volume excuses nothing: shares of half the price trade twice as often.
    assert IssueKind.JUMPS in by_kind(changed(scaled(make_series(), 50, 0.5), volume={50: 20_000.0}))


def test_a_jump_that_somebody_took_for_real_is_a_remark(make_series: SeriesMaker) -> None:
    bars = scaled(make_series(), 50, 0.5)
    assert set(by_kind(bars, real_on=(session_date_of(int(bars.ts[50])),))) == {IssueKind.LARGE_MOVES}


@pytest.mark.parametrize(("n_left_out", "kind"), [(4, IssueKind.JUMPS), (8, IssueKind.LARGE_MOVES)])
def test_a_jump_over_more_than_a_week_without_bars_is_a_remark(make_series: SeriesMaker, n_left_out: int, kind: IssueKind) -> None:
    bars = scaled(make_series(), 50, 0.5)
    keep = np.setdiff1d(np.arange(100), np.arange(50, 50 + n_left_out))
    gapped = replace(bars, **{name: getattr(bars, name)[keep] for name in ("ts", "open", "high", "low", "close", "volume", "oi")})
    (found,) = by_kind(gapped).values()
    assert (found.kind, found.count, found.issues[0].ts) == (kind, 1, bars.ts[50 + n_left_out])
    assert found.issues[0].text.endswith("days after the bar before") == (kind is IssueKind.LARGE_MOVES)


@pytest.mark.parametrize(("interval", "step"), [(Interval.WEEK, 7), (Interval.MONTH, 31)])
def test_longer_bars_stand_further_apart_by_nature(make_series: SeriesMaker, interval: Interval, step: int) -> None:
    bars = scaled(make_series(), 50, 0.5)
    longer = replace(bars, interval=interval, ts=bars.ts[0] + np.arange(100) * step * 86_400_000_000)
    assert IssueKind.JUMPS in by_kind(longer)


def test_bars_without_trades_count_and_a_series_without_volumes_does_not(make_series: SeriesMaker) -> None:
    bars = changed(make_series(), volume={3: 0.0, 4: 0.0, 9: float("nan")})
    assert by_kind(bars)[IssueKind.ZERO_VOLUME].count == 2
    assert by_kind(replace(bars, volume=np.zeros(100))) == {}
    assert by_kind(replace(bars, volume=np.full(100, np.nan))) == {}


@pytest.mark.parametrize("n_bars", [1, 2, 3, 5])
def test_a_handful_of_bars_can_be_judged(make_series: SeriesMaker, n_bars: int) -> None:
    assert by_kind(make_series(n_bars)) == {}
