from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qts.app import format as shown
from qts.app.format import ABSENT


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        (0, "₹0.00"),
        (999, "₹999.00"),
        (1000, "₹1,000.00"),
        (100_000, "₹1,00,000.00"),
        (12_345_678, "₹1,23,45,678.00"),
        (Decimal("0.005"), "₹0.01"),
        (-0.004, "₹0.00"),
        (-1234.5, "-₹1,234.50"),
        (None, ABSENT),
        (float("nan"), ABSENT),
        (float("inf"), ABSENT),
    ],
)
def test_rupees_are_grouped_as_in_india(amount: float | Decimal | None, expected: str) -> None:
    assert shown.inr(amount) == expected


@given(st.integers(-(10**15), 10**15))
def test_grouping_changes_no_digit(value: int) -> None:
    assert int(shown.number(value, places=0).replace(",", "")) == value


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        (99_999.4, "₹99,999"),
        (99_999.6, "₹1.00 L"),
        (9_999_000, "₹99.99 L"),
        (9_999_999, "₹1.00 Cr"),
        (-25_000_000, "-₹2.50 Cr"),
        (None, ABSENT),
    ],
)
def test_short_rupees_switch_to_lakh_and_crore_where_they_round(amount: float | None, expected: str) -> None:
    assert shown.inr_short(amount) == expected


def test_signs_are_shown_only_where_there_is_something() -> None:
    assert [shown.signed(value) for value in (1, -1, 0, 0.001, None)] == ["+1.00", "-1.00", "0.00", "0.00", ABSENT]
    assert [shown.inr_signed(value) for value in (1, -1, 0, None)] == ["+₹1.00", "-₹1.00", "₹0.00", ABSENT]


def test_fractions_become_percent_and_basis_points() -> None:
    assert shown.pct(0.1) == "10.00 %"
    assert shown.bps(Decimal("0.00125")) == "12.5 bps"
    assert (shown.pct(None), shown.bps(None)) == (ABSENT, ABSENT)


def test_quantities_keep_the_decimals_they_have() -> None:
    assert [shown.quantity(value) for value in (Decimal("1E+5"), Decimal("0.250"), 3, None)] == ["1,00,000", "0.25", "3", ABSENT]


def test_instants_are_shown_in_india() -> None:
    at = datetime(2026, 11, 20, 3, 45, tzinfo=UTC)
    assert shown.ist(at) == shown.ist(at.isoformat()) == shown.ist(int(at.timestamp()) * 1_000_000) == "2026-11-20 09:15 IST"
    assert shown.ist(at.replace(second=7)) == "2026-11-20 09:15:07 IST"
    assert shown.ist(None) == ABSENT


def test_dates_are_those_of_india() -> None:
    late = datetime(2026, 11, 20, 20, tzinfo=UTC)
    assert shown.day(late) == shown.day(int(late.timestamp()) * 1_000_000) == "2026-11-21"
    assert shown.day(date(2026, 1, 2)) == "2026-01-02"
    assert shown.day(None) == ABSENT
