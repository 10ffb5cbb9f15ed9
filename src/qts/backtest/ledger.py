"""The exact ledger: every fill of the numeric core again in decimals, with the lines of its charges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal, localcontext
from typing import Final

from qts.backtest.exact import EXACT, exact_shares
from qts.backtest.settings import BacktestSettings, CostKind, CostModel, SlippageKind
from qts.backtest.settlement import end_fill
from qts.backtest.terms import PLAIN, InstrumentTerms
from qts.core.arrays import Floats, Ints
from qts.core.clock import instant_of
from qts.core.instrument import InstrumentId, exchange_of
from qts.core.money import rupees_from_float
from qts.core.trading import Charges, Fill, FillReason, OrderKind, Side
from qts.kernels.state import (
    F_BAR,
    F_INSTRUMENT,
    F_KIND,
    F_ORDER,
    F_PRICE,
    F_QUANTITY,
    F_REASON,
    F_REFERENCE,
    F_SLICES,
    LIMIT,
    SETTLEMENT,
)
from qts.market.charges import DayBill, DayFill

# In the order of the core's numbers.
_REASONS: Final = (
    FillReason.SIGNAL,
    FillReason.SQUARE_OFF,
    FillReason.END,
    FillReason.STOP_LOSS,
    FillReason.TAKE_PROFIT,
    FillReason.TRAILING_STOP,
    FillReason.EXPIRY,
    FillReason.RISK,
    FillReason.ACTION,
)
# The same of kinds; a settlement is booked as a market order.
KINDS: Final = (OrderKind.MARKET, OrderKind.STOP, OrderKind.TRAILING, OrderKind.LIMIT, OrderKind.STOP_LIMIT, OrderKind.MARKET)
_NOTHING: Final = Charges()
_ZERO: Final = Decimal(0)
# What a tick is where there is no table of them, and what a sale brings at least.
_USUAL_TICK: Final = Decimal("0.05")


@dataclass(slots=True)  # grows with the orders of its day
class _Day:
    """The bill of one instrument on its latest day, and what it came to so far."""

    on: date
    bill: DayBill
    charges: Charges


def price_fills(
    raw: Floats, ts: Ints, instruments: Sequence[InstrumentId], settings: BacktestSettings, *, terms: Sequence[InstrumentTerms] = ()
) -> tuple[Fill, ...]:
    """Return the core's fills as exact ones, in the order they happened.

    ``filled_at`` is the open instant of the bar the fill happened in, also for fills at its close. The price is the bar's, shifted by the
    slippage; where ticks, the bar's volume or a limit have a say it is the core's price as a decimal. Under ``zerodha`` a fill's charges
    are those of its instrument's day up to it minus those before it, so that the same-day rules hold and the parts add up; they can be
    negative where a purchase turns a delivery sale into an intraday trade. Fills of one order pay one brokerage a day.
    """
    desk = _Ledger(settings, instruments, terms)
    with localcontext(EXACT):
        return tuple(desk.fill(row, int(ts[int(row[F_BAR])])) for row in raw.tolist())


class _Ledger:
    """The days' bills of a run's instruments, and its fills one after another."""

    def __init__(self, settings: BacktestSettings, instruments: Sequence[InstrumentId], terms: Sequence[InstrumentTerms]) -> None:
        self._settings = settings
        self._instruments = instruments
        self._terms = tuple(terms) or (PLAIN,) * len(instruments)
        self._days: dict[InstrumentId, _Day] = {}
        self._parts: dict[tuple[InstrumentId, date, int | None], DayFill] = {}
        slippage = settings.slippage
        self._fraction = slippage.bps / 10_000
        self._offset = {SlippageKind.HALF_SPREAD: slippage.amount, SlippageKind.TICKS: slippage.amount * _USUAL_TICK}.get(
            slippage.kind, _ZERO
        )
        self._is_taken = slippage.kind is SlippageKind.VOLUME_SHARE

    def fill(self, row: list[float], ts: int) -> Fill:
        """Return one fill of the core."""
        i = int(row[F_INSTRUMENT])
        instrument = self._instruments[i]
        side = Side.BUY if row[F_QUANTITY] > 0.0 else Side.SELL
        quantity = exact_shares(abs(row[F_QUANTITY]))
        reference = rupees_from_float(row[F_REFERENCE])
        price = self._price(row, reference, side, has_ticks=bool(self._terms[i].ticks))
        filled_at = instant_of(ts)
        order = DayFill(side=side, quantity=quantity, price=price, order=int(row[F_ORDER]) or None, slices=max(int(row[F_SLICES]), 1))
        is_end = row[F_KIND] == SETTLEMENT
        if self._settings.costs.kind is CostKind.ZERODHA:
            charges = self._scheduled(order, filled_at.date(), i, is_end=is_end)
        else:
            # These models say what a trade costs, and a contract's end is none.
            charges = _NOTHING if is_end else self._simple(order, filled_at.date(), instrument)
        return Fill(
            filled_at=filled_at,
            instrument=instrument,
            side=side,
            quantity=quantity,
            price=price,
            reference_price=reference,
            slippage=abs(price - reference) * quantity,
            charges=charges,
            product=self._settings.product,
            order=KINDS[int(row[F_KIND])],
            reason=_REASONS[int(row[F_REASON])],
        )

    def _simple(self, order: DayFill, on: date, instrument: InstrumentId) -> Charges:
        """Charge an order that fills in parts once a day: what its parts come to together, less what was charged before."""
        key = (instrument, on, order.order)
        before = self._parts.get(key)
        whole = order
        if before is not None:
            quantity = before.quantity + order.quantity
            whole = replace(order, quantity=quantity, price=(before.quantity * before.price + order.quantity * order.price) / quantity)
        self._parts[key] = whole
        charges = simple_charges(self._settings.costs, whole)
        return charges if before is None else charges - simple_charges(self._settings.costs, before)

    def _price(self, row: list[float], reference: Decimal, side: Side, *, has_ticks: bool) -> Decimal:
        if has_ticks or self._is_taken or row[F_KIND] >= LIMIT:
            return rupees_from_float(row[F_PRICE])
        against = reference * self._fraction + self._offset
        price = reference + against if side is Side.BUY else reference - against
        return price if price > 0 else min(reference, _USUAL_TICK)

    def _scheduled(self, order: DayFill, on: date, i: int, *, is_end: bool) -> Charges:
        instrument, terms = self._instruments[i], self._terms[i]
        if is_end and terms.segment is not None:
            held = order.quantity if order.side is Side.SELL else -order.quantity
            order = end_fill(instrument, terms.segment, held=held, close=order.price, on=on)
        day = self._days.get(instrument)
        if day is None or day.on != on:
            exchange, product = exchange_of(instrument), self._settings.product
            bill = DayBill(
                on=on, exchange=exchange, product=product, segment=terms.segment, stt_class=terms.stt_class, underlying=terms.underlying
            )
            day = self._days[instrument] = _Day(on=on, bill=bill, charges=_NOTHING)
        day.bill.add(order)
        after = day.bill.charges()
        added, day.charges = after if day.charges is _NOTHING else after - day.charges, after
        return added


def simple_charges(costs: CostModel, order: DayFill) -> Charges:
    """Return the charges of one order under a model without a schedule, all of them as brokerage."""
    if costs.kind is CostKind.PERCENT:
        return Charges(brokerage=order.quantity * order.price * costs.rate)
    if costs.kind is CostKind.PER_SHARE:
        return Charges(brokerage=max(order.quantity * costs.rate, costs.minimum))
    return _NOTHING
