"""Days on which the exchange's own list lacks a share."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from qts.core import InstrumentId, Interval
from qts.data.coverage import days_without_trade
from qts.data.storage import PriceBasis, SeriesInfo, SeriesKey

DAYS = range(19_000, 19_020)
GAP = 19_010


def info(name: str, *sources: str, interval: Interval = Interval.DAY, basis: PriceBasis = PriceBasis.RAW) -> SeriesInfo:
    key = SeriesKey(instrument=InstrumentId(name), interval=interval, basis=basis)
    return SeriesInfo(key=key, first_ts=0, last_ts=0, last_close=1.0, n_bars=1, simulated=False, sources=sources)


def store(n_peers: int, *sources: str, listed: range = DAYS) -> tuple[list[SeriesInfo], dict[SeriesKey, Mapping[int, int]]]:
    infos = [info(f"NSE:P{i}", *sources) for i in range(n_peers)]
    return infos, {one.key: dict.fromkeys(listed, 1) for one in infos}


def absences(infos: list[SeriesInfo], held: dict[SeriesKey, Mapping[int, int]], one: SeriesInfo, days: set[int]) -> frozenset[int]:
    found = days_without_trade([*infos, one], held | {one.key: dict.fromkeys(sorted(days), 1)})
    assert set(found) <= {one.key}
    return found.get(one.key, frozenset())


@pytest.mark.parametrize("source", ["file:cm01DEC2017bhav.csv.gz", "file:BhavCopy_NSE_FO_0_0_0_20250203_F_0000.csv", "file:op14112025.csv"])
def test_a_share_that_the_list_of_a_day_lacks_did_not_trade(source: str) -> None:
    infos, held = store(30, source)
    assert absences(infos, held, info("NSE:X", "file:cm02DEC2017bhav.csv.gz"), set(DAYS) - {GAP}) == {GAP}


@pytest.mark.parametrize(
    ("n_peers", "source"),
    [
        pytest.param(5, "file:cm01bhav.csv", id="a handful of others"),
        pytest.param(30, "file:infy.csv", id="others that are no list"),
        pytest.param(30, "file:fortis.csv", id="a share whose name begins like a list"),
    ],
)
def test_nothing_is_said_without_a_list(n_peers: int, source: str) -> None:
    infos, held = store(n_peers, source)
    assert absences(infos, held, info("NSE:X", "file:cm01bhav.csv"), set(DAYS) - {GAP}) == frozenset()


def test_a_series_from_another_file_takes_no_part() -> None:
    infos, held = store(30, "file:cm01bhav.csv")
    assert absences(infos, held, info("NSE:X", "file:cm01bhav.csv", "kite"), set(DAYS) - {GAP}) == frozenset()


def test_a_day_whose_list_was_stored_in_part_says_nothing() -> None:
    infos, held = store(60, "file:cm01bhav.csv")
    partly = {key: {day: 1 for day in days if day != GAP or i < 25} for i, (key, days) in enumerate(held.items())}
    found = days_without_trade(infos, partly)
    assert found == {}


def test_days_before_the_first_and_after_the_last_trade_are_none() -> None:
    infos, held = store(30, "file:cm01bhav.csv")
    assert absences(infos, held, info("NSE:X", "file:cm01bhav.csv"), set(range(19_005, 19_015))) == frozenset()
