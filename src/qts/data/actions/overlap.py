"""Has a source rewritten its history? Bars held before beside the same bars fetched again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

import numpy as np

from qts.core import Bars, Floats, session_date_of
from qts.data.actions.ratios import nearest_ratio

_TICK: Final = 0.05
# Sources round adjusted prices to their tick; a little more than the half of it covers both rounding and floats.
_SLACK: Final = 0.51
# A factor this near to one over a common ratio is meant as it.
_SNAP: Final = 5e-4
# What no rounding explains: factors nearer to 1 than this are not told from single corrected prices.
_LEAST: Final = 2e-3


class OverlapVerdict(StrEnum):
    """What became of the bars: they are the same, all before some day were multiplied by one factor, or neither."""

    SAME = "same"
    REWRITTEN = "rewritten"
    DIFFERENT = "different"


@dataclass(frozen=True, slots=True, kw_only=True)
class OverlapCheck:
    """How fetched bars compare with held ones.

    ``factor`` is what the old prices were multiplied by, and ``since`` the first day on which they agree again, which is the ex date of
    what happened; None where even the last day of the overlap was rewritten, so that the ex date lies after it. ``reason`` says what
    differs where nothing simpler explains it.
    """

    verdict: OverlapVerdict
    factor: float | None = None
    since: date | None = None
    reason: str = ""


def overlap_check(held: Bars, fetched: Bars, *, tick: float = _TICK) -> OverlapCheck:
    """Return whether the bars that both have are the same, rewritten by a single factor, or different.

    Parameters
    ----------
    held : Bars
        Adjusted bars as they were stored, oldest first.
    fetched : Bars
        The same series fetched again.
    tick : float
        The step in rupees to which the source rounds its prices; prices closer than half of it are the same.

    Notes
    -----
    A bar of the overlap that only one side has makes the two different. Volumes are not compared: sources correct them for days. A
    rewriting by less than a fifth of a per cent is taken as a difference, for rounding hides what it is.
    """
    first, last = _overlap(held, fetched)
    old, new = _between(held, first, last), _between(fetched, first, last)
    if not len(old) or not len(new):
        return OverlapCheck(verdict=OverlapVerdict.DIFFERENT, reason="they have no stretch of time in common")
    if not np.array_equal(old.ts, new.ts):
        n_old, n_new = len(np.setdiff1d(old.ts, new.ts)), len(np.setdiff1d(new.ts, old.ts))
        reason = f"of the bars in common time {n_old} were only held and {n_new} only fetched"
        return OverlapCheck(verdict=OverlapVerdict.DIFFERENT, reason=reason)
    return _compare(old, new, tick)


def _compare(old: Bars, new: Bars, tick: float) -> OverlapCheck:
    before, after = _prices(old), _prices(new)
    slack = _SLACK * tick
    differs = np.any(np.abs(after - before) > slack, axis=0)
    if not differs.any():
        return OverlapCheck(verdict=OverlapVerdict.SAME)
    # All bars up to the last one that differs must have been multiplied; those whose prices are 0 or tiny agree with anything.
    n_rewritten = int(np.flatnonzero(differs)[-1]) + 1
    part_before, part_after = before[:, :n_rewritten], after[:, :n_rewritten]
    factor = float((part_before * part_after).sum() / np.square(part_before).sum())
    common, off = nearest_ratio(factor) if factor > 0 else (None, 1.0)
    exact = 1.0 / float(common) if common is not None and off < _SNAP else factor
    worst = np.abs(part_after - exact * part_before).max(axis=0)
    # An old price was itself rounded: its error is scaled with it.
    allowed = slack * (1.0 + exact)
    if abs(exact - 1.0) < _LEAST or worst.max() > allowed:
        i_bar = int(worst.argmax() if abs(exact - 1.0) >= _LEAST else np.flatnonzero(differs)[0])
        n_bars = int(differs.sum())
        where = f"{n_bars} of {len(old)} bars, such as that of {session_date_of(int(old.ts[i_bar]))}"
        close = f"whose close was {old.close[i_bar]:g} and is {new.close[i_bar]:g}"
        return OverlapCheck(verdict=OverlapVerdict.DIFFERENT, reason=f"no single factor explains {where}, {close}")
    since = None if n_rewritten == len(old) else session_date_of(int(old.ts[n_rewritten]))
    if since is not None and since == session_date_of(int(old.ts[n_rewritten - 1])):
        return OverlapCheck(verdict=OverlapVerdict.DIFFERENT, reason=f"prices agree again in the middle of {since}")
    return OverlapCheck(verdict=OverlapVerdict.REWRITTEN, factor=exact, since=since)


def _prices(bars: Bars) -> Floats:
    stacked: Floats = np.stack([bars.open, bars.high, bars.low, bars.close])
    return stacked


def _overlap(held: Bars, fetched: Bars) -> tuple[int, int]:
    if not len(held) or not len(fetched):
        return 0, -1
    return max(int(held.ts[0]), int(fetched.ts[0])), min(int(held.ts[-1]), int(fetched.ts[-1]))


def _between(bars: Bars, first: int, last: int) -> Bars:
    find: Callable[..., np.int64] = np.searchsorted
    return bars.window(int(find(bars.ts, first, side="left")), int(find(bars.ts, last, side="right")))
