"""The exact ledger: every fill of the numeric core again in decimals, with the lines of its charges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal, localcontext
from typing import Final, NamedTuple

from qts.backtest.exact import EXACT, exact_shares
from qts.backtest.settings import BacktestSettings, CostKind, CostModel, SlippageKind
from qts.backtest.settlement import CONTRACT_SEGMENTS, end_fill
from qts.backtest.terms import PLAIN, InstrumentTerms, is_netted
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
    SQUARE_OFF,
)
from qts.market.charges import DayBill, DayFill, LoneOrder, lone_order

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
_BUY, _SELL = Side.BUY, Side.SELL
_NOTHING: Final = Charges()
_ZERO: Final = Decimal(0)
# What a tick is where there is no table of them, and what a sale brings at least.
_USUAL_TICK: Final = Decimal("0.05")


@dataclass(slots=True)  # grows with the orders of its day
class _Day:
    """One instrument's latest day: what it came to so far, and its bill, which a first order alone does not need."""

    on: date
    first: DayFill | Deal
    charges: Charges
    bill: DayBill | None = None


class Deal(NamedTuple):
    """A fill on its way into the ledger: what a :class:`DayFill` says of a trade, at less cost."""

    side: Side
    quantity: Decimal
    price: Decimal
    order: int | None
    slices: int
    auto_square_off: bool = False


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
        return tuple(desk.fill(row, ts) for row in raw.tolist())


class _Ledger:
    """The days' bills of a run's instruments, and its fills one after another."""

    def __init__(self, settings: BacktestSettings, instruments: Sequence[InstrumentId], terms: Sequence[InstrumentTerms]) -> None:
        self._settings = settings
        self._instruments = instruments
        self._terms = tuple(terms) or (PLAIN,) * len(instruments)
        self._is_scheduled = settings.costs.kind is CostKind.ZERODHA
        self._takes_fee = settings.costs.square_off_fee
        # Instruments that pay by the same rates share a number.
        kinds: dict[tuple[object, ...], int] = {}
        self._kinds = [
            kinds.setdefault((exchange_of(name), one.segment, one.stt_class, one.underlying), len(kinds))
            for name, one in zip(instruments, self._terms, strict=True)
        ]
        self._alone: dict[tuple[date, int, bool], LoneOrder] = {}
        self._instants: dict[int, tuple[datetime, date]] = {}
        self._days: dict[int, _Day] = {}
        self._parts: dict[tuple[InstrumentId, date, int | None], DayFill] = {}
        slippage = settings.slippage
        self._fraction = slippage.bps / 10_000
        self._offset = {SlippageKind.HALF_SPREAD: slippage.amount, SlippageKind.TICKS: slippage.amount * _USUAL_TICK}.get(
            slippage.kind, _ZERO
        )
        self._is_taken = slippage.kind is SlippageKind.VOLUME_SHARE

    def fill(self, row: list[float], ts: Ints) -> Fill:
        """Return one fill of the core."""
        i, bar = int(row[F_INSTRUMENT]), int(row[F_BAR])
        instant = self._instants.get(bar)
        if instant is None:
            filled_at = instant_of(int(ts[bar]))
            instant = self._instants[bar] = filled_at, filled_at.date()
        filled_at, on = instant
        side = _BUY if row[F_QUANTITY] > 0.0 else _SELL
        quantity = exact_shares(abs(row[F_QUANTITY]))
        reference = rupees_from_float(row[F_REFERENCE])
        price = self._price(row, reference, side, has_ticks=bool(self._terms[i].ticks))
        deal = Deal(side, quantity, price, int(row[F_ORDER]) or None, max(int(row[F_SLICES]), 1))
        is_end = row[F_KIND] == SETTLEMENT
        if self._takes_fee and row[F_REASON] == SQUARE_OFF:
            deal = deal._replace(auto_square_off=True)
        if self._is_scheduled:
            charges = self._settled(deal, on, i) if is_end else self._scheduled(deal, on, i)
        else:
            # These models say what a trade costs, and a contract's end is none.
            charges = _NOTHING if is_end else self._simple(DayFill(**deal._asdict()), on, self._instruments[i])
        return Fill(
            filled_at=filled_at,
            instrument=self._instruments[i],
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
        price = reference + against if side is _BUY else reference - against
        return price if price > 0 else min(reference, _USUAL_TICK)

    def _settled(self, deal: Deal, on: date, i: int) -> Charges:
        """Charge the end of a contract."""
        segment = self._terms[i].segment
        if segment is None:
            return self._scheduled(deal, on, i)
        held = deal.quantity if deal.side is _SELL else -deal.quantity
        return self._scheduled(end_fill(self._instruments[i], segment, held=held, close=deal.price, on=on), on, i)

    def _scheduled(self, order: DayFill | Deal, on: date, i: int) -> Charges:
        """Charge an order what it adds to its day; one that opens a share's day is priced by itself, without a bill."""
        day = self._days.get(i)
        if day is None or day.on != on:
            alone = self._charges_alone(order, on, i)
            if alone is not None:
                self._days[i] = _Day(on, order, alone)
                return alone
            bill = self._bill(on, i)
            day = self._days[i] = _Day(on, order, _NOTHING, bill)
        elif day.bill is None:
            bill = day.bill = self._bill(on, i)
            bill.add(_day_fill(day.first))
        else:
            bill = day.bill
        bill.add(_day_fill(order))
        after = bill.charges()
        added, day.charges = after if day.charges is _NOTHING else after - day.charges, after
        return added

    def _charges_alone(self, order: DayFill | Deal, on: date, i: int) -> Charges | None:
        """Return what the first order of a share's day pays; None for contracts, and for ends, of the broker's making or the contract's."""
        terms = self._terms[i]
        if terms.segment in CONTRACT_SEGMENTS or isinstance(order, DayFill) or order.auto_square_off:
            return None
        key = (on, self._kinds[i], order.side is _BUY)
        alone = self._alone.get(key)
        if alone is None:
            exchange, product = exchange_of(self._instruments[i]), self._settings.product
            alone = self._alone[key] = lone_order(order.side, on=on, exchange=exchange, product=product, stt_class=terms.stt_class)
        return alone.charges(order.quantity * order.price, slices=order.slices)

    def _bill(self, on: date, i: int) -> DayBill:
        instrument, terms = self._instruments[i], self._terms[i]
        return DayBill(
            on=on,
            exchange=exchange_of(instrument),
            product=self._settings.product,
            segment=terms.segment,
            stt_class=terms.stt_class,
            underlying=terms.underlying,
            netted=is_netted(instrument, terms),
        )


def _day_fill(order: DayFill | Deal) -> DayFill:
    return DayFill(**order._asdict()) if isinstance(order, Deal) else order


def simple_charges(costs: CostModel, order: DayFill) -> Charges:
    """Return the charges of one order under a model without a schedule, all of them as brokerage."""
    if costs.kind is CostKind.PERCENT:
        return Charges(brokerage=order.quantity * order.price * costs.rate)
    if costs.kind is CostKind.PER_SHARE:
        return Charges(brokerage=max(order.quantity * costs.rate, costs.minimum))
    return _NOTHING
