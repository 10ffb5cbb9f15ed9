from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from qts.app.backtests import run_backtest
from qts.app.requests import BacktestRequest, build
from qts.app.settings import load_settings
from qts.app.workspace import open_workspace
from qts.core import Bars, Exchange
from qts.core.errors import BadPath
from qts.kernels.cache import prepare_cache


def test_a_home_is_made_private_on_first_use(tmp_path: Path) -> None:
    with open_workspace(load_settings(home=tmp_path / "new")) as workspace:
        assert workspace.store.series() == ()
        assert workspace.settings.strategies_folder.is_dir()
        assert {entry.source for entry in workspace.catalog().entries} == {"built-in"}
    assert (tmp_path / "new").stat().st_mode & 0o077 == 0


def test_a_home_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadPath, match="cannot be written"):
        open_workspace(load_settings(home=tmp_path / "file" / "home"))


def test_without_settings_the_environment_decides(home: Path) -> None:
    with open_workspace() as workspace:
        assert workspace.settings.home == home
        assert workspace.clock.now().tzinfo is not None
    assert (home / "control.sqlite").is_file()
    assert os.environ["QTS_HOME"] == str(home)


def test_a_package_that_cannot_be_written_keeps_its_compiled_kernels_in_the_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from numba.core import config  # noqa: PLC0415 - importing the compiler takes a second

    monkeypatch.setattr(config, "CACHE_DIR", "")
    home.mkdir(exist_ok=True)
    (home / "file").write_text("")
    with open_workspace(load_settings(home=home)):
        assert prepare_cache(home / "file" / "kernel.py")
    assert Path(vars(config)["CACHE_DIR"]) == home / "cache"
    assert (home / "cache").is_dir()


def test_a_run_is_the_same_with_and_without_copies_of_its_bars(
    home: Path, make_bars: Callable[..., Bars], store_bars: Callable[..., None]
) -> None:
    with open_workspace(load_settings(home=home)) as workspace:
        store_bars(workspace, make_bars("NSE:ALPHA", Exchange.NSE, seed=1))
        request = build(BacktestRequest, strategy="ema_cross", instruments="NSE:ALPHA")
        copies = workspace.settings.bar_cache_folder
        plain = run_backtest(replace(workspace, cache=None), request)
        assert not copies.exists()
        first, again = run_backtest(workspace, request), run_backtest(workspace, request)
        assert len(list(copies.iterdir())) == 1
        shutil.rmtree(home / "cache")
        anew = run_backtest(workspace, request)
    assert [run.model_dump_json() for run in (first, again, anew)] == [plain.model_dump_json()] * 3


def test_no_copies_are_kept_where_they_may_take_no_room(home: Path) -> None:
    with open_workspace(load_settings(home=home, cache_size="0")) as workspace:
        assert workspace.cache is None
