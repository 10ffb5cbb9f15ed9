from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from qts.core import Bars, Exchange, Floats, InstrumentId, Interval, WindowKind, instant_of, session_date_of
from qts.core.errors import UnknownInstrument
from qts.data.sources.simulated_market import END, SOURCE, simulated_market
from qts.data.sources.simulation import CAST, SPLIT_FACTOR, SPLIT_SYMBOL
from qts.data.storage import PriceBasis, SeriesKey
from qts.market.sessions import session_on

MUHURAT = date(2026, 11, 8)


def bars_of(symbol: str, interval: Interval = Interval.DAY) -> Bars:
    return SOURCE.bars(SeriesKey(instrument=InstrumentId(f"SIM:{symbol}"), interval=interval))


@pytest.fixture(scope="module")
def days() -> dict[str, Bars]:
    return {role.symbol: bars_of(role.symbol) for role in CAST}


@pytest.fixture(scope="module")
def minutes() -> Bars:
    return bars_of("ZORVINBANK", Interval.MINUTE_1)


def log_returns(bars: Bars) -> Floats:
    moves: Floats = np.diff(np.log(bars.close))
    return moves[np.abs(moves) < 1.0]  # without the split


def correlation(left: Floats, right: Floats) -> float:
    return float(np.corrcoef(left, right)[0, 1])


def sessions_of(bars: Bars) -> dict[date, slice]:
    dates = [session_date_of(stamp) for stamp in bars.ts.tolist()]
    starts = [0, *(i_bar for i_bar in range(1, len(dates)) if dates[i_bar] != dates[i_bar - 1]), len(dates)]
    return {dates[start]: slice(start, stop) for start, stop in pairwise(starts)}


def test_it_has_twenty_shares_with_days_and_minutes() -> None:
    assert len(CAST) == 20
    assert len(SOURCE.series()) == 40


def test_days_span_five_years_up_to_the_last_session(days: dict[str, Bars]) -> None:
    for bars in days.values():
        assert session_date_of(int(bars.ts[-1])) == END
        assert session_date_of(int(bars.ts[0])) == date(2021, 11, 22)  # the 20th was a Saturday


def test_minutes_span_sixty_sessions_with_the_muhurat_hour(minutes: Bars) -> None:
    per_day = sessions_of(minutes)
    assert len(per_day) == 60
    assert MUHURAT in per_day
    muhurat = minutes.ts[per_day[MUHURAT]]
    session = session_on(Exchange.SIM, MUHURAT)
    assert session is not None
    windows = [window for window in session.windows if window.kind is WindowKind.CONTINUOUS]
    assert instant_of(int(muhurat[0])) == min(window.opens_at for window in windows)
    assert instant_of(int(muhurat[-1])) == max(window.closes_at for window in windows) - timedelta(minutes=1)


@pytest.mark.parametrize("symbol", ["ZORVINBANK", SPLIT_SYMBOL, "WISTURHOSP"])
def test_minutes_add_up_to_their_days(symbol: str, days: dict[str, Bars]) -> None:
    bars, per_minute = days[symbol], bars_of(symbol, Interval.MINUTE_1)
    i_day = {session_date_of(stamp): i_bar for i_bar, stamp in enumerate(bars.ts.tolist())}
    for on, part in sessions_of(per_minute).items():
        day = bars.window(i_day[on], i_day[on] + 1)
        assert day.open[0] == per_minute.open[part][0]
        assert day.high[0] == per_minute.high[part].max()
        assert day.low[0] == per_minute.low[part].min()
        assert day.close[0] == per_minute.close[part][-1]
        assert day.volume[0] == per_minute.volume[part].sum()


def test_prices_stand_on_ticks_of_five_paise(days: dict[str, Bars], minutes: Bars) -> None:
    for bars in (*days.values(), minutes):
        for column in (bars.open, bars.high, bars.low, bars.close):
            assert all(float(f"{price:.2f}") == price for price in column[:2000].tolist())
            np.testing.assert_array_equal(np.rint(column * 20) / 20, column)


def test_one_share_splits_and_its_note_says_when(days: dict[str, Bars]) -> None:
    falls = {symbol: np.flatnonzero(bars.close[1:] / bars.close[:-1] < 0.4) + 1 for symbol, bars in days.items()}
    assert {symbol for symbol, found in falls.items() if len(found)} == {SPLIT_SYMBOL}
    (i_bar,) = falls[SPLIT_SYMBOL]
    bars = days[SPLIT_SYMBOL]
    assert bars.close[i_bar] * SPLIT_FACTOR / bars.close[i_bar - 1] == pytest.approx(1.0, abs=0.1)
    (note,) = [listing.note for listing in SOURCE.listings() if listing.instrument.id == f"SIM:{SPLIT_SYMBOL}"]
    assert f"Split 1:{SPLIT_FACTOR} from {session_date_of(int(bars.ts[i_bar]))}" in note


def test_volatility_is_that_of_large_shares_and_comes_in_clusters(days: dict[str, Bars]) -> None:
    yearly = [float(np.std(log_returns(bars))) * 248**0.5 for bars in days.values()]
    assert all(0.15 < volatility < 0.45 for volatility in yearly)
    sizes = [np.abs(log_returns(bars)) for bars in days.values()]
    assert np.mean([correlation(size[1:], size[:-1]) for size in sizes]) > 0.05
    assert abs(np.mean([correlation(log_returns(bars)[1:], log_returns(bars)[:-1]) for bars in days.values()])) < 0.04


def test_tails_are_fatter_than_normal(days: dict[str, Bars]) -> None:
    moves = [log_returns(bars) for bars in days.values()]
    kurtosis = [float(np.mean((move - move.mean()) ** 4) / np.var(move) ** 2) for move in moves]
    assert np.median(kurtosis) > 3.6


def test_shares_move_together_and_more_so_within_a_sector(days: dict[str, Bars]) -> None:
    pairs = [
        (one.sector == other.sector, correlation(log_returns(days[one.symbol]), log_returns(days[other.symbol])))
        for one in CAST
        for other in CAST
        if one.symbol < other.symbol and SPLIT_SYMBOL not in (one.symbol, other.symbol)
    ]
    within = np.mean([value for same, value in pairs if same])
    across = np.mean([value for same, value in pairs if not same])
    assert 0.15 < across < within < 0.8


def test_nights_leave_gaps(days: dict[str, Bars]) -> None:
    bars = days["ZORVINBANK"]
    gaps = np.log(bars.open[1:] / bars.close[:-1])
    assert 0.2 < np.std(gaps) / np.std(log_returns(bars)) < 0.6


def test_both_ends_of_the_session_are_lively(minutes: Bars) -> None:
    full = [part for part in sessions_of(minutes).values() if part.stop - part.start == 375]
    assert len(full) == 59
    for column in (minutes.volume, np.log(minutes.high / minutes.low)):
        mean = np.mean([column[part] for part in full], axis=0)
        first, middle, last = mean[:15].mean(), mean[150:240].mean(), mean[-15:].mean()
        assert first > 1.3 * middle
        assert last > 1.1 * middle


def test_the_muhurat_hour_trades_less_than_a_day(minutes: Bars) -> None:
    volumes = {on: float(minutes.volume[part].sum()) for on, part in sessions_of(minutes).items()}
    assert volumes[MUHURAT] < 0.5 * float(np.median(list(volumes.values())))


def test_another_end_gives_another_span_and_the_same_end_the_same_bars(days: dict[str, Bars]) -> None:
    key = SOURCE.series()[0]
    np.testing.assert_array_equal(simulated_market(END).bars(key).close, days["ZORVINBANK"].close)
    leap = simulated_market(date(2024, 2, 29)).bars(key)
    assert session_date_of(int(leap.ts[-1])) == date(2024, 2, 29)
    assert session_date_of(int(leap.ts[0])) == date(2019, 2, 28)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"instrument": InstrumentId("SIM:NOBODY")}, id="unknown share"),
        pytest.param({"interval": Interval.MINUTE_5}, id="interval it has not"),
        pytest.param({"basis": PriceBasis.ADJUSTED}, id="adjusted prices"),
    ],
)
def test_what_it_has_not_is_refused_by_name(change: dict[str, object]) -> None:
    key = replace(SOURCE.series()[0], **change)  # type: ignore[arg-type]  # the fields are named above
    with pytest.raises(UnknownInstrument, match=key.instrument):
        SOURCE.bars(key)


def real_symbols(folder: Path) -> Iterator[str]:
    for path in folder.glob("cm*.csv.gz"):
        with gzip.open(path, "rt", encoding="utf-8") as file:
            yield from (row[0].strip() for row in csv.reader(file))
    for path in folder.glob("nse_daily_*.parquet"):
        column = next(name for name in pq.read_schema(path).names if name.lower() == "symbol")
        yield from pq.read_table(path, columns=[column])[column].unique().to_pylist()


@pytest.mark.realdata
def test_no_name_resembles_a_real_one(realdata: Path) -> None:
    real = set(real_symbols(realdata))
    assert len(real) > 1000
    close = {role.symbol: [name for name in real if name[:4] == role.symbol[:4] or name == role.symbol] for role in CAST}
    assert {symbol: names for symbol, names in close.items() if names} == {}
