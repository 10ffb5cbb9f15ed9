"""Which segment pays, and where its rates are listed."""

from __future__ import annotations

import pytest

from qts.core import Exchange, Product
from qts.core.errors import BadParameter
from qts.market.charges import ChargeSegment, listed_at, segment_of
from qts.market.charges.segments import exchanges_of

CNC, MIS, NRML = Product.CNC, Product.MIS, Product.NRML


@pytest.mark.parametrize(
    ("exchange", "product", "kind", "expected"),
    [
        (Exchange.NSE, CNC, "share", "equity_delivery"),
        (Exchange.BSE, MIS, "share", "equity_intraday"),
        (Exchange.SIM, CNC, "share", "equity_delivery"),
        (Exchange.NFO, NRML, "future", "equity_futures"),
        (Exchange.BFO, MIS, "option", "equity_options"),
        (Exchange.NSE, NRML, "option", "equity_options"),
        (Exchange.CDS, NRML, "future", "currency_futures"),
        (Exchange.BCD, MIS, "option", "currency_options"),
        (Exchange.MCX, NRML, "future", "commodity_futures"),
        (Exchange.NCO, NRML, "option", "commodity_options"),
        (Exchange.SIM, NRML, "future", "equity_futures"),
    ],
)
def test_instrument_pays_in_one_segment(exchange: Exchange, product: Product, kind: str, expected: str) -> None:
    assert segment_of(exchange, product, kind) == expected


@pytest.mark.parametrize(
    ("exchange", "product", "kind", "named"),
    [
        (Exchange.NSE, NRML, "share", "product = NRML"),
        (Exchange.NFO, CNC, "share", "exchange = NFO"),
        (Exchange.NFO, CNC, "option", "product = CNC"),
        (Exchange.INDEX, NRML, "future", "exchange = INDEX"),
        (Exchange.INDEX, CNC, "share", "exchange = INDEX"),
        (Exchange.NSE, CNC, "bond", "kind = bond"),
    ],
)
def test_what_does_not_go_together_is_named_with_a_way_out(exchange: Exchange, product: Product, kind: str, named: str) -> None:
    with pytest.raises(BadParameter, match=named) as caught:
        segment_of(exchange, product, kind)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("exchange", "segment", "expected"),
    [
        ("NSE", "equity_futures", "NFO"),
        ("NFO", "equity_futures", "NFO"),
        ("BSE", "equity_options", "BFO"),
        ("NSE", "currency_options", "CDS"),
        ("BSE", "currency_futures", "BCD"),
        ("NSE", "commodity_futures", "NCO"),
        ("SIM", "equity_delivery", "NSE"),
        ("SIM", "commodity_options", "MCX"),
    ],
)
def test_contracts_are_found_under_either_name_of_their_exchange(exchange: str, segment: str, expected: str) -> None:
    assert listed_at(Exchange(exchange), ChargeSegment(segment)) == expected


@pytest.mark.parametrize(
    ("exchange", "segment"),
    [("MCX", "equity_options"), ("NFO", "equity_delivery"), ("BSE", "commodity_futures"), ("CDS", "equity_futures")],
)
def test_segment_that_an_exchange_does_not_trade_is_refused(exchange: str, segment: str) -> None:
    with pytest.raises(BadParameter, match=f"exchange = {exchange}: no {segment} is traded here") as caught:
        listed_at(Exchange(exchange), ChargeSegment(segment))
    assert "is charged at" in caught.value.hint


@pytest.mark.parametrize(
    ("segment", "expected"),
    [
        ("equity_intraday", ["NSE", "BSE"]),
        ("equity_options", ["NFO", "BFO"]),
        ("currency_futures", ["CDS", "BCD"]),
        ("commodity_futures", ["MCX", "NCO"]),
    ],
)
def test_segment_is_listed_at_its_exchanges(segment: str, expected: list[str]) -> None:
    assert list(exchanges_of(ChargeSegment(segment))) == expected
