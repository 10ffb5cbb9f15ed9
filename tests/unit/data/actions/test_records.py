"""What an action does to a price, by hand, and which terms make up none."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qts.core import ActionKind, CorporateAction
from qts.core.errors import BadParameter
from qts.data.actions import ActionRecord, StatedAction, parse_action_id

Make = Callable[..., ActionRecord]


@pytest.mark.parametrize(
    ("kind", "terms", "close", "expected"),
    [
        pytest.param("bonus", {"ratio": "2"}, None, 0.5, id="one new for one held halves"),
        pytest.param("bonus", {"ratio": "1.5"}, None, 2 / 3, id="one new for two held leaves two thirds"),
        pytest.param("split", {"ratio": "5"}, None, 0.2, id="ten rupees into two leaves a fifth"),
        pytest.param("split", {"ratio": "0.1"}, None, 10.0, id="ten shares joined into one cost ten times"),
        # One new for two held at 70 when the old is at 157.80: (2 x 157.80 + 70) / 3 = 128.5333, over 157.80.
        pytest.param("rights", {"ratio": "1.5", "price": "70"}, 157.80, 128.53333333333333 / 157.80, id="rights at their middle price"),
        pytest.param("rights", {"ratio": "1.5", "price": "200"}, 157.80, 1.0, id="rights dearer than the share are worth nothing"),
        pytest.param("rights", {"factor": "0.918"}, None, 0.918, id="rights by a stated factor"),
        pytest.param("demerger", {"factor": "0.8993"}, None, 0.8993, id="a demerger by its factor"),
        pytest.param("dividend", {"cash": "27.4"}, 318.90, (318.90 - 27.40) / 318.90, id="a dividend falls off the price"),
    ],
)
def test_prices_before_are_multiplied_by(  # noqa: PLR0917 - the columns of the table
    make_record: Make, kind: str, terms: dict[str, str], close: float | None, expected: float
) -> None:
    assert make_record(kind, **terms).action.price_factor(close) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("kind", "terms", "said"),
    [
        pytest.param("split", {"ratio": "1"}, "changes nothing", id="a split of one into one"),
        pytest.param("bonus", {"ratio": "0.5"}, "more, not fewer", id="a bonus that takes shares away"),
        pytest.param("split", {"ratio": "2", "factor": "0.4"}, "contradicts 2 shares", id="a factor against the ratio"),
        pytest.param("dividend", {"ratio": "2"}, "no amount", id="a dividend without an amount"),
        pytest.param("rights", {"ratio": "1.5"}, "not both stated", id="rights without a price"),
        pytest.param("demerger", {"ratio": "2"}, "not stated", id="a demerger without a factor"),
        pytest.param("demerger", {"factor": "1.2"}, "not stated", id="a demerger that makes a share dearer"),
        pytest.param("split", {"ratio": "-2"}, "not above zero", id="less than no shares"),
        pytest.param("dividend", {"cash": "NaN"}, "not above zero", id="no number"),
        pytest.param("split", {"ratio": "1e9"}, "is not between 1/10000 and 10000", id="a billion shares for one"),
        pytest.param("demerger", {"factor": "0.00001"}, "is not between", id="nothing left"),
    ],
)
def test_terms_that_make_up_no_action_are_refused(make_record: Make, kind: str, terms: dict[str, str], said: str) -> None:
    with pytest.raises(BadParameter, match=said):
        make_record(kind, **terms)


@pytest.mark.parametrize("on", ["0001-01-01", "1949-12-31", "2201-01-01", "9999-12-31"])
def test_a_date_of_no_share_is_refused(make_record: Make, on: str) -> None:
    with pytest.raises(BadParameter, match="is not between 1950 and 2200"):
        make_record("bonus", on)


def test_a_dividend_of_the_whole_price_is_refused(make_record: Make) -> None:
    with pytest.raises(BadParameter, match="not below the last close of 5"):
        make_record("dividend", cash="5").action.price_factor(5.0)


def test_a_factor_that_needs_the_close_is_not_made_without_it(make_record: Make) -> None:
    with pytest.raises(BadParameter, match="last close before the ex date"):
        make_record("dividend", cash="5").action.price_factor()


def test_a_holder_gets_shares_for_a_bonus_and_money_for_rights_and_parts_split_off(make_record: Make) -> None:
    on = date(2024, 1, 11)
    bonus = make_record("bonus", ratio="1.5").action
    assert bonus.held(300.0) == CorporateAction(instrument=bonus.instrument, ex_date=on, kind=ActionKind.BONUS, ratio=Decimal("1.5"))
    # Worth of the right on one old share: 157.80 - 128.5333.
    rights = make_record("rights", ratio="1.5", price="70").action.held(157.80)
    assert (rights.ratio, rights.cash) == (Decimal(1), Decimal("29.2667"))
    # A tenth of 2,000 rupees goes.
    assert make_record("demerger", factor="0.9").action.held(2000.0).cash == Decimal(200)
    assert make_record("dividend", cash="2.50").action.held(100.0).cash == Decimal("2.5")


@given(
    ratio=st.decimals("1.01", "50", places=2),
    price=st.decimals("0", "5000", places=2),
    close=st.floats(1.0, 10_000.0),
)
def test_rights_never_lift_the_price_nor_take_more_than_the_new_shares_bring(ratio: Decimal, price: Decimal, close: float) -> None:
    action = StatedAction(instrument="NSE:A", ex_date=date(2024, 1, 1), kind=ActionKind.RIGHTS, ratio=ratio, price=price)  # type: ignore[arg-type]
    factor = action.price_factor(close)
    assert 1.0 / float(ratio) - 1e-12 <= factor <= 1.0
    assert float(action.held(close).cash) == pytest.approx(close * (1.0 - factor), abs=1e-4)


def test_an_id_names_instrument_day_and_kind_and_is_read_back(make_record: Make) -> None:
    action = make_record("bonus").action
    assert action.id == "NSE:ACME/2024-01-11/bonus"
    assert parse_action_id(action.id) == (action.instrument, action.ex_date, action.kind)


@pytest.mark.parametrize("text", ["", "NSE:ACME", "NSE:ACME/2024-13-01/bonus", "NSE:ACME/2024-01-11/gift", "ACME/2024-01-11/bonus"])
def test_what_is_no_id_is_refused(text: str) -> None:
    with pytest.raises(BadParameter):
        parse_action_id(text)
