"""The day's bill, worked out a second time from the rates alone: orders in parts and slices, delivery and intraday, contracts."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Context, Decimal, localcontext

import numpy as np
import pytest
from tests.reference.bill import Deal, day_bill
from tests.reference.scene import BUY, SELL, Rules, Terms

from qts.core import Exchange, Product, Side
from qts.market.charges import ChargeSegment, DayFill, day_charges, lines_of

FIRST = date(2005, 1, 3)
CASES = {
    "shares": (Exchange.NSE, Exchange.BSE, Exchange.SIM),
    "futures": (Exchange.NFO, Exchange.BFO, Exchange.CDS, Exchange.MCX),
    "options": (Exchange.NFO, Exchange.BFO, Exchange.CDS, Exchange.MCX),
}
GROUPS = {Exchange.NFO: "equity", Exchange.BFO: "equity", Exchange.CDS: "currency", Exchange.MCX: "commodity"}


def random_deals(rng: np.random.Generator) -> list[Deal]:
    """Return deals of up to four orders whose parts come in any order."""
    sides = [BUY if rng.random() < 0.5 else SELL for _ in range(4)]
    slices = [int(rng.choice([1, 1, 1, 3])) for _ in range(4)]
    deals = []
    for _ in range(int(rng.integers(1, 8))):
        order = int(rng.integers(4))
        price = Decimal(int(rng.integers(20, 60_000))) * 5 / 100
        quantity = Decimal(int(rng.integers(1, 2000)))
        deals.append(Deal(order=order, side=sides[order], quantity=quantity, price=price, slices=slices[order]))
    return deals


@pytest.mark.parametrize("kind", CASES)
@pytest.mark.parametrize("seed", range(150))
def test_the_bill_of_a_day_is_the_same_from_both(kind: str, seed: int) -> None:
    rng = np.random.default_rng((seed, len(kind)))
    exchange = CASES[kind][int(rng.integers(len(CASES[kind])))]
    on = FIRST + timedelta(days=int(rng.integers(0, 7900)))
    is_share = kind == "shares"
    product = (Product.CNC if rng.random() < 0.6 else Product.MIS) if is_share else Product.NRML
    deals = random_deals(rng)
    fills = [
        DayFill(
            side=Side.BUY if deal.side == BUY else Side.SELL, quantity=deal.quantity, price=deal.price, order=deal.order, slices=deal.slices
        )
        for deal in deals
    ]
    segment = None if is_share else ChargeSegment(f"{GROUPS[exchange]}_{kind}")
    with localcontext(Context(prec=60)):
        terms = Terms(exchange=exchange, kind=kind.removesuffix("s"))
        rules = Rules(capital=Decimal(1), square_off=lambda *_: None, is_intraday=False, product=product, costs="zerodha")  # type: ignore[arg-type]
        bill = day_bill(deals, on=on, terms=terms, rules=rules)
        charged = dict(lines_of(day_charges(fills, on=on, exchange=exchange, product=product, segment=segment)))
    off = {line: (amount, charged[line]) for line, amount in bill.items() if abs(amount - Decimal(charged[line])) > Decimal("1e-8")}
    assert not off, f"{on} {exchange} {product} {deals}"
