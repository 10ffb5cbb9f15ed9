from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from qts.core import InstrumentId
from qts.core.errors import BadFile, BadParameter
from qts.data.instruments import IndexMember, IndexMembership, index_key, read_members
from qts.data.storage.database import Database

START = date(2016, 4, 1)


def member(symbol: str, start: date = START, end: date | None = None, *, index: str = "NIFTY 50") -> IndexMember:
    return IndexMember(index=index, instrument=InstrumentId(f"NSE:{symbol}"), start=start, end=end, source="circular")


DATED = [member("A"), member("B", end=date(2019, 3, 28)), member("C", start=date(2019, 3, 29)), member("A", index="NIFTY BANK")]


@pytest.fixture
def membership(database: Database) -> IndexMembership:
    return IndexMembership(database)


@pytest.mark.parametrize(
    ("on", "expected"),
    [(START, ("NSE:A", "NSE:B")), (date(2019, 3, 28), ("NSE:A", "NSE:B")), (date(2019, 3, 29), ("NSE:A", "NSE:C"))],
)
@pytest.mark.parametrize("name", ["NIFTY 50", "nifty50", "Nifty-50"])
def test_the_members_are_those_of_the_date(membership: IndexMembership, name: str, on: date, expected: tuple[str, ...]) -> None:
    membership.replace(DATED)
    found = membership.members(name, on)
    assert found is not None
    assert (found.instruments, found.doubt, found.sources, found.index) == (expected, "", ("circular",), "NIFTY 50")


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        pytest.param(START, date(2018, 1, 1), ("NSE:A", "NSE:B"), id="before the change"),
        pytest.param(date(2019, 3, 28), date(2019, 3, 29), ("NSE:A", "NSE:B", "NSE:C"), id="the last day of one and the first of another"),
        pytest.param(date(2019, 3, 29), date(2020, 1, 1), ("NSE:A", "NSE:C"), id="after it"),
        pytest.param(date(2010, 1, 1), date(2011, 1, 1), ("NSE:A", "NSE:B"), id="before all that is on record"),
    ],
)
def test_the_members_of_a_span_are_those_of_any_of_its_days(
    membership: IndexMembership, first: date, last: date, expected: tuple[str, ...]
) -> None:
    membership.replace(DATED)
    found = membership.members_between("NIFTY 50", first, last)
    assert found is not None
    assert (found.instruments, bool(found.doubt)) == (expected, first < START)
    assert membership.members_between("NIFTY 99", first, last) is None


def test_before_the_first_date_on_record_the_members_are_doubtful(membership: IndexMembership) -> None:
    membership.replace(DATED)
    found = membership.members("NIFTY 50", date(2012, 1, 2))
    assert found is not None
    assert found.instruments == ("NSE:A", "NSE:B")
    told = "the members of NIFTY 50 on 2012-01-02 are not on record, and these are those of 2016-04-01"
    assert found.doubt == f"{told}: a result on them is survivorship-biased"


def test_a_list_that_nobody_ever_left_is_doubtful_for_long_ago_and_not_for_now(membership: IndexMembership) -> None:
    membership.replace([member("A", date(1996, 4, 22)), member("B", date(2014, 9, 19)), member("C", date(2026, 3, 27))])
    old, present = membership.members("NIFTY 50", date(2015, 1, 1)), membership.members("NIFTY 50", date(2026, 3, 30))
    assert old is not None
    assert present is not None
    told = "no member of NIFTY 50 is on record that left after 2015-01-01, so that these are only those that stayed"
    assert old.doubt == f"{told}: a result on them is survivorship-biased"
    assert (present.doubt, len(present.instruments)) == ("", 3)


def test_members_that_nobody_has_brought_up_to_date_are_doubtful(membership: IndexMembership) -> None:
    membership.replace(DATED)
    found = membership.members("NIFTY 50", date(2024, 1, 1))
    assert found is not None
    assert found.doubt == "no change of NIFTY 50 is on record after 2019-03-29, so that its members on 2024-01-01 may be others"


def test_an_index_that_is_not_known_has_no_members(membership: IndexMembership) -> None:
    assert membership.members("NIFTY 50", START) is None


def test_a_new_file_stands_for_all_of_its_indices_and_the_same_again_changes_nothing(membership: IndexMembership) -> None:
    assert (membership.replace(DATED), membership.replace(DATED)) == (4, 0)
    assert membership.replace([member("A"), member("D")]) == 3
    infos = {info.index: (info.members, info.rows, info.first) for info in membership.indices()}
    assert infos == {"NIFTY 50": (2, 2, START), "NIFTY BANK": (1, 1, START)}


def test_an_instrument_cannot_be_a_member_twice_at_a_time(membership: IndexMembership) -> None:
    with pytest.raises(BadParameter, match="at the same time"):
        membership.replace([member("A", end=date(2019, 3, 29)), member("A", start=date(2019, 3, 29))])
    membership.replace([member("A", end=date(2019, 3, 28)), member("A", start=date(2019, 3, 29))])


def test_a_file_of_members_is_read(tmp_path: Path) -> None:
    path = tmp_path / "members.csv"
    path.write_text("index,instrument,from,to,source\nNifty  50,nse:infy,1996-04-22,,circular\nNIFTY 50,NSE:X,2016-04-01,2019-03-28,\n")
    assert [(one.index, one.instrument, one.end, one.source) for one in read_members(path)] == [
        ("NIFTY 50", "NSE:INFY", None, "circular"),
        ("NIFTY 50", "NSE:X", date(2019, 3, 28), "members.csv"),
    ]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("NIFTY 50,INFY,1996-04-22,", "instrument = INFY"),
        ("NIFTY 50,NSE:INFY,,", "Invalid isoformat"),
        ("NIFTY 50,NSE:INFY,2019-01-01,2018-01-01", "is before from"),
        ("@@,NSE:INFY,2019-01-01,", "no name of an index"),
    ],
)
def test_a_row_that_does_not_fit_refuses_the_file(tmp_path: Path, row: str, reason: str) -> None:
    path = tmp_path / "members.csv"
    path.write_text(f"index,instrument,from,to\n{row}\n", encoding="utf-8")
    with pytest.raises(BadFile, match=f"row 2: .*{reason}"):
        read_members(path)


def test_spellings_of_an_index_have_one_key() -> None:
    assert {index_key(name) for name in ("NIFTY 50", "nifty50", "Nifty_50")} == {"NIFTY50"}
