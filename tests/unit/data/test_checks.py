from __future__ import annotations

from datetime import date, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qts.core import IST, LARGEST_PRICE, Exchange, Interval, micros_of
from qts.data.checks import judge, mark_seen
from qts.data.intake import OUTCOMES, Block, Names, Verdict
from qts.data.shape import Shape
from qts.data.stamps import DateOrder
from qts.data.storage import PriceBasis
from qts.market.sessions import is_session

NOW = datetime(2026, 1, 1, tzinfo=IST)


def block_of(stamps: list[datetime], prices: list[tuple[float, float, float, float]], *, codes: list[int] | None = None) -> Block:
    ts = np.array([micros_of(at) for at in stamps], dtype=np.int64)
    values = np.full((6, len(ts)), np.nan)
    values[:4] = np.array(prices).T
    return Block(
        rows=np.arange(2, 2 + len(ts)),
        codes=np.array(codes or [0] * len(ts), dtype=np.int64),
        ts=ts,
        month_first=ts.copy(),
        values=values,
        ranks=np.zeros(len(ts), np.int64),
        states=np.zeros(len(ts), np.uint8),
        details={},
    )


def names_of(*symbols: str, exchange: Exchange = Exchange.NSE) -> Names:
    names = Names(exchange=exchange)
    for symbol in symbols:
        names.code(symbol)
    return names


def shape(interval: Interval) -> Shape:
    return Shape(interval=interval, basis=PriceBasis.RAW, order=DateOrder())


def outcomes(block: Block) -> list[str]:
    return [str(OUTCOMES[state]) for state in block.states.tolist()]


FLAT = (100.0, 100.0, 100.0, 100.0)
DAYS = [on for i in range(60) if is_session(Exchange.NSE, on := date(2024, 1, 1) + timedelta(days=i))]


@pytest.mark.parametrize(
    ("exchange", "time", "expected"),
    [
        (Exchange.NSE, (9, 0), Verdict.OFF_HOURS),
        (Exchange.NSE, (9, 15), "accepted"),
        (Exchange.NSE, (15, 29), "accepted"),
        (Exchange.NSE, (15, 45), Verdict.OFF_HOURS),
        (Exchange.CDS, (16, 59), "accepted"),
        (Exchange.MCX, (23, 0), "accepted"),
        (Exchange.INDEX, (3, 7), "accepted"),
    ],
)
def test_each_exchange_has_its_hours(exchange: Exchange, time: tuple[int, int], expected: str) -> None:
    block = block_of([datetime(2024, 1, 2, *time, tzinfo=IST)], [FLAT])
    judge(block, names_of("A", exchange=exchange), shape(Interval.MINUTE_1), now=NOW)
    assert outcomes(block) == [expected]


def test_a_week_is_stamped_at_the_open_of_its_date_even_on_a_holiday() -> None:
    block = block_of([datetime(2024, 1, 26, tzinfo=IST)], [FLAT])
    judge(block, names_of("A"), shape(Interval.WEEK), now=NOW)
    assert outcomes(block) == ["accepted"]
    assert block.ts.tolist() == [micros_of(datetime(2024, 1, 26, 9, 15, tzinfo=IST))]


def test_instruments_of_two_exchanges_keep_their_own_opens() -> None:
    names = names_of("NSE:A", "MCX:B")
    block = block_of([datetime(2024, 1, 2, tzinfo=IST)] * 2, [FLAT, FLAT], codes=[0, 1])
    judge(block, names, shape(Interval.DAY), now=NOW)
    assert block.ts.tolist() == [micros_of(datetime(2024, 1, 2, 9, 15, tzinfo=IST)), micros_of(datetime(2024, 1, 2, 9, 0, tzinfo=IST))]


def test_what_was_accepted_in_an_earlier_block_is_a_duplicate_later() -> None:
    seen: list[np.ndarray] = []
    for expected in ("accepted", Verdict.DUPLICATE):
        block = block_of([datetime(2024, 1, 2, tzinfo=IST), datetime(2024, 1, 3, tzinfo=IST)], [FLAT, FLAT])
        judge(block, names_of("A"), shape(Interval.DAY), now=NOW)
        mark_seen(block, seen)
        assert outcomes(block) == [expected] * 2
    assert len(seen) == 1


four = st.tuples(*[st.floats(allow_nan=True, allow_infinity=True)] * 4) | st.tuples(*[st.sampled_from([99.0, 100.0, 101.0])] * 4)


@given(rows=st.lists(st.tuples(st.sampled_from(DAYS), four), min_size=1, max_size=30))
def test_what_is_accepted_is_sound_and_unique_and_nothing_sound_is_lost(rows: list[tuple[date, tuple[float, float, float, float]]]) -> None:
    block = block_of([datetime(on.year, on.month, on.day, tzinfo=IST) for on, _ in rows], [prices for _, prices in rows])
    judge(block, names_of("A"), shape(Interval.DAY), now=NOW)
    first: dict[date, tuple[float, ...]] = {}
    for on, (open_, high, low, close) in rows:
        noise = 1e-9 * abs(close)
        is_sound = all(0 < price <= LARGEST_PRICE for price in (open_, high, low, close))
        if is_sound and high >= max(open_, close, low) - noise and low <= min(open_, close) + noise:
            first.setdefault(on, (open_, high, low, close))
    good = block.is_good
    accepted = {rows[i][0]: rows[i][1] for i in np.flatnonzero(good).tolist()}
    assert accepted == first
    assert int(good.sum()) == len(first)


@pytest.mark.parametrize(
    ("interval", "stamp", "now", "expected"),
    [
        pytest.param(Interval.DAY, (9, 15), (12, 0), Verdict.FORMING, id="a day at noon"),
        pytest.param(Interval.DAY, (9, 15), (15, 32), Verdict.FORMING, id="a day before its closing price has settled"),
        pytest.param(Interval.DAY, (9, 15), (18, 0), "accepted", id="a day in the evening"),
        pytest.param(Interval.MINUTE_15, (10, 0), (10, 14), Verdict.FORMING, id="a quarter of an hour that runs"),
        pytest.param(Interval.MINUTE_15, (10, 0), (10, 15), "accepted", id="one that is over while the session runs"),
        pytest.param(Interval.MINUTE_60, (15, 15), (18, 0), "accepted", id="the last, short hour of a session that is over"),
    ],
)
def test_a_bar_that_still_forms_is_refused(interval: Interval, stamp: tuple[int, int], now: tuple[int, int], expected: str) -> None:
    on = date(2024, 1, 3)
    at, then = (datetime(on.year, on.month, on.day, *time, tzinfo=IST) for time in (stamp, now))
    block = block_of([at], [FLAT])
    judge(block, names_of("INFY"), shape(interval), now=then)
    assert outcomes(block) == [expected]
