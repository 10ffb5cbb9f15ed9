from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date

import numpy as np
import pyarrow.csv
import pyarrow.parquet
import pytest

from qts.app.bars import ExportFormat, estimate_bars, export, instants, read_bars, records, table
from qts.app.requests import BarsRequest, build
from qts.app.workspace import Workspace
from qts.core import Bars, Exchange, InstrumentId
from qts.core.errors import BadParameter, EmptySpan, UnknownInstrument
from qts.data.instruments import ChangeState, SymbolChange
from qts.data.storage import PriceBasis

ALPHA = build(BarsRequest, instrument="NSE:ALPHA")
BETA = build(BarsRequest, instrument="SIM:BETA")


def test_both_dates_of_a_span_are_included(workspace: Workspace) -> None:
    answer = read_bars(workspace, build(BarsRequest, instrument="NSE:ALPHA", start=date(2022, 1, 3), end=date(2022, 1, 7)))
    assert [bar["ts"] for bar in records(answer)] == [f"2022-01-0{day}T09:15:00+05:30" for day in range(3, 8)]


def test_adjusted_prices_are_preferred_and_either_can_be_named(
    workspace: Workspace, make_bars: Callable[..., Bars], store_bars: Callable[..., None]
) -> None:
    half = make_bars("NSE:ALPHA", Exchange.NSE, seed=9)
    assert read_bars(workspace, ALPHA).basis is PriceBasis.RAW
    store_bars(workspace, half, basis=PriceBasis.ADJUSTED)
    assert read_bars(workspace, ALPHA).basis is PriceBasis.ADJUSTED
    raw = read_bars(workspace, build(BarsRequest, instrument="NSE:ALPHA", prices="raw"))
    assert raw.basis is PriceBasis.RAW
    assert not np.array_equal(raw.bars.close, half.close)


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        pytest.param(None, PriceBasis.ADJUSTED, id="the whole"),
        pytest.param(date(2022, 3, 1), PriceBasis.ADJUSTED, id="a span that reaches into the adjusted prices"),
        pytest.param(date(2023, 3, 1), PriceBasis.RAW, id="a span after the adjusted prices end"),
    ],
)
def test_raw_prices_are_read_where_adjusted_ones_do_not_reach(  # noqa: PLR0917 - fixtures and a table's columns
    workspace: Workspace,
    make_bars: Callable[..., Bars],
    store_bars: Callable[..., None],
    start: date | None,
    expected: PriceBasis,
) -> None:
    store_bars(workspace, make_bars("NSE:ALPHA", Exchange.NSE, seed=9).window(0, 100), basis=PriceBasis.ADJUSTED)
    assert read_bars(workspace, build(BarsRequest, instrument="NSE:ALPHA", start=start)).basis is expected


def test_an_old_snapshot_has_its_own_bases(workspace: Workspace, make_bars: Callable[..., Bars], store_bars: Callable[..., None]) -> None:
    before = workspace.store.snapshot()
    store_bars(workspace, make_bars("NSE:ALPHA", Exchange.NSE, seed=9), basis=PriceBasis.ADJUSTED)
    answer = read_bars(workspace, build(BarsRequest, instrument="NSE:ALPHA", as_of=before))
    assert (answer.basis, answer.snapshot) == (PriceBasis.RAW, before)


def test_an_unknown_instrument_is_named_with_its_neighbours(workspace: Workspace) -> None:
    with pytest.raises(UnknownInstrument, match="NSE:ALPHAS") as caught:
        read_bars(workspace, build(BarsRequest, instrument="NSE:ALPHAS"))
    assert "NSE:ALPHA" in caught.value.hint


def test_an_interval_or_basis_that_is_not_held_tells_what_is(workspace: Workspace) -> None:
    with pytest.raises(EmptySpan, match="no 5m bars; stored: 1d raw") as caught:
        read_bars(workspace, build(BarsRequest, instrument="NSE:ALPHA", interval="5m"))
    assert "no 5m bars; stored: 1d raw" in str(caught.value)
    assert caught.value.message == str(caught.value)
    with pytest.raises(EmptySpan, match="no 1d adjusted bars"):
        read_bars(workspace, build(BarsRequest, instrument="NSE:ALPHA", prices="adjusted"))


def test_dates_turned_round_are_refused() -> None:
    with pytest.raises(BadParameter, match="is before"):
        instants(date(2022, 1, 2), date(2022, 1, 1))
    assert instants(None, date.max) == (None, None)


def test_every_export_holds_the_same_numbers(workspace: Workspace) -> None:
    answer = read_bars(workspace, ALPHA)
    from_json = json.loads(export(answer, ExportFormat.JSON))
    from_csv = pyarrow.csv.read_csv(io.BytesIO(export(answer, ExportFormat.CSV))).to_pydict()
    from_parquet = pyarrow.parquet.read_table(io.BytesIO(export(answer, ExportFormat.PARQUET)))
    for name in ("open", "high", "low", "close", "volume"):
        expected = getattr(answer.bars, name).tolist()
        assert [bar[name] for bar in from_json] == expected
        assert from_csv[name] == expected
        assert from_parquet[name].to_pylist() == expected
    assert {bar["oi"] for bar in from_json} == {None}
    assert from_parquet["oi"].null_count == 400
    assert from_parquet["ts"].cast("int64").to_pylist() == answer.bars.ts.tolist()


@pytest.mark.parametrize(("request_", "expected"), [(ALPHA, False), (BETA, True)], ids=["real", "simulated"])
def test_every_export_says_whether_prices_are_simulated(workspace: Workspace, request_: BarsRequest, expected: bool) -> None:  # noqa: FBT001
    answer = read_bars(workspace, request_)
    assert {bar["simulated"] for bar in json.loads(export(answer, ExportFormat.JSON))} == {expected}
    assert set(pyarrow.csv.read_csv(io.BytesIO(export(answer, ExportFormat.CSV)))["simulated"].to_pylist()) == {expected}
    whole = pyarrow.parquet.read_table(io.BytesIO(export(answer, ExportFormat.PARQUET)))
    assert set(whole["simulated"].to_pylist()) == {expected}
    assert (b"label" in whole.schema.metadata) is expected


def test_what_comes_from_a_file_under_the_simulated_exchange_is_simulated_too(
    workspace: Workspace, make_bars: Callable[..., Bars], store_bars: Callable[..., None]
) -> None:
    store_bars(workspace, make_bars("SIM:FILED", Exchange.SIM, seed=3), simulated=False)
    assert read_bars(workspace, build(BarsRequest, instrument="SIM:FILED")).simulated


def test_edges_are_the_first_and_last_bars(workspace: Workspace) -> None:
    answer = read_bars(workspace, ALPHA)
    assert records(answer, edge=2) == [*records(answer)[:2], *records(answer)[-2:]]
    short = replace(answer, bars=answer.bars.window(0, 4))
    assert len(records(short, edge=2)) == 4
    assert table(short).num_rows == 4


def test_the_estimate_is_near_the_count(workspace: Workspace) -> None:
    assert estimate_bars(workspace, ALPHA) == 400
    part = build(BarsRequest, instrument="NSE:ALPHA", start=date(2022, 1, 1), end=date(2022, 6, 30))
    assert estimate_bars(workspace, part) == pytest.approx(len(read_bars(workspace, part).bars), rel=0.1)
    assert estimate_bars(workspace, build(BarsRequest, instrument="NSE:ALPHA", start=date(2030, 1, 1))) == 0


def test_an_instrument_that_is_stored_under_its_other_name_is_named(workspace: Workspace) -> None:
    change = SymbolChange(
        old=InstrumentId("NSE:ALPHA"),
        new=InstrumentId("NSE:RENAMED"),
        on=date(2025, 4, 9),
        state=ChangeState.CONFIRMED,
        evidence="said so",
    )
    workspace.symbol_changes.put([change])
    with pytest.raises(UnknownInstrument) as caught:
        read_bars(workspace, build(BarsRequest, instrument="NSE:RENAMED"))
    assert caught.value.near == ("NSE:ALPHA",)
