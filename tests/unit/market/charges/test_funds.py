"""Funds are told from shares by their symbols; what is doubtful is a share."""

from __future__ import annotations

import csv
import gzip
import io
from pathlib import Path

import pytest

from qts.core import InstrumentId
from qts.market.charges import stt_class_of
from qts.market.charges.schedule import fund_rows


@pytest.mark.parametrize(
    ("symbols", "expected"),
    [
        ("NIFTYBEES BANKBEES JUNIORBEES ITETF SETFNIF50 NIFTYIETF MOM100 SBIETFIT CPSEETF BANKETFADD", "equity_etf"),
        ("GOLDBEES SETFGOLD SILVERBEES LIQUIDBEES GILT5YBEES EBBETF0430 GSEC10IETF HNGSNGBEES MON100 MAFANG HDFCGOLD", "other_etf"),
        ("INFY M&M JETFREIGHT SKYGOLD GOLDENTOBC GOLDIAM PNBGILTS CHEMBOND GOLDTECH SILVERTUC MOMENTUM NIFTYX", "share"),
    ],
)
def test_symbols_have_a_class(symbols: str, expected: str) -> None:
    assert {symbol: str(stt_class_of(InstrumentId(f"NSE:{symbol}"))) for symbol in symbols.split()} == dict.fromkeys(
        symbols.split(), expected
    )


@pytest.mark.parametrize("instrument", ["NFO:NIFTYBEES", "SIM:GOLDBEES", "INDEX:SP500"])
def test_only_the_cash_market_has_funds(instrument: str) -> None:
    assert stt_class_of(InstrumentId(instrument)) == "share"


def test_rows_are_sourced() -> None:
    assert all(row.source and row.confidence in ("A", "B", "C") and row.symbols for row in fund_rows())


@pytest.mark.realdata
def test_no_share_with_a_long_history_is_taken_for_a_fund(realdata: Path) -> None:
    text = gzip.decompress((realdata / "cm04JAN2016bhav.csv.gz").read_bytes()).decode()
    rows = [row for row in csv.DictReader(io.StringIO(text)) if row["SERIES"] == "EQ"]
    funds = {row["SYMBOL"] for row in rows if stt_class_of(InstrumentId(f"NSE:{row['SYMBOL']}")) != "share"}
    # ISINs of funds begin with INF, those of shares with INE.
    shares = {row["SYMBOL"] for row in rows if row["ISIN"].startswith("INE")}
    assert funds & shares == set()
    assert len(funds) > 20
