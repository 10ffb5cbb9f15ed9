"""How large was an order whose reply does not tell, or tells lots? As large as SEBI's fee implies: it is one rate for almost all."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

from qts.core import Side
from qts.core.errors import InputError
from qts.market.charges import RateClasses, RoundingMode
from qts.market.charges.netting import ZERO
from qts.market.reconciliation.bill import Place, PricedBill, price_bill
from qts.market.reconciliation.comparison import Comparison, Verdict, compare
from qts.market.reconciliation.statement import Family, StatedCharges, TradeRow, Unpriced, UnsizedOrder, family_of
from qts.market.reconciliation.terms import SHARES, classes_of, underlying_of

_LOTS: Final = frozenset({Family.CDS, Family.COM})
_LARGEST_LOT: Final = Decimal(10) ** 9
# How far the units of a lot, read from a fee of few digits, may be from a whole number.
_NEAR: Final = Decimal("0.01")


def in_lots(trade: TradeRow, stated: StatedCharges, on: date) -> tuple[TradeRow, str]:
    """Return a currency or commodity order with the value of all its units, and what is to be said of that, if anything."""
    fee, size = stated.amounts.get("sebi", ZERO), trade.notional
    if family_of(trade.exchange) not in _LOTS or fee <= 0 or size <= 0:
        return trade, ""
    try:
        rates = Place(on=on, exchange=trade.exchange, segment=trade.segment, classes=classes_of(trade)).rates()
    except InputError:
        return trade, ""
    units = min(fee / rates.sebi / size if rates.sebi else ZERO, _LARGEST_LOT)
    whole = units.quantize(Decimal(1), ROUND_HALF_EVEN)
    if whole <= 1 or whole == _LARGEST_LOT or abs(units - whole) > _NEAR * whole:
        return trade, ""
    remark = f"the quantity counts lots of {whole} units, as SEBI's fee implies"
    return replace(trade, value=size * whole), remark


def price_unsized(
    stated: StatedCharges, order: UnsizedOrder, mode: RoundingMode, on: date
) -> tuple[PricedBill, Comparison, tuple[str, ...]]:
    """Return the segment and side that explain an order's charges best, at the value that SEBI's fee implies."""
    fee = stated.amounts.get("sebi", ZERO)
    best: tuple[PricedBill, Comparison, tuple[str, ...]] | None = None
    for segment in order.segments:
        underlying = "" if segment in SHARES else underlying_of(order.symbol)
        try:
            rates = Place(on=on, exchange=order.exchange, segment=segment, classes=RateClasses(underlying=underlying)).rates()
        except InputError as error:
            return _lost(stated, f"{error.message} {error.hint}", on)
        if fee <= 0 or rates.sebi <= 0:
            return _lost(stated, "the order's value is not given, and SEBI's fee is too small to tell it", on)
        for side in Side:
            trade = TradeRow(
                row=stated.row,
                on=on,
                exchange=order.exchange,
                symbol=order.symbol,
                segment=segment,
                side=side,
                quantity=Decimal(1),
                price=fee / rates.sebi,
                is_product_known=True,
            )
            found = _as_traded(trade, stated, mode, on)
            best = found if best is None or _misfit(found[1]) < _misfit(best[1]) else best
    return best or _lost(stated, "the order's segment is not known", on)


def _as_traded(trade: TradeRow, stated: StatedCharges, mode: RoundingMode, on: date) -> tuple[PricedBill, Comparison, tuple[str, ...]]:
    priced = price_bill((trade,), mode=mode, on=on)
    value = trade.price.quantize(Decimal("0.01"))
    remark = f"the reply gives no size: priced as {trade.side} {trade.segment} of {value}, the value SEBI's fee implies"
    return priced, compare(stated, priced, mode), (remark,)


def _misfit(comparison: Comparison) -> tuple[int, int]:
    """Return how many lines differ, and of how many one side is zero: a tax that is not due weighs more than one at another rate."""
    lines = [line for line in comparison.lines if line.verdict is Verdict.DIFFERS]
    return len(lines), sum((line.theirs == 0) != (line.ours == 0) for line in lines)


def _lost(stated: StatedCharges, reason: str, on: date) -> tuple[PricedBill, Comparison, tuple[str, ...]]:
    return PricedBill(on=on, unpriced=(Unpriced(row=stated.row, reason=reason.strip()),)), Comparison(lines=()), ()
