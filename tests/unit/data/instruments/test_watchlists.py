from __future__ import annotations

from datetime import datetime

import pytest

from qts.core import InstrumentId
from qts.core.errors import BadParameter
from qts.data.instruments import MAX_ITEMS, MAX_LISTS, Watchlists
from qts.data.storage.database import Database

A, B, C = (InstrumentId(f"NSE:{letter}") for letter in "ABC")


@pytest.fixture
def lists(database: Database) -> Watchlists:
    return Watchlists(database)


def test_a_list_keeps_the_order_in_which_things_were_added(lists: Watchlists, now: datetime) -> None:
    lists.add("Mine", [C, A], at=now)
    found = lists.add("mine", [A, B, B], at=now)
    assert (found.name, found.instruments, found.made_at) == ("Mine", (C, A, B), now)
    assert lists.get("MINE") == found


def test_things_and_lists_are_removed(lists: Watchlists, now: datetime) -> None:
    lists.add("one", [A, B], at=now)
    lists.add("two", [A], at=now)
    left = lists.remove("ONE", [A])
    assert left is not None
    assert left.instruments == (B,)
    lists.remove("one")
    assert [one.name for one in lists.all()] == ["two"]
    assert lists.add("one", [], at=now).instruments == ()


def test_an_unknown_list_is_refused_with_those_that_are_like_it(lists: Watchlists, now: datetime) -> None:
    lists.add("Banks", [A], at=now)
    with pytest.raises(BadParameter) as caught:
        lists.get("bank")
    assert caught.value.hint == "Did you mean Banks?"
    with pytest.raises(BadParameter, match="is not in the watchlist Banks"):
        lists.remove("banks", [B])
    assert lists.get("banks").instruments == (A,)


@pytest.mark.parametrize("name", ["", "two words", "@mine", "a,b", "x" * 41, "-x"])
def test_a_name_that_could_not_be_typed_in_a_list_of_instruments_is_refused(lists: Watchlists, now: datetime, name: str) -> None:
    with pytest.raises(BadParameter, match="no name of a watchlist"):
        lists.add(name, [A], at=now)


def test_there_are_limits(lists: Watchlists, now: datetime) -> None:
    many = [InstrumentId(f"NSE:S{i}") for i in range(MAX_ITEMS + 1)]
    with pytest.raises(BadParameter, match="more than 1000 instruments"):
        lists.add("big", many, at=now)
    assert lists.all() == ()
    for i in range(MAX_LISTS):
        lists.add(f"L{i}", [A], at=now)
    with pytest.raises(BadParameter, match="there are 200 already"):
        lists.add("another", [A], at=now)
    lists.add("l7", [B], at=now)
