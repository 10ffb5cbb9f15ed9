from __future__ import annotations

import pytest

from qts.app.run_terms import check_product
from qts.core import InstrumentId, Product
from qts.core.errors import BadParameter


@pytest.mark.parametrize(
    ("product", "name", "way_out"),
    [
        (Product.CNC, "NFO:NIFTY26NOVFUT", "--product NRML"),
        (Product.CNC, "MCX:GOLD26DECFUT", "--product NRML"),
        (Product.NRML, "NSE:INFY", "--product CNC"),
        (Product.NRML, "INDEX:SP500", "--product CNC"),
    ],
)
def test_a_product_that_does_not_go_with_the_instrument_is_refused_with_the_way_out(product: Product, name: str, way_out: str) -> None:
    with pytest.raises(BadParameter) as caught:
        check_product(product, [InstrumentId("NSE:ALPHA"), InstrumentId(name)] if product is Product.CNC else [InstrumentId(name)])
    assert name in caught.value.message
    assert way_out in caught.value.hint


@pytest.mark.parametrize(
    ("product", "names"),
    [
        (Product.CNC, ["NSE:INFY", "SIM:X", "INDEX:SP500"]),
        (Product.MIS, ["NSE:INFY", "NFO:NIFTY26NOVFUT"]),
        (Product.NRML, ["NFO:NIFTY26NOVFUT", "CDS:USDINR26NOVFUT"]),
    ],
)
def test_what_goes_together_is_let_through(product: Product, names: list[str]) -> None:
    check_product(product, [InstrumentId(name) for name in names])
