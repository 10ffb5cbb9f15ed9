"""Compare published cost examples with the schedule: what differs, by more than half a paisa, from what was published."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Final

from qts.core import Charges, Product, Side
from qts.core.errors import BadParameter, InputError
from qts.market.charges.day import DayBill
from qts.market.charges.example_terms import ExampleTerms, SymbolOrders, number_of, terms_of
from qts.market.charges.fills import DayFill
from qts.market.charges.netting import day_net
from qts.market.charges.orders import ChargeableOrder, PricedOrders, RoundingMode
from qts.market.charges.pricing import dp_charge, price_orders, round_half_up
from qts.market.charges.rates import rates_on
from qts.market.charges.schedule import rounding_on
from qts.market.charges.segments import EQUITY_SEGMENTS, ChargeSegment

LINES: Final = ("brokerage", "stt", "exchange", "ipft", "sebi", "stamp", "gst", "dp", "total")
HALF_A_PAISA: Final = Decimal("0.005")
# Published numbers that went through binary floats end like 0.0033767999999999997.
FLOAT_NOISE: Final = Decimal("1e-9")


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A published number that the schedule does not give; ``computed`` is None where the field is not one of a bill."""

    field: str
    expected: Decimal
    computed: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PricedExample:
    """One example: the bill by our schedule, the published one, and where they differ.

    ``charges`` are those of ``orders``, one by one; ``total`` holds the lines of :data:`LINES` in rupees, and ``stt_exact``, ``net`` and,
    outside the exact mode, ``dp`` where the example states them: DP is debited on the ledger, so that such a ``dp`` is no part of the
    total's ``total``. Where the example cannot be priced, ``error`` says why and the rest is empty.
    """

    id: str
    on: date | None = None
    mode: RoundingMode | None = None
    orders: tuple[ChargeableOrder, ...] = ()
    charges: tuple[Charges, ...] = ()
    total: Mapping[str, Decimal] = field(default_factory=dict)
    expected: Mapping[str, Decimal] = field(default_factory=dict)
    differences: tuple[Difference, ...] = ()
    warnings: tuple[str, ...] = ()
    error: InputError | None = None


def price_example(example: Mapping[str, object], default_on: date) -> PricedExample:
    """Return the example priced by its own mode and date, compared with what it expects.

    Parameters
    ----------
    example : mapping
        One example as loaded from JSON or TOML: ``id``, ``mode`` (exact if absent), ``trade_date`` or ``trade_date_range`` (its first day
        counts), ``exchange``, ``segment``, ``orders`` of ``side`` and either ``qty`` and ``price`` or ``value``,
        ``stamp_state_rate_pct_both_sides`` in percent, and ``expected`` with any of :data:`LINES`, ``ctt``, ``stt_exact``,
        ``stt_intraday``, ``stt_delivery``, ``turnover``, ``net`` and ``break_even``. Also, where they matter: ``lots`` with ``lot_size``,
        ``multiplier``, ``slices``, ``auto_square_off``, ``settlement`` and ``settlement_price`` of an order, its ``symbol``, and
        ``stt_class``, ``group`` and ``underlying``; class and underlying are taken from the symbol where they are absent.
    default_on : date
        The trade date of an example that names none.

    Notes
    -----
    It never raises on a bad example: the sentence stands in ``error``, and the other examples of a file are not lost. Where an example can
    be read in two ways (the API's two bills, orders of one day or of several) the first that agrees with what it expects is taken, with a
    warning if it is not the usual one.
    """
    name = str(example.get("id", ""))
    expected: Mapping[str, Decimal] = {}
    try:
        expected = _expected(example)
        return _price(name, example, expected, default_on)
    except InputError as error:
        return PricedExample(id=name, expected=expected, error=error)


def lines_of(charges: Charges) -> dict[str, Decimal]:
    """Return the lines of a bill by name, the total last."""
    return {name: getattr(charges, name) for name in LINES}


def _price(name: str, example: Mapping[str, object], expected: Mapping[str, Decimal], default_on: date) -> PricedExample:
    terms = terms_of(example, default_on)
    readings = (_read(name, terms, expected, reading) for reading in _readings(terms))
    first = next(readings)
    # An example does not say which of two bills it was taken from; the numbers do.
    return first if not first.differences else next((other for other in readings if not other.differences), first)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reading:
    """One way to understand an example: whose bill is meant, and whether its orders are of one day; ``note`` tells of an unusual one."""

    mode: RoundingMode
    is_one_day: bool
    note: str = ""


def _readings(terms: ExampleTerms) -> Iterator[_Reading]:
    mode = terms.mode
    is_one_day = mode is RoundingMode.CONTRACT_NOTE
    yield _Reading(mode=mode, is_one_day=is_one_day)
    if mode is RoundingMode.API:
        note = "api: read as the charges beside a margin, which leave out the investor protection fund's part"
        yield _Reading(mode=RoundingMode.API_MARGINS, is_one_day=False, note=note)
    is_two_sided = terms.segment in EQUITY_SEGMENTS and len({order.side for order in terms.orders}) > 1
    if mode is RoundingMode.EXACT and is_two_sided and terms.stamp is None:
        note = "exact: read as orders of one day, so that what was bought and sold is intraday"
        yield _Reading(mode=mode, is_one_day=True, note=note)
    if is_one_day and is_two_sided:
        yield _Reading(mode=mode, is_one_day=False, note=f"{mode}: read as orders of different days, each with a note of its own")


def _read(name: str, terms: ExampleTerms, expected: Mapping[str, Decimal], reading: _Reading) -> PricedExample:
    parts = [_bill(terms, symbol, reading) for symbol in terms.symbols]
    charges = {
        place: line
        for symbol, bill in zip(terms.symbols, parts, strict=True)
        for place, line in zip(symbol.places, bill.orders, strict=True)
    }
    total = lines_of(sum((bill.total for bill in parts), Charges()))
    total |= {line: compute(terms, reading, total) for line, compute in _BESIDES.items() if line in expected}
    return PricedExample(
        id=name,
        on=terms.on,
        mode=terms.mode,
        orders=terms.orders,
        charges=tuple(charges[place] for place in range(len(terms.orders))),
        total=total,
        expected=expected,
        differences=_differences(expected, total, terms.mode),
        warnings=tuple(dict.fromkeys([*([reading.note] if reading.note else []), *(line for bill in parts for line in bill.warnings)])),
    )


def _bill(terms: ExampleTerms, symbol: SymbolOrders, reading: _Reading) -> PricedOrders:
    if reading.mode is RoundingMode.EXACT and reading.is_one_day:
        return _day(terms, symbol)
    bills = [symbol.orders]
    if reading.mode is RoundingMode.CONTRACT_NOTE and not reading.is_one_day:
        bills = [(order,) for order in symbol.orders]
    priced = [
        price_orders(
            orders,
            on=terms.on,
            exchange=terms.exchange,
            segment=terms.segment,
            mode=reading.mode,
            stamp_rate_both_sides=terms.stamp,
            classes=symbol.classes,
        )
        for orders in bills
    ]
    return PricedOrders(
        orders=tuple(line for bill in priced for line in bill.orders),
        total=sum((bill.total for bill in priced), Charges()),
        warnings=priced[0].warnings,
    )


def _day(terms: ExampleTerms, symbol: SymbolOrders) -> PricedOrders:
    """Return the exact bill of a netted day: an order's lines are what it changed."""
    product = Product.CNC if terms.segment is ChargeSegment.EQUITY_DELIVERY else Product.MIS
    kind = symbol.classes
    bill = DayBill(on=terms.on, exchange=terms.exchange, product=product, stt_class=kind.stt_class, group=kind.group)
    days = [Charges()]
    for order in symbol.orders:
        bill.add(DayFill(side=order.side, quantity=order.quantity, price=order.notional / order.quantity, slices=order.slices))
        days.append(bill.charges())
    lines = tuple(after - before for before, after in pairwise(days))
    return PricedOrders(orders=lines, total=days[-1], warnings=bill.estimates())


def _dp(terms: ExampleTerms, reading: _Reading, total: Mapping[str, Decimal]) -> Decimal:
    """Return the ledger's DP charge, which is on no bill: once for each symbol of which shares leave the account."""
    del total
    parts = (symbol.orders for symbol in terms.symbols if not reading.is_one_day or _sold(symbol) > 0)
    return sum((dp_charge(orders, on=terms.on, exchange=terms.exchange, segment=terms.segment) for orders in parts), Decimal(0))


def _sold(symbol: SymbolOrders) -> Decimal:
    return sum((order.quantity if order.side is Side.SELL else -order.quantity for order in symbol.orders), Decimal(0))


def _exact_stt(terms: ExampleTerms, reading: _Reading, total: Mapping[str, Decimal]) -> Decimal:
    del reading, total
    exact = _Reading(mode=RoundingMode.EXACT, is_one_day=False)
    return sum((_bill(terms, symbol, exact).total.stt for symbol in terms.symbols), Decimal(0))


def _net(terms: ExampleTerms, reading: _Reading, total: Mapping[str, Decimal]) -> Decimal:
    """Return what was received less what was paid and the bill."""
    del reading
    signed = (order.notional if order.side is Side.SELL else -order.notional for order in terms.orders)
    return sum(signed, Decimal(0)) - total["total"]


def _turnover(terms: ExampleTerms, reading: _Reading, total: Mapping[str, Decimal]) -> Decimal:
    del reading, total
    return sum((order.notional for order in terms.orders), Decimal(0))


def _ctt(terms: ExampleTerms, reading: _Reading, total: Mapping[str, Decimal]) -> Decimal:
    """Return the tax on commodities, which stands where securities have theirs."""
    del terms, reading
    return total["stt"]


def _break_even(terms: ExampleTerms, reading: _Reading, total: Mapping[str, Decimal]) -> Decimal:
    """Return the bill per share or unit of the larger side, as calculators publish it; they do not count that the exit would cost more."""
    del reading
    sides = (sum((order.quantity for order in terms.orders if order.side is side), Decimal(0)) for side in Side)
    return total["total"] / max(sides)


def _intraday_stt(terms: ExampleTerms, reading: _Reading, total: Mapping[str, Decimal]) -> Decimal:
    del total
    return sum((_netted_stt(terms, symbol, reading)[0] for symbol in terms.symbols), Decimal(0))


def _delivery_stt(terms: ExampleTerms, reading: _Reading, total: Mapping[str, Decimal]) -> Decimal:
    del total
    return sum((_netted_stt(terms, symbol, reading)[1] for symbol in terms.symbols), Decimal(0))


def _netted_stt(terms: ExampleTerms, symbol: SymbolOrders, reading: _Reading) -> tuple[Decimal, Decimal]:
    """Return the tax on the intraday and on the delivery part of a share's day."""
    kind = symbol.classes
    intraday, delivery = (
        rates_on(terms.on, terms.exchange, segment, stt_class=kind.stt_class, group=kind.group) for segment in reversed(EQUITY_SEGMENTS)
    )
    parts = day_net(symbol.orders, intraday, delivery).stt()
    places = rounding_on(reading.mode, terms.on, terms.segment).stt_places
    return round_half_up(parts[0], places), round_half_up(parts[1], places)


# Published numbers that are no lines of a bill but follow from it.
_BESIDES: Final[Mapping[str, Callable[[ExampleTerms, _Reading, Mapping[str, Decimal]], Decimal]]] = {
    "dp": _dp,
    "stt_exact": _exact_stt,
    "net": _net,
    "turnover": _turnover,
    "ctt": _ctt,
    "break_even": _break_even,
    "stt_intraday": _intraday_stt,
    "stt_delivery": _delivery_stt,
}


def _differences(expected: Mapping[str, Decimal], total: Mapping[str, Decimal], mode: RoundingMode) -> tuple[Difference, ...]:
    found = []
    for line, number in expected.items():
        computed = total.get(line)
        if computed is None or abs(computed - number) >= _tolerance(number, mode):
            found.append(Difference(field=line, expected=number, computed=computed))
    return tuple(found)


def _tolerance(number: Decimal, mode: RoundingMode) -> Decimal:
    """Return half a paisa; where nothing is rounded, half of the published number's last place if that is finer."""
    exponent = number.as_tuple().exponent
    if mode not in (RoundingMode.EXACT, RoundingMode.API) or not isinstance(exponent, int):
        return HALF_A_PAISA
    return min(HALF_A_PAISA, max(FLOAT_NOISE, Decimal(5).scaleb(exponent - 1)))


def _expected(example: Mapping[str, object]) -> dict[str, Decimal]:
    raw = example.get("expected") or {}
    if not isinstance(raw, Mapping):
        raise BadParameter("expected", raw, "is not a table of published numbers")
    return {str(line): number_of(f"expected.{line}", number) for line, number in raw.items()}
