from __future__ import annotations

import hashlib
from datetime import date, datetime, time, timedelta

import numpy as np
import pytest

from qts.core import IST, Interval, Session, Window, WindowKind
from qts.data.sources.simulation import CAST, SimulatedMarket
from qts.data.sources.simulation.market import market_of, minute_stamps

# Of the sessions below. It changes when the model changes, and then on purpose; on another machine it must not.
GOLDEN = "4e2594bd400685d2fac2a05687a094bb4aa2faa77c517ed89e5c2aafb7442c2e"


def session(on: date, *spans: tuple[time, time], kind: WindowKind = WindowKind.CONTINUOUS) -> Session:
    windows = [Window(opens_at=datetime.combine(on, a, IST), closes_at=datetime.combine(on, b, IST), kind=kind) for a, b in spans]
    return Session(date=on, windows=tuple(windows))


@pytest.fixture(scope="module")
def market() -> SimulatedMarket:
    days = [session(date(2020, 1, 1) + timedelta(days=i_day), (time(9, 15), time(15, 30))) for i_day in range(200)]
    days[190] = session(days[190].date, (time(18, 15), time(19, 15)))
    return market_of(tuple(days))


def test_the_bars_are_the_same_on_every_machine(market: SimulatedMarket) -> None:
    digest = hashlib.sha256()
    for i_role in range(len(CAST)):
        for interval in (Interval.DAY, Interval.MINUTE_1):
            bars = market.bars(i_role, interval)
            for column in (bars.open, bars.high, bars.low, bars.close):
                # In paise: what is compared is the price, not the bits of a double.
                digest.update(np.rint(column * 100).astype("<i8").tobytes())
            digest.update(bars.volume.astype("<i8").tobytes())
            digest.update(bars.ts.astype("<i8").tobytes())
    assert digest.hexdigest() == GOLDEN


def test_the_split_falls_before_the_minutes(market: SimulatedMarket) -> None:
    assert market.split_on == market.sessions[110].date
    assert len(market.minute_sessions) == 60
    assert market.split_on < market.minute_sessions[0].date


def test_minutes_come_from_continuous_trading_only() -> None:
    on = date(2024, 3, 2)
    special = session(on, (time(9, 15), time(10, 0)), (time(11, 30), time(12, 30)))
    again = session(on, (time(9, 30), time(10, 0)))
    auction = session(on, (time(15, 20), time(15, 35)), kind=WindowKind.CLOSING_AUCTION)
    both = Session(date=on, windows=special.windows + again.windows + auction.windows)
    stamps = minute_stamps(both)
    assert len(stamps) == 45 + 60
    assert np.diff(stamps).max() == 91 * 60_000_000  # 09:59 to 11:30


def test_an_unusual_hour_moves_less_than_a_day(market: SimulatedMarket) -> None:
    spread = market.model.spread
    assert np.all(spread[190] < 0.55 * spread[189])
