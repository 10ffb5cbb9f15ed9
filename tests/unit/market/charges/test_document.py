"""The reference page: every row, marked where it is an estimate."""

from __future__ import annotations

from qts.market.charges import charges_document, schedule_version
from qts.market.charges.schedule import Component, RateRow, RoundingRow, rate_rows, rounding_rows, underlying_classes

PAGE = charges_document()


def test_every_row_of_the_schedule_is_on_the_page() -> None:
    rows: list[RateRow | RoundingRow] = [*rate_rows(), *rounding_rows()]
    for row in rows:
        assert f"| {row.valid_from} |" in PAGE
        assert row.source in PAGE
        assert not row.estimate or f"**Estimate:** {row.estimate}." in PAGE
    for one in underlying_classes():
        assert ", ".join(sorted(one.underlyings)) in PAGE
    assert schedule_version() in PAGE


def test_every_component_has_a_section() -> None:
    assert all(f"## {component.replace('_', ' ')}\n" in PAGE for component in Component)


def section(title: str, heading: str) -> list[str]:
    part = PAGE.partition(f"## {title}\n")[2].partition("\n## ")[0]
    return part.partition(f"**{heading}**\n")[2].strip().partition("\n\n")[0].splitlines()[2:]


def test_table_tells_the_whole_history_of_a_segment() -> None:
    rows = section("stt", "equity options")
    assert [row.split(" | ")[0].strip("| ") for row in rows] == [
        "1990-01-01",
        "2004-10-01",
        "2008-06-01",
        "2016-06-01",
        "2023-04-01",
        "2024-10-01",
        "2026-04-01",
    ]
    assert rows[-1] == "| 2026-04-01 | 0.15 % of the seller | A | Finance Act 2026 |"
    assert "| nothing |" in rows[0]


def test_places_of_the_same_rates_share_a_table() -> None:
    assert len(section("sebi", "all")) == 5
    assert len(section("exchange", "equity options at BFO: other underlying only")) == 1
    assert len(section("brokerage", "equity intraday, equity futures, currency futures, commodity futures")) == 4


def test_page_says_when_the_rates_were_last_confirmed() -> None:
    assert "**Estimate** of later dates: the rates were last confirmed on 2026-10-07" in PAGE
