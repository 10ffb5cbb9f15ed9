"""Bars that are not stored as asked for, made of those that are: raw prices adjusted for confirmed actions, longer bars of shorter ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final

import numpy as np

from qts.app.requests import BarsRequest
from qts.app.workspace import Workspace
from qts.core.bars import Bars
from qts.core.clock import IST, micros_of, session_date_of
from qts.core.errors import EmptySpan
from qts.core.instrument import InstrumentId
from qts.core.interval import Interval
from qts.data.actions import ActionState, StatedAction, Step, back_adjust, closes_needed, days_of, steps_of, unsettled
from qts.data.storage import PriceBasis, SeriesInfo, SeriesKey
from qts.market.resampling import resample

_SHOWN_ACTIONS: Final = 3
# A share rarely rests longer than this; the last close before an action is looked for here first.
_NEAR: Final = timedelta(days=45)


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjustment:
    """Which confirmed actions make a view of raw prices, as of which day: later ones are left out."""

    actions: tuple[StatedAction, ...]
    steps: tuple[Step, ...]
    as_of: date

    def applied_to(self, bars: Bars) -> Bars:
        """Return the view."""
        return back_adjust(bars, self.steps)

    def text(self, unsettled_ids: Sequence[str]) -> str:
        """Return what the view is made of, and what it still shows that nobody has settled, as words."""
        if self.actions:
            made = f"adjusted for {_named([action.id for action in self.actions])}, as of {self.as_of}"
        else:
            made = f"as traded: no corporate action is confirmed up to {self.as_of}"
        if unsettled_ids:
            return f"{made}; not adjusted for what is suspected and not settled: {_named(unsettled_ids)}"
        return made if self.actions else f"{made}, and none is suspected"


@dataclass(frozen=True, slots=True, kw_only=True)
class DerivedBars:
    """Bars made of a stored series. ``basis`` is what their prices mean, ``text`` how they were made."""

    bars: Bars
    info: SeriesInfo
    basis: PriceBasis
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How to make what was asked for: which series to read, and whether its prices are to be adjusted."""

    info: SeriesInfo
    adjustment: Adjustment | None


def adjust_raw(
    workspace: Workspace, raw: SeriesKey, *, up_to: date, snapshot: str | None = None, total_return: bool = False
) -> Adjustment | None:
    """Return how a raw series is adjusted for what is confirmed, or None where nobody knows what to adjust it for.

    Where actions are confirmed for others, an instrument that has none and whose prices betray none needs no adjusting. Where none is
    confirmed at all, nobody keeps a list, and nothing can be said.

    Parameters
    ----------
    workspace : Workspace
        Where the actions and the closes before them are kept.
    raw : SeriesKey
        The series.
    up_to : date
        Actions with a later ex date are left out, so that prices are those that were seen on this day.
    snapshot : str, optional
        A past state of the store: what was known of actions when it was replaced. The present one by default.
    total_return : bool
        Whether dividends count as if they were put back into the share.
    """
    known_at = known_until(workspace, snapshot)
    records = workspace.actions.read(instruments=[raw.instrument], known_at=known_at)
    confirmed = [record.action for record in records if record.state is ActionState.CONFIRMED]
    if not any(action.changes_shares for action in confirmed):
        days = days_of(workspace.store.read(raw, as_of=snapshot))
        if not workspace.actions.is_kept(known_at=known_at) or unsettled(days, records):
            return None
    actions = [action for action in confirmed if action.ex_date <= up_to and (total_return or action.changes_shares)]
    closes = last_closes_before(workspace, raw, closes_needed(actions, total_return=total_return), snapshot=snapshot)
    return Adjustment(actions=tuple(actions), steps=steps_of(actions, closes, total_return=total_return), as_of=up_to)


def known_until(workspace: Workspace, snapshot: str | None) -> datetime | None:
    """Return the last instant at which a snapshot was the present state of the store, or None where it still is."""
    if snapshot is None or snapshot == workspace.store.snapshot():
        return None
    # The bars themselves say it where no snapshot has this id.
    return next((one.replaced_at for one in workspace.store.snapshots() if one.id == snapshot), None)


def last_closes_before(
    workspace: Workspace, raw: SeriesKey, ex_dates: tuple[date, ...], *, snapshot: str | None = None
) -> dict[date, float]:
    """Return the last close as traded before each of these days, of daily bars where they are held; days without any are left out."""
    daily = SeriesKey(instrument=raw.instrument, interval=Interval.DAY, basis=PriceBasis.RAW)
    key = daily if ex_dates and daily in {info.key for info in workspace.store.series(as_of=snapshot)} else raw
    found = {}
    for on in ex_dates:
        end = datetime.combine(on, time(), tzinfo=IST)
        for start in (end - _NEAR, None):
            try:
                found[on] = float(workspace.store.read(key, start=start, end=end, as_of=snapshot).close[-1])
            except EmptySpan:
                continue
            break
    return found


def find_recipe(workspace: Workspace, request: BarsRequest) -> Recipe | None:
    """Return how the bars of a request can be made of what is stored, or None.

    Stored adjusted prices come before raw ones that we adjust, and longer bars before shorter ones to make longer ones of.
    """
    instrument = InstrumentId(request.instrument)
    held = {info.key: info for info in workspace.store.series(as_of=request.as_of) if info.key.instrument == instrument}
    for basis, is_adjusted in (_RAW_ADJUSTED,) if request.adjusted_to is not None else _BASES[request.prices]:
        for interval in _sources(request.interval):
            info = held.get(SeriesKey(instrument=instrument, interval=interval, basis=basis))
            if info is None:
                continue
            if not is_adjusted:
                return Recipe(info=info, adjustment=None)
            adjustment = adjust_raw(
                workspace,
                info.key,
                up_to=request.adjusted_to or _today(workspace, request.as_of),
                snapshot=request.as_of,
                total_return=request.prices == "total-return",
            )
            if adjustment is not None:
                return Recipe(info=info, adjustment=adjustment)
    return None


def derive_bars(workspace: Workspace, request: BarsRequest, recipe: Recipe) -> DerivedBars:
    """Return the bars of a request, made by a recipe.

    Raises
    ------
    EmptySpan
        If the series has no bars in the span.
    """
    key = recipe.info.key
    start, end = _whole_windows(request)
    bars = workspace.store.read(key, start=_instant(start), end=_instant(end), as_of=request.as_of)
    texts = []
    if recipe.adjustment is not None:
        records = workspace.actions.read(instruments=[key.instrument], known_at=known_until(workspace, request.as_of))
        left = [record.action.id for record in unsettled(days_of(bars), records)]
        bars = recipe.adjustment.applied_to(bars)
        texts.append(f"{key.basis} prices {recipe.adjustment.text(left)}")
    if key.interval is not request.interval:
        bars = _within(resample(bars, request.interval).bars, request)
        texts.append(f"{request.interval} bars made of {key.interval} ones")
        if recipe.adjustment is None:
            texts += _mixed(workspace, request, key, bars)
    if not len(bars):
        raise EmptySpan(request.instrument, request.interval.value, start=request.start, end=request.end, stored=None)
    basis = key.basis if recipe.adjustment is None else PriceBasis.ADJUSTED
    return DerivedBars(bars=bars, info=recipe.info, basis=basis, text="; ".join(texts))


def _named(ids: Sequence[str]) -> str:
    more = len(ids) - _SHOWN_ACTIONS
    return ", ".join(ids[:_SHOWN_ACTIONS]) + (f" and {more} more" if more > 0 else "")


def share_of_source(interval: Interval, source: Interval) -> float:
    """Return about how many bars of the interval one bar of the source makes, at most 1."""
    return min(1.0, _MINUTES_OF[source] / _MINUTES_OF[interval])


_RAW: Final = (PriceBasis.RAW, False)
_ADJUSTED: Final = (PriceBasis.ADJUSTED, False)
_RAW_ADJUSTED: Final = (PriceBasis.RAW, True)
# Which series serve a price basis that was asked for, the best first, and whether their prices are still to be adjusted.
_BASES: Final = {
    "auto": (_ADJUSTED, _RAW),
    "raw": (_RAW,),
    "adjusted": (_ADJUSTED, _RAW_ADJUSTED),
    "total-return": (_RAW_ADJUSTED,),
}
_SESSION_MINUTES: Final = 375
_MINUTES_OF: Final = {interval: interval.minutes or _SESSION_MINUTES for interval in Interval} | {
    Interval.WEEK: 5 * _SESSION_MINUTES,
    Interval.MONTH: 21 * _SESSION_MINUTES,
}


def _sources(interval: Interval) -> Iterator[Interval]:
    """Yield the intervals whose bars make up those of this one, itself first, then the longest."""
    yield interval
    order = list(Interval)
    for source in reversed(order[: order.index(interval)]):
        # Weeks are not made of months, nor months of weeks, which reach over their ends.
        if source in {Interval.WEEK, Interval.MONTH}:
            continue
        if interval.minutes is None or (source.minutes is not None and interval.minutes % source.minutes == 0):
            yield source


def _mixed(workspace: Workspace, request: BarsRequest, key: SeriesKey, bars: Bars) -> list[str]:
    """Tell which longer bars of raw prices hold prices of before and after an action."""
    if key.basis is not PriceBasis.RAW or request.interval not in {Interval.WEEK, Interval.MONTH}:
        return []
    records = workspace.actions.read(
        instruments=[key.instrument], states=[ActionState.CONFIRMED], known_at=known_until(workspace, request.as_of)
    )
    found = []
    for action in (record.action for record in records if record.action.changes_shares):
        at = int(np.searchsorted(bars.ts, micros_of(datetime.combine(action.ex_date, time(), tzinfo=IST))))
        # The bar before this one began earlier and may reach over the ex date.
        if 0 < at <= len(bars) and _same_window(session_date_of(int(bars.ts[at - 1])), action.ex_date, request.interval):
            found.append(f"prices of before and after {action.id} are mixed in the bar of {session_date_of(int(bars.ts[at - 1]))}")
    return found


def _same_window(one: date, other: date, interval: Interval) -> bool:
    if interval is Interval.WEEK:
        return one.isocalendar()[:2] == other.isocalendar()[:2]
    return (one.year, one.month) == (other.year, other.month)


def _today(workspace: Workspace, snapshot: str | None) -> date:
    return (known_until(workspace, snapshot) or workspace.clock.now()).astimezone(IST).date()


def _whole_windows(request: BarsRequest) -> tuple[date | None, date | None]:
    """Return the dates to read, the end left out, so that no week or month is cut."""
    start, end = request.start, None if request.end == date.max else request.end
    if request.interval is Interval.WEEK:
        start = None if start is None else start - timedelta(days=start.weekday())
        end = None if end is None else end + timedelta(days=6 - end.weekday())
    if request.interval is Interval.MONTH:
        start = None if start is None else start.replace(day=1)
        end = None if end is None else (end.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
    return start, None if end is None else end + timedelta(days=1)


def _within(bars: Bars, request: BarsRequest) -> Bars:
    """Return the bars that open on the dates asked for."""
    end = None if request.end is None or request.end == date.max else request.end + timedelta(days=1)
    first, last = _instant(request.start), _instant(end)
    i_first = 0 if first is None else int(np.searchsorted(bars.ts, micros_of(first)))
    i_last = len(bars) if last is None else int(np.searchsorted(bars.ts, micros_of(last)))
    return bars.window(i_first, max(i_first, i_last))


def _instant(on: date | None) -> datetime | None:
    return None if on is None else datetime.combine(on, time(), tzinfo=IST)
