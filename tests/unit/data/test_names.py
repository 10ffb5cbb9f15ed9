from __future__ import annotations

import gzip
from datetime import date
from pathlib import Path

import pyarrow.csv as pacsv
import pytest

from qts.core import Exchange
from qts.core.errors import BadParameter
from qts.data.names import contract_name, monthly_expiries, series_symbol, symbol_in


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("INFY.csv", "INFY"),
        ("reliance_15minute_2024.csv.gz", "RELIANCE"),
        ("NSE_M&M_day.parquet", "M&M"),
        ("bajaj-auto_1d_2020-01-01_2021-01-01.csv", "BAJAJ-AUTO"),
        ("NIFTY 50_1m.csv", "NIFTY 50"),
        ("sbin_jan24.csv", "SBIN"),
        ("data.csv", None),
        ("historical_minute.json", None),
        ("infy_and_tcs.csv", None),
        ("My prices (final).csv", None),
        ("20240102.csv", None),
        ("", None),
    ],
)
def test_a_file_name_gives_a_symbol_only_if_it_looks_like_one(name: str, expected: str | None) -> None:
    assert symbol_in(name) == expected


def test_the_symbol_option_wins_and_may_carry_its_exchange() -> None:
    assert series_symbol("tcs", "INFY.csv", Exchange.NSE) == "TCS"
    assert series_symbol("NSE:tcs", "INFY.csv", Exchange.NSE) == "TCS"
    assert series_symbol(None, "INFY.csv", Exchange.NSE) == "INFY"
    with pytest.raises(BadParameter, match="is of BSE, the import of NSE"):
        series_symbol("BSE:TCS", "INFY.csv", Exchange.NSE)


@pytest.mark.parametrize(
    ("expiry", "is_monthly", "strike", "kind", "expected"),
    [
        (date(2025, 2, 27), True, "", "FUT", "NIFTY25FEBFUT"),
        (date(2025, 2, 27), True, "22500", "PE", "NIFTY25FEB22500PE"),
        (date(2025, 2, 6), False, "22500", "CE", "NIFTY2520622500CE"),
        (date(2025, 10, 7), False, "22500", "CE", "NIFTY25O0722500CE"),
        (date(2025, 12, 9), False, "182.5", "CE", "NIFTY25D09182.5CE"),
    ],
)
def test_contracts_are_named_as_the_exchange_does(*, expiry: date, is_monthly: bool, strike: str, kind: str, expected: str) -> None:
    assert contract_name("NIFTY", expiry=expiry, is_monthly=is_monthly, strike=strike, kind=kind) == expected


def test_the_last_expiry_of_a_month_is_the_monthly_one() -> None:
    pairs = [("N", date(2025, 1, 2)), ("N", date(2025, 1, 30)), ("B", date(2025, 1, 23)), ("N", date(2025, 2, 6))]
    assert monthly_expiries(pairs) == {("N", date(2025, 1, 30)), ("B", date(2025, 1, 23)), ("N", date(2025, 2, 6))}


@pytest.mark.realdata
def test_names_equal_every_trading_symbol_of_the_brokers_list(realdata: Path) -> None:
    with gzip.open(realdata / "kite_instruments_nfo_2026_08.csv.gz") as file:
        rows = pacsv.read_csv(file).select(["tradingsymbol", "name", "expiry", "strike", "instrument_type"]).to_pylist()
    monthly = monthly_expiries((row["name"], row["expiry"]) for row in rows)
    wrong = [
        (row["tradingsymbol"], name)
        for row in rows
        if (
            name := contract_name(
                row["name"],
                expiry=row["expiry"],
                is_monthly=(row["name"], row["expiry"]) in monthly,
                strike="" if row["instrument_type"] == "FUT" else f"{row['strike']:g}",
                kind=row["instrument_type"],
            )
        )
        != row["tradingsymbol"]
    ]
    assert len(rows) == 39_941
    assert wrong == []
