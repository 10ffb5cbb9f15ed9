"""Corporate actions that a run's raw prices betray and nobody has settled, and confirmed ones that they contradict."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from qts.app.run_document import SuspectedPart
from qts.app.run_series import OpenedSeries
from qts.app.workspace import Workspace
from qts.core.bars import Bars
from qts.core.clock import session_date_of
from qts.core.corporate_action import CorporateAction
from qts.core.instrument import Exchange, exchange_of
from qts.data.actions import ActionRecord, Step, days_of, unsettled

# Contracts and indices have no corporate actions.
_OF_SHARES: Final = frozenset({Exchange.NSE, Exchange.BSE, Exchange.SIM})
_MOST_SHOWN: Final = 3
# The edge beyond which quality calls an opening a jump.
_LEAST: Final = 0.72


def suspicions_of(workspace: Workspace, opened: Sequence[OpenedSeries], *, known_at: datetime | None = None) -> tuple[SuspectedPart, ...]:
    """Return what is suspected in the raw prices of a run and not settled, by instrument and date: noted before, or seen in its bars.

    Parameters
    ----------
    workspace : Workspace
        Holds the actions.
    opened : sequence of OpenedSeries
        The series of the run.
    known_at : datetime, optional
        What was known at this instant, aware; the present by default.
    """
    found: list[SuspectedPart] = []
    for one in opened:
        if one.raw is None or exchange_of(one.raw.instrument) not in _OF_SHARES:
            continue
        records = workspace.actions.read(instruments=[one.raw.instrument], known_at=known_at)
        found += [_part(record) for record in unsettled(days_of(one.raw), records)]
    return tuple(found)


def suspicion_warnings(suspected: Sequence[SuspectedPart]) -> tuple[str, ...]:
    """Return sentences that name the actions and the cure."""
    found = [
        f"{part.instrument} on {part.ex_date} is suspected of a corporate action, perhaps a split or a bonus: prices change by a factor of "
        f"{part.factor:.4g} overnight, which raw prices show as a loss or a gain. `qts actions confirm '{part.id}'` takes it into the next "
        f"run; `qts actions reject '{part.id}'` says that it was none."
        for part in suspected[:_MOST_SHOWN]
    ]
    if len(suspected) > _MOST_SHOWN:
        found.append(f"{len(suspected) - _MOST_SHOWN} more are suspected: `qts actions suspected` lists them.")
    return tuple(found)


def contradiction_warnings(opened: Sequence[OpenedSeries], actions: Sequence[CorporateAction]) -> tuple[str, ...]:
    """Return a sentence for each day on which raw prices opened nowhere near what the confirmed actions of the run say.

    A wrong ratio or date is a loss or a gain that never was; a share that opens a quarter away from where its actions put it is rare.

    Parameters
    ----------
    opened : sequence of OpenedSeries
        The series of the run.
    actions : sequence of CorporateAction
        What positions on prices as traded follow; adjusted prices have their steps.
    """
    found: list[str] = []
    for one in opened:
        if one.raw is None or exchange_of(one.raw.instrument) not in _OF_SHARES:
            continue
        days = days_of(one.raw)
        for i_bar, factor in _stated(days, one.steps or actions).items():
            seen = float(days.open[i_bar] / days.close[i_bar - 1])
            if not _LEAST * factor < seen < factor / _LEAST:
                on = session_date_of(int(days.ts[i_bar]))
                found.append(
                    f"{days.instrument} on {on}: the price opened at {seen:.4g} of the last close, where its confirmed corporate action "
                    f"says {factor:.4g}. If its day or its ratio is wrong, so is this result: `qts actions list` shows it."
                )
    more = (f"{len(found) - _MOST_SHOWN} more confirmed corporate actions do not fit the prices.",) if len(found) > _MOST_SHOWN else ()
    return (*found[:_MOST_SHOWN], *more)


def _stated(days: Bars, actions: Sequence[CorporateAction | Step]) -> dict[int, float]:
    """Return by bar what its open over the close before it should be after all actions that take effect in it."""
    dates = [session_date_of(int(ts)) for ts in days.ts.tolist()] if actions else []
    found: dict[int, float] = {}
    for action in actions:
        i_bar = bisect_left(dates, action.ex_date)
        if not 0 < i_bar < len(dates) or (isinstance(action, CorporateAction) and action.instrument != days.instrument):
            continue
        found[i_bar] = found.get(i_bar, 1.0) * _factor(action, float(days.close[i_bar - 1]))
    return found


def _factor(action: CorporateAction | Step, close: float) -> float:
    if isinstance(action, Step):
        return action.factor
    return max(close - float(action.cash), 0.0) / close / float(action.ratio)


def _part(record: ActionRecord) -> SuspectedPart:
    action = record.action
    return SuspectedPart(
        id=action.id, instrument=action.instrument, ex_date=action.ex_date, kind=action.kind.value, factor=action.price_factor()
    )
