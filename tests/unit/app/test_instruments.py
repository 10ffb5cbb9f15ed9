from __future__ import annotations

import gzip
from datetime import date
from pathlib import Path

import pytest

from qts.app.instrument_documents import ChainRequest, DumpRequest, InstrumentRequest, SearchRequest, UnderlyingRequest
from qts.app.instruments import (
    NotListed,
    decide_rename,
    import_dump,
    import_renames,
    list_dumps,
    list_expiries,
    list_renames,
    option_chain,
    prepare_search,
    search_instruments,
    show_instrument,
    show_token,
)
from qts.app.requests import build
from qts.app.workspace import Workspace
from qts.core import InstrumentId
from qts.core.errors import BadFile, BadParameter

HEADER = "instrument_token,exchange_token,tradingsymbol,name,last_price,expiry,strike,tick_size,lot_size,instrument_type,segment,exchange"
LINES = [
    "408065,1594,INFY,INFOSYS,0,,0,0.1,1,EQ,NSE,NSE",
    "5097729,1,ZOMATO,ETERNAL,0,,0,0.01,1,EQ,NSE,NSE",
    "256265,1001,NIFTY 50,NIFTY 50,0,,0,0,0,EQ,INDICES,NSE",
    "1,1,NIFTY26NOVFUT,NIFTY,0,2026-11-24,0,0.1,65,FUT,NFO-FUT,NFO",
    "2,1,NIFTY26DECFUT,NIFTY,0,2026-12-29,0,0.1,65,FUT,NFO-FUT,NFO",
    "3,1,NIFTY26NOV24500CE,NIFTY,0,2026-11-24,24500,0.05,65,CE,NFO-OPT,NFO",
    "4,1,NIFTY26NOV24500PE,NIFTY,0,2026-11-24,24500,0.05,65,PE,NFO-OPT,NFO",
    "5,1,NIFTY26NOV24600PE,NIFTY,0,2026-11-24,24600,0.05,65,PE,NFO-OPT,NFO",
]


def write(path: Path, lines: list[str]) -> Path:
    path.write_bytes(gzip.compress("\n".join([HEADER, *lines]).encode()))
    return path


@pytest.fixture
def listed(workspace: Workspace, tmp_path: Path) -> Workspace:
    import_dump(workspace, DumpRequest(path=write(tmp_path / "kite_2026-11-16.csv.gz", [*LINES, "x"])))
    return workspace


def test_a_dump_is_read_for_the_date_in_its_name_and_what_it_changed_is_told(workspace: Workspace, tmp_path: Path) -> None:
    path = write(tmp_path / "kite_2026-11-16.csv.gz", [*LINES, "x"])
    document = import_dump(workspace, DumpRequest(path=path))
    assert (document.on, document.rows_read, document.rejected_count, document.new) == ("2026-11-16", 9, 1, 8)
    assert document.exchanges == {"NSE": 3, "NFO": 5}
    assert document.rejected[0].row == 10
    assert import_dump(workspace, DumpRequest(path=path)).unchanged
    assert [(one.exchange, one.rows, one.source) for one in list_dumps(workspace)] == [
        ("NFO", 5, "kite_2026-11-16.csv.gz"),
        ("NSE", 3, "kite_2026-11-16.csv.gz"),
    ]


@pytest.mark.parametrize(
    ("on", "reason"),
    [(None, "does not tell the date"), (date(2026, 11, 21), "lies in the future")],
)
def test_a_dump_without_a_date_or_of_tomorrow_is_refused(workspace: Workspace, tmp_path: Path, on: date | None, reason: str) -> None:
    with pytest.raises(BadParameter, match=reason):
        import_dump(workspace, DumpRequest(path=write(tmp_path / "kite.csv.gz", LINES), on=on))


def test_what_is_listed_and_what_is_only_stored_is_found(listed: Workspace) -> None:
    found = search_instruments(listed, SearchRequest(text="nifty"))
    assert [(hit.instrument, hit.kind) for hit in found][:3] == [
        ("NSE:NIFTY 50", "index"),
        ("NFO:NIFTY26NOVFUT", "future"),
        ("NFO:NIFTY26DECFUT", "future"),
    ]
    assert [hit.instrument for hit in search_instruments(listed, SearchRequest(text="beta"))] == ["SIM:BETA"]


def test_an_instrument_is_shown_as_of_a_date(listed: Workspace) -> None:
    document = show_instrument(listed, build(InstrumentRequest, instrument="nfo:nifty26novfut", on=date(2026, 11, 17)))
    assert document.listing is not None
    assert (document.listing.lot, document.listing.tick, document.listing.expiry, document.listing.kind) == (
        65,
        0.1,
        "2026-11-24",
        "future",
    )
    before = show_instrument(listed, build(InstrumentRequest, instrument="NSE:INFY", on=date(2026, 11, 13)))
    assert (before.listing, len(before.history)) == (None, 1)


def test_the_history_of_a_renamed_symbol_is_found_under_both_names(listed: Workspace, tmp_path: Path) -> None:
    renamed = [line.replace("ZOMATO", "ETERNAL") for line in LINES]
    report = import_dump(listed, DumpRequest(path=write(tmp_path / "a.csv.gz", renamed), on=date(2026, 11, 18)))
    assert [(one.old, one.new, one.state) for one in report.renames] == [("NSE:ZOMATO", "NSE:ETERNAL", "proposed")]
    with pytest.raises(BadParameter):
        decide_rename(listed, InstrumentId("NSE:INFY"), confirmed=True)
    decide_rename(listed, InstrumentId("NSE:ZOMATO"), confirmed=True)
    for name in ("NSE:ZOMATO", "NSE:ETERNAL"):
        document = show_instrument(listed, build(InstrumentRequest, instrument=name))
        assert document.instrument == "NSE:ETERNAL"
        assert [(one.instrument, one.start, one.until) for one in document.history] == [
            ("NSE:ZOMATO", "2026-11-16", "2026-11-18"),
            ("NSE:ETERNAL", "2026-11-18", None),
        ]
        early = show_instrument(listed, build(InstrumentRequest, instrument=name, on=date(2026, 11, 17)))
        assert (early.instrument, early.listing and early.listing.instrument) == ("NSE:ZOMATO", "NSE:ZOMATO")


def test_a_symbol_that_was_given_up_and_taken_by_another_company_is_that_one(listed: Workspace, tmp_path: Path) -> None:
    renamed = [line.replace("ZOMATO", "ETERNAL") for line in LINES]
    import_dump(listed, DumpRequest(path=write(tmp_path / "a.csv.gz", renamed), on=date(2026, 11, 18)))
    decide_rename(listed, InstrumentId("NSE:ZOMATO"), confirmed=True)
    taken = [*renamed, "77,1,ZOMATO,ANOTHER COMPANY,0,,0,0.05,1,EQ,NSE,NSE"]
    import_dump(listed, DumpRequest(path=write(tmp_path / "b.csv.gz", taken), on=date(2026, 11, 19)))
    document = show_instrument(listed, build(InstrumentRequest, instrument="NSE:ZOMATO"))
    assert (document.instrument, [one.name for one in document.history]) == ("NSE:ZOMATO", ["ANOTHER COMPANY"])
    before = show_instrument(listed, build(InstrumentRequest, instrument="NSE:ZOMATO", on=date(2026, 11, 18)))
    assert before.instrument == "NSE:ETERNAL"


def test_a_token_is_shown_as_what_it_stood_for(listed: Workspace) -> None:
    assert show_token(listed, 5097729, date(2026, 11, 17)).instrument == "NSE:ZOMATO"
    with pytest.raises(BadParameter, match="token = 99: stands for nothing that is listed on 2026-11-20"):
        show_token(listed, 99, None)


def test_a_file_of_renames_is_confirmed_at_once(listed: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "renames.csv"
    path.write_text("old,new,on\nNSE:ZOMATO,NSE:ETERNAL,2025-04-09\n", encoding="utf-8")
    assert import_renames(listed, path) == list_renames(listed)
    assert list_renames(listed)[0].state == "confirmed"
    path.write_text("old,new\n", encoding="utf-8")
    with pytest.raises(BadFile):
        import_renames(listed, path)


def test_an_instrument_that_is_not_listed_is_refused_with_those_that_are_like_it(listed: Workspace) -> None:
    with pytest.raises(NotListed, match="NSE:INFI is not listed on 2026-11-20") as caught:
        show_instrument(listed, build(InstrumentRequest, instrument="NSE:INFI"))
    assert caught.value.near == ("NSE:INFY",)
    with pytest.raises(NotListed, match="A contract on NIFTI is not listed") as caught:
        list_expiries(listed, UnderlyingRequest(underlying="nifti"))
    assert caught.value.hint == "Did you mean NIFTY?"


def test_expiries_and_chains_are_those_of_the_date(listed: Workspace) -> None:
    document = list_expiries(listed, UnderlyingRequest(underlying="nifty"))
    assert document.expiries == ("2026-11-24", "2026-12-29")
    assert [one.instrument for one in document.futures] == ["NFO:NIFTY26NOVFUT", "NFO:NIFTY26DECFUT"]
    chain = option_chain(listed, ChainRequest(underlying="NIFTY"))
    assert [(row.strike, row.call, row.put, row.lot) for row in chain.rows] == [
        (24500.0, "NFO:NIFTY26NOV24500CE", "NFO:NIFTY26NOV24500PE", 65),
        (24600.0, None, "NFO:NIFTY26NOV24600PE", 65),
    ]
    with pytest.raises(BadParameter, match="has no options of this expiry") as caught:
        option_chain(listed, ChainRequest(underlying="NIFTY", expiry=date(2026, 12, 29)))
    assert "2026-11-24" in caught.value.hint


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        (
            {"on": date(2026, 11, 2)},
            "No dump covers it: the first one is of 2026-11-16. Dumps list contracts on NIFTY from 2026-11-16",
        ),
        (
            {"on": date(2027, 1, 4)},
            "up to it is of 2026-11-16. Dumps list contracts on NIFTY from 2026-11-16 to 2026-12-29 at NFO: name such",
        ),
        ({"exchange": "BFO"}, "Dumps list contracts on NIFTY at NFO."),
    ],
)
def test_when_contracts_on_a_known_name_are_listed_is_told(listed: Workspace, options: dict[str, object], hint: str) -> None:
    with pytest.raises(NotListed, match=r"A contract on NIFTY .*is not listed on") as caught:
        list_expiries(listed, build(UnderlyingRequest, underlying="nifty", **options))
    assert hint in caught.value.hint
    with pytest.raises(NotListed, match=r"A contract on NIFTY .*is not listed on") as caught:
        option_chain(listed, build(ChainRequest, underlying="nifty", **options))
    assert hint in caught.value.hint


def test_an_expired_contract_is_shown_as_not_listed_any_more(listed: Workspace) -> None:
    document = show_instrument(listed, build(InstrumentRequest, instrument="NFO:NIFTY26NOVFUT", on=date(2026, 11, 25)))
    assert (document.listing, len(document.history)) == (None, 1)


def test_an_exchange_that_is_none_is_refused() -> None:
    with pytest.raises(BadParameter, match="there is no such exchange"):
        build(UnderlyingRequest, underlying="NIFTY", exchange="MARS")


def test_a_search_that_was_prepared_finds_its_index_ready(workspace: Workspace) -> None:
    prepare_search(workspace)
    ready = workspace.finder._last  # noqa: SLF001 - nothing outside tells an index made now from one made before
    assert ready is not None
    assert search_instruments(workspace, SearchRequest(text="alp"))[0].instrument == "NSE:ALPHA"
    assert workspace.finder._last is ready  # noqa: SLF001 - see above
