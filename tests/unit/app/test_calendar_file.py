from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from qts.app.calendar_file import load_calendar, use_calendar_of
from qts.app.settings import Settings
from qts.app.workspace import open_workspace
from qts.core import Exchange
from qts.core.errors import BadFile, BadPath
from qts.market.sessions import UserCalendar, calendar_version, is_session, use_calendar

ROW = """
[[session]]
date = 2025-03-08
kind = "add"
note = "Saturday"
source = "me"
"""
SATURDAY = date(2025, 3, 8)


@pytest.fixture(autouse=True)
def _shipped_again() -> Iterator[None]:
    yield
    use_calendar(UserCalendar())


def test_a_home_without_the_file_corrects_nothing(tmp_path: Path) -> None:
    assert load_calendar(tmp_path) == UserCalendar()
    assert load_calendar(tmp_path / "not made yet") == UserCalendar()


def test_opening_a_home_brings_its_corrections_and_takes_away_those_of_another(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    (first / "calendar.toml").write_text(ROW, encoding="utf-8")
    open_workspace(Settings(home=first)).close()
    assert is_session(Exchange.NSE, SATURDAY)
    assert calendar_version()
    open_workspace(Settings(home=second)).close()
    assert not is_session(Exchange.NSE, SATURDAY)
    assert calendar_version() == ""


def test_a_mistake_in_the_file_names_the_file_and_the_line(tmp_path: Path) -> None:
    (tmp_path / "calendar.toml").write_text(ROW.replace("add", "ad"), encoding="utf-8")
    with pytest.raises(BadFile) as caught:
        use_calendar_of(tmp_path)
    assert f"{tmp_path / 'calendar.toml'}: line 2: " in caught.value.message
    assert calendar_version() == ""


def test_altering_a_day_without_a_session_is_refused_and_a_special_one_is_altered(tmp_path: Path) -> None:
    path = tmp_path / "calendar.toml"
    path.write_text(ROW.replace("add", "alter"), encoding="utf-8")
    with pytest.raises(BadFile, match="alters 2025-03-08, a Saturday on which there is no session"):
        use_calendar_of(tmp_path)
    assert calendar_version() == ""
    # Muhurat of 2026, a Sunday that the shipped calendar adds.
    path.write_text(ROW.replace("add", "alter").replace("2025-03-08", "2026-11-08"), encoding="utf-8")
    use_calendar_of(tmp_path)
    assert is_session(Exchange.NSE, date(2026, 11, 8))


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "calendar.toml").mkdir()
    with pytest.raises(BadPath, match=r"calendar\.toml"):
        load_calendar(tmp_path)


def test_a_file_of_another_encoding_is_named(tmp_path: Path) -> None:
    (tmp_path / "calendar.toml").write_bytes(ROW.replace("me", "m\u00e9").encode("latin-1"))
    with pytest.raises(BadFile, match="UTF-8"):
        load_calendar(tmp_path)
