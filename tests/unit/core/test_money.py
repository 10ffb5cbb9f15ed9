from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qts.core import round_to_paisa, rupees_from_float


@given(paise=st.integers(-(10**13), 10**13))
def test_a_price_in_paise_survives_the_float(paise: int) -> None:
    assert rupees_from_float(paise / 100.0) == Decimal(paise) / 100


@pytest.mark.parametrize(("amount", "expected"), [("2.525", "2.53"), ("2.524999", "2.52"), ("-2.525", "-2.53"), ("0", "0.00")])
def test_paise_are_rounded_half_away_from_zero(amount: str, expected: str) -> None:
    assert str(round_to_paisa(Decimal(amount))) == expected
