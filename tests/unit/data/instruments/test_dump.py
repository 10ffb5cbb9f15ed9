from __future__ import annotations

import gzip
from datetime import date
from pathlib import Path

import pytest

from qts.core.errors import BadFile, BadPath
from qts.data.instruments import DumpRow, date_in_name, parse_dump, read_dump

HEADER = "instrument_token,exchange_token,tradingsymbol,name,last_price,expiry,strike,tick_size,lot_size,instrument_type,segment,exchange"
INFY = "408065,1594,INFY,INFOSYS,0,,0,0.05,1,EQ,NSE,NSE"
FUTURE = "14866434,58072,NIFTY26AUGFUT,NIFTY,0.0,2026-08-25,0.0,0.1,65,FUT,NFO-FUT,NFO"
ON = date(2026, 8, 3)


def test_rows_are_read_with_strikes_and_ticks_in_ten_thousandths_of_a_rupee() -> None:
    call = '9000001,35156,NIFTY26AUG24500CE,"NIFTY",12.5,2026-08-25,24500.0,0.05,65,CE,NFO-OPT,NFO'
    dump = parse_dump(f"{HEADER}\n{INFY}\n{FUTURE}\n{call}".encode(), label="x", on=ON)
    assert dump.rows == (
        DumpRow("NSE", "INFY", 408065, "INFOSYS", None, None, 500, 1, "EQ", "NSE"),
        DumpRow("NFO", "NIFTY26AUGFUT", 14866434, "NIFTY", date(2026, 8, 25), None, 1000, 65, "FUT", "NFO-FUT"),
        DumpRow("NFO", "NIFTY26AUG24500CE", 9000001, "NIFTY", date(2026, 8, 25), 245_000_000, 500, 65, "CE", "NFO-OPT"),
    )
    assert (dump.n_read, dump.n_rejected) == (3, 0)
    assert {exchange: len(rows) for exchange, rows in dump.by_exchange().items()} == {"NSE": 1, "NFO": 2}


def test_a_contract_without_a_name_gets_its_underlying_from_its_symbol() -> None:
    dump = parse_dump(f"{HEADER}\n{FUTURE.replace(',NIFTY,0.0', ',,0.0')}".encode(), label="x", on=ON)
    assert dump.rows[0].name == "NIFTY"


def test_a_name_may_hold_a_comma_and_an_index_has_neither_lot_nor_tick() -> None:
    lines = ['256265,1001,NIFTY 50,"NIFTY 50, THE INDEX",0,,0,0,0,EQ,INDICES,NSE']
    dump = parse_dump("\n".join((HEADER, *lines)).encode(), label="x", on=ON)
    assert dump.rows == (DumpRow("NSE", "NIFTY 50", 256265, "NIFTY 50, THE INDEX", None, None, None, None, "EQ", "INDICES"),)


@pytest.mark.parametrize(
    ("text", "band"),
    [("0.1", 1000), ("0.20", 2000), ("0.025", 250), (" no band ", 0), ("No Band", 0), ("", None)],
)
def test_a_price_band_is_a_fraction_none_or_not_known(text: str, band: int | None) -> None:
    dump = parse_dump(f"{HEADER},Price_Band\n{INFY},{text}".encode(), label="x", on=ON)
    assert (dump.rows[0].band, dump.n_rejected) == (band, 0)


@pytest.mark.parametrize("text", ["10", "10%", "1", "0", "-0.1", "nan", "0.00001", "none"])
def test_a_price_band_that_is_no_fraction_is_rejected_with_the_way_to_write_it(text: str) -> None:
    tcs = INFY.replace("INFY,INFOSYS", "TCS,TATA")
    dump = parse_dump(f"{HEADER},price_band\n{tcs},0.1\n{INFY},{text}".encode(), label="x", on=ON)
    assert [row.symbol for row in dump.rows] == ["TCS"]
    assert f"the price band {text!r} is " in dump.rejected[0].reason
    assert "0.1" in dump.rejected[0].reason


def test_a_contract_has_no_price_band() -> None:
    content = f"{HEADER},price_band\n{INFY},0.1\n{FUTURE},no band\n{FUTURE.replace('AUGFUT', 'SEPFUT')},0.1"
    dump = parse_dump(content.encode(), label="x", on=ON)
    assert [row.symbol for row in dump.rows] == ["INFY", "NIFTY26AUGFUT"]
    assert "not of contracts" in dump.rejected[0].reason


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        pytest.param(INFY.replace(",NSE,NSE", ",NSE,MARS"), "no exchange 'MARS'", id="an exchange we do not know"),
        pytest.param(INFY.replace("INFY", "in/fy"), "'IN/FY' is no symbol", id="a symbol that is none"),
        pytest.param(INFY.replace(",EQ,", ",XX,"), "'XX' is not one of", id="a kind that is none"),
        pytest.param(INFY.replace("408065", "40x"), "token '40x'", id="a token of letters"),
        pytest.param(INFY.replace("408065", "4294967296"), "token '4294967296'", id="a token beyond 32 bits"),
        pytest.param(INFY.replace("0.05", "five"), "'five' is no number", id="a tick of letters"),
        pytest.param(INFY.replace("0.05", "0.00001"), "no price in ten-thousandths", id="a tick too fine"),
        pytest.param(INFY.replace("0.05", "nan"), "no price in ten-thousandths", id="a tick that is not a number"),
        pytest.param(INFY.replace(",1,EQ", ",1.5,EQ"), "lot '1.5'", id="a lot with a fraction"),
        pytest.param(FUTURE.replace("2026-08-25", ""), "a contract has a day of expiry", id="a future without expiry"),
        pytest.param(FUTURE.replace("2026-08-25", "25/08/2026"), "'25/08/2026' is no date", id="an expiry in another spelling"),
        pytest.param(FUTURE.replace("2026-08-25", "2026-07-28"), "expired on 2026-07-28, before the dump", id="a contract that is over"),
        pytest.param(FUTURE.replace("FUT,NFO-FUT", "CE,NFO-OPT"), "an option has a strike", id="an option without strike"),
        pytest.param(INFY.rsplit(",", 1)[0], "11 fields where the header has 12", id="a row cut short"),
        pytest.param(INFY.replace("408065", "408321").replace("INFY", "TCS"), "NSE:TCS is listed twice", id="a symbol twice"),
    ],
)
def test_a_row_that_does_not_fit_is_rejected_with_its_line_and_the_reason(line: str, reason: str) -> None:
    tcs = "2953217,11536,TCS,TATA CONSULTANCY,0,,0,0.05,1,EQ,NSE,NSE"
    dump = parse_dump(f"{HEADER}\n{tcs}\n{line}".encode(), label="x", on=ON)
    assert (len(dump.rows), dump.n_rejected, dump.rejected[0].row) == (1, 1, 3)
    assert reason in dump.rejected[0].reason


def test_of_many_rejected_rows_the_first_hundred_are_told_and_all_are_counted() -> None:
    dump = parse_dump("\n".join((HEADER, INFY, *["x"] * 250)).encode(), label="x", on=ON)
    assert (len(dump.rejected), dump.n_rejected, dump.n_read) == (100, 250, 251)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param(b"", "no column instrument_token", id="nothing"),
        pytest.param(b"symbol,open\nINFY,1", "no column instrument_token", id="prices"),
        pytest.param(HEADER.encode(), "none of its 0 rows", id="a header alone"),
        pytest.param(f"{HEADER}\nx".encode(), "row 2: it has 1 fields", id="no row that fits"),
        pytest.param(b"\xff\xfe\x00", "byte 0 is not UTF-8", id="bytes"),
    ],
)
def test_what_is_no_dump_is_refused_as_a_whole(content: bytes, reason: str) -> None:
    with pytest.raises(BadFile, match=reason):
        parse_dump(content, label="x", on=ON)


def test_a_gzipped_dump_is_the_same_dump(tmp_path: Path) -> None:
    content = f"{HEADER}\n{INFY}\n".encode()
    plain, packed = tmp_path / "a.csv", tmp_path / "a.csv.gz"
    plain.write_bytes(content)
    packed.write_bytes(gzip.compress(content))
    assert read_dump(plain, on=ON) == read_dump(packed, on=ON)


def test_a_gzip_that_ends_in_the_middle_and_a_file_that_is_absent_are_refused(tmp_path: Path) -> None:
    torn = tmp_path / "a.csv.gz"
    torn.write_bytes(gzip.compress((HEADER + "\n" + "\n".join([INFY] * 500)).encode())[:-20])
    with pytest.raises(BadFile, match="ends in the middle"):
        read_dump(torn, on=ON)
    torn.write_bytes(b"\x1f\x8bxxxxxxxxxxxx")
    with pytest.raises(BadFile, match="cannot be unpacked"):
        read_dump(torn, on=ON)
    with pytest.raises(BadPath):
        read_dump(tmp_path / "none.csv", on=ON)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("instruments_2026-08-03.csv", date(2026, 8, 3)),
        ("20260803-nfo.csv.gz", date(2026, 8, 3)),
        ("kite_instruments_nfo_2026_08.csv.gz", None),
        ("20261399.csv", None),
        ("2026-08-03_2026-08-04.csv", None),
    ],
)
def test_the_date_in_a_name_is_found_where_there_is_one(name: str, expected: date | None) -> None:
    assert date_in_name(Path(name)) == expected


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("name", "on", "n_rows"),
    [
        ("kite_instruments_nfo_2026_08.csv.gz", date(2026, 8, 3), 39_941),
        ("kite-mocks/instruments_all.csv", date(2017, 11, 20), 99),
        ("kite_mocks_more/instruments_nse.csv", date(2017, 11, 20), 99),
    ],
)
def test_real_dumps_are_read_whole(realdata: Path, name: str, on: date, n_rows: int) -> None:
    dump = read_dump(realdata / name, on=on)
    assert (len(dump.rows), dump.n_rejected) == (n_rows, 0)
