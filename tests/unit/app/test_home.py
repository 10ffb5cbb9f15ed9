from __future__ import annotations

from pathlib import Path

import pytest

from qts.app.home import default_home, home_folder
from qts.app.settings import load_settings


def test_the_home_is_the_one_of_the_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("QTS_HOME", str(tmp_path / "here"))
    assert home_folder() == load_settings().home == tmp_path / "here"
    assert home_folder(tmp_path / "there") == load_settings(home=tmp_path / "there").home
    monkeypatch.delenv("QTS_HOME")
    assert home_folder() == load_settings().home == default_home()
    monkeypatch.setenv("qts_home", "~/elsewhere")
    assert home_folder() == load_settings().home
