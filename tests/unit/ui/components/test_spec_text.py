from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as some

from qts.ui.components.spec_text import Spec, joined, per_cent, plain, split


@given(some.decimals(0, 10**6, places=6))
def test_a_plain_number_has_no_exponent_and_loses_nothing(value: Decimal) -> None:
    text = plain(float(value))
    assert "e" not in text
    assert Decimal(text) == value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("zerodha", Spec(kind="zerodha")),
        ("percent:0.0003", Spec(kind="percent", amount=0.0003)),
        ("per-share:0.005,min=1", Spec(kind="per-share", amount=0.005, options={"min": 1.0})),
        ("atr-risk:0.01,span=14,multiple=2.5", Spec(kind="atr-risk", amount=0.01, options={"span": 14.0, "multiple": 2.5})),
        ("percent:lots", Spec(kind="percent", amount=0.0)),
    ],
)
def test_texts_come_apart_and_what_is_no_number_counts_as_nothing(text: str, expected: Spec) -> None:
    assert split(text) == expected


@given(
    some.sampled_from(["percent", "atr-risk"]),
    some.integers(1, 10_000),
    some.dictionaries(some.sampled_from(["span", "k"]), some.integers(1, 99)),
)
def test_what_is_put_together_comes_apart_again(kind: str, amount: int, options: dict[str, int]) -> None:
    again = split(joined(kind, amount / 10_000, **options))
    assert (again.kind, again.amount, dict(again.options)) == (kind, amount / 10_000, options)


@pytest.mark.parametrize(("fraction", "shown"), [(0.07, 7.0), (0.29, 29.0), (0.0003, 0.03), (1.1, 110.0)])
def test_per_cent_is_free_of_binary_dust(fraction: float, shown: float) -> None:
    assert per_cent(fraction) == shown
