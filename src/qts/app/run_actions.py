"""Which corporate actions a run on prices as traded is played with: the confirmed ones, or those of the run that is repeated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import numpy as np

from qts.app.run_document import ActionPart, RunDocument
from qts.app.run_identity import canonical_json, text_hash
from qts.app.workspace import Workspace
from qts.backtest import ActionEffect
from qts.core.bars import Bars
from qts.core.clock import session_date_of
from qts.core.corporate_action import ActionKind, CorporateAction
from qts.core.instrument import InstrumentId
from qts.data.actions import ActionState, last_closes
from qts.data.storage import PriceBasis, SeriesInfo

_EMPTY: Final = ""


def confirmed_actions(
    workspace: Workspace, series: Sequence[SeriesInfo], bars: Sequence[Bars], *, known_at: datetime | None = None
) -> tuple[CorporateAction, ...]:
    """Return the confirmed actions that fall between the bars of a run, by instrument and date; none where prices are adjusted.

    Rights and parts split off are taken as money, by the last close before them.

    Parameters
    ----------
    workspace : Workspace
        Holds the actions.
    series : sequence of SeriesInfo
        What the bars are of, one for each.
    bars : sequence of Bars
        What orders fill on, as traded or adjusted.
    known_at : datetime, optional
        What was known at this instant, aware; the present by default.
    """
    found: list[CorporateAction] = []
    for info, held in zip(series, bars, strict=True):
        if info.key.basis is not PriceBasis.RAW:
            continue
        first, last = (session_date_of(int(held.ts[at])) for at in (0, -1))
        records = workspace.actions.read(instruments=[held.instrument], states=[ActionState.CONFIRMED], known_at=known_at)
        stated = [record.action for record in records if first < record.action.ex_date <= last]
        closes = last_closes(_priced(held), [action.ex_date for action in stated])
        found += [action.held(closes[action.ex_date]) for action in stated if action.ex_date in closes]
    return tuple(found)


def actions_hash(actions: Sequence[CorporateAction]) -> str:
    """Return what actions add to a run's identity: nothing where there are none."""
    return text_hash(canonical_json([part.model_dump(mode="json") for part in action_parts(actions)])) if actions else _EMPTY


def action_parts(actions: Sequence[CorporateAction], effects: Sequence[ActionEffect] = ()) -> tuple[ActionPart, ...]:
    """Return the actions of a run as a part of its document, with what they did to its positions."""
    by_action = {effect.action: effect for effect in effects}
    return tuple(_part(action, by_action.get(action)) for action in actions)


def stored_actions(document: RunDocument) -> tuple[CorporateAction, ...]:
    """Return the actions that a stored run was played with."""
    return tuple(
        CorporateAction(
            instrument=InstrumentId(part.instrument),
            ex_date=part.ex_date,
            kind=ActionKind(part.kind),
            ratio=Decimal(part.ratio),
            cash=Decimal(part.cash),
        )
        for part in document.actions
    )


def _part(action: CorporateAction, effect: ActionEffect | None) -> ActionPart:
    return ActionPart(
        instrument=action.instrument,
        ex_date=action.ex_date,
        kind=action.kind.value,
        ratio=format(action.ratio.normalize(), "f"),
        cash=format(action.cash.normalize(), "f"),
        quantity_before=None if effect is None else float(effect.quantity_before),
        quantity_after=None if effect is None else float(effect.quantity_after),
        in_lieu=None if effect is None else float(effect.in_lieu),
        paid=None if effect is None else float(effect.paid),
    )


def _priced(bars: Bars) -> Bars:
    """Return the bars that have a close."""
    kept = ~np.isnan(bars.close)
    columns: dict[str, Any] = {name: getattr(bars, name)[kept] for name in ("ts", "open", "high", "low", "close", "volume", "oi")}
    return bars if kept.all() else replace(bars, **columns)
