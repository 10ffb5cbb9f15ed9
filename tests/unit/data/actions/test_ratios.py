"""How India writes ratios: new to held for bonuses and rights, face values for splits."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qts.core import ActionKind
from qts.core.errors import BadParameter
from qts.data.actions.ratios import nearest_ratio, parse_ratio, simple_ratios


@pytest.mark.parametrize(
    ("text", "kind", "expected"),
    [
        pytest.param("1:1", "bonus", "2", id="bonus of one for one held"),
        pytest.param("2:1", "bonus", "3", id="bonus of two for one held"),
        pytest.param("1:2", "bonus", "1.5", id="bonus of one for two held"),
        pytest.param("2 : 5", "bonus", "1.4", id="bonus of two for five held, with blanks"),
        pytest.param("1:15", "rights", str(Decimal(16) / 15), id="rights of one for fifteen held"),
        pytest.param("10->2", "split", "5", id="face value of ten into two"),
        pytest.param("Rs 10 -> Re 1", "split", "10", id="face values in rupees"),
        pytest.param("1->10", "split", "0.1", id="consolidation of one into ten"),
        pytest.param("5:1", "split", "5", id="five shares for one"),
        pytest.param("5", "split", "5", id="shares after for one before"),
        pytest.param("0.5", "split", "0.5", id="two shares joined"),
        pytest.param("1.5", "bonus", "1.5", id="shares after for one before, of a bonus"),
    ],
)
def test_a_ratio_is_read_as_shares_after_for_one_before(text: str, kind: str, expected: str) -> None:
    assert parse_ratio(text, ActionKind(kind)) == Decimal(expected)


@pytest.mark.parametrize(
    ("text", "kind", "said"),
    [
        pytest.param("1:5", "split", "split or a consolidation", id="a split that may be meant either way"),
        pytest.param("10->2", "bonus", "say nothing of a bonus", id="face values of a bonus"),
        pytest.param("1:0", "bonus", "holds a zero", id="none held"),
        pytest.param("one", "bonus", "not a number", id="a word"),
        pytest.param("0", "split", "not above zero", id="nothing"),
        pytest.param("inf", "split", "not a number", id="infinity"),
    ],
)
def test_what_may_be_meant_otherwise_is_refused(text: str, kind: str, said: str) -> None:
    with pytest.raises(BadParameter, match=said):
        parse_ratio(text, ActionKind(kind))


@given(st.sampled_from(sorted(set(simple_ratios()))), st.floats(-0.015, 0.015))
def test_a_price_ratio_near_a_common_one_is_taken_as_it(ratio: Fraction, noise: float) -> None:
    found, off = nearest_ratio(float(1 / ratio) * (1 + noise))
    assert off <= 0.0152
    assert abs(float(found / ratio) - 1) <= 0.031  # neighbours such as 5/4 and 6/5 lie further apart
