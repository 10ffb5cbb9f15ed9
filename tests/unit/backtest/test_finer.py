"""Decisions on days, executed on minutes."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pytest

from qts.backtest import BacktestSettings, parse_costs, parse_size, parse_slippage, run
from qts.backtest.finer import carried_over
from qts.core import IST, Bars, Floats, InstrumentId, Interval, instant_of, micros_of
from qts.core.errors import BadParameter
from qts.market.resampling import resample
from qts.strategies import Panel, Strategy

SETTINGS = BacktestSettings(size=parse_size("shares:10"), costs=parse_costs("none"), slippage=parse_slippage("none"))


def minutes_of(*days: str, n_bars: int = 375, step: int = 1, seed: int = 0, name: str = "NSE:INFY") -> Bars:
    ts = np.concatenate(
        [
            micros_of(datetime.fromisoformat(f"{day}T09:15").replace(tzinfo=IST)) + np.arange(n_bars, dtype=np.int64) * step * 60_000_000
            for day in days
        ]
    )
    close = np.round(500 + np.cumsum(np.random.default_rng(seed).normal(0, 0.2, len(ts))), 2)
    return Bars(
        instrument=InstrumentId(name),
        interval=Interval(f"{step}m"),
        ts=ts,
        open=close.copy(),
        high=close + 0.1,
        low=close - 0.1,
        close=close,
        volume=np.full(len(ts), 1000.0),
        oi=np.full(len(ts), np.nan),
    )


DAYS = ("2024-07-01", "2024-07-02", "2024-07-03", "2024-07-04")


def up_days(bars: Bars) -> Floats:
    return (bars.close > bars.open).astype(np.float64)


def test_a_day_is_decided_at_its_close_and_filled_at_the_next_morning() -> None:
    finer = minutes_of(*DAYS)
    days = resample(finer, Interval.DAY).bars
    strategy = Strategy(title="Up", targets=lambda _: np.array([0.0, 1.0, 1.0, 0.0]))
    result = run(carried_over(strategy, {}, [days], [finer]), {}, [finer], SETTINGS)
    assert [fill.filled_at.isoformat() for fill in result.fills] == ["2024-07-03T09:15:00+05:30"]
    assert float(result.fills[0].price) == finer.open[750]
    assert len(result.equity) == len(finer)


def alternating(bars: Bars) -> Floats:
    return np.array([float(k % 2) for k in range(len(bars))])


def test_half_an_hour_is_decided_at_its_last_minute() -> None:
    finer = minutes_of(DAYS[0], n_bars=100)
    halves = resample(finer, Interval.MINUTE_30).bars
    strategy = carried_over(Strategy(title="Up", targets=alternating), {}, [halves], [finer])
    wanted = strategy.exposure(finer)
    at = np.flatnonzero(~np.isnan(wanted)).tolist()
    assert at == [29, 59, 89, 99]
    assert wanted[at].tolist() == [0.0, 1.0, 0.0, 1.0]


def test_a_decision_is_never_carried_to_a_bar_that_opens_before_it_was_made() -> None:
    finer = minutes_of(DAYS[0], n_bars=37, step=10)
    quarters = resample(minutes_of(DAYS[0]), Interval.MINUTE_15).bars
    strategy = carried_over(Strategy(title="Always", targets=lambda bars: np.arange(1.0, len(bars) + 1) / 100), {}, [quarters], [finer])
    wanted = strategy.exposure(finer)
    for at in np.flatnonzero(~np.isnan(wanted))[:-1].tolist():
        decided = round(float(wanted[at]) * 100) - 1
        assert finer.ts[at + 1] >= quarters.ts[decided] + 15 * 60_000_000


def test_a_day_without_minutes_waits_for_the_next_that_has_some() -> None:
    finer = minutes_of(DAYS[0], DAYS[3])
    days = resample(minutes_of(*DAYS), Interval.DAY).bars
    strategy = Strategy(title="Second", targets=lambda _: np.array([0.0, 1.0, np.nan, np.nan]))
    fills = run(carried_over(strategy, {}, [days], [finer]), {}, [finer], SETTINGS).fills
    assert [f"{fill.filled_at:%Y-%m-%d %H:%M}" for fill in fills] == ["2024-07-04 09:15"]


def test_what_was_decided_before_the_finer_bars_begin_stands_on_the_first() -> None:
    finer = minutes_of(DAYS[2])
    days = resample(minutes_of(*DAYS), Interval.DAY).bars
    strategy = carried_over(Strategy(title="Early", targets=lambda _: np.array([1.0, np.nan, np.nan, np.nan])), {}, [days], [finer])
    wanted = strategy.exposure(finer)
    assert wanted[0] == 1.0
    assert np.isnan(wanted[1:]).all()


def test_weights_of_a_matrix_are_carried_over_together() -> None:
    finer = [minutes_of(*DAYS), minutes_of(*DAYS, seed=1, name="NSE:TCS")]
    days = [resample(series, Interval.DAY).bars for series in finer]

    def turns(_: Panel) -> Floats:
        return np.array([[0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]])

    strategy = carried_over(Strategy(title="Turns", targets=turns, matrix=True), {}, days, finer)
    wanted = strategy.exposures(finer)
    assert [np.flatnonzero(row > 0.0).tolist() for row in wanted] == [[749], [1124]]


def test_months_and_weeks_end_with_their_last_date() -> None:
    days = resample(minutes_of(*DAYS, "2024-07-05", "2024-07-08", "2024-08-01"), Interval.DAY).bars
    for interval, expected in ((Interval.WEEK, [4, 5, 6]), (Interval.MONTH, [5, 6])):
        longer = resample(days, interval).bars
        strategy = carried_over(Strategy(title="All", targets=lambda bars: np.ones(len(bars))), {}, [longer], [days])
        assert np.flatnonzero(~np.isnan(strategy.exposure(days))).tolist() == expected
    assert f"{instant_of(int(days.ts[4])):%a}" == "Fri"


def test_what_does_not_fit_is_refused() -> None:
    finer = minutes_of(*DAYS)
    days = resample(finer, Interval.DAY).bars
    flat = Strategy(title="Up", targets=up_days)
    with pytest.raises(BadParameter, match="is not shorter"):
        carried_over(flat, {}, [finer], [days])
    with pytest.raises(BadParameter, match="other instruments"):
        carried_over(flat, {}, [days], [minutes_of(*DAYS, name="NSE:TCS")])
    with pytest.raises(BadParameter, match="has one interval"):
        carried_over(Strategy(title="Orders", on_bar=lambda _: None), {}, [days], [finer])
