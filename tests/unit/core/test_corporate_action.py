"""A corporate action says what a share becomes and what it pays; nothing else is taken."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from qts.core import ActionKind, CorporateAction, InstrumentId
from qts.core.errors import BadParameter

INFY = InstrumentId("NSE:INFY")


def action(ratio: str = "1", cash: str = "0") -> CorporateAction:
    return CorporateAction(instrument=INFY, ex_date=date(2018, 9, 4), kind=ActionKind.BONUS, ratio=Decimal(ratio), cash=Decimal(cash))


def test_an_action_leaves_a_share_one_share_and_pays_nothing_unless_it_says_so() -> None:
    plain = CorporateAction(instrument=INFY, ex_date=date(2018, 9, 4), kind=ActionKind.DIVIDEND)

    assert (plain.ratio, plain.cash) == (Decimal(1), Decimal(0))


@pytest.mark.parametrize("ratio", ["0", "-2", "NaN", "Infinity"])
def test_a_ratio_that_is_not_above_zero_is_refused_by_name(ratio: str) -> None:
    with pytest.raises(BadParameter, match=rf"ratio = {ratio}: is not above zero, in the bonus of NSE:INFY on 2018-09-04"):
        action(ratio=ratio)


@pytest.mark.parametrize("cash", ["-0.01", "NaN", "Infinity"])
def test_cash_below_zero_is_refused_by_name(cash: str) -> None:
    with pytest.raises(BadParameter, match=rf"cash = {cash}: is below zero, in the bonus of NSE:INFY on 2018-09-04"):
        action(cash=cash)


def test_fractions_of_a_share_and_of_a_rupee_are_fine() -> None:
    assert action(ratio="0.1", cash="2.35") == action(ratio="0.1", cash="2.35")
