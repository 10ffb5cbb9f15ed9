"""A user's own corrections of the calendar: what the text may say, and that every mistake names its line."""

from __future__ import annotations

from datetime import date, time

import pytest

from qts.core import Exchange
from qts.core.errors import BadFile
from qts.market.sessions import OverlayKind, UserCalendar, parse_user_calendar
from qts.market.sessions.hours import Market

TEXT = """\
# corrections
[[session]]
date = 2027-10-29
kind = "add"
windows = ["18:15-19:15"]
pre_open = "18:00-18:08"
note = "Muhurat"
source = "circular"

[[session]]
date = 2027-03-05
kind = "remove"
exchanges = ["MCX"]
note = "election"
source = "circular"

[[hours]]
market = "cash"
valid_from = 2027-01-04
continuous = "09:00-15:30"
source = "circular"

[[holidays]]
year = 2027
source = "circular"
[holidays.days]
2027-01-26 = "Republic Day"
2027-03-22 = "Holi"
"""


def test_all_three_tables_are_read() -> None:
    found = parse_user_calendar(TEXT, origin="calendar.toml")
    added, removed = found.sessions
    assert (added.date, added.kind, added.windows[0].opens, added.pre_open is not None) == (
        date(2027, 10, 29),
        OverlayKind.ADD,
        time(18, 15),
        True,
    )
    assert removed.exchanges == {Exchange.MCX}
    assert [(row.market, row.continuous.opens) for row in found.hours] == [(Market.CASH, time(9, 0))]
    assert found.years[2027].days == {date(2027, 1, 26): "Republic Day", date(2027, 3, 22): "Holi"}
    assert found.n_rows == 4


def test_an_empty_text_corrects_nothing() -> None:
    assert parse_user_calendar("# nothing yet\n", origin="calendar.toml") == UserCalendar()
    assert UserCalendar().version == ""


def test_the_version_follows_what_is_said_not_how_it_is_written() -> None:
    said = parse_user_calendar(TEXT, origin="a").version
    assert len(said) == 12
    assert parse_user_calendar(TEXT.replace("# corrections\n", "\n\n"), origin="b").version == said
    assert parse_user_calendar(TEXT.replace("18:15-19:15", "18:10-19:10"), origin="a").version != said


@pytest.mark.parametrize(
    ("old", "new", "line", "reason"),
    [
        pytest.param('kind = "add"', 'kind = "ad"', 2, "'ad'", id="no such kind"),
        pytest.param('note = "Muhurat"\n', "", 2, "lacks the field 'note'", id="a field is missing"),
        pytest.param("windows =", "window =", 2, "not known: window", id="a word is misspelt"),
        pytest.param("18:15-19:15", "19:15-18:15", 2, "ends before it begins", id="a window turned round"),
        pytest.param('["18:15-19:15"]', '["18:15-19:15", "19:00-20:00"]', 2, "overlap", id="two windows overlap"),
        pytest.param("18:00-18:08", "18:00-18:16", 2, "18:00-18:16 overlaps the continuous trading of 18:15-19:15", id="a late pre-open"),
        pytest.param('market = "cash"', 'market = "cash"\npre_open = "08:50-09:01"', 17, "trading of 09:00-15:30", id="pre-open of hours"),
        pytest.param('exchanges = ["MCX"]', 'exchanges = ["MICX"]', 10, "MICX", id="no such exchange"),
        pytest.param('exchanges = ["MCX"]', "exchanges = []", 10, "not empty", id="no exchange at all"),
        pytest.param('exchanges = ["MCX"]', 'windows = ["09:00-10:00"]', 10, "has no windows", id="removed and with hours"),
        pytest.param('market = "cash"', 'market = "shares"', 17, "shares", id="no such market"),
        pytest.param('continuous = "09:00-15:30"', "", 17, "lacks the field 'continuous'", id="hours without hours"),
        pytest.param("2027-03-22", "2028-03-22", 23, "is not in 2027", id="a day of another year"),
        pytest.param("2027-03-22", "2027-03-21", 23, "is a Sunday", id="a holiday on a Sunday"),
        pytest.param("2027-03-22", "2027-02-30", 23, "day is out of range", id="a day that is none"),
    ],
)
def test_a_mistake_is_named_with_its_line(old: str, new: str, line: int, reason: str) -> None:
    assert old in TEXT
    with pytest.raises(BadFile) as caught:
        parse_user_calendar(TEXT.replace(old, new), origin="calendar.toml")
    assert f"calendar.toml: line {line}: " in caught.value.message
    assert reason in caught.value.message
    assert "calendar.md" in caught.value.hint


def test_two_rows_of_one_date_are_refused_with_both_lines() -> None:
    again = TEXT + '\n[[session]]\ndate = 2027-10-29\nkind = "remove"\nnote = "no"\nsource = "me"\n'
    with pytest.raises(BadFile, match="line 30: says the same as line 2"):
        parse_user_calendar(again, origin="calendar.toml")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("[[session]\n", "line 1", id="no TOML"),
        pytest.param("\n[sessions]\n", "line 2: 'sessions' is none of", id="no such table"),
        pytest.param("\nsession = 3\n", "line 2: session is written", id="not a list of tables"),
    ],
)
def test_a_text_of_another_shape_is_refused(text: str, reason: str) -> None:
    with pytest.raises(BadFile) as caught:
        parse_user_calendar(text, origin="calendar.toml")
    assert reason in caught.value.message
