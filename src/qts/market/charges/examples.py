"""Compare published cost examples with the schedule: what differs, by half a paisa or more, from what was published."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Final

from qts.core import Charges, Product, Side
from qts.core.errors import InputError
from qts.market.charges.day import DayBill
from qts.market.charges.example_figures import figures_of
from qts.market.charges.example_readings import Reading, readings
from qts.market.charges.example_terms import ExampleTerms, SymbolOrders, terms_of
from qts.market.charges.example_words import line_named
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
_UNROUNDED: Final = "_exact"
_ROUNDED_MODES: Final = (RoundingMode.CALCULATOR, RoundingMode.CONTRACT_NOTE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A published number that the schedule does not give; ``computed`` is None where the field is not one of a bill."""

    field: str
    expected: Decimal
    computed: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PricedExample:
    """One example: the bill by our schedule, the published one, and where they differ.

    ``charges`` are those of ``orders``, one by one; ``total`` holds the lines of :data:`LINES` in rupees, and what else the example states,
    under the name it has there: ``stt_exact``, ``net`` and, outside the exact mode, ``dp``, which is debited on the ledger, so that it is
    no part of the total's ``total``. Where the example cannot be priced, ``error`` says why and the rest is empty.
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


def price_example(example: Mapping[str, object], default_on: date, *, usual_segment: str = "") -> PricedExample:
    """Return the example priced by its own mode and date, compared with what it expects.

    Parameters
    ----------
    example : mapping
        One example as loaded from JSON or TOML: ``id``, ``mode``, ``trade_date`` or ``trade_date_range`` (its first day counts),
        ``exchange``, ``segment``, ``orders`` of ``side`` and either ``qty`` and ``price`` or ``value``,
        ``stamp_state_rate_pct_both_sides`` in percent, and ``expected`` with any of :data:`LINES`, ``ctt``, ``stt_intraday``,
        ``stt_delivery``, ``turnover``, ``gross``, ``net`` and ``break_even``, or a line with ``_exact`` for what it is before rounding.
        Also, where they matter: ``lots`` with ``lot_size``, ``multiplier``, ``slices``, ``auto_square_off``, ``settlement`` and
        ``settlement_price`` of an order, its ``symbol``, and ``stt_class``, ``group`` and ``underlying``; class and underlying are taken
        from the symbol where they are absent. Date, exchange, segment and symbol may also stand with an order. Usual other names are
        known, such as the API's ``transaction_tax``; GST may be a table of its parts.
    default_on : date
        The trade date of an example that names none.
    usual_segment : str
        The segment of an example that neither names nor tells one.

    Notes
    -----
    It never raises on a bad example: the sentence stands in ``error``, and the other examples of a file are not lost. Where an example can
    be read in several ways (see :func:`qts.market.charges.example_readings.readings`) the first that agrees with all it expects is taken,
    with a warning if it is not the usual one; if none does, the differences from the usual one are shown. An example without a mode is
    exact, or whichever mode agrees.
    """
    name = str(example.get("id", ""))
    expected: Mapping[str, Decimal] = {}
    try:
        expected, ignored = figures_of(example)
        terms = terms_of(example, default_on, usual_segment)
        return _price(_Example(name=name, terms=terms, expected=expected, ignored=ignored))
    except InputError as error:
        return PricedExample(id=name, expected=expected, error=error)


def lines_of(charges: Charges) -> dict[str, Decimal]:
    """Return the lines of a bill by name, the total last."""
    return {name: getattr(charges, name) for name in LINES}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Example:
    """An example understood as far as one reading of it allows; ``ignored`` are notes on what is not compared."""

    name: str
    terms: ExampleTerms
    expected: Mapping[str, Decimal]
    ignored: tuple[str, ...]

    def stated(self) -> set[str]:
        """Return the lines that it has figures of, the total also where what follows from it is stated."""
        found = {line_named(name) for name in self.expected}
        return found | {"total"} if found & {"net", "break_even"} else found


def _price(example: _Example) -> PricedExample:
    ways = (_read(example, reading) for reading in readings(example.terms, example.stated()))
    first = next(ways)
    # An example does not say which of two bills it was taken from; the numbers do.
    return first if not first.differences else next((other for other in ways if not other.differences), first)


def _read(example: _Example, reading: Reading) -> PricedExample:
    terms, expected = example.terms, example.expected
    parts = [_bill(terms, symbol, reading) for symbol in terms.symbols]
    charges = {
        place: line
        for symbol, bill in zip(terms.symbols, parts, strict=True)
        for place, line in zip(symbol.places, bill.orders, strict=True)
    }
    total = lines_of(sum((bill.total for bill in parts), Charges()))
    lines = {name: line_named(name) for name in expected}
    if "dp" in lines.values() or reading.is_dp_moved:
        total["dp"] = _dp(terms, reading)
    if reading.is_dp_moved:
        total["total"] += -total["dp"] if reading.mode is RoundingMode.EXACT else total["dp"]
    besides = {line: compute(terms, reading, total) for line, compute in _BESIDES.items() if line in lines.values()}
    exact = _exact_lines(terms) if any(line.endswith(_UNROUNDED) for line in lines.values()) else {}
    known = total | besides | exact
    total |= {name: known[line] for name, line in lines.items() if line in known}
    return PricedExample(
        id=example.name,
        on=terms.on,
        mode=terms.mode or reading.mode,
        orders=terms.orders,
        charges=tuple(charges[place] for place in range(len(terms.orders))),
        total=total,
        expected=expected,
        differences=_differences(expected, total, reading.mode),
        warnings=tuple(dict.fromkeys((*reading.notes, *example.ignored, *(line for bill in parts for line in bill.warnings)))),
    )


def _bill(terms: ExampleTerms, symbol: SymbolOrders, reading: Reading) -> PricedOrders:
    if reading.mode is RoundingMode.EXACT and reading.is_one_day and symbol.segment in EQUITY_SEGMENTS:
        return _day(symbol)
    bills = [symbol.orders]
    if reading.mode is RoundingMode.CONTRACT_NOTE and not reading.is_one_day:
        bills = [(order,) for order in symbol.orders]
    priced = [
        price_orders(
            orders,
            on=symbol.on,
            exchange=symbol.exchange,
            segment=symbol.segment,
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


def _day(symbol: SymbolOrders) -> PricedOrders:
    """Return the exact bill of a netted day: an order's lines are what it changed."""
    product = Product.CNC if symbol.segment is ChargeSegment.EQUITY_DELIVERY else Product.MIS
    kind = symbol.classes
    bill = DayBill(on=symbol.on, exchange=symbol.exchange, product=product, stt_class=kind.stt_class, group=kind.group)
    days = [Charges()]
    for order in symbol.orders:
        price = order.notional / order.quantity
        fill = DayFill(side=order.side, quantity=order.quantity, price=price, slices=order.slices, auto_square_off=order.auto_square_off)
        bill.add(fill)
        days.append(bill.charges())
    lines = tuple(after - before for before, after in pairwise(days))
    return PricedOrders(orders=lines, total=days[-1], warnings=bill.estimates())


def _dp(terms: ExampleTerms, reading: Reading) -> Decimal:
    """Return the ledger's DP charge: once for each symbol and day on which shares leave the account."""
    parts = (symbol for symbol in terms.symbols if not reading.is_one_day or symbol.net_bought < 0)
    charges = (dp_charge(symbol.orders, on=symbol.on, exchange=symbol.exchange, segment=symbol.segment) for symbol in parts)
    return sum(charges, Decimal(0))


def _exact_lines(terms: ExampleTerms) -> dict[str, Decimal]:
    """Return each line before rounding."""
    exact = Reading(mode=RoundingMode.EXACT, is_one_day=False)
    lines = lines_of(sum((_bill(terms, symbol, exact).total for symbol in terms.symbols), Charges()))
    return {f"{name}{_UNROUNDED}": amount for name, amount in lines.items()}


def _gross(terms: ExampleTerms, reading: Reading, total: Mapping[str, Decimal]) -> Decimal:
    """Return what was received less what was paid, but for the bill."""
    del reading, total
    return sum((order.notional if order.side is Side.SELL else -order.notional for order in terms.orders), Decimal(0))


def _net(terms: ExampleTerms, reading: Reading, total: Mapping[str, Decimal]) -> Decimal:
    """Return what was received less what was paid and the bill."""
    return _gross(terms, reading, total) - total["total"]


def _turnover(terms: ExampleTerms, reading: Reading, total: Mapping[str, Decimal]) -> Decimal:
    del reading, total
    return sum((order.notional for order in terms.orders), Decimal(0))


def _ctt(terms: ExampleTerms, reading: Reading, total: Mapping[str, Decimal]) -> Decimal:
    """Return the tax on commodities, which stands where securities have theirs."""
    del terms, reading
    return total["stt"]


def _break_even(terms: ExampleTerms, reading: Reading, total: Mapping[str, Decimal]) -> Decimal:
    """Return the bill per share or unit of the larger side, as calculators publish it; they do not count that the exit would cost more."""
    del reading
    sides = (sum((order.quantity for order in terms.orders if order.side is side), Decimal(0)) for side in Side)
    return total["total"] / max(sides)


def _intraday_stt(terms: ExampleTerms, reading: Reading, total: Mapping[str, Decimal]) -> Decimal:
    del total
    return sum((_netted_stt(symbol, reading)[0] for symbol in terms.symbols), Decimal(0))


def _delivery_stt(terms: ExampleTerms, reading: Reading, total: Mapping[str, Decimal]) -> Decimal:
    del total
    return sum((_netted_stt(symbol, reading)[1] for symbol in terms.symbols), Decimal(0))


def _netted_stt(symbol: SymbolOrders, reading: Reading) -> tuple[Decimal, Decimal]:
    """Return the tax on the intraday and on the delivery part of a share's day."""
    kind = symbol.classes
    intraday, delivery = (
        rates_on(symbol.on, symbol.exchange, segment, stt_class=kind.stt_class, group=kind.group) for segment in reversed(EQUITY_SEGMENTS)
    )
    parts = day_net(symbol.orders, intraday, delivery).stt()
    places = rounding_on(reading.mode, symbol.on, symbol.segment).stt_places
    return round_half_up(parts[0], places), round_half_up(parts[1], places)


# Published numbers that are no lines of a bill but follow from it.
_BESIDES: Final[Mapping[str, Callable[[ExampleTerms, Reading, Mapping[str, Decimal]], Decimal]]] = {
    "gross": _gross,
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
        if computed is None or _is_off(abs(computed - number), _tolerance(number, mode), mode):
            found.append(Difference(field=line, expected=number, computed=computed))
    return tuple(found)


def _is_off(distance: Decimal, tolerance: Decimal, mode: RoundingMode) -> bool:
    # What was not rounded may lie right between two published numbers, and be rounded to either.
    return distance >= tolerance if mode in _ROUNDED_MODES else distance > tolerance


def _tolerance(number: Decimal, mode: RoundingMode) -> Decimal:
    """Return half a paisa; where nothing is rounded, half of the published number's last place if that is finer."""
    exponent = number.as_tuple().exponent
    if mode in _ROUNDED_MODES or not isinstance(exponent, int):
        return HALF_A_PAISA
    return min(HALF_A_PAISA, max(FLOAT_NOISE, Decimal(5).scaleb(exponent - 1)))
