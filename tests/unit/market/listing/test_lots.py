"""Lots by expiry, and the largest quantity of one order."""

from __future__ import annotations

import csv
import gzip
import io
import math
import zipfile
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from qts.core import InstrumentId
from qts.core.errors import BadParameter
from qts.market.listing import Contract, contract_of, freeze_quantity, lot_size


def read(text: str) -> Contract:
    found = contract_of(InstrumentId(text))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("text", "on", "expected"),
    [
        pytest.param("NFO:NIFTY2511625000CE", "2025-01-10", 75, id="75 from expiries of 2025"),
        pytest.param("NFO:NIFTY25NOVFUT", "2025-11-14", 75, id="75 to the end of 2025"),
        pytest.param("NFO:NIFTY26JANFUT", "2025-11-14", 65, id="65 from expiries of 2026, listed before"),
        pytest.param("NFO:NIFTY2611325000PE", "2026-01-06", 65, id="weekly of 2026"),
        pytest.param("NFO:NIFTY26MARFUT", "2025-12-31", 65, id="quarterly contracts changed after 2025-12-30"),
        pytest.param("NFO:BANKNIFTY25JUNFUT", "2025-06-02", 30, id="BANKNIFTY before July 2025"),
        pytest.param("NFO:BANKNIFTY25JULFUT", "2025-06-02", 35, id="BANKNIFTY of July 2025"),
        pytest.param("NFO:MIDCPNIFTY25NOVFUT", "2025-11-14", 140, id="MIDCPNIFTY of 2025"),
        pytest.param("NFO:FINNIFTY26FEBFUT", "2026-02-02", 60, id="FINNIFTY of 2026"),
        pytest.param("BFO:SENSEX26NOVFUT", "2026-11-02", 20, id="SENSEX of 2026"),
    ],
)
def test_a_lot_follows_the_expiry(text: str, on: str, expected: int) -> None:
    lot = lot_size(read(text), date.fromisoformat(on))
    assert lot is not None
    assert (lot.quantity, lot.is_estimate, lot.note) == (expected, False, "")
    assert lot.source


@pytest.mark.parametrize(
    ("text", "on", "expected", "words"),
    [
        pytest.param("NFO:NIFTY24DEC24000CE", "2024-12-02", 25, "recalled", id="listed before the new lot"),
        pytest.param("NFO:NIFTY2371317900PE", "2023-07-10", 50, "recalled", id="2023"),
        pytest.param("NFO:NIFTY20JUNFUT", "2020-06-10", 75, "recalled", id="2020"),
        pytest.param("NFO:NIFTY26MARFUT", "2025-11-14", 75, "old lot until 2025-12-31", id="quarterly contract before the change"),
        pytest.param("NFO:NIFTY26DECFUT", "2024-12-02", 25, "old lot until 2025-12-31", id="listed two changes before"),
        pytest.param("NFO:BANKNIFTY25DECFUT", "2025-02-03", 30, "old lot until 2025-06-27", id="quarterly BANKNIFTY"),
        pytest.param("BFO:SENSEX25NOVFUT", "2025-11-03", 20, "recalled", id="BSE before 2026"),
        pytest.param("CDS:USDINR26NOVFUT", "2026-11-02", 1000, "recalled", id="currency"),
    ],
)
def test_a_lot_not_certain_says_so(text: str, on: str, expected: int, words: str) -> None:
    lot = lot_size(read(text), date.fromisoformat(on))
    assert lot is not None
    assert (lot.quantity, lot.is_estimate) == (expected, True)
    assert words in lot.note


@pytest.mark.parametrize("text", ["NFO:RELIANCE26NOVFUT", "MCX:GOLD26DECFUT", "NFO:NIFTY10JANFUT", "NFO:NIFTYFPI26JANFUT"])
def test_a_lot_not_on_record_is_none(text: str) -> None:
    assert lot_size(read(text), date(2026, 1, 5)) is None


@pytest.mark.parametrize(
    ("text", "on", "level", "expected"),
    [
        pytest.param("NFO:NIFTY26NOVFUT", "2026-11-02", None, 1800, id="the newest number published"),
        pytest.param("NFO:BANKNIFTY25JULFUT", "2025-07-01", None, 600, id="BANKNIFTY from July 2025"),
        pytest.param("NFO:BANKNIFTY25SEPFUT", "2025-09-01", None, 900, id="and from September"),
        pytest.param("NFO:NIFTY25SEPFUT", "2025-09-01", "24500", 1800, id="slab to 27,500"),
        pytest.param("NFO:NIFTY27NOVFUT", "2027-11-01", "27500.05", 1200, id="slab above 27,500"),
        pytest.param("NFO:BANKNIFTY25SEPFUT", "2025-09-01", "55000", 900, id="slab to 55,000"),
        pytest.param("NFO:BANKNIFTY25DECFUT", "2025-12-01", "58000", 600, id="slab above 55,000"),
        pytest.param("BFO:SENSEX26NOVFUT", "2026-11-02", "80000", 1000, id="BSE's slabs are not on record"),
        pytest.param("NFO:NIFTY21JANFUT", "2021-01-04", None, None, id="not on record so early"),
        pytest.param("NFO:RELIANCE26NOVFUT", "2026-11-02", None, None, id="shares are not on record"),
    ],
)
def test_freeze_quantity(text: str, on: str, level: str | None, expected: int | None) -> None:
    assert freeze_quantity(read(text), date.fromisoformat(on), index_level=None if level is None else Decimal(level)) == expected


def test_a_level_that_is_no_number_is_refused() -> None:
    with pytest.raises(BadParameter, match="index_level"):
        freeze_quantity(read("NFO:NIFTY26NOVFUT"), date(2026, 11, 2), index_level=Decimal(0))


@pytest.mark.realdata
def test_lots_of_indices_are_those_of_the_brokers_list(realdata: Path) -> None:
    wrong, seen = [], set()
    with gzip.open(realdata / "kite_instruments_nfo_2026_08.csv.gz", "rt", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            contract = read(f"{row['exchange']}:{row['tradingsymbol']}")
            if contract.is_index:
                lot = lot_size(contract, date(2026, 8, 17))
                seen.add(contract.underlying)
                if lot is None or lot.is_estimate or lot.quantity != int(row["lot_size"]):
                    wrong.append(row["tradingsymbol"])
    assert len(seen) == 10
    assert wrong == []


@pytest.mark.realdata
def test_lots_of_indices_are_those_of_the_exchange_in_february_2025(realdata: Path) -> None:
    archive, wrong, n_seen = zipfile.ZipFile(realdata / "BhavCopy_NSE_FO_0_0_0_20250203_F_0000.csv.zip"), set(), 0
    with archive.open(archive.namelist()[0]) as raw:
        for row in csv.DictReader(io.TextIOWrapper(raw, encoding="utf-8")):
            if not row["FinInstrmTp"].startswith("ID"):
                continue
            n_seen += 1
            lot = lot_size(read(f"NFO:{row['FinInstrmNm']}"), date(2025, 2, 3))
            if lot is None or lot.quantity != int(row["NewBrdLotQty"]):
                wrong.add((row["FinInstrmNm"], row["NewBrdLotQty"]))
    assert n_seen == 4680
    assert wrong == set()


@pytest.mark.realdata
def test_contracts_traded_in_november_2025_are_in_whole_lots(realdata: Path) -> None:
    archive, traded = zipfile.ZipFile(realdata / "fo14112025.zip"), dict[tuple[str, date], int]()
    with archive.open("op14112025.csv") as raw:
        for row in csv.DictReader(io.TextIOWrapper(raw, encoding="utf-8")):
            row = {str(name).strip(): str(value).strip() for name, value in row.items()}  # noqa: PLW2901 - names padded with blanks
            if row["INSTRUMENT"] == "OPTIDX":
                key = row["SYMBOL"], datetime.strptime(row["EXP_DATE"], "%d/%m/%Y").date()  # noqa: DTZ007 - a date
                traded[key] = math.gcd(traded.get(key, 0), int(row["TRD_QTY"]))
    assert len(traded) > 10
    for (underlying, expiry), quantity in traded.items():
        lot = lot_size(read(f"NFO:{underlying}{expiry:%y%b}".upper() + "FUT"), date(2025, 11, 14))
        assert lot is not None
        assert quantity % lot.quantity == 0, (underlying, expiry, quantity)
