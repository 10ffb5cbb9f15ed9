from __future__ import annotations

from decimal import Decimal

import hypothesis.strategies as st
import pytest
from hypothesis import given

from qts.backtest import BacktestSettings, CostKind, SizingKind, SlippageKind, parse_costs, parse_size, parse_slippage
from qts.core.errors import BadParameter

AMOUNTS = st.decimals(min_value=Decimal("0.0001"), max_value=Decimal("0.9999"), places=4)


@given(amount=AMOUNTS)
def test_a_spec_reads_back_as_itself(amount: Decimal) -> None:
    for kind in SizingKind:
        size = parse_size(f"{kind}:{amount}")
        assert parse_size(size.spec) == size
        assert size.amount == amount
    costs = parse_costs(f"percent:{amount}")
    assert parse_costs(costs.spec) == costs
    per_share = parse_costs(f"per-share:{amount},min={amount}")
    assert parse_costs(per_share.spec) == per_share
    slippage = parse_slippage(f"bps:{amount}")
    assert parse_slippage(slippage.spec) == slippage


@pytest.mark.parametrize(
    "text", ["zerodha", "zerodha,square-off-fee", "none", "percent:0.0003", "per-share:0.005", "per-share:0.005,min=1"]
)
def test_costs_are_written_as_they_are_read(text: str) -> None:
    assert parse_costs(text).spec == text


def test_canonical_specs_drop_needless_zeros() -> None:
    assert parse_size("percent:0.9500").spec == "percent:0.95"
    assert parse_size("cash:50000").spec == "cash:50000"
    assert parse_slippage("none").kind is SlippageKind.NONE
    assert parse_costs("zerodha").kind is CostKind.ZERODHA


@pytest.mark.parametrize(
    "text",
    ["", "shares", "shares:", "shares:0", "shares:-1", "shares:nan", "shares:1e99", "baskets:1", "percent:1.01", "percent:95", "cash:x"],
)
def test_a_sizing_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(BadParameter, match="size"):
        parse_size(text)


@pytest.mark.parametrize("text", ["", "bps", "bps:-1", "bps:10000", "none:1", "spreads:1", "bps:inf"])
def test_a_slippage_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(BadParameter, match="slippage"):
        parse_slippage(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "zerodha:1",
        "zerodha,fee",
        "none,square-off-fee",
        "zerodha:square-off-fee",
        "percent",
        "percent:1",
        "percent:-0.1",
        "percent:x",
        "per-share:",
        "per-share:1,max=2",
        "per-share:1,min=",
    ],
)
def test_costs_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(BadParameter, match="costs"):
        parse_costs(text)


def test_percent_is_a_fraction_and_the_hint_says_so() -> None:
    with pytest.raises(BadParameter) as caught:
        parse_size("percent:95")
    assert "percent:0.95" in caught.value.hint


@pytest.mark.parametrize("capital", ["0", "-1", "NaN", "Infinity", "1e16"])
def test_capital_must_be_an_amount(capital: str) -> None:
    with pytest.raises(BadParameter, match="capital"):
        BacktestSettings(capital=Decimal(capital))
