"""Days that a source has nothing for are remembered."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from qts.app.control import ControlDatabase
from qts.core import InstrumentId, Interval
from qts.core.errors import BadParameter
from qts.data.coverage import EmptyReason, KnownEmpty
from qts.data.storage import PriceBasis, SeriesKey

AT = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
KEY = SeriesKey(instrument=InstrumentId("NSE:INFY"), interval=Interval.MINUTE_1)
OTHER = SeriesKey(instrument=InstrumentId("NSE:INFY"), interval=Interval.MINUTE_1, basis=PriceBasis.ADJUSTED)
FIRST, SECOND = date(2020, 3, 5), date(2020, 3, 6)


@pytest.fixture
def known(tmp_path: Path) -> Iterator[KnownEmpty]:
    control = ControlDatabase.open(tmp_path / "control.sqlite")
    yield KnownEmpty(control.database)
    control.close()


def test_a_day_is_known_for_its_series_and_source_alone(known: KnownEmpty) -> None:
    known.add(KEY, [FIRST, SECOND, FIRST], source="kite", asked_at=AT)
    assert known.contains(KEY, FIRST)
    assert known.contains(KEY, FIRST, source="kite")
    assert not known.contains(KEY, FIRST, source="yahoo")
    assert not known.contains(OTHER, FIRST)
    assert [empty.day for empty in known.days(KEY)] == [FIRST, SECOND]
    assert known.days(KEY, source="yahoo") == ()


def test_what_a_source_says_last_is_kept(known: KnownEmpty) -> None:
    known.add(KEY, [FIRST], source="kite", asked_at=AT)
    later = AT.replace(hour=9)
    known.add(KEY, [FIRST], source="kite", asked_at=later, reason=EmptyReason.NO_TRADE)
    (empty,) = known.days(KEY)
    assert (empty.reason, empty.asked_at, empty.source) == (EmptyReason.NO_TRADE, later, "kite")


def test_days_of_all_series_are_told_by_reason(known: KnownEmpty) -> None:
    known.add(KEY, [FIRST], source="kite", asked_at=AT)
    known.add(KEY, [FIRST], source="yahoo", asked_at=AT)
    known.add(OTHER, [SECOND], source="kite", asked_at=AT, reason=EmptyReason.NO_TRADE)
    epoch = date(1970, 1, 1)
    assert known.all_days() == {KEY: {(FIRST - epoch).days}, OTHER: {(SECOND - epoch).days}}
    assert known.all_days(EmptyReason.NO_TRADE).keys() == {OTHER}


def test_forgotten_days_are_asked_for_again(known: KnownEmpty) -> None:
    known.add(KEY, [FIRST, SECOND], source="kite", asked_at=AT)
    assert known.forget(KEY, [FIRST]) == 1
    assert [empty.day for empty in known.days(KEY)] == [SECOND]
    assert known.forget(KEY) == 1
    assert known.days(KEY) == ()


def test_no_days_are_nothing_to_remember(known: KnownEmpty) -> None:
    known.add(KEY, [], source="kite", asked_at=AT)
    assert known.all_days() == {}


def test_an_instant_without_a_zone_is_refused(known: KnownEmpty) -> None:
    with pytest.raises(BadParameter, match="asked_at"):
        known.add(KEY, [FIRST], source="kite", asked_at=AT.replace(tzinfo=None))
