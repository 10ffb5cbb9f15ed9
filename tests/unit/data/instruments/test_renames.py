from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from qts.core import InstrumentId
from qts.core.errors import BadFile, BadParameter
from qts.data.instruments import ChangeState, SymbolChange, SymbolChanges, read_renames
from qts.data.storage.database import Database


def change(old: str, new: str, on: date, state: ChangeState = ChangeState.CONFIRMED) -> SymbolChange:
    return SymbolChange(old=InstrumentId(old), new=InstrumentId(new), on=on, state=state, evidence="said so", source="test")


CHAIN = [change("NSE:A", "NSE:B", date(2015, 6, 1)), change("NSE:B", "NSE:C", date(2020, 6, 1))]


@pytest.fixture
def changes(database: Database) -> SymbolChanges:
    return SymbolChanges(database)


@pytest.mark.parametrize("asked", ["NSE:A", "NSE:B", "NSE:C"])
@pytest.mark.parametrize(
    ("on", "expected"),
    [
        (date(2015, 5, 31), "NSE:A"),
        (date(2015, 6, 1), "NSE:B"),
        (date(2020, 5, 31), "NSE:B"),
        (date(2020, 6, 1), "NSE:C"),
    ],
)
def test_any_name_leads_to_the_name_of_the_date(changes: SymbolChanges, asked: str, on: date, expected: str) -> None:
    changes.put(CHAIN)
    assert changes.resolve(InstrumentId(asked), on) == expected


def test_a_name_without_changes_and_one_with_a_proposed_change_stay_as_they_are(changes: SymbolChanges) -> None:
    changes.put([change("NSE:X", "NSE:Y", date(2020, 1, 1), ChangeState.PROPOSED)])
    assert changes.resolve(InstrumentId("NSE:X"), date(2024, 1, 1)) == "NSE:X"
    assert changes.names(InstrumentId("NSE:Z")) == (("NSE:Z", None, None),)


def test_a_proposed_change_holds_once_it_is_confirmed_and_not_when_it_is_dismissed(changes: SymbolChanges) -> None:
    changes.put([change("NSE:X", "NSE:Y", date(2020, 1, 1), ChangeState.PROPOSED)])
    changes.decide(InstrumentId("NSE:X"), ChangeState.CONFIRMED)
    assert changes.names(InstrumentId("NSE:Y")) == (("NSE:X", None, date(2020, 1, 1)), ("NSE:Y", date(2020, 1, 1), None))
    with pytest.raises(BadParameter, match="no change of it is proposed"):
        changes.decide(InstrumentId("NSE:X"), ChangeState.DISMISSED)


@pytest.mark.parametrize("asked", ["NSE:A", "NSE:B"])
def test_a_name_that_was_given_up_and_taken_again_is_known_both_times(changes: SymbolChanges, asked: str) -> None:
    changes.put([change("NSE:A", "NSE:B", date(2015, 6, 1)), change("NSE:B", "NSE:A", date(2020, 6, 1))])
    days = [date(2015, 5, 31), date(2015, 6, 1), date(2020, 5, 31), date(2020, 6, 1)]
    assert [changes.resolve(InstrumentId(asked), on) for on in days] == ["NSE:A", "NSE:B", "NSE:B", "NSE:A"]


def test_names_that_were_exchanged_on_one_day_end(changes: SymbolChanges) -> None:
    changes.put([change("NSE:A", "NSE:B", date(2015, 6, 1)), change("NSE:B", "NSE:A", date(2015, 6, 1))])
    assert len(changes.names(InstrumentId("NSE:A"))) <= 3


def test_the_same_changes_again_change_nothing(changes: SymbolChanges) -> None:
    assert (changes.put(CHAIN), changes.put(CHAIN), len(changes.all())) == (2, 0, 2)


def test_a_file_of_renames_is_read(tmp_path: Path) -> None:
    path = tmp_path / "renames.csv"
    path.write_text("old,new,on,source\nnse:zomato, NSE:ETERNAL ,2025-04-09,circular\n\nNSE:A,NSE:B,2020-01-01,\n", encoding="utf-8")
    found = read_renames(path)
    assert [(one.old, one.new, one.on, one.source, one.state) for one in found] == [
        ("NSE:ZOMATO", "NSE:ETERNAL", date(2025, 4, 9), "circular", ChangeState.CONFIRMED),
        ("NSE:A", "NSE:B", date(2020, 1, 1), "renames.csv", ChangeState.CONFIRMED),
    ]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("old,new\nA,B", "no column on"),
        ("old,new,on\nNSE:A,NSE:B,9.4.2025", "row 2: Invalid isoformat"),
        ("old,new,on\nZOMATO,NSE:B,2025-04-09", "row 2: instrument = ZOMATO"),
        ("old,new,on\nNSE:A,BSE:B,2025-04-09", "not two names of one exchange"),
        ("old,new,on\nNSE:A,NSE:A,2025-04-09", "not two names of one exchange"),
        ("old,new,on\nNSE:A,NSE:B", "row 2 has 2 fields"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_with_its_row(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "renames.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadFile, match=reason):
        read_renames(path)
