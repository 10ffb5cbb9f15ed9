"""Which corporate actions do raw prices betray? Overnight jumps that are too large, too round and too calm to be news.

A jump says when and how much, not what: a bonus of one for one and a split of 2 rupees into 1 look alike, and a part split off looks
like neither. So what is found here is suspected and told of, and nothing is done with it before a person has confirmed it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import numpy as np

from qts.core import Bars, Bools, Floats, InstrumentId, Interval, Ints, session_date_of
from qts.core.corporate_action import ActionKind
from qts.data.actions.ratios import decimal_of, nearest_ratio
from qts.data.actions.records import DETECTED, ActionRecord, ActionState, StatedAction

JUMP_SOURCE: Final = DETECTED + "overnight jump"

# An overnight change beyond these is suspected whatever its size; within them only one that is near a common ratio and calm.
_LARGE_DROP: Final = math.log(0.72)
_LARGE_RISE: Final = math.log(1.7)
# The smallest drop looked at: bonuses of one for ten, less what a day's news may add.
_SMALL_DROP: Final = math.log(0.925)
# How far a jump may be from a common ratio, as a part of its size, and at most: the ex day's own news comes on top of the action.
_FIT: Final = 0.12
_WORST_FIT: Final = 0.06
# A first day whose range is more than this part of the jump is news, not arithmetic; a large one is a price being found.
_CALM: Final = 0.35
_WILD: Final = 0.18
# Shares change hands more often on news: more than this many times the usual volume, and for the smallest bonuses.
_EXCITED: Final = 8.0
_EXCITED_AT_TEN: Final = 3.0
_SMALLEST_SIZE: Final = 0.13
# A jump that is won back or doubled within a week was none; as a part of its size.
_KEPT: Final = 0.35
_DAYS_KEPT: Final = 5
_DAYS_BEFORE: Final = 20
# A close further back than so many days says little of the open after it: months without bars are no night, nor the market's own move.
_MOST_DAYS_APART: Final = 7
_FAR_CONFIDENCE: Final = 0.25
# The market's own median move overnight, above which small jumps are everybody's.
_MARKET_MOVED: Final = 0.02
_LEAST_PEERS: Final = 5
# How far an opening may be from the last close less the dividend.
_PAID_OUT: Final = 0.03
# What prices alone can say of an action: not what it was.
_MOST_SURE: Final = 0.95
# Below this many rupees a jump may be a step or two of the tick.
_TICKS: Final = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class _Jump:
    """An overnight jump and what surrounds it. Sizes are natural logarithms, ``size`` without the market's own move."""

    i_bar: int
    size: float
    market: float | None
    common: Decimal
    misfit: float
    day_range: float
    volume_times: float | None
    drift: float | None
    n_days: int


def market_moves(series: Iterable[Bars]) -> dict[int, float]:
    """Return the median overnight move of these daily series by day since 1970, as a natural logarithm.

    Days on which fewer than five of them traded have none. A series whose last close lies more than a week back has no part in it.
    """
    parts = [(_days(bars.ts[1:])[near], _overnight(bars)[near]) for bars in series if (near := _is_near(bars)).any()]
    if not parts:
        return {}
    days, moves = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    order = np.argsort(days, kind="stable")
    days, moves = days[order], moves[order]
    first = np.flatnonzero(np.concatenate(([True], days[1:] != days[:-1])))
    groups = zip(days[first].tolist(), np.split(moves, first[1:]), strict=True)
    return {day: float(np.median(found)) for day, found in groups if len(found) >= _LEAST_PEERS}


def days_of(bars: Bars) -> Bars:
    """Return bars of minutes put together to one for each date in India; bars of days and more as they are.

    Only what a jump overnight and its first day are told by is made: there is no gap between the dates of a share, whatever its hours.
    """
    if not bars.interval.is_intraday or not len(bars):
        return bars
    days = _days(bars.ts)
    first = np.flatnonzero(np.concatenate(([True], days[1:] != days[:-1])))
    last = np.append(first[1:], len(bars)) - 1
    return Bars(
        instrument=bars.instrument,
        interval=Interval.DAY,
        ts=bars.ts[first],
        open=bars.open[first],
        high=np.fmax.reduceat(bars.high, first),
        low=np.fmin.reduceat(bars.low, first),
        close=bars.close[last],
        volume=np.add.reduceat(bars.volume, first),
        oi=bars.oi[last],
    )


def suspect_jumps(bars: Bars, *, market: Mapping[int, float] | None = None) -> tuple[ActionRecord, ...]:
    """Return what may have been corporate actions in a raw daily series, oldest first.

    A jump from one close to the next open is suspected if it stays, and either is larger than news makes it (a drop by 28 %, a rise by
    70 %), or is near a common ratio (a bonus of one for three, say), on a day that is calm in range and volume and on which the whole
    market did not jump. Over more than a week without bars only a large one is, with little confidence: it may have come bit by bit.

    Parameters
    ----------
    bars : Bars
        Of days, prices as traded.
    market : mapping of int to float, optional
        What :func:`market_moves` returned; without it a jump of everybody's cannot be told, and confidence is lower.
    """
    if len(bars) < 2:
        return ()
    moves = _overnight(bars)
    near = _is_near(bars)
    common = np.array([(market or {}).get(day, 0.0) for day in _days(bars.ts[1:]).tolist()])
    sizes = moves - np.where(near, common, 0.0)
    steps = np.abs(bars.open[1:] - bars.close[:-1])
    candidates = np.flatnonzero(((sizes < np.where(near, _SMALL_DROP, _LARGE_DROP)) | (sizes > _LARGE_RISE)) & (steps > _TICKS)) + 1
    jumps = (_jump(bars, int(i), float(sizes[i - 1]), market) for i in candidates.tolist())
    return tuple(_record(bars, jump) for jump in jumps if _is_suspect(jump))


def without_paid_out(found: Sequence[ActionRecord], records: Sequence[ActionRecord]) -> tuple[ActionRecord, ...]:
    """Return what was found in prices without the drops that a confirmed dividend of the day explains, as a very large one does."""
    paid = {
        (record.action.instrument, record.action.ex_date): float(record.action.cash)
        for record in records
        if record.action.kind is ActionKind.DIVIDEND and record.state is ActionState.CONFIRMED
    }
    return tuple(one for one in found if not _is_paid_out(one, paid.get((one.action.instrument, one.action.ex_date), 0.0)))


def _is_paid_out(found: ActionRecord, cash: float) -> bool:
    close, opened = found.evidence.get("close_before"), found.evidence.get("open")
    if not isinstance(close, float) or not isinstance(opened, float) or not 0.0 < cash < close:
        return False
    return abs(math.log(opened / (close - cash))) < _PAID_OUT


def unsettled(days: Bars, records: Sequence[ActionRecord]) -> tuple[ActionRecord, ...]:
    """Return what is noted as suspected within daily raw bars, and the jumps in them that nothing noted explains, oldest first.

    Parameters
    ----------
    days : Bars
        Of days, prices as traded.
    records : sequence of ActionRecord
        All that is known of the instrument's actions, in whatever state.
    """
    if not len(days):
        return ()
    first, last = session_date_of(int(days.ts[0])), session_date_of(int(days.ts[-1]))
    noted = [record for record in records if record.state is ActionState.SUSPECTED and first < record.action.ex_date <= last]
    explaining = [record.action.ex_date for record in records if record.action.changes_shares]
    dates = [session_date_of(int(ts)) for ts in days.ts.tolist()] if explaining else []
    before = dict(zip(dates[1:], dates[:-1], strict=True))
    seen = [
        record
        for record in without_paid_out(suspect_jumps(days), records)
        # An action on a day without bars shows on the first bar after it.
        if not any(before[record.action.ex_date] < on <= record.action.ex_date for on in explaining)
    ]
    return tuple(sorted([*noted, *seen], key=lambda record: record.action.ex_date))


def _jump(bars: Bars, i_bar: int, size: float, market: Mapping[int, float] | None) -> _Jump:
    ratio, misfit = nearest_ratio(math.exp(size))
    later = bars.close[i_bar : i_bar + _DAYS_KEPT + 1]
    before, on = _days(bars.ts[i_bar - 1 : i_bar + 1]).tolist()
    is_far = on - before > _MOST_DAYS_APART
    return _Jump(
        i_bar=i_bar,
        size=size,
        market=None if market is None or is_far else market.get(on),
        common=decimal_of(ratio),
        misfit=misfit,
        day_range=math.log(bars.high[i_bar] / bars.low[i_bar]),
        volume_times=_volume_times(bars, i_bar),
        # The median, so that a single wild close decides nothing.
        drift=math.log(float(np.median(later)) / bars.open[i_bar]),
        n_days=on - before,
    )


def _volume_times(bars: Bars, i_bar: int) -> float | None:
    before = bars.volume[max(0, i_bar - _DAYS_BEFORE) : i_bar]
    before = before[~np.isnan(before)]
    usual = float(np.median(before)) if len(before) else 0.0
    times = float(bars.volume[i_bar]) / usual if usual > 0 else math.nan
    return None if math.isnan(times) else times


def _fits(jump: _Jump) -> bool:
    return jump.misfit <= min(_WORST_FIT, _FIT * abs(jump.size))


def _is_suspect(jump: _Jump) -> bool:
    if jump.drift is not None and jump.size * jump.drift < 0 and abs(jump.drift) > _KEPT * abs(jump.size):
        return False
    if jump.size < _LARGE_DROP or jump.size > _LARGE_RISE:
        return True
    return _fits(jump) and _is_calm(jump)


def _is_calm(jump: _Jump) -> bool:
    if jump.market is not None and abs(jump.market) > _MARKET_MOVED:
        return False
    # A day without a range is one on which the price was locked at its limit: news.
    if not 0.0 < jump.day_range <= _CALM * abs(jump.size):
        return False
    most = _EXCITED_AT_TEN if abs(jump.size) < _SMALLEST_SIZE else _EXCITED
    return jump.volume_times is None or jump.volume_times < most


def _record(bars: Bars, jump: _Jump) -> ActionRecord:
    is_wild = jump.day_range > _WILD and jump.size < 0
    kind = ActionKind.SPLIT if _fits(jump) and not is_wild else ActionKind.DEMERGER
    if jump.size > 0:
        kind = ActionKind.SPLIT
    is_common = _fits(jump)
    factor = math.exp(jump.size)
    ratio = jump.common if is_common else Decimal(str(round(1.0 / factor, 4)))
    i = jump.i_bar
    action = StatedAction(
        instrument=InstrumentId(bars.instrument),
        ex_date=session_date_of(int(bars.ts[i])),
        kind=kind,
        ratio=ratio if kind is ActionKind.SPLIT else Decimal(1),
        factor=None if kind is ActionKind.SPLIT else Decimal(str(round(factor, 4))),
    )
    return ActionRecord(
        action=action,
        state=ActionState.SUSPECTED,
        source=JUMP_SOURCE,
        evidence=_evidence(bars, jump),
        confidence=_confidence(jump, fits=kind is ActionKind.SPLIT and is_common),
    )


def _evidence(bars: Bars, jump: _Jump) -> dict[str, float | str]:
    found: dict[str, float | str] = {
        "close_before": float(bars.close[jump.i_bar - 1]),
        "open": float(bars.open[jump.i_bar]),
        "open_to_close_before": round(float(bars.open[jump.i_bar] / bars.close[jump.i_bar - 1]), 4),
        "nearest_factor": round(float(1 / jump.common), 4),
        "day_range": round(math.exp(jump.day_range) - 1, 4),
    }
    if jump.market is not None:
        found["market_overnight"] = round(math.exp(jump.market) - 1, 4)
    if jump.volume_times is not None:
        found["volume_times_usual"] = round(jump.volume_times, 2)
    if jump.drift is not None:
        found["week_after_open"] = round(math.exp(jump.drift) - 1, 4)
    if jump.n_days > _MOST_DAYS_APART:
        found["days_since_close_before"] = jump.n_days
    return found


def _confidence(jump: _Jump, *, fits: bool) -> float:
    """Return how much speaks for it, 0 to 1: a count of evidence, not a probability."""
    points = 0.25
    if fits:
        points += 0.3 * (1.0 - jump.misfit / _WORST_FIT)
        points += 0.1 if abs(jump.size) > abs(_LARGE_DROP) / 2 else 0.0
    points += 0.1 if jump.market is not None and abs(jump.market) < _MARKET_MOVED else 0.0
    points += 0.1 if jump.drift is not None and abs(jump.drift) < _KEPT * abs(jump.size) else 0.0
    if jump.volume_times is not None:
        grown = jump.volume_times * math.exp(jump.size)  # in the shares of before
        points += 0.15 if jump.volume_times > 1.0 and grown < _EXCITED_AT_TEN else 0.0
    return round(min(points, _MOST_SURE if jump.n_days <= _MOST_DAYS_APART else _FAR_CONFIDENCE), 2)


def _overnight(bars: Bars) -> Floats:
    moves: Floats = np.log(bars.open[1:] / bars.close[:-1])
    return moves


def _is_near(bars: Bars) -> Bools:
    """Return which bars but the first follow the one before within a week, shape ``(n_bars - 1,)``."""
    near: Bools = np.diff(_days(bars.ts)) <= _MOST_DAYS_APART
    return near


def _days(ts: Ints) -> Ints:
    days: Ints = (ts + 19_800_000_000) // 86_400_000_000
    return days
