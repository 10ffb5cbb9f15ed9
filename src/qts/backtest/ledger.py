"""The exact ledger: every fill of the numeric core again in decimals, with the lines of its charges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Context, Decimal, localcontext
from typing import Final

from qts.backtest.settings import BacktestSettings, CostKind, CostModel, SlippageKind
from qts.core.arrays import Floats, Ints
from qts.core.clock import instant_of
from qts.core.instrument import InstrumentId, exchange_of
from qts.core.money import rupees_from_float
from qts.core.trading import Charges, Fill, FillReason, Side
from qts.kernels.state import F_BAR, F_INSTRUMENT, F_QUANTITY, F_REASON, F_REFERENCE
from qts.market.charges import DayBill, DayFill

_REASONS: Final = (FillReason.SIGNAL, FillReason.SQUARE_OFF, FillReason.END)
_NOTHING: Final = Charges()

# Wide enough that no product of a price, a quantity and a rate is ever rounded.
EXACT: Final = Context(prec=60)


@dataclass(slots=True)  # grows with the orders of its day
class _Day:
    """The bill of one instrument on its latest day, and what it came to so far."""

    on: date
    bill: DayBill
    charges: Charges


def price_fills(raw: Floats, ts: Ints, instruments: Sequence[InstrumentId], settings: BacktestSettings) -> tuple[Fill, ...]:
    """Return the core's fills as exact ones, in the order they happened.

    ``filled_at`` is the open instant of the bar the fill happened in, also for fills at its close. The price is the bar's, shifted by the
    slippage. Under ``zerodha`` a fill's charges are those of its instrument's day up to it minus those before it, so that the same-day
    rules hold and the parts add up; they can be negative where a purchase turns a delivery sale into an intraday trade.
    """
    days: dict[InstrumentId, _Day] = {}
    fills = []
    with localcontext(EXACT):
        for row in raw:
            instrument = instruments[int(row[F_INSTRUMENT])]
            fills.append(_fill(row, int(ts[int(row[F_BAR])]), instrument, settings=settings, days=days))
    return tuple(fills)


def _fill(row: Floats, ts: int, instrument: InstrumentId, *, settings: BacktestSettings, days: dict[InstrumentId, _Day]) -> Fill:
    side = Side.BUY if row[F_QUANTITY] > 0.0 else Side.SELL
    quantity = _shares(abs(float(row[F_QUANTITY])))
    reference = rupees_from_float(float(row[F_REFERENCE]))
    against = _slippage(settings) if side is Side.BUY else -_slippage(settings)
    price = reference + reference * against
    filled_at = instant_of(ts)
    order = DayFill(side=side, quantity=quantity, price=price)
    if settings.costs.kind is CostKind.ZERODHA:
        charges = _scheduled(order, filled_at.date(), instrument, settings=settings, days=days)
    else:
        charges = simple_charges(settings.costs, order)
    return Fill(
        filled_at=filled_at,
        instrument=instrument,
        side=side,
        quantity=quantity,
        price=price,
        reference_price=reference,
        slippage=abs(price - reference) * quantity,
        charges=charges,
        product=settings.product,
        reason=_REASONS[int(row[F_REASON])],
    )


def simple_charges(costs: CostModel, order: DayFill) -> Charges:
    """Return the charges of one order under a model without a schedule, all of them as brokerage."""
    if costs.kind is CostKind.PERCENT:
        return Charges(brokerage=order.quantity * order.price * costs.rate)
    if costs.kind is CostKind.PER_SHARE:
        return Charges(brokerage=max(order.quantity * costs.rate, costs.minimum))
    return _NOTHING


def _scheduled(
    order: DayFill, on: date, instrument: InstrumentId, *, settings: BacktestSettings, days: dict[InstrumentId, _Day]
) -> Charges:
    day = days.get(instrument)
    if day is None or day.on != on:
        bill = DayBill(on=on, exchange=exchange_of(instrument), product=settings.product)
        day = days[instrument] = _Day(on=on, bill=bill, charges=_NOTHING)
    day.bill.add(order)
    after = day.bill.charges()
    added, day.charges = after - day.charges, after
    return added


def _slippage(settings: BacktestSettings) -> Decimal:
    return Decimal(0) if settings.slippage.kind is SlippageKind.NONE else settings.slippage.bps / 10_000


def _shares(quantity: float) -> Decimal:
    return Decimal(int(quantity)) if quantity == int(quantity) else rupees_from_float(quantity)
