"""Corporate actions that a run's raw prices betray, and that nobody has confirmed or rejected yet: named, with the cure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from qts.app.run_document import SuspectedPart
from qts.app.run_series import OpenedSeries
from qts.app.workspace import Workspace
from qts.core.instrument import Exchange, exchange_of
from qts.data.actions import ActionRecord, days_of, unsettled

# Contracts and indices have no corporate actions.
_OF_SHARES: Final = frozenset({Exchange.NSE, Exchange.BSE, Exchange.SIM})
_MOST_SHOWN: Final = 3


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


def _part(record: ActionRecord) -> SuspectedPart:
    action = record.action
    return SuspectedPart(
        id=action.id, instrument=action.instrument, ex_date=action.ex_date, kind=action.kind.value, factor=action.price_factor()
    )
