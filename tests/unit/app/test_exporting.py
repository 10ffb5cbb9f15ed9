from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pyarrow.parquet as pq
import pytest

from qts.app.bars import SIMULATED_NOTE
from qts.app.exporting import ExportRequest, ExportSelection, estimate_export, export_bars
from qts.app.progress import Progress
from qts.app.requests import build
from qts.app.workspace import Workspace
from qts.core import Bars, Exchange, InstrumentId, instant_of
from qts.core.errors import BadParameter, BadPath, EmptySpan, InputError, UnknownInstrument
from qts.data.storage import SeriesKey

MakeBars = Callable[..., Bars]


@pytest.fixture
def filled(empty: Workspace, make_bars: MakeBars, store_bars: Callable[..., None]) -> Workspace:
    store_bars(empty, make_bars("NSE:ALPHA", Exchange.NSE, seed=1))
    store_bars(empty, make_bars("NSE:BETA", Exchange.NSE, seed=2, n_bars=50))
    store_bars(empty, make_bars("SIM:WALK", Exchange.SIM, seed=3, n_bars=20), simulated=True)
    return empty


def export(workspace: Workspace, target: Path, **options: object) -> object:
    return export_bars(workspace, build(ExportRequest, target=target, **options))


def test_a_selection_goes_into_one_file(filled: Workspace, tmp_path: Path) -> None:
    told: list[Progress] = []
    request = build(
        ExportRequest,
        target=tmp_path / "some.parquet",
        instruments="NSE:ALPHA,NSE:BETA",
        intervals="1d",
        start=date(2022, 2, 1),
        end=date(2022, 2, 28),
        prices="raw",
    )
    done = export_bars(filled, request, told.append)
    table = pq.read_table(tmp_path / "some.parquet")
    whole = filled.store.read(SeriesKey(instrument=InstrumentId("NSE:BETA"), interval=request.intervals[0]))  # type: ignore[index]
    kept = (whole.ts >= 1_643_653_800_000_000) & (whole.ts < 1_646_073_000_000_000)
    mine = table.filter([name == "NSE:BETA" for name in table.column("instrument").to_pylist()])
    np.testing.assert_array_equal(mine.column("close").to_numpy(), whole.close[kept])
    assert (done.series, done.bars, done.label) == (2, table.num_rows, "")
    assert done.bytes == (tmp_path / "some.parquet").stat().st_size
    assert done.snapshot == filled.store.snapshot()
    assert [one.done for one in told] == [0, 1, 2]


def test_all_goes_into_a_database_with_the_label_of_what_is_invented(filled: Workspace, tmp_path: Path) -> None:
    done = export_bars(filled, build(ExportRequest, target=tmp_path / "all.duckdb"))
    with duckdb.connect(str(tmp_path / "all.duckdb"), read_only=True) as connection:
        rows = connection.execute("SELECT instrument, count(*), bool_or(simulated) FROM bars GROUP BY 1 ORDER BY 1").fetchall()
        labels = connection.execute("SELECT label FROM series ORDER BY instrument").fetchall()
    assert rows == [("NSE:ALPHA", 400, False), ("NSE:BETA", 50, False), ("SIM:WALK", 20, True)]
    assert labels == [("",), ("",), (SIMULATED_NOTE,)]
    assert done.label == SIMULATED_NOTE


def test_a_folder_gets_a_file_for_each_series(filled: Workspace, tmp_path: Path) -> None:
    done = export_bars(filled, build(ExportRequest, target=tmp_path / "bars", start=date(2022, 3, 1)))
    assert done.files == ("NSE_ALPHA-1d-raw.csv", "NSE_BETA-1d-raw.csv"), "the third has no bars in the span"
    assert sorted(path.name for path in (tmp_path / "bars").iterdir()) == sorted(done.files)
    lines = (tmp_path / "bars" / "NSE_BETA-1d-raw.csv").read_text().splitlines()
    assert lines[0] == "ts,open,high,low,close,volume,oi,simulated"
    assert lines[1].startswith("2022-03-02T09:15:00+05:30,") or lines[1].startswith("2022-03-")


def test_a_series_without_bars_in_the_middle_of_its_days_is_left_out_there(filled: Workspace, tmp_path: Path) -> None:
    key = SeriesKey(instrument=InstrumentId("NSE:BETA"), interval=filled.store.series()[0].key.interval)
    days = [instant_of(int(filled.store.read(key).ts[place])) for place in (10, 20)]
    filled.store.delete(key, start=days[0], end=days[1], at=filled.clock.now())
    span = {"start": days[0].date(), "end": days[1].date() - timedelta(days=1)}
    done = export_bars(filled, build(ExportRequest, target=tmp_path / "gap.csv", instruments="NSE:ALPHA,NSE:BETA", **span))
    assert (done.series, done.bars) == (1, 10)
    with pytest.raises(InputError, match="None of these"):
        export(filled, tmp_path / "none.csv", instruments="NSE:BETA", **span)


def test_an_earlier_state_is_exported_as_it_was(filled: Workspace, tmp_path: Path) -> None:
    before = filled.store.snapshot()
    filled.store.delete(
        SeriesKey(instrument=InstrumentId("NSE:BETA"), interval=filled.store.series()[0].key.interval), at=filled.clock.now()
    )
    done = export_bars(filled, build(ExportRequest, target=tmp_path / "old.csv", as_of=before))
    assert (done.series, done.bars, done.snapshot) == (3, 470, before)
    filled.store.name_snapshot(before, "whole", at=filled.clock.now())
    again = export_bars(filled, build(ExportRequest, target=tmp_path / "again.csv", as_of="whole"))
    assert again.snapshot == before, "a name may be taken away: the id is cited"


def test_how_many_bars_a_selection_holds_is_told_without_reading_one(filled: Workspace, tmp_path: Path) -> None:
    assert estimate_export(filled, build(ExportSelection)) == 470
    assert estimate_export(filled, build(ExportSelection, instruments="NSE:BETA")) == 50
    month = {"start": date(2022, 2, 1), "end": date(2022, 2, 28)}
    exact = export_bars(filled, build(ExportRequest, target=tmp_path / "a.csv", **month)).bars
    assert 0.8 * exact <= estimate_export(filled, build(ExportSelection, **month)) <= 1.25 * exact
    assert estimate_export(filled, build(ExportSelection, start=date(2030, 1, 1))) == 0
    before, key = filled.store.snapshot(), filled.store.series()[0].key
    filled.store.delete(key, at=filled.clock.now())
    assert estimate_export(filled, build(ExportSelection)) == 70
    assert estimate_export(filled, build(ExportSelection, as_of=before)) == 470


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"target": "a.csv", "instruments": "NSE:ALPHO"}, UnknownInstrument, "NSE:ALPHA"),
        ({"target": "a.csv", "instruments": "NSE:ALPHA", "intervals": "1m"}, EmptySpan, "1m"),
        ({"target": "a.csv", "prices": "adjusted"}, InputError, "No stored series"),
        ({"target": "a.csv", "start": date(2030, 1, 1)}, InputError, "None of these"),
        ({"target": "bars", "start": date(2030, 1, 1)}, InputError, "None of these"),
        ({"target": "a.csv", "format": "parquet"}, BadParameter, "does not fit"),
        ({"target": "bars", "format": "duckdb"}, BadParameter, "database"),
        ({"target": "a.csv", "as_of": "nothing"}, BadParameter, "nothing"),
        ({"target": "a.csv", "start": date(2024, 1, 2), "end": date(2024, 1, 1)}, BadParameter, "before"),
    ],
)
def test_what_cannot_be_exported_is_said_and_writes_nothing(
    filled: Workspace, tmp_path: Path, *, options: dict[str, object], error: type[InputError], said: str
) -> None:
    target = tmp_path / "out" / str(options.pop("target"))
    target.parent.mkdir()
    with pytest.raises(error) as caught:
        export(filled, target, **options)
    assert said in f"{caught.value.message} {caught.value.hint}"
    assert list(target.parent.iterdir()) == []


@pytest.mark.parametrize("name", ["a.csv", "bars"])
def test_a_file_that_is_there_is_replaced_only_when_that_is_asked_for(filled: Workspace, tmp_path: Path, name: str) -> None:
    export(filled, tmp_path / name, instruments="NSE:BETA")
    with pytest.raises(BadPath, match="there already"):
        export(filled, tmp_path / name)
    export(filled, tmp_path / name, overwrite=True)
