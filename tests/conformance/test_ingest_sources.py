"""What holds of every source that bars are ingested from, however they come: asked for, or brought."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from tests.conformance.ingest_stages import OVER_AT, SHOWN_AT, BrokerStage, FilesStage, Serve, Stage, YahooStage

from qts.app.call_hooks import CallHooks
from qts.app.ingest_document import IngestDocument, IngestSourceName
from qts.app.ingesting import ingest
from qts.app.workspace import Workspace
from qts.core import Bars, Interval, instant_of
from qts.core.errors import QtsError
from qts.data.kite import pacing
from qts.data.source import asked_sources, watched_sources
from qts.data.sources import yahoo
from qts.data.storage import SeriesKey

SOURCES = sorted({*asked_sources(), *watched_sources()})


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for kind, seconds in dict(pacing.SPACING).items():
        monkeypatch.setitem(pacing.SPACING, kind, seconds / 30)
    monkeypatch.setattr(yahoo, "SPACING", 0.01)


@pytest.fixture(params=SOURCES)
def stage(request: pytest.FixtureRequest, tmp_path: Path, serve: Serve) -> Iterator[Stage]:
    name = str(request.param)
    made: FilesStage | YahooStage | BrokerStage
    match name:
        case "files":
            made = FilesStage(tmp_path)
        case "yahoo":
            made = YahooStage(tmp_path)
        case _:
            made = BrokerStage(name, tmp_path, serve)
    with made.servers:
        yield made
        for workspace in made.opened:
            workspace.close()


def run(workspace: Workspace, stage: Stage, **options: object) -> IngestDocument:
    return ingest(workspace, stage.request(**options), hooks=CallHooks(sleep=lambda seconds: time.sleep(min(seconds, 0.1))))


def held(workspace: Workspace, stage: Stage) -> Bars:
    return workspace.store.read(SeriesKey(instrument=stage.instrument, interval=Interval.DAY, basis=stage.basis))


def test_every_source_that_can_be_named_is_one_of_these() -> None:
    assert set(SOURCES) == set(get_args(IngestSourceName))


def test_bars_are_stored_in_order_under_the_basis_that_is_said(stage: Stage) -> None:
    workspace = stage.workspace(OVER_AT)
    document = run(workspace, stage)
    found, true = held(workspace, stage), stage.true()
    assert (document.complete, document.stored) == (True, len(true))
    assert [*(one.prices for one in document.series), *(one.prices for one in document.files)] == [stage.basis.value]
    np.testing.assert_array_equal(found.ts, true.ts)
    assert np.all(np.diff(found.ts) > 0)
    for name in ("open", "high", "low", "close"):
        np.testing.assert_allclose(getattr(found, name), getattr(true, name), atol=0.005)
    np.testing.assert_array_equal(found.volume, true.volume)


def test_a_source_says_what_its_prices_are_worth(stage: Stage) -> None:
    document = run(stage.workspace(OVER_AT), stage, dry_run=True)
    source = {**asked_sources(), **watched_sources()}[document.source]
    assert document.notes == (source.note,)
    assert all([source.title, source.note, source.licence])


def test_a_bar_that_forms_is_not_stored_and_is_there_when_its_session_is_over(stage: Stage) -> None:
    noon = stage.workspace(SHOWN_AT)
    run(noon, stage)
    before, true = held(noon, stage), stage.true()
    assert instant_of(int(before.ts[-1])).date() < SHOWN_AT.date()
    np.testing.assert_array_equal(before.ts, true.ts[:-1])
    noon.close()
    evening = stage.workspace(OVER_AT)
    assert run(evening, stage).stored == 1
    np.testing.assert_array_equal(held(evening, stage).volume, true.volume)


def test_the_second_time_there_is_nothing_new_and_nothing_is_asked(stage: Stage) -> None:
    workspace = stage.workspace(OVER_AT)
    first = run(workspace, stage)
    asked = stage.asked()
    second = run(workspace, stage)
    assert (second.requests, second.stored, second.complete, second.snapshot) == (0, 0, True, first.snapshot)
    assert stage.asked() == asked


def test_a_plan_stores_nothing(stage: Stage) -> None:
    workspace = stage.workspace(OVER_AT)
    assert run(workspace, stage, dry_run=True).stored == 0
    assert workspace.store.series() == ()


def test_what_goes_wrong_is_said_with_the_way_out_and_the_next_time_all_is_well(stage: Stage) -> None:
    workspace = stage.workspace(OVER_AT, is_broken=True)
    told: list[tuple[str | None, str | None]] = []
    try:
        document = run(workspace, stage)
    except QtsError as error:
        told.append((error.message, error.hint))
    else:
        assert not document.complete
        told += [(one.error, one.hint) for one in document.series if one.error]
        told += [(one.reason, one.hint) for one in document.files if one.outcome == "refused"]
    assert told
    assert all(message and hint for message, hint in told)
    assert workspace.store.series() == ()
    workspace.close()
    later = stage.workspace(OVER_AT)
    assert run(later, stage).stored == len(stage.true())
