"""What every source of bars that comes with the program promises, whoever wrote it."""

from __future__ import annotations

import hashlib
from datetime import date
from functools import cache

import numpy as np
import pytest

from qts.core import Bars, Exchange, exchange_of, instant_of, micros_of, parse_instrument, session_date_of
from qts.data.source import BundledSource, built_in_sources
from qts.data.storage import SeriesKey
from qts.market.sessions import daily_stamp, is_session, session_on

SOURCES = built_in_sources()


@cache
def loaded(name: str) -> dict[SeriesKey, Bars]:
    return {key: SOURCES[name].bars(key) for key in SOURCES[name].series()}


@pytest.fixture(params=SOURCES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def source(name: str) -> BundledSource:
    return SOURCES[name]


def test_bars_carry_the_name_they_were_asked_for(name: str) -> None:
    for key, bars in loaded(name).items():
        assert (bars.instrument, bars.interval) == (key.instrument, key.interval)
        assert len(bars) > 0
        assert {len(column) for column in (bars.ts, bars.open, bars.high, bars.low, bars.close, bars.volume, bars.oi)} == {len(bars)}
        assert bars.ts.dtype == np.int64
        assert {column.dtype for column in (bars.open, bars.high, bars.low, bars.close, bars.volume, bars.oi)} == {np.dtype(np.float64)}


def test_bars_are_in_order_and_none_is_double(name: str) -> None:
    for key, bars in loaded(name).items():
        assert np.all(np.diff(bars.ts) > 0), key


def test_prices_are_positive_and_agree_with_each_other(name: str) -> None:
    for key, bars in loaded(name).items():
        prices = np.stack([bars.open, bars.high, bars.low, bars.close])
        assert np.all(np.isfinite(prices)), key
        assert np.all(prices > 0.0), key
        assert np.all(bars.high >= prices.max(axis=0)), key
        assert np.all(bars.low <= prices.min(axis=0)), key


def test_volumes_are_absent_or_whole_and_not_negative(name: str) -> None:
    for key, bars in loaded(name).items():
        known = bars.volume[~np.isnan(bars.volume)]
        assert np.all(known >= 0.0), key
        assert np.all(known == np.rint(known)), key


def test_daily_bars_stand_at_the_nominal_open_of_a_session(name: str) -> None:
    days = {key: bars for key, bars in loaded(name).items() if not key.interval.is_intraday}
    for key, bars in days.items():
        exchange = exchange_of(key.instrument)
        for stamp in bars.ts.tolist():
            on = session_date_of(stamp)
            assert stamp == micros_of(daily_stamp(exchange, on)), (key, on)
            assert is_session(exchange, on), (key, on)


def in_a_window(exchange: Exchange, stamps: list[int], on: date) -> bool:
    session = session_on(exchange, on)
    assert session is not None, on
    return all(any(window.opens_at <= instant_of(stamp) < window.closes_at for window in session.windows) for stamp in stamps)


def test_intraday_bars_stand_inside_the_windows_of_a_session(name: str) -> None:
    checked: set[tuple[Exchange, bytes]] = set()
    for key, bars in loaded(name).items():
        if not key.interval.is_intraday or (mark := (exchange_of(key.instrument), bars.ts.tobytes())) in checked:
            continue
        checked.add(mark)
        by_date: dict[date, list[int]] = {}
        for stamp in bars.ts.tolist():
            by_date.setdefault(session_date_of(stamp), []).append(stamp)
        assert all(in_a_window(exchange_of(key.instrument), stamps, on) for on, stamps in by_date.items())


def test_names_are_valid_and_listed_once(name: str, source: BundledSource) -> None:
    listed = [listing.instrument.id for listing in source.listings()]
    assert len(set(listed)) == len(listed)
    assert all(parse_instrument(instrument) == instrument for instrument in listed)
    assert {key.instrument for key in loaded(name)} == set(listed)


def test_what_is_simulated_is_so_by_its_exchange_too(source: BundledSource) -> None:
    assert {exchange_of(key.instrument) is Exchange.SIM for key in source.series()} == {source.simulated}


def test_a_source_says_what_it_is(name: str, source: BundledSource) -> None:
    assert all([source.title, source.note, source.licence])
    provenance = source.provenance(name)
    assert (provenance.simulated, provenance.source, provenance.note) == (source.simulated, name.replace("_", "-"), source.note)


def digest(bars: Bars) -> str:
    columns = (bars.ts, bars.open, bars.high, bars.low, bars.close, bars.volume)
    return hashlib.sha256(b"".join(column.tobytes() for column in columns)).hexdigest()


def test_the_same_series_comes_out_twice(name: str, source: BundledSource) -> None:
    for key in source.series():
        assert digest(source.bars(key)) == digest(loaded(name)[key]), key
