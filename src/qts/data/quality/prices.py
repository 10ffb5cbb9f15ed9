"""What is wrong with the prices and volumes of a series, from its bars alone and the corporate actions that are known."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Protocol

import numpy as np

from qts.core import ActionKind, Bars, Bools, Floats, Interval, Ints
from qts.data.quality.findings import MOST_LISTED, Finding, Issue, IssueKind, found_at
from qts.data.storage import PriceBasis

OHLC_TOLERANCE: Final = 1e-9
"""Share of the price by which high and low may miss open and close: the noise of a float, far below a paisa."""
STALE_BARS: Final = 5
STALE_MINUTES: Final = 60
JUMP: Final = 0.72
"""An opening below this share of the last close, or above its reciprocal, is a jump: a bonus of two for five is one, a bad day is none."""
_LIKE_A_SPLIT: Final = 0.04
# New shares per old one of common splits, bonuses and joined shares: what a price is divided by.
_RATIOS: Final = (1.5, 1.4, 1.6, 5 / 3, 2.0, 2.5, 2.6, 3.0, 4.0, 5.0, 6.0, 10.0, 20.0, 100.0, 0.5, 0.2, 0.1, 0.01)
_HEAVY: Final = 3.0
_NEARBY: Final = 20
_SPIKE_SIGMAS: Final = 12.0
_SPIKE_DAY: Final = 0.35
_SPIKE_MINUTES: Final = 0.05
_SPIKE_AROUND: Final = 3.0
_LARGE_DAY: Final = 0.25
_LARGE_MINUTES: Final = 0.10
_AROUND: Final = 5
_MAD_TO_SIGMA: Final = 1.4826
_DAY_MICROS: Final = 86_400_000_000
_IST_MICROS: Final = 19_800_000_000
_EPOCH: Final = date(1970, 1, 1)
_MOST_DAYS_APART: Final = 4
# Bars further apart than so many days have others missing between them: how the price got from one to the next is not known.
_FAR_APART: Final = 7
_FAR_APART_OF: Final = {Interval.WEEK: 11, Interval.MONTH: 45}


class DatedAction(Protocol):
    """A corporate action, as far as its date and kind go."""

    @property
    def ex_date(self) -> date:
        """Return the first day on which a share comes without what was given."""
        ...

    @property
    def kind(self) -> ActionKind:
        """Return what was done."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Moves:
    """Bars that moved beyond anything ordinary: errors, and large moves that may well be real or of which little is known."""

    errors: Ints
    remarks: Ints


def price_findings(
    bars: Bars, *, basis: PriceBasis, actions: Collection[DatedAction] = (), real_on: Collection[date] = ()
) -> tuple[Finding, ...]:
    """Return what is wrong or doubtful in the bars: breaks of open, high, low, close, stale runs, spikes, jumps and zero volume.

    Parameters
    ----------
    bars : Bars
        Oldest first, at least one.
    basis : PriceBasis
        A jump on the ex-date of a known action is as it should be in raw prices, and an error in adjusted ones.
    actions : collection of DatedAction
        What is known of the instrument.
    real_on : collection of date
        Days whose jumps somebody looked at and took for real: they are remarks.

    Notes
    -----
    A jump over more than a week without bars is a remark: the price may have come there bit by bit, and it is the bars between that miss.

    O(n_bars). The rules with their numbers stand in ``docs/reference/quality.md``.
    """
    stale = _stale_runs(bars)
    spikes, jumps = _spikes(bars), _jumps(bars, basis, actions, real_on)
    n_days = len(np.unique((bars.ts + _IST_MICROS) // _DAY_MICROS))
    errors = np.union1d(spikes.errors, jumps.errors)
    remarks = np.setdiff1d(np.union1d(np.union1d(spikes.remarks, jumps.remarks), _large_moves(bars)), errors)
    return (
        _breaks(bars),
        _stale(bars, stale),
        found_at(spikes.errors, len(bars), IssueKind.OUTLIERS, lambda i: _spike_issue(bars, i)),
        found_at(jumps.errors, n_days, IssueKind.JUMPS, lambda i: _jump_issue(bars, i, basis, actions)),
        _zero_volume(bars, ~_members(stale, len(bars))),
        found_at(remarks, len(bars), IssueKind.LARGE_MOVES, lambda i: _move_issue(bars, i)),
    )


def _breaks(bars: Bars) -> Finding:
    noise = OHLC_TOLERANCE * np.abs(bars.close)
    high = np.maximum(np.maximum(bars.open, bars.close), bars.low)
    is_broken = (bars.high < high - noise) | (bars.low > np.minimum(bars.open, bars.close) + noise)

    def describe(i: int) -> Issue:
        text = (
            f"open {bars.open[i]:g} high {bars.high[i]:g} low {bars.low[i]:g} close {bars.close[i]:g}: high and low do not hold the others"
        )
        return Issue(kind=IssueKind.OHLC_BREAKS, ts=int(bars.ts[i]), value=float(bars.open[i]), text=text)

    return found_at(np.flatnonzero(is_broken), len(bars), IssueKind.OHLC_BREAKS, describe)


def _stale_runs(bars: Bars) -> Ints:
    """Return the runs of bars that repeat the last price, shape ``(n_runs, 2)``: first place and one past the last."""
    is_flat = (bars.high == bars.low) & (bars.open == bars.close) & (bars.open == bars.high)
    repeats = np.zeros(len(bars), np.bool_)
    repeats[1:] = is_flat[1:] & (bars.close[1:] == bars.close[:-1])
    edges = np.flatnonzero(np.diff(np.concatenate(([False], repeats, [False])).astype(np.int8))).reshape(-1, 2)
    minutes = bars.interval.minutes
    shortest = STALE_BARS if minutes is None else max(STALE_BARS, STALE_MINUTES // minutes)
    runs: Ints = edges[edges[:, 1] - edges[:, 0] >= shortest - 1]
    return runs


def _members(runs: Ints, n_bars: int) -> Bools:
    step = np.zeros(n_bars + 1, np.int64)
    np.add.at(step, runs[:, 0], 1)
    np.add.at(step, runs[:, 1], -1)
    return np.asarray(np.cumsum(step[:-1]) > 0)


def _stale(bars: Bars, runs: Ints) -> Finding:
    issues = [
        Issue(
            kind=IssueKind.STALE_RUNS,
            ts=int(bars.ts[start]),
            value=float(bars.close[start]),
            text=f"{stop - start} bars in a row repeat {bars.close[start]:g} without any movement",
            n_bars=stop - start,
        )
        for start, stop in runs[:MOST_LISTED].tolist()
    ]
    return Finding(kind=IssueKind.STALE_RUNS, count=int((runs[:, 1] - runs[:, 0]).sum()), of=len(bars), issues=tuple(issues))


def _spikes(bars: Bars) -> _Moves:
    """Return bars whose close leaves both neighbours and comes back, or whose high or low stands alone far off."""
    none = np.zeros(0, np.int64)
    if len(bars) < 3:
        return _Moves(errors=none, remarks=none)
    least = _SPIKE_DAY if bars.interval.minutes is None else _SPIKE_MINUTES
    with np.errstate(divide="ignore", invalid="ignore"):
        moves = np.diff(np.log(bars.close))
        sigma = _MAD_TO_SIGMA * float(np.nanmedian(np.abs(moves - np.nanmedian(moves))))
        limit = np.maximum(max(least, _SPIKE_SIGMAS * sigma), _SPIKE_AROUND * _widest_around(bars))
        there, back = moves[:-1], moves[1:]
        comes_back = (np.abs(there + back) < 0.5 * np.minimum(np.abs(there), np.abs(back))) & (there * back < 0)
        is_spike = np.zeros(len(bars), np.bool_)
        is_spike[1:-1] = comes_back & (np.minimum(np.abs(there), np.abs(back)) > limit[1:-1])
        is_spike |= np.log(bars.high / np.maximum(bars.open, bars.close)) > limit
        is_spike |= np.log(np.minimum(bars.open, bars.close) / bars.low) > limit
    return _split(bars, np.flatnonzero(is_spike), may_be_real=np.ones(int(is_spike.sum()), np.bool_))


def _large_moves(bars: Bars) -> Ints:
    """Return bars within which the price moved by a quarter or more: real ones are named, too, so that nobody takes them for errors."""
    least = _LARGE_DAY if bars.interval.minutes is None else _LARGE_MINUTES
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.flatnonzero(np.log(bars.high / bars.low) > least)


def _widest_around(bars: Bars) -> Floats:
    """Return the widest range of the bars around each, itself left out: where all is wild, one wild bar is none of its own."""
    ranges = np.nan_to_num(np.log(bars.high / bars.low))
    widest = np.zeros(len(bars))
    for step in range(1, min(_AROUND, len(bars) - 1) + 1):
        widest[step:] = np.maximum(widest[step:], ranges[:-step])
        widest[:-step] = np.maximum(widest[:-step], ranges[step:])
    return widest


def _jumps(bars: Bars, basis: PriceBasis, actions: Collection[DatedAction], real_on: Collection[date]) -> _Moves:
    days = (bars.ts + _IST_MICROS) // _DAY_MICROS
    first_of_day = np.flatnonzero(np.diff(days)) + 1
    ratio = bars.open[first_of_day] / bars.close[first_of_day - 1]
    with np.errstate(invalid="ignore"):
        is_jump = (ratio < JUMP) | (ratio > 1 / JUMP)
    before, after = days[first_of_day - 1], days[first_of_day]
    if basis is PriceBasis.RAW and actions:
        is_jump &= ~_has_date(before, after, [action.ex_date for action in actions])
    is_remark = is_jump & (_has_date(before, after, real_on) | (after - before > _most_apart(bars.interval)))
    is_jump &= ~is_remark
    moves = _split(bars, first_of_day[is_jump], may_be_real=~_is_like_split(ratio[is_jump]))
    return _Moves(errors=moves.errors, remarks=np.union1d(moves.remarks, first_of_day[is_remark]))


def _most_apart(interval: Interval) -> int:
    return _FAR_APART_OF.get(interval, _FAR_APART)


def _has_date(before: Ints, after: Ints, on: Collection[date]) -> Bools:
    """Return where one of the dates lies after the bar before and not after this one."""
    dates = np.sort(np.array([(day - _EPOCH).days for day in on], dtype=np.int64))
    return np.asarray(np.searchsorted(dates, after, side="right") > np.searchsorted(dates, before, side="right"))


def _is_like_split(ratio: Floats) -> Bools:
    wanted = 1.0 / np.array(_RATIOS)
    return np.asarray((np.abs(ratio[:, None] / wanted[None, :] - 1.0) < _LIKE_A_SPLIT).any(axis=1))


def _split(bars: Bars, places: Ints, *, may_be_real: Bools) -> _Moves:
    """Return the places as errors, but those that may be real and were traded in far more than the volume around as remarks."""
    if not len(places):
        return _Moves(errors=places, remarks=places)
    is_heavy = np.array([_is_heavy(bars.volume, place) for place in places.tolist()], dtype=np.bool_) & may_be_real
    return _Moves(errors=places[~is_heavy], remarks=places[is_heavy])


def _is_heavy(volume: Floats, place: int) -> bool:
    around = volume[max(0, place - _NEARBY) : place]
    known = around[np.isfinite(around)]
    if not len(known) or not np.isfinite(volume[place]):
        return False
    return bool(volume[place] >= _HEAVY * max(float(np.median(known)), 1.0))


def _zero_volume(bars: Bars, counts: Bools) -> Finding:
    # A series without a single trade is one that has no volumes, as an index.
    has_volumes = bool((bars.volume > 0).any())
    places = np.flatnonzero((bars.volume == 0) & counts & has_volumes)

    def describe(i: int) -> Issue:
        return Issue(kind=IssueKind.ZERO_VOLUME, ts=int(bars.ts[i]), value=0.0, text="nothing traded in this bar")

    return found_at(places, len(bars), IssueKind.ZERO_VOLUME, describe)


def _spike_issue(bars: Bars, i: int) -> Issue:
    before = float(bars.close[i - 1]) if i else float(bars.open[i])
    text = f"open {bars.open[i]:g} high {bars.high[i]:g} low {bars.low[i]:g} close {bars.close[i]:g} beside a close of {before:g} before"
    return Issue(kind=IssueKind.OUTLIERS, ts=int(bars.ts[i]), value=float(bars.close[i]), text=text)


def _jump_issue(bars: Bars, i: int, basis: PriceBasis, actions: Collection[DatedAction]) -> Issue:
    ratio = float(bars.open[i] / bars.close[i - 1])
    on = _EPOCH + timedelta(days=int((bars.ts[i] + _IST_MICROS) // _DAY_MICROS))
    text = f"opened at {ratio:.4f} of the last close, {bars.close[i - 1]:g} to {bars.open[i]:g}"
    named = _action_near(on, actions) if basis is PriceBasis.ADJUSTED else None
    if named is not None:
        text += f"; the {named.kind} of {named.ex_date} seems not to be in these adjusted prices"
    return Issue(kind=IssueKind.JUMPS, ts=int(bars.ts[i]), value=ratio, text=text)


def _action_near(on: date, actions: Collection[DatedAction]) -> DatedAction | None:
    return next((action for action in actions if abs((action.ex_date - on).days) <= _MOST_DAYS_APART), None)


def _move_issue(bars: Bars, i: int) -> Issue:
    before = float(bars.close[i - 1]) if i else float(bars.open[i])
    n_days = int(np.diff((bars.ts[i - 1 : i + 1] + _IST_MICROS) // _DAY_MICROS)[0]) if i else 0
    judged = f"{n_days} days after the bar before" if n_days > _most_apart(bars.interval) else "taken as real"
    text = f"from {before:g} to {bars.close[i]:g}, low {bars.low[i]:g}, high {bars.high[i]:g}: {judged}"
    return Issue(kind=IssueKind.LARGE_MOVES, ts=int(bars.ts[i]), value=float(bars.close[i] / before), text=text)
