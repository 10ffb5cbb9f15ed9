from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from qts.core import IST, Clock, FixedClock, instant_of, micros_of, session_date_of

instants = st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2200, 1, 1), timezones=st.just(IST))  # noqa: DTZ001 - hypothesis adds the zone


@given(at=instants)
def test_micros_and_instants_are_inverse(at: datetime) -> None:
    assert instant_of(micros_of(at)) == at


@given(at=instants, hours=st.integers(-12, 14))
def test_micros_do_not_depend_on_the_zone_an_instant_is_written_in(at: datetime, hours: int) -> None:
    assert micros_of(at.astimezone(timezone(timedelta(hours=hours)))) == micros_of(at)


def test_a_daily_stamp_of_the_broker_keeps_its_date_in_india() -> None:
    # Kite stamps the day candle 00:00 IST, which is 18:30 UTC of the day before.
    at = datetime(2019, 12, 3, 18, 30, tzinfo=UTC)
    assert session_date_of(micros_of(at)).isoformat() == "2019-12-04"


def test_a_fixed_clock_stands_still() -> None:
    at = datetime(2026, 11, 20, 15, 29, tzinfo=IST)
    clock: Clock = FixedClock(at)
    assert clock.now() == clock.now() == at
