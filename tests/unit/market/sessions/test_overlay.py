"""The overlay: our corrections of the calendar, and a user's."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, time

import pytest

from qts.core import Exchange
from qts.core.errors import BadParameter
from qts.market.sessions import OverlayKind, OverlayRow, load_overlay, parse_overlay
from qts.market.sessions.hours import Span

ROW = """
[[session]]
date = 2027-10-29
kind = "add"
note = "Muhurat"
windows = ["18:15-19:15"]
estimate = true
source = "a circular"
"""


def test_every_shipped_row_names_its_source_and_what_it_is() -> None:
    rows = load_overlay(Exchange.NSE)
    assert len(rows) > 50
    assert all(row.source and row.note for row in rows.values())


def test_recalled_and_estimated_rows_are_flagged() -> None:
    rows = [row for exchange in (Exchange.NSE, Exchange.BSE) for row in load_overlay(exchange).values()]
    assert all(row.is_estimate for row in rows if "recalled" in row.source or "estimate" in row.source)


def test_row_is_read_with_all_its_fields() -> None:
    (row,) = parse_overlay(ROW, origin="mine.toml")
    assert (row.date, row.kind, row.note, row.source) == (date(2027, 10, 29), OverlayKind.ADD, "Muhurat", "a circular")
    assert [(window.opens, window.closes) for window in row.windows] == [(time(18, 15), time(19, 15))]
    assert row.is_estimate
    assert Exchange.NFO in row.exchanges
    assert Exchange.MCX not in row.exchanges


def test_extra_row_replaces_the_shipped_one_of_its_date() -> None:
    on = date(2026, 11, 8)
    extra = OverlayRow(date=on, kind=OverlayKind.REMOVE, note="mine", source="me")
    assert load_overlay(Exchange.NSE, [extra])[on] is extra
    assert load_overlay(Exchange.NSE)[on].kind is OverlayKind.ADD


def test_extra_row_that_alters_a_session_that_a_shipped_row_adds_keeps_it() -> None:
    on = date(2026, 11, 8)
    altered = OverlayRow(date=on, kind=OverlayKind.ALTER, note="mine", source="me", windows=(Span(time(18), time(19)),))
    row = load_overlay(Exchange.NSE, [altered])[on]
    assert (row.kind, row.windows, row.note) == (OverlayKind.ADD, altered.windows, "mine")
    plain = replace(altered, date=date(2026, 11, 9))
    assert load_overlay(Exchange.NSE, [plain])[plain.date] is plain


def test_extra_row_of_another_exchange_changes_nothing() -> None:
    extra = OverlayRow(date=date(2026, 11, 8), kind=OverlayKind.REMOVE, note="mine", source="me", exchanges=frozenset({Exchange.MCX}))
    assert load_overlay(Exchange.NSE, [extra]) == load_overlay(Exchange.NSE)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("[[session", "is not TOML", id="no TOML"),
        pytest.param("session = 3", "not iterable", id="no table of sessions"),
        pytest.param("session = [1]", "not subscriptable", id="a number for a row"),
        pytest.param(ROW.replace("note", "text"), "lacks the field 'note'", id="a field is missing"),
        pytest.param(ROW.replace("2027-10-29", '"tomorrow"'), "needs a date", id="no date"),
        pytest.param(ROW.replace('["18:15-19:15"]', '"18:15"'), "list of windows", id="windows are no list"),
        pytest.param(ROW.replace("18:15-19:15", "19:15-18:15"), "ends before it begins", id="window backwards"),
        pytest.param(ROW.replace("18:15-19:15", "18:15-25:15"), "hour must be in", id="no such hour"),
        pytest.param(ROW.replace('"add"', '"invent"'), "invent", id="no such kind"),
        pytest.param(ROW + 'exchanges = ["NYSE"]', "NYSE", id="no such exchange"),
        pytest.param(ROW + 'exchanges = ["SIM", "NSE"]', "of SIM cannot be corrected", id="the simulated market"),
        pytest.param(ROW.replace("true", '"false"'), "estimate is 'false' and not true or false", id="a word for a flag"),
    ],
)
def test_bad_overlay_is_refused_with_its_file_and_reason(text: str, reason: str) -> None:
    with pytest.raises(BadParameter) as caught:
        parse_overlay(text, origin="mine.toml")
    assert reason in caught.value.message
    assert "mine.toml" in caught.value.message
    assert caught.value.hint
