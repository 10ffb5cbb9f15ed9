from __future__ import annotations

import importlib.metadata
from pathlib import Path

import numpy as np
import pytest

import qts.strategies.library.ema_cross
from qts.core.errors import PluginError, UnknownStrategy
from qts.strategies import BUILT_IN, Strategy, load_catalog

SOURCE = Path(str(qts.strategies.library.ema_cross.__file__)).read_text(encoding="utf-8")
BUILT_INS = {"buy_and_hold", "ema_cross", "ma_cross"}


def test_built_in_strategies_are_found_by_themselves() -> None:
    entries = {entry.id: entry for entry in load_catalog().entries}
    assert set(entries) >= BUILT_INS
    assert all(entries[name].source == BUILT_IN and entries[name].strategy is not None for name in BUILT_INS)
    assert len({entry.version for entry in entries.values()}) == len(entries)


def test_a_copied_file_with_one_line_changed_works_from_the_user_s_folder(tmp_path: Path) -> None:
    (tmp_path / "my_cross.py").write_text(
        SOURCE.replace("Param(12,", "Param(9,").replace("EMA crossover", "My crossover"), encoding="utf-8"
    )
    entry = load_catalog(tmp_path).get("my_cross")
    assert (entry.title, entry.source, entry.path) == ("My crossover", "user", tmp_path / "my_cross.py")
    assert entry.require().defaults()["fast"] == 9
    assert load_catalog().get("ema_cross").require().defaults()["fast"] == 12


def test_the_version_follows_the_text(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(SOURCE, encoding="utf-8")
    first, again = (load_catalog(tmp_path).get("mine").version for _ in range(2))
    path.write_text(SOURCE + "# a note\n", encoding="utf-8")
    assert first == again
    assert load_catalog(tmp_path).get("mine").version != first


def test_a_broken_file_is_listed_with_its_error_and_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "aaa.py").write_text("x = 1 / 0\n", encoding="utf-8")
    (tmp_path / "bbb.py").write_text("def f(:\n", encoding="utf-8")
    (tmp_path / "zzz.py").write_text(SOURCE, encoding="utf-8")
    catalog = load_catalog(tmp_path)
    broken = {entry.id: entry.error for entry in catalog.entries if entry.error is not None}
    assert set(broken) == {"aaa", "bbb"}
    assert catalog.get("zzz").strategy is not None
    with pytest.raises(PluginError, match=r"aaa\.py, line 1: ZeroDivisionError"):
        catalog.get("aaa")


def test_a_declaration_out_of_its_bounds_names_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(SOURCE.replace("Param(12, low=2", "Param(1, low=2"), encoding="utf-8")
    with pytest.raises(PluginError, match=r"mine\.py, line \d+: BadParameter: .*below 2"):
        load_catalog(tmp_path).get("mine")


def test_a_user_s_file_never_replaces_a_built_in_one(tmp_path: Path) -> None:
    (tmp_path / "ema_cross.py").write_text(SOURCE.replace("EMA crossover", "Mine"), encoding="utf-8")
    catalog = load_catalog(tmp_path)
    assert catalog.get("ema_cross").source == BUILT_IN
    assert catalog.get("user.ema_cross").title == "Mine"


def test_a_path_is_read_afresh(tmp_path: Path) -> None:
    path = tmp_path / "anywhere.py"
    path.write_text(SOURCE, encoding="utf-8")
    assert load_catalog().get(str(path)).id == "anywhere"
    with pytest.raises(UnknownStrategy, match=r"nowhere\.py"):
        load_catalog().get(str(tmp_path / "nowhere.py"))


def test_an_unknown_id_is_answered_with_a_near_one() -> None:
    with pytest.raises(UnknownStrategy) as caught:
        load_catalog().get("ema_cros")
    assert "ema_cross" in caught.value.near


def test_a_folder_that_is_not_there_is_an_empty_one(tmp_path: Path) -> None:
    assert {entry.id for entry in load_catalog(tmp_path / "none").entries} >= BUILT_INS


def test_installed_packages_add_strategies(monkeypatch: pytest.MonkeyPatch) -> None:
    strategy = Strategy(title="Installed", targets=lambda bars: np.ones(len(bars)))
    point = FakePoint(strategy)
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: [point] if group == "qts.strategies" else [])
    entry = load_catalog().get("installed")
    assert (entry.source, entry.title) == ("some-package", "Installed")
    assert entry.path == Path(__file__)
    assert entry.version


class FakePoint:
    """An entry point as importlib.metadata hands it over."""

    name = "installed"
    value = "some.module:STRATEGY"

    class dist:  # noqa: N801 - the attribute is named so
        """The distribution."""

        name = "some-package"

    def __init__(self, strategy: Strategy) -> None:
        self._strategy = strategy

    def load(self) -> Strategy:
        return self._strategy
