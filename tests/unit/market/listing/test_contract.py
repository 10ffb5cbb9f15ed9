"""Symbols of contracts: read, written, and compared with the exchange's and the broker's own lists."""

from __future__ import annotations

import csv
import gzip
import io
import zipfile
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qts.core import Exchange, InstrumentId
from qts.core.errors import BadParameter
from qts.market.listing import Contract, ContractKind, OptionRight, contract_of, contract_symbol, monthly_expiry


def read(text: str) -> Contract:
    found = contract_of(InstrumentId(text))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("text", "underlying", "expiry", "strike", "right"),
    [
        pytest.param("NFO:NIFTY26NOVFUT", "NIFTY", "2026-11-23", None, None, id="future"),
        pytest.param("NFO:RELIANCE26NOV1400CE", "RELIANCE", "2026-11-23", "1400", "call", id="monthly option"),
        pytest.param("NFO:NIFTY2371317900PE", "NIFTY", "2023-07-13", "17900", "put", id="weekly option"),
        pytest.param("NFO:NIFTY23N1619700CE", "NIFTY", "2023-11-16", "19700", "call", id="N is November"),
        pytest.param("NFO:NIFTY23O0519500CE", "NIFTY", "2023-10-05", "19500", "call", id="O is October"),
        pytest.param("BFO:SENSEX24D0680000PE", "SENSEX", "2024-12-06", "80000", "put", id="D is December"),
        pytest.param("NFO:NIFTYNXT502471562000CE", "NIFTYNXT50", "2024-07-15", "62000", "call", id="an index whose name ends in digits"),
        pytest.param("BFO:SENSEX502111226000CE", "SENSEX50", "2021-01-12", "26000", "call", id="the longest name known"),
        pytest.param("NFO:ABC2371317900PE", "ABC", "2023-07-13", "17900", "put", id="a name not known that ends in a letter"),
        pytest.param("NFO:M&M26NOV3700CE", "M&M", "2026-11-23", "3700", "call", id="ampersand"),
        pytest.param("NFO:BAJAJ-AUTO26NOVFUT", "BAJAJ-AUTO", "2026-11-23", None, None, id="dash"),
        pytest.param("NFO:360ONE26NOV1000PE", "360ONE", "2026-11-23", "1000", "put", id="a name that begins with digits"),
        pytest.param("NFO:MARICO26MAR800CE", "MARICO", "2026-03-30", "800", "call", id="a name that begins like a month"),
        pytest.param("NFO:ITC26NOV287.5CE", "ITC", "2026-11-23", "287.5", "call", id="half a rupee"),
        pytest.param("CDS:USDINR21JUNFUT", "USDINR", "2021-06-28", None, None, id="currency future"),
        pytest.param("CDS:USDINR2161173.25CE", "USDINR", "2021-06-11", "73.25", "call", id="currency option with a day"),
        pytest.param("BCD:USDINR21JUN73.25PE", "USDINR", "2021-06-28", "73.25", "put", id="currency option without"),
        pytest.param("MCX:CRUDEOIL24JAN6000CE", "CRUDEOIL", None, "6000", "call", id="commodities have no rule of expiry"),
    ],
)
def test_a_symbol_is_read(*, text: str, underlying: str, expiry: str | None, strike: str | None, right: str | None) -> None:
    found = read(text)
    assert found.underlying == underlying
    assert found.expiry == (None if expiry is None else date.fromisoformat(expiry))
    assert found.strike == (None if strike is None else Decimal(strike))
    assert found.right == right
    assert found.kind is (ContractKind.FUTURE if right is None else ContractKind.OPTION)
    assert contract_symbol(found) == text


def test_an_expiry_read_from_the_symbol_is_no_estimate_and_a_computed_one_is() -> None:
    weekly, monthly, commodity = read("NFO:NIFTY2371317900PE"), read("NFO:NIFTY23JUL20600CE"), read("MCX:GOLD24FEBFUT")
    assert (weekly.monthly, weekly.expiry_is_estimate) == (False, False)
    assert (monthly.monthly, monthly.expiry_is_estimate) == (True, True)
    assert (commodity.monthly, commodity.expiry_is_estimate) == (True, False)
    assert (weekly.month, commodity.month) == (date(2023, 7, 1), date(2024, 2, 1))


def test_an_index_is_told_from_a_share_a_currency_and_a_commodity() -> None:
    assert read("NFO:NIFTY26NOVFUT").is_index
    assert read("BFO:SENSEX26NOVFUT").is_index
    assert not any(read(text).is_index for text in ("NFO:TCS26NOVFUT", "CDS:USDINR26NOVFUT", "MCX:GOLD26DECFUT"))


@pytest.mark.parametrize("text", ["NSE:INFY", "BSE:RELIANCE", "INDEX:SPX", "SIM:ALPHA", "NSE:NIFTY 50"])
def test_shares_and_indices_are_no_contracts(text: str) -> None:
    assert contract_of(InstrumentId(text)) is None


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("NFO:INFY", id="a share"),
        pytest.param("NFO:NIFTY26NOV", id="neither future nor option"),
        pytest.param("NFO:26NOVFUT", id="no underlying"),
        pytest.param("NFO:NIFTY26NOVCE", id="no strike"),
        pytest.param("NFO:NIFTY26NOV0CE", id="strike of zero"),
        pytest.param("NFO:NIFTY2373217900PE", id="no thirty-second of July"),
        pytest.param("NFO:NIFTY 5026NOVFUT", id="blank"),
    ],
)
def test_what_is_no_symbol_of_a_contract_is_refused_by_name(text: str) -> None:
    with pytest.raises(BadParameter, match="is not the symbol of a contract of NFO") as caught:
        contract_of(InstrumentId(text))
    assert caught.value.value == text
    assert "NIFTY26NOVFUT" in caught.value.hint


NAMES = st.sampled_from(["NIFTY", "BANKNIFTY", "NIFTYNXT50", "M&M", "BAJAJ-AUTO", "360ONE", "TCS"]) | st.from_regex(
    r"[A-Z]{2,9}", fullmatch=True
)
STRIKES = st.decimals(Decimal("0.5"), Decimal(90000), places=2).filter(lambda strike: strike > 0)


@st.composite
def contracts(draw: st.DrawFn) -> Contract:
    day, underlying, is_monthly = draw(st.dates(date(2001, 1, 1), date(2049, 12, 31))), draw(NAMES), draw(st.booleans())
    right = draw(st.sampled_from([None, *OptionRight]))
    return Contract(
        exchange=Exchange.NFO,
        underlying=underlying,
        kind=ContractKind.FUTURE if right is None else ContractKind.OPTION,
        month=day.replace(day=1),
        monthly=is_monthly,
        expiry=monthly_expiry(Exchange.NFO, underlying, day) if is_monthly else day,
        expiry_is_estimate=is_monthly,
        strike=None if right is None else draw(STRIKES),
        right=right,
        is_index=underlying in {"NIFTY", "BANKNIFTY", "NIFTYNXT50"},
    )


@given(contracts().filter(lambda contract: contract.underlying not in {"JUNIOR", "DEFTY", "CNXIT", "DJIA"}))
def test_reading_what_was_written_gives_the_contract_back(contract: Contract) -> None:
    assert contract_of(contract_symbol(contract)) == contract


def test_a_contract_that_lacks_what_its_symbol_says_is_not_written() -> None:
    weekly = read("NFO:NIFTY2371317900PE")
    with pytest.raises(BadParameter, match="a weekly contract has one"):
        contract_symbol(replace(weekly, expiry=None))
    with pytest.raises(BadParameter, match="has a strike and a right"):
        contract_symbol(replace(weekly, strike=None))


@pytest.mark.realdata
def test_every_instrument_of_the_brokers_list_is_read_as_its_columns_say(realdata: Path) -> None:
    rights = {"FUT": None, "CE": OptionRight.CALL, "PE": OptionRight.PUT}
    n_read, wrong = 0, []
    with gzip.open(realdata / "kite_instruments_nfo_2026_08.csv.gz", "rt", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            text = f"{row['exchange']}:{row['tradingsymbol']}"
            found, right = read(text), rights[row["instrument_type"]]
            told = (row["name"], row["expiry"], None if right is None else Decimal(row["strike"]), right, text)
            if (found.underlying, str(found.expiry), found.strike, found.right, contract_symbol(found)) != told:
                wrong.append(text)
            n_read += 1
    assert (n_read, wrong) == (39941, [])


@pytest.mark.realdata
def test_contracts_of_february_2025_are_read_but_for_the_move_to_tuesday_not_yet_decided(realdata: Path) -> None:
    archive = zipfile.ZipFile(realdata / "BhavCopy_NSE_FO_0_0_0_20250203_F_0000.csv.zip")
    n_read, wrong, moved = 0, [], set()
    with archive.open(archive.namelist()[0]) as raw:
        for row in csv.DictReader(io.TextIOWrapper(raw, encoding="utf-8")):
            found = read(f"NFO:{row['FinInstrmNm']}")
            strike = Decimal(row["StrkPric"]) if row["OptnTp"] else None
            if (found.underlying, found.strike, found.is_index) != (row["TckrSymb"], strike, row["FinInstrmTp"].startswith("ID")):
                wrong.append(row["FinInstrmNm"])
            if str(found.expiry) != row["XpryDt"]:
                moved.add((row["TckrSymb"], row["XpryDt"]))
            n_read += 1
    assert (n_read, wrong) == (34304, [])
    assert {name for name, _ in moved} == {"NIFTY", "BANKNIFTY"}
    assert min(day for _, day in moved) >= "2025-09-01"
