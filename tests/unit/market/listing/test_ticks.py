"""Ticks by date and price level, schedules of them, and rounding."""

from __future__ import annotations

import csv
import gzip
import io
import math
import zipfile
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qts.core import InstrumentId, symbol_of
from qts.core.errors import BadParameter
from qts.market.listing import TickClass, TickFrom, is_on_tick, round_to_tick, tick_class_of, tick_schedule, tick_size
from qts.market.listing.ticks import NO_CLOSE

INFY = InstrumentId("NSE:INFY")
TICKS = st.sampled_from([Decimal(text) for text in ("0.0025", "0.01", "0.05", "0.10", "0.20", "0.50", "1", "5")])
PRICES = st.decimals(Decimal(-1000), Decimal(100000), places=4)


@pytest.mark.parametrize(
    ("text", "on", "close", "expected"),
    [
        pytest.param("NSE:INFY", "2024-06-09", "100", "0.05", id="shares had 0.05 until 2024-06-09"),
        pytest.param("NSE:INFY", "2024-06-10", "249.99", "0.01", id="below 250"),
        pytest.param("NSE:INFY", "2024-06-10", "250", "0.05", id="at 250"),
        pytest.param("NSE:INFY", "2025-04-14", "30000", "0.05", id="the day before the slabs"),
        pytest.param("NSE:INFY", "2025-04-15", "249.99", "0.01", id="slab below 250"),
        pytest.param("NSE:INFY", "2025-04-15", "250", "0.05", id="slab from 250"),
        pytest.param("NSE:INFY", "2025-04-15", "1000", "0.05", id="slab to 1,000"),
        pytest.param("NSE:INFY", "2025-04-15", "1000.05", "0.10", id="slab above 1,000"),
        pytest.param("NSE:INFY", "2025-04-15", "5000.1", "0.50", id="slab above 5,000"),
        pytest.param("NSE:INFY", "2025-04-15", "10000.5", "1", id="slab above 10,000"),
        pytest.param("NSE:INFY", "2025-04-15", "20001", "5", id="slab above 20,000"),
        pytest.param("SIM:ALPHA", "2025-04-15", "2000", "0.10", id="the simulated market has NSE's ticks"),
        pytest.param("NSE:NIFTYBEES", "2025-04-15", "270", "0.01", id="funds at any level"),
        pytest.param("NFO:NIFTY25MARFUT", "2025-04-14", "23000", "0.05", id="index futures before"),
        pytest.param("NFO:NIFTY25SEPFUT", "2025-04-15", "24000", "0.10", id="index futures to 30,000"),
        pytest.param("NFO:MIDCPNIFTY25SEPFUT", "2025-04-15", "15000", "0.05", id="index futures to 15,000"),
        pytest.param("NFO:BANKNIFTY25SEPFUT", "2025-04-15", "30000.05", "0.20", id="index futures above"),
        pytest.param("BFO:SENSEX26AUGFUT", "2026-08-17", "80000", "0.05", id="BSE keeps 0.05"),
        pytest.param("NFO:SAIL24JULFUT", "2024-07-05", "150", "0.05", id="stock futures before July 2024"),
        pytest.param("NFO:SAIL24JULFUT", "2024-07-08", "150", "0.01", id="stock futures below 250"),
        pytest.param("NFO:MARUTI26AUGFUT", "2026-08-17", "12000", "1", id="stock futures by level"),
        pytest.param("NFO:NIFTY26AUG24000CE", "2026-08-17", "24000", "0.05", id="index options"),
        pytest.param("NFO:SAIL25FEB110CE", "2025-02-03", "110", "0.05", id="stock options before"),
        pytest.param("NFO:SAIL26AUG150CE", "2026-08-17", "150", "0.01", id="stock options on shares below 250"),
        pytest.param("NFO:TCS26AUG2240CE", "2026-08-17", "2240", "0.05", id="stock options on others"),
        pytest.param("CDS:USDINR26NOVFUT", "2026-11-02", "84", "0.0025", id="currency"),
    ],
)
def test_a_tick_follows_date_and_level(text: str, on: str, close: str, expected: str) -> None:
    tick = tick_size(InstrumentId(text), date.fromisoformat(on), Decimal(close))
    assert tick.size == Decimal(expected)
    assert tick.is_estimate is False
    assert (tick.source != "", tick.note) == (True, "")


@pytest.mark.parametrize(
    ("text", "on", "expected", "words"),
    [
        pytest.param("MCX:CRUDEOIL24JANFUT", "2024-01-02", "1", "recalled", id="commodity"),
        pytest.param("MCX:KAPAS24APRFUT", "2024-01-02", "0.05", "assumed", id="commodity without a row of its own"),
        pytest.param("MCX:GOLD24JAN62000CE", "2024-01-02", "0.05", "assumed", id="commodity option"),
        pytest.param("CDS:EURUSD24JANFUT", "2024-01-02", "0.0001", "recalled", id="cross-currency"),
        pytest.param("BSE:INFY", "2025-05-02", "0.10", "NSE's ticks", id="BSE"),
        pytest.param("NSE:INFY", "1990-01-02", "0.05", "no tick before 1994-11-03", id="before the first row"),
        pytest.param("NFO:SAIL25JUN1200CE", "2025-06-02", "0.05", "2025-04-15 is assumed", id="a change of unknown day"),
        pytest.param("INDEX:SPX", "2025-06-02", "0.01", "no price", id="index level"),
    ],
)
def test_what_is_not_certain_says_so(text: str, on: str, expected: str, words: str) -> None:
    tick = tick_size(InstrumentId(text), date.fromisoformat(on), Decimal(1500))
    assert (tick.size, tick.is_estimate) == (Decimal(expected), True)
    assert words in tick.note


def test_without_the_close_of_last_month_a_tick_by_level_is_an_estimate() -> None:
    tick = tick_size(INFY, date(2025, 5, 2), None)
    assert (tick.size, tick.is_estimate, tick.note) == (Decimal("0.05"), True, NO_CLOSE)
    assert tick_size(INFY, date(2020, 5, 4), None).is_estimate is False


@pytest.mark.parametrize("tick_class", TickClass)
def test_every_class_has_a_tick_by_itself(tick_class: TickClass) -> None:
    assert tick_size(tick_class, date(2026, 11, 2), Decimal(100)).size > 0


@pytest.mark.parametrize("close", ["0", "-1", "NaN", "Infinity"])
def test_a_close_that_is_no_price_is_refused(close: str) -> None:
    with pytest.raises(BadParameter, match="last_month_close"):
        tick_size(INFY, date(2025, 5, 2), Decimal(close))


@pytest.mark.parametrize(
    ("text", "expected"),
    [("NSE:INFY", TickClass.CASH), ("BSE:GOLDBEES", TickClass.ETF), ("NSE:SETFNIF50", TickClass.ETF), ("INDEX:SPX", TickClass.INDEX_LEVEL)],
)
def test_a_class_is_read_from_the_symbol(text: str, expected: TickClass) -> None:
    assert tick_class_of(InstrumentId(text)) is expected


def test_a_schedule_has_one_entry_per_change() -> None:
    closes = {(2024, 5): Decimal(240), (2024, 6): Decimal(251), (2024, 7): Decimal(260), (2024, 8): Decimal(249)}
    assert tick_schedule(INFY, closes, date(2024, 6, 3), date(2024, 9, 30)) == (
        TickFrom(start=date(2024, 6, 3), size=Decimal("0.05"), is_estimate=False),
        TickFrom(start=date(2024, 6, 10), size=Decimal("0.01"), is_estimate=False),
        TickFrom(start=date(2024, 7, 1), size=Decimal("0.05"), is_estimate=False),
        TickFrom(start=date(2024, 9, 1), size=Decimal("0.01"), is_estimate=False),
    )


def test_a_schedule_without_a_month_takes_the_one_before_as_an_estimate_and_never_a_later_one() -> None:
    closes = {(2025, 5): Decimal(2000), (2025, 8): Decimal(240)}
    assert tick_schedule(INFY, closes, date(2025, 5, 2), date(2025, 8, 29)) == (
        TickFrom(start=date(2025, 5, 2), size=Decimal("0.05"), is_estimate=True),
        TickFrom(start=date(2025, 6, 1), size=Decimal("0.10"), is_estimate=False),
        TickFrom(start=date(2025, 7, 1), size=Decimal("0.10"), is_estimate=True),
    )


def test_a_schedule_of_one_tick_wants_no_closes() -> None:
    assert tick_schedule(INFY, {}, date(2019, 1, 1), date(2023, 12, 29)) == (
        TickFrom(start=date(2019, 1, 1), size=Decimal("0.05"), is_estimate=False),
    )


def test_a_schedule_backwards_is_refused() -> None:
    with pytest.raises(BadParameter, match="is before first = 2024-01-02"):
        tick_schedule(INFY, {}, date(2024, 1, 2), date(2024, 1, 1))


MONTHS = [(year, month) for year in (2024, 2025) for month in range(1, 13)]


@given(
    st.dictionaries(st.sampled_from(MONTHS), st.decimals(Decimal(1), Decimal(40000), places=2)),
    st.dates(date(2024, 1, 1), date(2025, 12, 31)),
    st.integers(0, 400),
)
def test_a_schedule_says_of_every_day_what_its_month_says(closes: dict[tuple[int, int], Decimal], first: date, n_days: int) -> None:
    last = first + timedelta(days=n_days)
    schedule = tick_schedule(INFY, closes, first, last)
    assert schedule[0].start == first
    for day in (first + timedelta(days=i) for i in range(0, n_days + 1, 7)):
        held = [entry for entry in schedule if entry.start <= day][-1]
        before = day.replace(day=1) - timedelta(days=1)
        if (before.year, before.month) in closes:
            assert held.size == tick_size(INFY, day, closes[before.year, before.month]).size
            assert not held.is_estimate


@given(PRICES, TICKS, st.booleans())
def test_a_rounded_price_is_on_the_tick_on_its_side_and_near(price: Decimal, tick: Decimal, up: bool) -> None:  # noqa: FBT001 - drawn
    rounded = round_to_tick(price, tick, up=up)
    assert is_on_tick(rounded, tick)
    assert abs(rounded - price) < tick
    assert rounded >= price if up else rounded <= price


@given(st.integers(-(10**6), 10**6), TICKS, st.booleans())
def test_a_price_on_the_tick_stays(n_ticks: int, tick: Decimal, up: bool) -> None:  # noqa: FBT001 - drawn
    assert round_to_tick(n_ticks * tick, tick, up=up) == n_ticks * tick


@pytest.mark.parametrize("tick", ["0", "-0.05", "NaN"])
def test_a_tick_that_is_no_step_is_refused(tick: str) -> None:
    with pytest.raises(BadParameter, match="tick = "):
        is_on_tick(Decimal(100), Decimal(tick))
    with pytest.raises(BadParameter, match="tick = "):
        round_to_tick(Decimal(100), Decimal(tick), up=True)


def cash_prices(realdata: Path, name: str) -> Iterator[tuple[InstrumentId, Decimal]]:
    with gzip.open(realdata / name, "rt", encoding="utf-8") as lines:
        for row in csv.DictReader(lines, skipinitialspace=True):
            if row["SERIES"].strip() in {"EQ", "BE"}:
                yield InstrumentId(f"NSE:{row['SYMBOL']}"), Decimal(row.get("HIGH") or row["HIGH_PRICE"])


# Symbols of funds that no pattern tells from shares.
FUNDS = {"AXISNIFTY", "BSLNIFTY", "EQ30", "ICNX100", "IDFNIFTYET", "INIFTY", "KOTAKNIFTY", "KOTAKPSUBK", "LICNFNHGP", "M100", "M50", "N100"}
FUND_HOUSES = ("REL", "RRSL", "SETF")


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("name", "on"),
    [
        ("cm04JAN2016bhav.csv.gz", date(2016, 1, 4)),
        ("cm07SEP2017bhav.csv.gz", date(2017, 9, 7)),
        ("cm01DEC2017bhav.csv.gz", date(2017, 12, 1)),
    ],
)
def test_the_only_prices_of_the_exchange_off_the_tick_are_those_of_funds(realdata: Path, name: str, on: date) -> None:
    prices = list(cash_prices(realdata, name))
    off = {symbol_of(item) for item, price in prices if not is_on_tick(price, tick_size(item, on, price).size)}
    assert len(prices) > 1200
    assert {symbol for symbol in off if symbol not in FUNDS and not symbol.startswith(FUND_HOUSES)} == set()


@pytest.mark.realdata
def test_prices_of_shares_in_january_2025_are_on_the_tick_of_their_level(realdata: Path) -> None:
    # The day's own price stands for the close of December: those near the edge of a slab say nothing.
    day = date(2025, 1, 2)
    prices = [(item, price) for item, price in cash_prices(realdata, "cm02012025bhav.csv.gz") if not 230 < price < 270]
    shares = [(item, price) for item, price in prices if tick_class_of(item) is TickClass.CASH]
    off = [item for item, price in shares if not is_on_tick(price, tick_size(item, day, price).size)]
    assert len(shares) > 1900
    # Funds again: 18 of those above Rs 260 print prices off 0.05 that day, and none of them is a company.
    assert len(off) <= 18


@pytest.mark.realdata
def test_ticks_of_contracts_are_those_of_the_brokers_list(realdata: Path) -> None:
    # Levels of August 2026 are not in the list: indices by what they were, shares by the strikes around which options are listed.
    levels = {"NIFTY": 24500, "BANKNIFTY": 56000, "FINNIFTY": 26000, "MIDCPNIFTY": 13500, "NIFTYNXT50": 68000, "NIFTYFPI": 1550}
    wrong, n_seen = [], 0
    with gzip.open(realdata / "kite_instruments_nfo_2026_08.csv.gz", "rt", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            if row["exchange"] == "NFO" and row["name"] in levels:
                item = InstrumentId(f"NFO:{row['tradingsymbol']}")
                n_seen += 1
                if tick_size(item, date(2026, 8, 17), Decimal(levels[row["name"]])).size != Decimal(row["tick_size"]):
                    wrong.append(row["tradingsymbol"])
    assert n_seen > 2000
    assert wrong == []


@pytest.mark.realdata
def test_futures_and_options_of_november_2025_are_on_the_tick_of_their_level(realdata: Path) -> None:
    # The future's own range stands for October's close of the share: those near the edge of a slab say nothing.
    edges, archive = (250, 1000, 5000, 10000, 15000, 20000, 30000), zipfile.ZipFile(realdata / "fo14112025.zip")
    levels: dict[str, Decimal] = {}
    off: list[tuple[str, str]] = []
    n_prices = 0
    for name in ("fo14112025.csv", "op14112025.csv"):
        with archive.open(name) as raw:
            for padded in csv.DictReader(io.TextIOWrapper(raw, encoding="utf-8")):
                row = {str(key).strip(): str(value).strip() for key, value in padded.items()}
                if not row["INSTRUMENT"].startswith(("FUT", "OPT")):  # notes below the table
                    continue
                symbol, end = row["SYMBOL"], "FUT" if name.startswith("fo") else "1CE"
                prices = [price for key in ("OPEN_PRICE", "HI_PRICE", "LO_PRICE") if (price := Decimal(row[key]))]
                if end == "FUT" and prices:
                    levels.setdefault(symbol, prices[0])
                if symbol not in levels or any(Decimal("0.8") < levels[symbol] / edge < Decimal("1.25") for edge in edges):
                    continue
                tick = tick_size(InstrumentId(f"NFO:{symbol}25NOV{end}"), date(2025, 11, 14), levels[symbol]).size
                n_prices += len(prices)
                off += [(symbol, end) for price in prices if not is_on_tick(price, tick)]
    assert n_prices > 29_000
    assert off == []


@pytest.mark.realdata
def test_months_of_prices_across_the_change_of_2025_are_on_the_scheduled_tick_and_on_no_coarser_one(realdata: Path) -> None:
    rows: dict[str, list[tuple[date, list[Decimal], Decimal]]] = {}
    for row in pq.read_table(realdata / "nse_sec_bhavdata_2025_jan_apr_top400.parquet").to_pylist():
        prices = [Decimal(str(row[key])) for key in ("OPEN_PRICE", "HIGH_PRICE", "LOW_PRICE", "LAST_PRICE")]
        rows.setdefault(row["SYMBOL"], []).append((row["FILE_DATE"].date(), prices, Decimal(str(row["CLOSE_PRICE"]))))
    off, steps, n_prices = [], dict[tuple[str, Decimal], int](), 0
    for symbol, days in rows.items():
        closes = {(day.year, day.month): close for day, _, close in sorted(days)}
        schedule = tick_schedule(InstrumentId(f"NSE:{symbol}"), closes, min(days)[0], max(days)[0])
        for day, prices, _ in days:
            held = [entry for entry in schedule if entry.start <= day][-1]
            if not held.is_estimate:  # January has no close before it
                n_prices += len(prices)
                off += [(symbol, day, price) for price in prices if not is_on_tick(price, held.size)]
                steps[symbol, held.size] = math.gcd(steps.get((symbol, held.size), 0), *(int(price * 100) for price in prices))
    assert n_prices > 85_000
    assert off == []
    exact = [step for (_, size), step in steps.items() if step == size * 100]
    assert len(exact) / len(steps) > 0.95
