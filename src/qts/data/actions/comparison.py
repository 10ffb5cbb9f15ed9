"""Which corporate actions does an adjusted series know of? Where the ratio of adjusted to raw closes changes for good."""

from __future__ import annotations

import math
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Final

import numpy as np

from qts.core import Bars, Floats, InstrumentId, Ints, session_date_of
from qts.core.corporate_action import ActionKind
from qts.data.actions.ratios import decimal_of, nearest_ratio
from qts.data.actions.records import DETECTED, ActionRecord, ActionState, StatedAction

COMPARISON_SOURCE: Final = DETECTED + "raw and adjusted closes"

# Steps smaller than this are not told from closes that two sources took at different moments.
_LEAST_STEP: Final = 0.004
# A step is one if the ratio lies level on both sides of it, over so many bars; single bars may be off.
_LEVEL_BARS: Final = 15
# How much of a step the ratio may stray on either side of it.
_STRAY: Final = 0.4
# Prices rounded to paise leave a common ratio this much uncertain.
_SNAP: Final = 4e-4
_CONFIDENCE: Final = 0.98


def compare_series(raw: Bars, adjusted: Bars) -> tuple[ActionRecord, ...]:
    """Return the actions that the adjusted series was adjusted for within the days that both have, oldest first.

    The dates and factors are those of whoever adjusted it; a factor that is one over a common ratio is given as a split, any other as a
    demerger, which stands for rights and large dividends too. Nothing is said of actions after the last common day.

    Parameters
    ----------
    raw, adjusted : Bars
        The same instrument and interval of days, prices as traded and adjusted.
    """
    ts, i_raw, i_adjusted = np.intersect1d(raw.ts, adjusted.ts, assume_unique=True, return_indices=True)
    if len(ts) < 4:
        return ()
    ratio = np.log(adjusted.close[i_adjusted] / raw.close[i_raw])
    edges = list(_edges(ratio))
    bounds = [0, *edges, len(ts)]
    levels = [float(np.median(ratio[start:stop])) for start, stop in pairwise(bounds)]
    return tuple(
        _record(raw.instrument, ts, i_bar, math.exp(before - after)) for i_bar, (before, after) in zip(edges, pairwise(levels), strict=True)
    )


def _edges(ratio: Floats) -> Iterator[int]:
    """Yield the first bar of each new level, oldest first."""
    steps = np.abs(np.diff(ratio))
    last = 0
    for i in (np.flatnonzero(steps > _LEAST_STEP) + 1).tolist():
        before = ratio[max(last, i - _LEVEL_BARS) : i]
        after = ratio[i : i + _LEVEL_BARS]
        size = float(np.median(after) - np.median(before))
        # A single bar that is off makes two steps and no new level.
        at_once = abs(ratio[i] - np.median(after)) < _STRAY * abs(size) and abs(ratio[i - 1] - np.median(before)) < _STRAY * abs(size)
        if abs(size) > _LEAST_STEP and at_once:
            yield i
            last = i


def _record(instrument: InstrumentId, ts: Ints, i_bar: int, factor: float) -> ActionRecord:
    common, off = nearest_ratio(factor)
    is_share = off < _SNAP or factor > 1.0
    on = session_date_of(int(ts[i_bar]))
    ratio = decimal_of(common) if off < _SNAP else decimal_of(Fraction(1.0 / factor).limit_denominator(10_000))
    action = StatedAction(
        instrument=instrument,
        ex_date=on,
        kind=ActionKind.SPLIT if is_share else ActionKind.DEMERGER,
        ratio=ratio if is_share else Decimal(1),
        factor=None if is_share else Decimal(str(round(factor, 5))),
    )
    evidence: dict[str, float | str] = {
        "factor_of_adjusted_series": round(factor, 6),
        "day_before": session_date_of(int(ts[i_bar - 1])).isoformat(),
    }
    return ActionRecord(action=action, state=ActionState.SUSPECTED, source=COMPARISON_SOURCE, evidence=evidence, confidence=_CONFIDENCE)
