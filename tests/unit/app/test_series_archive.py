from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from qts.app.requests import build
from qts.app.series_archive import SeriesRequest, show_series
from qts.app.settings import load_settings
from qts.app.workspace import open_workspace
from qts.core import Bars, Exchange
from qts.core.errors import EmptySpan, UnknownInstrument
from qts.data.fetching import FetchLedger


def test_a_series_is_told_with_its_commits_and_its_files(
    home: Path, make_bars: Callable[..., Bars], store_bars: Callable[..., None]
) -> None:
    with open_workspace(load_settings(home=home)) as workspace:
        bars = make_bars("SIM:WALK", Exchange.SIM, seed=1)
        store_bars(workspace, bars.window(0, 300), simulated=True)
        store_bars(workspace, bars, simulated=True)
        (told,) = show_series(workspace, build(SeriesRequest, instrument="SIM:WALK"))
        assert (told.interval, told.prices, told.bars, told.simulated, told.sources) == ("1d", "raw", len(bars), True, ("test",))
        assert [(one.kind, one.bars, one.added, one.readable) for one in told.history] == [
            ("import", len(bars), len(bars) - 300, True),
            ("import", 300, 300, True),
        ]
        assert told.history[0].snapshot == workspace.store.snapshot()
        assert sum(file.bars or 0 for file in told.files) == len(bars)
        for file in told.files:
            assert hashlib.sha256((home / file.path).read_bytes()).hexdigest() == file.sha256
        assert told.downloads == ()
        key = workspace.store.series()[0].key
        FetchLedger(workspace.control.database).record(key, "sandbox", {19_000: 1, 19_001: 1}, asked_at=workspace.clock.now())
        (one,) = show_series(workspace, build(SeriesRequest, instrument="SIM:WALK"))[0].downloads
        assert (one.source, one.year, one.days, one.bars) == ("sandbox", 2022, 2, 2)
        workspace.store.delete(workspace.store.series()[0].key, at=workspace.clock.now())
        (gone,) = show_series(workspace, build(SeriesRequest, instrument="SIM:WALK"))
        assert (gone.bars, gone.first, gone.files, gone.simulated, gone.history[0].kind) == (0, None, (), True, "delete")
        with pytest.raises(UnknownInstrument):
            show_series(workspace, build(SeriesRequest, instrument="SIM:WALT"))
        store_bars(workspace, bars, simulated=True)
        with pytest.raises(EmptySpan, match="1m"):
            show_series(workspace, build(SeriesRequest, instrument="SIM:WALK", interval="1m"))
