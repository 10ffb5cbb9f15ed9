from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as some

from qts.ui.components.run_form import plain, slippage_bps, split_costs, split_spec


@given(some.decimals(0, 10**6, places=6))
def test_a_plain_number_has_no_exponent_and_loses_nothing(value: Decimal) -> None:
    text = plain(float(value))
    assert "e" not in text
    assert Decimal(text) == value


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("zerodha", ("zerodha", Decimal(0), Decimal(0))),
        ("percent:0.0003", ("percent", Decimal("0.0003"), Decimal(0))),
        ("per-share:0.005,min=1", ("per-share", Decimal("0.005"), Decimal(1))),
    ],
)
def test_cost_texts_come_apart(spec: str, expected: tuple[str, Decimal, Decimal]) -> None:
    assert split_costs(spec) == expected


def test_a_text_that_is_no_number_counts_as_nothing() -> None:
    assert split_spec("percent:lots") == ("percent", Decimal(0))
    assert slippage_bps("none") == 0.0
