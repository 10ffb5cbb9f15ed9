from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from qts.app.ingest_document import IngestRequest
from qts.app.ingest_universe import open_universe, universe_warnings
from qts.app.workspace import Workspace
from qts.core import InstrumentId
from qts.core.errors import BadParameter
from qts.data.instruments import IndexMember, parse_dump

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
HEADER = "instrument_token,exchange_token,tradingsymbol,name,last_price,expiry,strike,tick_size,lot_size,instrument_type,segment,exchange"


def future(token: int, name: str) -> str:
    return f"{token},{token},{name}26NOVFUT,{name},0,2026-11-24,0,0.05,100,FUT,NFO-FUT,NFO"


def load(workspace: Workspace, on: date, *names: str) -> None:
    text = "\n".join([HEADER, *(future(1000 + i, name) for i, name in enumerate(names))])
    workspace.instruments.load(parse_dump(text.encode(), label="x", on=on), on=on, source=f"dump-{on}", at=NOW)


def asked(*names: str, start: date = date(2024, 1, 1), end: date | None = None) -> IngestRequest:
    return IngestRequest(instruments=names, start=start, end=end)


def test_named_instruments_stand_for_themselves(workspace: Workspace) -> None:
    found = open_universe(workspace, asked("NSE:INFY", "NSE:TCS", "NSE:INFY"))
    assert (found.instruments, found.lists, found.members) == (("NSE:INFY", "NSE:TCS"), (), frozenset())


def test_an_index_stands_for_all_who_were_in_it_during_the_span(workspace: Workspace) -> None:
    def member(symbol: str, start: date, end: date | None = None) -> IndexMember:
        return IndexMember(index="NIFTY 50", instrument=InstrumentId(f"NSE:{symbol}"), start=start, end=end, source="circular")

    workspace.indices.replace(
        [
            member("OLD", date(2016, 4, 1), date(2019, 3, 28)),
            member("LEFT", date(2016, 4, 1), date(2024, 9, 27)),
            member("CAME", date(2024, 9, 30)),
            member("LATER", date(2026, 10, 1)),
        ]
    )
    found = open_universe(workspace, asked("@NIFTY50", "NSE:TCS", "NSE:CAME", end=date(2026, 3, 31)))
    assert found.instruments == ("NSE:CAME", "NSE:LEFT", "NSE:TCS")
    assert found.members == {"NSE:LEFT"}
    (part,) = found.without([InstrumentId("NSE:LEFT")])
    assert (part.name, part.on, part.members, part.left_out, part.doubt) == ("@NIFTY 50", "2024-01-01", 2, ("NSE:LEFT",), "")
    (told,) = universe_warnings([part], "kite")
    assert "1 of its 2 members are not listed by kite today (NSE:LEFT)" in told
    assert "flattered" in told


def test_a_watchlist_is_labelled_as_chosen_with_hindsight(workspace: Workspace) -> None:
    workspace.watchlists.add("mine", [InstrumentId("NSE:INFY")], at=NOW)
    found = open_universe(workspace, asked("@mine"))
    assert found.instruments == ("NSE:INFY",)
    assert "survivorship-biased" in universe_warnings(found.without(()), "kite")[0]


def test_the_shares_that_had_futures_come_from_the_lists_of_the_dates(workspace: Workspace) -> None:
    load(workspace, date(2026, 1, 2), "NIFTY", "INFY", "GONE")
    load(workspace, date(2026, 6, 1), "NIFTY", "BANKNIFTY", "INFY", "M&M")
    whole = open_universe(workspace, asked("@FO", start=date(2026, 2, 2)))
    assert whole.instruments == ("NSE:GONE", "NSE:INFY", "NSE:M&M")
    assert whole.lists[0].doubt == "no list of contracts after 2026-06-01 is stored, so that shares that came later are missing"
    recent = open_universe(workspace, asked("@fo", start=date(2026, 6, 2), end=date(2026, 6, 30)))
    assert (recent.instruments, recent.lists[0].doubt) == (("NSE:INFY", "NSE:M&M"), "")
    early = open_universe(workspace, asked("@fo", start=date(2021, 1, 1), end=date(2025, 12, 31)))
    assert (early.instruments, early.lists[0].on) == (("NSE:GONE", "NSE:INFY"), "2026-01-02")
    assert "before 2026-01-02 is not on record" in early.lists[0].doubt


@pytest.mark.parametrize(
    ("name", "words", "way_out"),
    [
        ("@fo", r"no list of NSE's contracts \(NFO\) is stored", "qts instruments import"),
        ("@NIFTY50", "no index and no watchlist", "qts index import"),
    ],
)
def test_a_list_of_which_nothing_is_stored_is_named_with_the_way_out(workspace: Workspace, name: str, words: str, way_out: str) -> None:
    with pytest.raises(BadParameter, match=words) as caught:
        open_universe(workspace, asked(name))
    assert way_out in caught.value.hint
