"""Where two series that should say the same do not: minutes and days of one instrument, raw and adjusted prices of one day."""

from __future__ import annotations

from typing import Final

import numpy as np

from qts.core import Bars, Floats, Interval, Ints
from qts.data.quality.findings import Finding, Issue, IssueKind, found_at
from qts.market.resampling import resample

INTERVAL_TOLERANCE: Final = 0.005
"""Share of the price by which a day of minutes may miss the bar of the day, whose close is an average and not the last price."""
SOURCE_TOLERANCE: Final = 0.01
_DAY_MICROS: Final = 86_400_000_000
_IST_MICROS: Final = 19_800_000_000
_PRICES: Final = ("open", "high", "low", "close")


def interval_disagreements(shorter: Bars, days: Bars, *, whole_days: Ints) -> Finding:
    """Return the days on which the shorter bars, put together, differ from the bar of the day.

    Parameters
    ----------
    shorter : Bars
        Intraday bars, oldest first.
    days : Bars
        Bars of days of the same instrument and price basis.
    whole_days : ndarray of int64
        Days since 1970-01-01 of which the shorter bars are complete; only these are compared.
    """
    made = resample(shorter, Interval.DAY).bars
    made_days, day_days = _days(made), _days(days)
    shared = np.intersect1d(np.intersect1d(made_days, day_days), whole_days)
    ours, theirs = np.searchsorted(made_days, shared), np.searchsorted(day_days, shared)
    gaps = np.stack([np.abs(getattr(made, name)[ours] / getattr(days, name)[theirs] - 1.0) for name in _PRICES])
    wrong = np.flatnonzero((gaps > INTERVAL_TOLERANCE).any(axis=0))

    def describe(i: int) -> Issue:
        name = _PRICES[int(np.argmax(gaps[:, i]))]
        values = float(getattr(made, name)[ours[i]]), float(getattr(days, name)[theirs[i]])
        text = f"{name} {values[0]:g} of the {shorter.interval} bars beside {values[1]:g} of the day"
        return Issue(kind=IssueKind.INTERVALS, ts=int(days.ts[theirs[i]]), value=float(gaps[:, i].max()), text=text)

    # Out of all days of the shorter bars: of a handful that can be compared one says little about the rest.
    return found_at(wrong, len(made), IssueKind.INTERVALS, describe)


def source_disagreements(adjusted: Bars, raw: Bars) -> Finding:
    """Return the bars whose adjusted prices are no multiple of the raw ones: one factor must lead from one bar to the other.

    The factor itself may be any, and change with each corporate action; only within one bar it is the same for all four prices.
    """
    shared, ours, theirs = np.intersect1d(adjusted.ts, raw.ts, assume_unique=True, return_indices=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        factors: Floats = np.stack([getattr(adjusted, name)[ours] / getattr(raw, name)[theirs] for name in _PRICES])
        spread = factors.max(axis=0) / factors.min(axis=0) - 1.0 if len(shared) else np.zeros(0)
    wrong = np.flatnonzero(spread > SOURCE_TOLERANCE)

    def describe(i: int) -> Issue:
        low, high = int(np.argmin(factors[:, i])), int(np.argmax(factors[:, i]))
        text = f"{_PRICES[low]} is {factors[low, i]:.4f} of the raw one, {_PRICES[high]} {factors[high, i]:.4f}"
        return Issue(kind=IssueKind.SOURCES, ts=int(shared[i]), value=float(spread[i]), text=text)

    return found_at(wrong, len(adjusted), IssueKind.SOURCES, describe)


def _days(bars: Bars) -> Ints:
    days: Ints = (bars.ts + _IST_MICROS) // _DAY_MICROS
    return days
