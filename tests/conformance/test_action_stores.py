"""Every keeper of corporate actions keeps the same promises: in memory and in the control database."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from qts.app.control import ControlDatabase
from qts.core import ActionKind, InstrumentId
from qts.core.errors import BadParameter
from qts.data.actions import ActionRecord, ActionState, ActionStore, MemoryActions, SqlActions, StatedAction

START = datetime(2026, 1, 1, 10, tzinfo=UTC)
JUMP = "detected:overnight jump"


@pytest.fixture(params=["memory", "sql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ActionStore]:
    if request.param == "memory":
        yield MemoryActions()
        return
    control = ControlDatabase.open(tmp_path / "control.sqlite")
    yield SqlActions(control.database)
    control.close()


def record(
    name: str = "NSE:A",
    kind: str = "bonus",
    *,
    on: date = date(2025, 3, 3),
    state: str = "confirmed",
    source: str = "file:a.csv",
    **terms: str,
) -> ActionRecord:
    numbers = {term: Decimal(text) for term, text in terms.items()} or {"ratio": Decimal(2)}
    action = StatedAction(instrument=InstrumentId(name), ex_date=on, kind=ActionKind(kind), **numbers)
    return ActionRecord(action=action, state=ActionState(state), source=source)


def at(hours: int) -> datetime:
    return START + timedelta(hours=hours)


def test_what_was_kept_comes_back_to_the_last_digit(store: ActionStore) -> None:
    given = record(kind="rights", ratio="1.066666666666666666666666667", price="1257.00", factor="0.99057")
    given = ActionRecord(
        action=given.action, state=ActionState.SUSPECTED, source=JUMP, evidence={"open": 823.0, "said": "x"}, confidence=0.93
    )
    store.record([given], at=at(0))
    [found] = store.read()
    assert (found.action, found.state, found.source) == (given.action, given.state, given.source)
    assert (dict(found.evidence), found.confidence) == ({"open": 823.0, "said": "x"}, 0.93)
    assert (found.recorded_at, found.ended_at) == (at(0), None)


def test_the_same_import_again_adds_nothing(store: ActionStore) -> None:
    given = [record("NSE:A"), record("NSE:B")]
    assert (store.record(given, at=at(0)).new, store.record(given, at=at(1)).unchanged) == (2, 2)
    assert [found.recorded_at for found in store.read()] == [at(0), at(0)]


def test_what_was_known_then_is_still_told(store: ActionStore) -> None:
    store.record([record(kind="split", state="suspected", source=JUMP)], at=at(1))
    store.record([record(ratio="2")], at=at(2))
    store.record([record(ratio="1.5")], at=at(3))
    told = [[(one.action.kind, one.action.ratio, one.state) for one in store.read(known_at=at(hours))] for hours in (0, 1, 2, 3, 9)]
    assert told == [
        [],
        [("split", 2, "suspected")],
        [("bonus", 2, "confirmed")],
        [("bonus", Decimal("1.5"), "confirmed")],
        [("bonus", Decimal("1.5"), "confirmed")],
    ]
    assert [one.action.ratio for one in store.read()] == [Decimal("1.5")]
    assert [one.ended_at for one in store.read(known_at=at(2))] == [at(3)]


def test_reads_are_narrowed_and_in_order(store: ActionStore) -> None:
    later, earlier = record("NSE:A", on=date(2025, 5, 5)), record("NSE:A", on=date(2024, 5, 5))
    store.record([later, record("NSE:B", state="rejected"), earlier], at=at(0))
    assert [found.action for found in store.read(instruments=[InstrumentId("NSE:A")])] == [earlier.action, later.action]
    assert [found.action.instrument for found in store.read(states=[ActionState.REJECTED])] == ["NSE:B"]
    assert store.read(instruments=[]) == ()
    assert store.read(states=[]) == ()
    assert len(store.read(instruments=[InstrumentId(f"NSE:X{i}") for i in range(2000)] + [InstrumentId("NSE:B")])) == 1


def test_a_list_is_kept_once_anything_is_confirmed(store: ActionStore) -> None:
    store.record([record(state="suspected", source=JUMP)], at=at(0))
    assert not store.is_kept()
    store.record([record("NSE:B")], at=at(2))
    assert store.is_kept()
    assert [store.is_kept(known_at=at(hours)) for hours in (0, 1, 2, 3)] == [False, False, True, True]
    store.record([record("NSE:B", state="rejected")], at=at(3))
    assert not store.is_kept()


def test_instants_without_a_zone_are_refused(store: ActionStore) -> None:
    with pytest.raises(BadParameter):
        store.record([record()], at=at(0).replace(tzinfo=None))
    with pytest.raises(BadParameter):
        store.read(known_at=at(0).replace(tzinfo=None))
    with pytest.raises(BadParameter):
        store.is_kept(known_at=at(0).replace(tzinfo=None))
    assert store.read() == ()


def test_two_that_share_a_database_never_hold_one_action_twice(tmp_path: Path) -> None:
    one, other = ControlDatabase.open(tmp_path / "control.sqlite"), ControlDatabase.open(tmp_path / "control.sqlite")
    stores = [SqlActions(one.database), SqlActions(other.database)]
    for hours in range(6):
        stores[hours % 2].record([record(ratio=str(2 + hours))], at=at(hours))
    assert [found.action.ratio for found in stores[0].read()] == [7]
    assert [len(stores[1].read(known_at=at(hours))) for hours in range(6)] == [1] * 6
    one.close()
    other.close()
