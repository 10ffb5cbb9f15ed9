"""Series that should say the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from qts.core import Bars, Interval
from qts.data.quality import interval_disagreements, source_disagreements
from qts.market.resampling import resample

SeriesMaker = Callable[..., Bars]

DAY_MICROS, IST_MICROS = 86_400_000_000, 19_800_000_000


def test_minutes_and_the_days_made_of_them_agree(make_series: SeriesMaker) -> None:
    minutes = make_series(375 * 4, interval=Interval.MINUTE_1)
    days = resample(minutes, Interval.DAY).bars
    whole = (days.ts + IST_MICROS) // DAY_MICROS
    assert interval_disagreements(minutes, days, whole_days=whole).count == 0
    # A close that is an average of the last half hour misses the last price by less than half a per cent.
    near = replace(days, close=days.close * 1.004)
    assert interval_disagreements(minutes, near, whole_days=whole).count == 0
    high = days.high.copy()
    high[2] *= 1.05
    finding = interval_disagreements(minutes, replace(days, high=high), whole_days=whole)
    assert (finding.count, finding.of) == (1, 4)
    assert finding.issues[0].ts == days.ts[2]
    assert finding.issues[0].text.startswith("high ")


def test_only_whole_days_that_both_hold_are_compared(make_series: SeriesMaker) -> None:
    minutes = make_series(375 * 4, interval=Interval.MINUTE_1)
    days = resample(minutes, Interval.DAY).bars
    whole = (days.ts + IST_MICROS) // DAY_MICROS
    wrong = replace(days, close=days.close * 2.0, high=days.high * 2.0)
    assert interval_disagreements(minutes, wrong, whole_days=whole[:1]).count == 1
    assert interval_disagreements(minutes, wrong.window(1, 3), whole_days=whole).count == 2
    none = interval_disagreements(minutes, wrong, whole_days=np.zeros(0, np.int64))
    assert (none.count, none.of) == (0, 4)


def test_one_factor_leads_from_raw_to_adjusted_whatever_it_is(make_series: SeriesMaker) -> None:
    raw = make_series(60)
    factor = np.where(np.arange(60) < 30, 0.5, 1.0)
    adjusted = replace(raw, open=raw.open * factor, high=raw.high * factor, low=raw.low * factor, close=raw.close * factor)
    assert source_disagreements(adjusted, raw).count == 0
    close = adjusted.close.copy()
    close[10] *= 1.03
    finding = source_disagreements(replace(adjusted, close=close), raw)
    assert (finding.count, finding.of) == (1, 60)
    assert finding.issues[0].ts == raw.ts[10]
    assert "close 0.5150" in finding.issues[0].text


def test_bars_that_only_one_holds_are_not_compared(make_series: SeriesMaker) -> None:
    raw = make_series(60)
    close = raw.close.copy()
    close[:20] *= 1.03
    wrong = replace(raw, close=close)
    assert source_disagreements(wrong.window(0, 10), raw.window(5, 60)).count == 5
    assert source_disagreements(wrong.window(0, 10), raw.window(20, 60)).count == 0
