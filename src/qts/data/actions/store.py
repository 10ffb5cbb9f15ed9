"""What anything that keeps corporate actions promises, and what recording some of them changes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from qts.core.corporate_action import ActionKind
from qts.core.instrument import InstrumentId
from qts.data.actions.records import ActionRecord, ActionState

_Day = tuple[InstrumentId, date]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordReport:
    """What recording did: how many records are new, how many replaced one, how many were there already, how many were ended besides."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    ended: int = 0


class ActionStore(Protocol):
    """A keeper of corporate actions. Nothing is deleted: a record that no longer holds is ended, and can be read as of before."""

    def record(self, records: Sequence[ActionRecord], *, at: datetime) -> RecordReport:
        """Keep records from this instant on, all or none; see :func:`plan_recording` for what each changes.

        Raises
        ------
        BadParameter
            If the instant has no zone.
        """
        ...

    def read(
        self,
        *,
        instruments: Collection[InstrumentId] | None = None,
        states: Collection[ActionState] | None = None,
        known_at: datetime | None = None,
    ) -> tuple[ActionRecord, ...]:
        """Return the records that hold, or held at an instant, by instrument, ex date and kind.

        Parameters
        ----------
        instruments : collection of InstrumentId, optional
            Only of these.
        states : collection of ActionState, optional
            Only in these states.
        known_at : datetime, optional
            What was known at this instant, aware; the present by default.
        """
        ...

    def is_kept(self, *, known_at: datetime | None = None) -> bool:
        """Return whether any action is confirmed, of whatever instrument: whether somebody keeps a list here."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """What to write: records to add, and the ids of those that end."""

    added: tuple[ActionRecord, ...]
    ended: tuple[str, ...]
    report: RecordReport


def plan_recording(live: Iterable[ActionRecord], given: Sequence[ActionRecord]) -> Recording:
    """Return what recording changes, given the records that hold of the same instruments.

    - A record that says the same as the one that holds changes nothing.
    - What is suspected never replaces what somebody confirmed or rejected, nor stands beside an action that is confirmed for the same
      day and explains the jump.
    - What is stated or confirmed ends what was found in prices for the same day under another kind, for that was a guess at the same
      action, and ends a split of the same ratio where another source says bonus: otherwise a jump would be counted twice.
    - Otherwise a record replaces the one of its id.
    """
    held = {record.action.id: record for record in live}
    before = dict(held)
    # By day: what a record says concerns its own day alone, and lists of actions are long.
    days: dict[_Day, dict[str, ActionRecord]] = {}
    for record in held.values():
        days.setdefault(_day_of(record), {})[record.action.id] = record
    counts = {"new": 0, "changed": 0, "unchanged": 0}
    for record in given:
        day = days.setdefault(_day_of(record), {})
        outcome = _outcome(day, record)
        counts[outcome] += 1
        if outcome != "unchanged":
            for other in _guesses_at(day, record):
                del held[other], day[other]
            held[record.action.id] = day[record.action.id] = record
    added = tuple(record for name, record in held.items() if before.get(name) is not record)
    ended = tuple(name for name, record in before.items() if held.get(name) is not record)
    replaced = {record.action.id for record in added}
    return Recording(added=added, ended=ended, report=RecordReport(**counts, ended=sum(name not in replaced for name in ended)))


def _day_of(record: ActionRecord) -> _Day:
    return record.action.instrument, record.action.ex_date


def _outcome(day: Mapping[str, ActionRecord], record: ActionRecord) -> str:
    present = day.get(record.action.id)
    if present is not None and present.says_the_same(record):
        return "unchanged"
    if record.state is ActionState.SUSPECTED and _is_settled(day, record):
        return "unchanged"
    return "new" if present is None else "changed"


def _is_settled(day: Mapping[str, ActionRecord], record: ActionRecord) -> bool:
    return any(
        other.state is not ActionState.SUSPECTED and (other.action.changes_shares or other.action.id == record.action.id)
        for other in day.values()
    )


def _guesses_at(day: Mapping[str, ActionRecord], record: ActionRecord) -> list[str]:
    """Return the ids of what a record says better: guesses at its day, and the same action under another name."""
    if record.state is ActionState.REJECTED or not record.action.changes_shares:
        return []
    return [
        name
        for name, other in day.items()
        if name != record.action.id
        and other.state is not ActionState.REJECTED
        and (other.state is ActionState.SUSPECTED or other.is_detected or _is_the_same_by_another(other, record))
    ]


def _is_the_same_by_another(other: ActionRecord, record: ActionRecord) -> bool:
    """Return whether two who state an action mean the same one and call it a split here and a bonus there."""
    kinds = {other.action.kind, record.action.kind}
    return kinds == {ActionKind.SPLIT, ActionKind.BONUS} and other.action.ratio == record.action.ratio and other.source != record.source
