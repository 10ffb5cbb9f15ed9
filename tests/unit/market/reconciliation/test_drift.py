from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qts.core import Exchange
from qts.market.charges import ChargeSegment
from qts.market.reconciliation import Base, Observation, Place, out_of_date
from qts.market.reconciliation.drift import simplest


def seen(day: int, low: str, high: str, *, agrees: bool = False, line: str = "exchange") -> Observation:
    on = date(2026, 10, day)
    at = Place(on=on, exchange=Exchange.NSE, segment=ChargeSegment.EQUITY_DELIVERY)
    base = Base(rate=Decimal("0.0000307"), amount=Decimal(1000), at=at)
    return Observation(line=line, on=on, base=base, low=Decimal(low), high=Decimal(high), agrees=agrees)


def test_bills_that_one_rate_explains_are_one_finding() -> None:
    (one,) = out_of_date([seen(7, "0.0000340", "0.0000360"), seen(5, "0.0000345", "0.0000365"), seen(6, "0.0000349", "0.0000352")])
    assert (one.since, one.until, one.n_bills) == (date(2026, 10, 5), date(2026, 10, 7), 3)
    assert one.implied_rate == Decimal("0.0035")


def test_a_bill_that_agrees_ends_the_run_unless_it_is_too_small_to_tell() -> None:
    first, last = seen(5, "0.0000345", "0.0000355"), seen(7, "0.0000345", "0.0000355")
    small, telling = seen(6, "0", "0.0001", agrees=True), seen(6, "0.0000305", "0.0000309", agrees=True)
    assert [one.n_bills for one in out_of_date([first, small, last])] == [2]
    assert [one.n_bills for one in out_of_date([first, telling, last])] == [1, 1]


def test_bills_that_agree_are_no_finding() -> None:
    assert out_of_date([seen(5, "0.00003", "0.000031", agrees=True)]) == ()


def test_the_row_of_ours_is_named() -> None:
    (one,) = out_of_date([seen(5, "0.0000345", "0.0000355")])
    assert (one.our_rate, one.valid_from, one.unit) == (Decimal("0.00307"), date(2026, 3, 1), "percent")
    assert one.source


@pytest.mark.parametrize(
    ("low", "high", "number"),
    [
        ("0.002965", "0.002975", "0.00297"),
        ("0.4", "1.6", "1"),
        ("0", "0", "0"),
        ("0.12", "0.13", "0.12"),
        ("19.6", "20.4", "20"),
        ("1e40", "3e40", "2e40"),
    ],
)
def test_the_simplest_number_of_an_interval_has_the_fewest_decimals(low: str, high: str, number: str) -> None:
    assert simplest(Decimal(low), Decimal(high)) == Decimal(number)


@given(middle=st.decimals(min_value=0, max_value=100, places=8), slack=st.decimals(min_value=0, max_value=1, places=8))
def test_the_simplest_number_lies_inside(middle: Decimal, slack: Decimal) -> None:
    assert middle - slack <= simplest(middle - slack, middle + slack) <= middle + slack
