"""Corporate actions in the control database are believed only as they were written: one wrong ratio is many wrong prices."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from qts.app.control import ControlDatabase
from qts.core import InstrumentId
from qts.core.errors import DamagedFile
from qts.data.actions import ActionRecord, ActionState, SqlActions
from qts.data.actions.database import TABLE
from qts.data.storage.row_seals import row_harms

Make = Callable[..., ActionRecord]
AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
ACME, OTHER = InstrumentId("NSE:ACME"), InstrumentId("NSE:OTHER")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, make_record: Make) -> Path:
    """Return a database with an action of ACME and one of another, closed: making the tables takes longer than the tests."""
    path = tmp_path_factory.mktemp("made") / "control.sqlite"
    control = ControlDatabase.open(path)
    mine = replace(make_record("split", ratio="2"), evidence={"jump": 0.5}, confidence=0.9)
    other = make_record("split", ratio="2")
    SqlActions(control.database).record([mine, replace(other, action=replace(other.action, instrument=OTHER))], at=AT)
    control.close()
    return path


@pytest.fixture
def path(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copyfile(made, tmp_path / "control.sqlite"))


@pytest.fixture
def control(path: Path) -> Iterator[ControlDatabase]:
    control = ControlDatabase.open(path)
    yield control
    control.close()


@pytest.fixture
def actions(control: ControlDatabase) -> SqlActions:
    return SqlActions(control.database)


def harm(path: Path, change: str) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute(change)
    connection.close()


@pytest.mark.parametrize(
    "change",
    [
        "ratio = '6'",
        "ratio = ''",
        "cash = '5'",
        "price = '5'",
        "factor = '0.5'",
        "kind = 'bonus'",
        "kind = 'splyt'",
        "ex_date = '2024-01-12'",
        "ex_date = '2024-13-11'",
        "instrument = 'NSE:ACMF'",
        "action_id = 'NSE:ACMF/2024-01-11/split'",
        "state = 'suspected'",
        "source = 'file:b.csv'",
        "evidence = '{\"jump\": 0.7}'",
        "evidence = '{'",
        "confidence = 0.8",
        "confidence = NULL",
        "confidence = 'high'",
        "recorded_at = '2027-11-20T12:00:00.000000+00:00'",
        "ended_at = '2026-11-21T12:00:00.000000+00:00'",
        "row_seal = '0123456789abcdef'",
        "row_seal = NULL",
    ],
)
def test_any_value_that_was_changed_behind_our_back_is_told_of_and_the_actions_of_others_go_on(
    control: ControlDatabase, path: Path, make_record: Make, change: str
) -> None:
    actions = SqlActions(control.database)
    harm(path, f"UPDATE corporate_actions SET {change} WHERE instrument = 'NSE:ACME'")  # noqa: S608 - our own text
    said = r"record of NSE:ACM[EF]/2024-01-11/split in corporate_actions"
    for known_at in (None, AT):
        with pytest.raises(DamagedFile, match=said) as caught:
            actions.read(instruments=[ACME], states=[ActionState.CONFIRMED], known_at=known_at)
        assert "restore BACKUP" in caught.value.hint
    with pytest.raises(DamagedFile, match=said):
        actions.read()
    with pytest.raises(DamagedFile, match=said):
        actions.record([make_record("split", ratio="3")], at=AT + timedelta(days=1))
    assert [record.action.instrument for record in actions.read(instruments=[OTHER])] == [OTHER]
    with control.database.reading() as connection:
        assert len(list(row_harms(connection, [TABLE]))) == 1


def test_what_is_recorded_changed_and_ended_stays_what_was_written(
    actions: SqlActions, control: ControlDatabase, path: Path, make_record: Make
) -> None:
    actions.record([replace(make_record("split", ratio="3"), confidence=1)], at=AT + timedelta(days=1))
    actions.record([make_record("bonus", state="rejected"), make_record("dividend", cash="5.50")], at=AT + timedelta(days=2))
    actions.record([make_record("split", ratio="4", source="gé\u0928 \0")], at=AT + timedelta(days=3))
    with control.database.reading() as connection:
        assert list(row_harms(connection, [TABLE])) == []
    again = ControlDatabase.open(path)
    assert [str(record.action.ratio) for record in SqlActions(again.database).read(known_at=AT + timedelta(days=1))] == ["3", "2"]
    assert len(actions.read()) == 4
    again.close()


def test_a_process_that_reads_again_after_a_commit_looks_at_all_rows_again(actions: SqlActions, path: Path) -> None:
    assert len(actions.read()) == 2
    harm(path, "UPDATE corporate_actions SET instrument = 'NSE:ACMF' WHERE instrument = 'NSE:ACME'")
    with pytest.raises(DamagedFile):
        actions.read(instruments=[ACME])
    harm(path, "UPDATE corporate_actions SET instrument = 'NSE:ACME' WHERE instrument = 'NSE:ACMF'")
    assert len(actions.read(instruments=[ACME])) == 1
