from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qts.core import Exchange, exchange_of, parse_instrument, symbol_of
from qts.core.errors import BadParameter


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nse:infy", "NSE:INFY"),
        (" NSE:NIFTY 50 ", "NSE:NIFTY 50"),
        ("NSE:M&M", "NSE:M&M"),
        ("NSE:BAJAJ-AUTO", "NSE:BAJAJ-AUTO"),
        ("NFO:NIFTY26NOVFUT", "NFO:NIFTY26NOVFUT"),
        ("INDEX:SP500", "INDEX:SP500"),
    ],
)
def test_names_are_normalised(text: str, expected: str) -> None:
    assert parse_instrument(text) == expected


@pytest.mark.parametrize("text", ["INFY", "", "NSE:", ":INFY", "XYZ:INFY", "NSE:../../etc", "NSE:A/B", "NSE:A\nB", "NSE:" + "A" * 80])
def test_what_is_no_instrument_is_refused_by_name(text: str) -> None:
    with pytest.raises(BadParameter) as caught:
        parse_instrument(text)
    assert text in caught.value.message
    assert caught.value.hint


@given(exchange=st.sampled_from(list(Exchange)), symbol=st.from_regex(r"[A-Z0-9][A-Z0-9&._-]{0,20}", fullmatch=True))
def test_parts_come_apart_as_they_went_together(exchange: Exchange, symbol: str) -> None:
    instrument = parse_instrument(f"{exchange}:{symbol}")
    assert exchange_of(instrument) is exchange
    assert symbol_of(instrument) == symbol
