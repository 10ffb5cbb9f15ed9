"""A row that is not what was written is an error of its own series, whatever it is named now, and of no other."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from qts.core import InstrumentId, Interval
from qts.core.errors import DamagedFile
from qts.data.storage import PriceBasis, SeriesKey
from qts.data.storage.row_seals import ROW_SEAL, with_seal
from qts.data.storage.series_rows import BySeries, key_of, may_be_of, name_of, require_series_sound

TABLE = sa.Table(
    "told",
    sa.MetaData(),
    *(sa.Column(name, sa.String, primary_key=True) for name in ("instrument", "interval", "basis")),
    sa.Column("score", sa.Float),
    sa.Column(ROW_SEAL, sa.String),
)
MINE = SeriesKey(instrument=InstrumentId("NSE:ONE"), interval=Interval.DAY)
OTHERS = (
    SeriesKey(instrument=InstrumentId("NSE:TWO"), interval=Interval.DAY),
    SeriesKey(instrument=InstrumentId("NSE:ONE"), interval=Interval.MINUTE_1),
    SeriesKey(instrument=InstrumentId("NSE:ONE"), interval=Interval.DAY, basis=PriceBasis.ADJUSTED),
)
ROW = with_seal(TABLE, name_of(MINE) | {"score": 1.0})


@pytest.mark.parametrize(
    ("change", "series"),
    [
        ({"score": 2.0}, {MINE}),
        ({"score": "none"}, {MINE}),
        ({"instrument": "NSE:TWO"}, {MINE, OTHERS[0]}),
        ({"instrument": "NSE:TWO", "score": "none"}, {OTHERS[0]}),
        ({"interval": "1m"}, {MINE, OTHERS[1]}),
        ({"basis": "adjusted"}, {MINE, OTHERS[2]}),
        ({"basis": "raq"}, {MINE}),
    ],
)
def test_a_changed_row_is_of_the_series_that_it_names_and_of_the_one_under_whose_name_it_is_right(
    change: dict[str, object], series: set[SeriesKey]
) -> None:
    assert {key for key in (MINE, *OTHERS) if may_be_of(TABLE, ROW | change, key)} == series


def test_what_is_told_by_series_is_an_error_of_the_one_that_is_damaged_and_of_all_together() -> None:
    told = BySeries(TABLE, dict.fromkeys(OTHERS, 5), [ROW | {"score": 2.0}])
    assert [told[key] for key in OTHERS] == [told.get(key, 0) for key in OTHERS] == [5, 5, 5]
    for ask in (lambda: told.get(MINE), lambda: list(told), lambda: len(told), lambda: dict(told)):
        with pytest.raises(DamagedFile, match="NSE:ONE 1d raw in told"):
            ask()
    with pytest.raises(DamagedFile):
        require_series_sound(TABLE, [ROW | {"score": 2.0}], MINE)
    require_series_sound(TABLE, [ROW | {"score": 2.0}], OTHERS[0])


def test_what_is_told_by_series_is_the_same_while_its_values_and_its_damage_are() -> None:
    sound, damaged = BySeries(TABLE, {MINE: 1}), BySeries(TABLE, {MINE: 1}, [ROW | {"score": 2.0}])
    assert (sound == {MINE: 1}, sound == BySeries(TABLE, {MINE: 1}), sound == damaged, damaged == {MINE: 1}) == (True, True, False, False)
    assert damaged == damaged.with_values({MINE: 1})
    assert damaged != damaged.with_values({MINE: 2})


def test_a_name_of_a_series_is_read_as_it_was_written() -> None:
    assert [key_of(name_of(key)) for key in OTHERS] == list(OTHERS)
    with pytest.raises(ValueError, match="raq"):
        key_of(name_of(MINE) | {"basis": "raq"})
