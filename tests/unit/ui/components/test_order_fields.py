from __future__ import annotations

import pytest

from qts.ui.components.order_fields import COSTS, SIZE, SLIPPAGE, Choice, query_of


@pytest.mark.parametrize(
    ("choice", "text", "query"),
    [
        (SIZE, "percent:0.95", {"sizing": "% of equity", "size_percent": "95"}),
        (SIZE, "lots:3", {"sizing": "lots", "size_lots": "3"}),
        (
            SIZE,
            "atr-risk:0.015,span=21,multiple=2.5",
            {"sizing": "risk by true range", "size_atr-risk": "1.5", "size_atr-risk_span": "21", "size_atr-risk_multiple": "2.5"},
        ),
        (COSTS, "zerodha", {"costs": "zerodha"}),
        (COSTS, "zerodha,square-off-fee", {"costs": "zerodha, fee for square-off"}),
        (COSTS, "per-share:0.005,min=1", {"costs": "per-share", "rate_per-share": "0.005", "rate_per-share_min": "1"}),
        (SLIPPAGE, "none", {"slippage": "none"}),
        (SLIPPAGE, "ticks:2", {"slippage": "ticks", "slippage_ticks": "2"}),
        (SLIPPAGE, "volume-share:0.1", {"slippage": "share of volume", "slippage_volume-share": "10"}),
    ],
)
def test_a_text_becomes_the_address_of_its_fields(choice: Choice, text: str, query: dict[str, str]) -> None:
    assert query_of(choice, text) == query


@pytest.mark.parametrize("choice", [SIZE, COSTS, SLIPPAGE], ids=lambda choice: choice.label)
def test_every_first_value_is_within_its_bounds(choice: Choice) -> None:
    numbers = [one for kind in choice.kinds.values() for one in (kind.amount, *kind.options.values()) if one is not None]
    assert numbers
    assert all(one.low <= one.first <= one.high and one.meant(one.shown(0.25)) == 0.25 for one in numbers)
