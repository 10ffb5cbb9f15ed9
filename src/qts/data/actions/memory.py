"""A keeper of corporate actions in memory: for tests, and for what is not to be kept."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime

from qts.core.instrument import InstrumentId
from qts.data.actions.records import ActionRecord, ActionState
from qts.data.actions.store import RecordReport, plan_recording
from qts.data.storage.lookup import require_aware


class MemoryActions:
    """An ``ActionStore`` that forgets everything when the process ends."""

    def __init__(self) -> None:
        self._records: list[ActionRecord] = []

    def record(self, records: Sequence[ActionRecord], *, at: datetime) -> RecordReport:
        """Keep records from this instant on."""
        require_aware("at", at)
        touched = {record.action.instrument for record in records}
        live = [record for record in self._records if record.ended_at is None and record.action.instrument in touched]
        recording = plan_recording(live, records)
        ended = set(recording.ended)
        self._records = [
            replace(record, ended_at=at) if record.ended_at is None and record.action.id in ended else record for record in self._records
        ]
        self._records += [replace(record, recorded_at=at, ended_at=None) for record in recording.added]
        return recording.report

    def read(
        self,
        *,
        instruments: Collection[InstrumentId] | None = None,
        states: Collection[ActionState] | None = None,
        known_at: datetime | None = None,
    ) -> tuple[ActionRecord, ...]:
        """Return the records that hold, or held at an instant."""
        if known_at is not None:
            require_aware("known_at", known_at)
        found = [
            record
            for record in self._records
            if _holds(record, known_at)
            and (instruments is None or record.action.instrument in instruments)
            and (states is None or record.state in states)
        ]
        return tuple(sorted(found, key=lambda record: (record.action.instrument, record.action.ex_date, record.action.kind)))

    def is_kept(self, *, known_at: datetime | None = None) -> bool:
        """Return whether any action is confirmed."""
        return bool(self.read(states=[ActionState.CONFIRMED], known_at=known_at))


def _holds(record: ActionRecord, known_at: datetime | None) -> bool:
    if known_at is None:
        return record.ended_at is None
    is_known = record.recorded_at is not None and record.recorded_at <= known_at
    return is_known and (record.ended_at is None or record.ended_at > known_at)
