from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from qts.core import InstrumentId
from qts.core.errors import BadFile
from qts.data.instruments import ChangeState, Dump, DumpRow, InstrumentMaster, Listing, ListingKind, SymbolChanges, parse_dump, read_dump
from qts.data.storage.database import Database

INFY = InstrumentId("NSE:INFY")
MakeShare = Callable[..., DumpRow]
MakeDump = Callable[..., Dump]


@pytest.fixture
def master(database: Database) -> InstrumentMaster:
    return InstrumentMaster(database)


@pytest.fixture
def load(master: InstrumentMaster, make_dump: MakeDump, now: datetime) -> Callable[..., Any]:
    def put(on: date, *rows: DumpRow, force: bool = False, tag: str = "") -> Any:
        return master.load(make_dump(*rows, tag=tag), on=on, source=f"dump-{on}", at=now, force=force)

    return put


def test_lot_tick_and_token_are_those_of_the_date(
    master: InstrumentMaster, load: Callable[..., Any], make_share: MakeShare, days: tuple[date, ...]
) -> None:
    load(days[0], make_share("INFY", 408065, tick=500))
    load(days[3], make_share("INFY", 408065, tick=1000))
    seen = [master.listing(INFY, day) for day in (days[0] - timedelta(days=1), days[0], days[2], days[3], days[9])]
    assert [one and one.tick for one in seen] == [None, Decimal("0.05"), Decimal("0.05"), Decimal("0.1"), Decimal("0.1")]
    assert seen[1] == Listing(
        instrument=INFY,
        token=408065,
        name="A COMPANY",
        kind=ListingKind.EQUITY,
        segment="NSE",
        expiry=None,
        strike=None,
        tick=Decimal("0.05"),
        lot=1,
        first_on=days[0],
        until=days[3],
    )
    assert [one.first_on for one in master.listings(INFY)] == [days[0], days[3]]


def test_a_token_that_was_given_to_another_stands_for_each_at_its_time(
    master: InstrumentMaster, load: Callable[..., Any], make_share: MakeShare, days: tuple[date, ...]
) -> None:
    other = make_share("OTHER", 1)
    load(days[0], make_share("GONE", 382465), other)
    load(days[1], other)
    load(days[5], make_share("LATER", 382465), other)
    found = [master.by_token(382465, day) for day in (days[0], days[2], days[6])]
    assert [one and one.instrument for one in found] == ["NSE:GONE", None, "NSE:LATER"]


def test_the_same_dump_again_changes_nothing_and_adds_no_dump(
    master: InstrumentMaster, load: Callable[..., Any], make_share: MakeShare, days: tuple[date, ...]
) -> None:
    first = load(days[0], make_share("INFY", 1))
    revision = master.revision()
    again = load(days[0], make_share("INFY", 1))
    assert (first.unchanged, first.new, again.unchanged, again.new) == (False, 1, True, 0)
    assert (master.revision(), len(master.dumps())) == (revision, 1)


def test_a_dump_of_an_earlier_date_that_comes_late_is_put_in_its_place(
    master: InstrumentMaster, load: Callable[..., Any], make_share: MakeShare, days: tuple[date, ...]
) -> None:
    load(days[0], make_share("INFY", 1, tick=500))
    load(days[4], make_share("INFY", 1, tick=500))
    load(days[2], make_share("INFY", 1, tick=1000), make_share("SHORT", 2))
    assert [str(one.tick) for one in master.listings(INFY)] == ["0.05", "0.1", "0.05"]
    assert master.listing(InstrumentId("NSE:SHORT"), days[3]) is not None
    assert master.listing(InstrumentId("NSE:SHORT"), days[4]) is None
    assert [one.on for one in master.dumps("NSE")] == [days[0], days[2], days[4]]


def test_what_is_listed_from_a_later_date_already_is_not_told_as_new(
    master: InstrumentMaster, load: Callable[..., Any], make_share: MakeShare, days: tuple[date, ...]
) -> None:
    infy = make_share("INFY", 1)
    load(days[4], infy)
    report = load(days[2], infy, make_share("SHORT", 2))
    assert (report.new, report.earlier, report.ended, report.unchanged) == (1, 1, 0, False)
    assert report.notes == (f"1 of its listings were known from a later date already: they hold from {days[2]} now.",)
    again = load(days[1], infy, make_share("SHORT", 2))
    assert (again.new, again.earlier, again.unchanged) == (0, 2, False)
    assert [one.first_on for one in master.listings(INFY)] == [days[1]]


def test_a_cut_dump_is_refused_whole_unless_it_is_forced(
    master: InstrumentMaster, load: Callable[..., Any], make_share: MakeShare, days: tuple[date, ...]
) -> None:
    rows = [make_share(f"S{i}", i + 1) for i in range(40)]
    load(days[0], *rows)
    with pytest.raises(BadFile, match=f"lists 19 instruments of NSE, and the dump of {days[0]} lists 40: it looks cut"):
        load(days[1], *rows[:19])
    assert len(master.rows(days[1])) == 40
    assert len(master.dumps()) == 1
    load(days[1], *rows[:19], force=True)
    assert len(master.rows(days[1])) == 19
    load(days[2], *rows[:20])  # half of forty would do, and is no longer asked for


def test_a_cut_dump_of_before_the_first_one_is_refused_too(load: Callable[..., Any], make_share: MakeShare, days: tuple[date, ...]) -> None:
    rows = [make_share(f"S{i}", i + 1) for i in range(40)]
    load(days[5], *rows)
    with pytest.raises(BadFile, match="it looks cut"):
        load(days[1], *rows[:5])


def test_a_dump_of_one_exchange_says_nothing_of_the_others_but_one_of_several_is_asked_for_all(
    master: InstrumentMaster, load: Callable[..., Any], make_share: MakeShare, days: tuple[date, ...]
) -> None:
    infy = make_share("INFY", 1)
    bse, mcx = infy._replace(exchange="BSE"), infy._replace(exchange="MCX")
    load(days[0], infy, bse, mcx)
    assert load(days[1], infy, tag="alone").notes == ()
    assert len(master.rows(days[1])) == 3
    report = load(days[2], infy, bse)
    assert report.notes == (f"It lists nothing of MCX, which the dump of {days[0]} has: what was known of MCX goes on.",)


def test_a_new_symbol_under_the_same_token_is_proposed_once_and_only_between_dumps_that_are_near(
    database: Database, load: Callable[..., Any], make_share: MakeShare, days: tuple[date, ...]
) -> None:
    stays = make_share("STAYS", 9)
    load(days[0], make_share("ZOMATO", 5097729, name="ETERNAL"), make_share("OLD", 7, name="ONE COMPANY"), stays)
    report = load(days[1], make_share("ETERNAL", 5097729, name="ETERNAL"), make_share("NEW", 7, name="ANOTHER"), stays)
    assert [(one.old, one.new, one.on, one.state) for one in report.renames] == [
        ("NSE:ZOMATO", "NSE:ETERNAL", days[1], ChangeState.PROPOSED),
        ("NSE:OLD", "NSE:NEW", days[1], ChangeState.PROPOSED),
    ]
    assert report.renames[0].evidence == "the token 5097729 goes on, the name 'ETERNAL' is kept"
    assert "perhaps another company" in report.renames[1].evidence
    assert SymbolChanges(database).resolve(InstrumentId("NSE:ETERNAL"), days[0]) == "NSE:ETERNAL"  # not applied
    late = days[1] + timedelta(days=30)
    assert load(late, make_share("AGAIN", 5097729, name="ETERNAL"), make_share("NEW", 7, name="ANOTHER"), stays).renames == ()


def test_a_new_symbol_is_proposed_as_well_where_the_earlier_dump_comes_later(
    load: Callable[..., Any], make_share: MakeShare, days: tuple[date, ...]
) -> None:
    stays = make_share("STAYS", 9)
    assert load(days[1], make_share("ETERNAL", 5097729, name="ETERNAL"), stays).renames == ()
    report = load(days[0], make_share("ZOMATO", 5097729, name="ETERNAL"), stays)
    assert [(one.old, one.new, one.on) for one in report.renames] == [("NSE:ZOMATO", "NSE:ETERNAL", days[1])]
    assert load(days[0] - timedelta(days=30), make_share("FIRST", 5097729, name="ETERNAL"), stays).renames == ()


def contracts(on: date) -> Dump:
    header = (
        "instrument_token,exchange_token,tradingsymbol,name,last_price,expiry,strike,tick_size,lot_size,instrument_type,segment,exchange"
    )
    lines = [
        "1,1,NIFTY26DECFUT,NIFTY,0,2026-12-29,0,0.1,65,FUT,NFO-FUT,NFO",
        "2,1,NIFTY26NOVFUT,NIFTY,0,2026-11-24,0,0.1,65,FUT,NFO-FUT,NFO",
        "3,1,NIFTY26NOV24500PE,NIFTY,0,2026-11-24,24500,0.05,65,PE,NFO-OPT,NFO",
        "4,1,NIFTY26NOV24500CE,NIFTY,0,2026-11-24,24500,0.05,65,CE,NFO-OPT,NFO",
        "5,1,NIFTY26NOV24000CE,NIFTY,0,2026-11-24,24000,0.05,65,CE,NFO-OPT,NFO",
        "6,1,NIFTY26N1724000CE,NIFTY,0,2026-11-17,24000,0.05,65,CE,NFO-OPT,NFO",
        "7,1,BANKNIFTY26NOVFUT,BANKNIFTY,0,2026-11-24,0,0.2,30,FUT,NFO-FUT,NFO",
    ]
    return parse_dump("\n".join((header, *lines)).encode(), label="x", on=on)


def test_expiries_chains_and_futures_of_an_underlying_are_in_order(master: InstrumentMaster, now: datetime) -> None:
    on = date(2026, 11, 16)
    master.load(contracts(on), on=on, source="x", at=now)
    assert master.expiries("nifty", on) == (date(2026, 11, 17), date(2026, 11, 24), date(2026, 12, 29))
    assert master.expiries("NIFTY", date(2026, 11, 18)) == (date(2026, 11, 24), date(2026, 12, 29))
    assert [one.instrument for one in master.futures("NIFTY", on)] == ["NFO:NIFTY26NOVFUT", "NFO:NIFTY26DECFUT"]
    assert [one.instrument for one in master.chain("NIFTY", date(2026, 11, 24), on)] == [
        "NFO:NIFTY26NOV24000CE",
        "NFO:NIFTY26NOV24500CE",
        "NFO:NIFTY26NOV24500PE",
    ]
    assert master.underlyings(on) == ("BANKNIFTY", "NIFTY")
    assert master.contract_spans("nifty") == {"NFO": (on, date(2026, 12, 29))}
    assert master.contract_spans("BANKNIFTY") == {"NFO": (on, date(2026, 11, 24))}
    assert master.contract_spans("X") == {}
    future = InstrumentId("NFO:NIFTY26NOVFUT")
    for day, is_listed in ((date(2026, 11, 24), True), (date(2026, 11, 25), False)):
        assert (master.listing(future, day) is not None, master.by_token(2, day) is not None) == (is_listed, is_listed)
    assert len(master.listings(future)) == 1
    assert master.futures("NIFTY", on, exchange="BFO") == ()


@pytest.mark.realdata
def test_the_real_dump_knows_its_contracts(master: InstrumentMaster, realdata: Path, now: datetime) -> None:
    on = date(2026, 8, 3)
    report = master.load(read_dump(realdata / "kite_instruments_nfo_2026_08.csv.gz", on=on), on=on, source="x", at=now)
    assert report.exchanges == {"NFO": 35_683, "BFO": 4_258}
    found = master.listing(InstrumentId("NFO:NIFTY26AUGFUT"), on)
    assert found is not None
    assert (found.token, found.lot, found.tick, found.expiry) == (14866434, 65, Decimal("0.1"), date(2026, 8, 25))
    assert [one.instrument for one in master.futures("NIFTY", on)] == ["NFO:NIFTY26AUGFUT", "NFO:NIFTY26SEPFUT", "NFO:NIFTY26OCTFUT"]
