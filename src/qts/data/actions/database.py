"""Corporate actions in the control database: one row for each thing that was known of an action, and for how long it held."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final

import sqlalchemy as sa

from qts.core.corporate_action import ActionKind
from qts.core.instrument import InstrumentId
from qts.data.actions.records import ActionRecord, ActionState, StatedAction
from qts.data.actions.store import RecordReport, plan_recording
from qts.data.storage.database import Database
from qts.data.storage.lookup import require_aware
from qts.data.storage.row_seals import require_sound, sealed_rows, unsound_rows, with_seal

_LIVE: Final = sa.text("ended_at IS NULL")
# SQLite takes some tens of thousands of values in one statement; this is far below.
_MOST_NAMES: Final = 500

TABLE: Final = sa.Table(
    "corporate_actions",
    sa.MetaData(),
    sa.Column("seq", sa.Integer, primary_key=True),
    sa.Column("action_id", sa.String(120), nullable=False),
    sa.Column("instrument", sa.String(80), nullable=False),
    sa.Column("ex_date", sa.String(10), nullable=False),
    sa.Column("kind", sa.String(10), nullable=False),
    sa.Column("ratio", sa.String(40), nullable=False),
    sa.Column("cash", sa.String(40), nullable=False),
    sa.Column("price", sa.String(40)),
    sa.Column("factor", sa.String(40)),
    sa.Column("state", sa.String(10), nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("evidence", sa.Text, nullable=False),
    sa.Column("confidence", sa.Float),
    sa.Column("recorded_at", sa.String(40), nullable=False),
    sa.Column("ended_at", sa.String(40)),
    sa.Column("row_seal", sa.String(16)),
    sa.Index("corporate_actions_by_instrument", "instrument", "ex_date"),
    # An action has one record that holds, whoever writes.
    sa.Index("corporate_actions_that_hold", "action_id", unique=True, sqlite_where=_LIVE, postgresql_where=_LIVE),
    info={"named_by": ("action_id",)},
)


class SqlActions:
    """An ``ActionStore`` in a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(self, records: Sequence[ActionRecord], *, at: datetime) -> RecordReport:
        """Keep records from this instant on."""
        require_aware("at", at)
        touched = {record.action.instrument for record in records}
        with self._database.writing() as connection:
            self._require_sound(connection, touched)
            held = {row["action_id"]: row for row in _rows(connection, instruments=touched, states=None, known_at=None)}
            recording = plan_recording(map(_record, held.values()), records)
            if recording.ended:
                ended = [with_seal(TABLE, {**held[name], "ended_at": _text_of(at)}) for name in recording.ended]
                ending = sa.update(TABLE).where(TABLE.c.seq == sa.bindparam("ending"))
                rows = [{"ending": row["seq"], "ended_at": row["ended_at"], "row_seal": row["row_seal"]} for row in ended]
                connection.execute(ending, rows)
            if recording.added:
                connection.execute(sa.insert(TABLE), [with_seal(TABLE, _row(record, at)) for record in recording.added])
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
        with self._database.reading() as connection:
            self._require_sound(connection, instruments)
            return tuple(map(_record, _rows(connection, instruments=instruments, states=states, known_at=known_at)))

    def is_kept(self, *, known_at: datetime | None = None) -> bool:
        """Return whether any action is confirmed."""
        if known_at is not None:
            require_aware("known_at", known_at)
        query = _holding(sa.select(TABLE.c.seq), known_at).where(TABLE.c.state == ActionState.CONFIRMED.value).limit(1)
        with self._database.reading() as connection:
            return connection.execute(query).first() is not None

    def _require_sound(self, connection: sa.Connection, instruments: Collection[InstrumentId] | None) -> None:
        """Raise where a row that may be of the instruments is not what was written, so that it cannot hide from them under another name.

        An action's id names its instrument a second time, and only one of the two was changed. The actions of others go on serving.
        """
        unsound = unsound_rows(self._database, connection, TABLE)
        names = None if instruments is None or not unsound else set(instruments)
        require_sound(TABLE, (row for row in unsound if names is None or names & _names_in(row)))


def _names_in(row: sa.RowMapping) -> set[str]:
    return {str(row["instrument"]), str(row["action_id"]).partition("/")[0]}


def _rows(
    connection: sa.Connection,
    *,
    instruments: Collection[InstrumentId] | None,
    states: Collection[ActionState] | None,
    known_at: datetime | None,
) -> list[sa.RowMapping]:
    columns = TABLE.c
    query = _holding(sa.select(TABLE), known_at).order_by(columns.instrument, columns.ex_date, columns.kind)
    if states is not None:
        query = query.where(columns.state.in_([state.value for state in states]))
    names = None if instruments is None else set(instruments)
    if names is not None and len(names) <= _MOST_NAMES:
        query = query.where(columns.instrument.in_(names))
    return [row for row in sealed_rows(connection, TABLE, query) if names is None or row["instrument"] in names]


def _holding(query: sa.Select[Any], known_at: datetime | None) -> sa.Select[Any]:
    """Return a query narrowed to the records that hold, or held at an instant."""
    columns = TABLE.c
    if known_at is None:
        return query.where(columns.ended_at.is_(None))
    at = _text_of(known_at)
    return query.where(columns.recorded_at <= at, sa.or_(columns.ended_at.is_(None), columns.ended_at > at))


def _row(record: ActionRecord, at: datetime) -> dict[str, Any]:
    action = record.action
    return {
        "action_id": action.id,
        "instrument": action.instrument,
        "ex_date": action.ex_date.isoformat(),
        "kind": action.kind.value,
        "ratio": str(action.ratio),
        "cash": str(action.cash),
        "price": None if action.price is None else str(action.price),
        "factor": None if action.factor is None else str(action.factor),
        "state": record.state.value,
        "source": record.source,
        "evidence": json.dumps(dict(record.evidence), sort_keys=True),
        "confidence": record.confidence,
        "recorded_at": _text_of(at),
        "ended_at": None,
    }


def _record(row: sa.RowMapping) -> ActionRecord:
    action = StatedAction(
        instrument=InstrumentId(row["instrument"]),
        ex_date=date.fromisoformat(row["ex_date"]),
        kind=ActionKind(row["kind"]),
        ratio=Decimal(row["ratio"]),
        cash=Decimal(row["cash"]),
        price=None if row["price"] is None else Decimal(row["price"]),
        factor=None if row["factor"] is None else Decimal(row["factor"]),
    )
    return ActionRecord(
        action=action,
        state=ActionState(row["state"]),
        source=row["source"],
        evidence=json.loads(row["evidence"]),
        confidence=row["confidence"],
        recorded_at=datetime.fromisoformat(row["recorded_at"]),
        ended_at=None if row["ended_at"] is None else datetime.fromisoformat(row["ended_at"]),
    )


def _text_of(at: datetime) -> str:
    """Return an instant so that texts sort as instants do."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")
