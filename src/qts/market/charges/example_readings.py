"""How may an example be understood? In the ways that the sources of published figures differ, and in no other.

The usual reading comes first. The others exist because bills of one trade differ by who wrote them: the broker's API shows the investor
protection fund's part on one of its two bills only; a day's trades in a share are netted by the exchange, while a formula takes each order
alone; the depository's charge is on the ledger and not on the contract note.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import Final

from qts.core import Side
from qts.market.charges.example_terms import ExampleTerms
from qts.market.charges.orders import RoundingMode
from qts.market.charges.segments import EQUITY_SEGMENTS, ChargeSegment

# One figure alone may fit another reading by chance, or by the very error of treating a day's round trip as the wrong one.
_TELLING: Final = frozenset({"brokerage", "stt", "stamp", "dp", "total", "gst", "stt_intraday", "stt_delivery"})
_ENOUGH: Final = 2
_UNNAMED: Final = (RoundingMode.EXACT, RoundingMode.CALCULATOR, RoundingMode.CONTRACT_NOTE, RoundingMode.API)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One way to understand an example: whose bill is meant, and whether its orders are of one day.

    ``is_dp_moved`` says that the total holds the depository's charge where that mode's usually does not, or the other way round; ``notes``
    tell of what is unusual.
    """

    mode: RoundingMode
    is_one_day: bool
    is_dp_moved: bool = False
    notes: tuple[str, ...] = ()


def readings(terms: ExampleTerms, stated: Collection[str]) -> Iterator[Reading]:
    """Yield the ways to understand an example, the usual one first; ``stated`` are the lines it has figures of."""
    if terms.mode is not None:
        yield from _of_mode(terms, terms.mode, stated)
        return
    for mode in _UNNAMED:
        note = f"mode: none is named; read as {mode}"
        for reading in _of_mode(terms, mode, stated):
            yield reading if reading == _usual(RoundingMode.EXACT) else replace(reading, notes=(note, *reading.notes))


def _of_mode(terms: ExampleTerms, mode: RoundingMode, stated: Collection[str]) -> Iterator[Reading]:
    for reading in _of_bill(terms, mode, stated):
        yield reading
        if not _sells_delivery(terms) or "total" not in stated:
            continue
        if mode is RoundingMode.EXACT and "dp" not in stated:
            note = "exact: read as a bill without the depository's charge, which is debited on the ledger"
            yield replace(reading, is_dp_moved=True, notes=(*reading.notes, note))
        if mode is not RoundingMode.EXACT and "dp" in stated:
            note = f"{mode}: the total is read as one with the depository's charge, which is on no such bill"
            yield replace(reading, is_dp_moved=True, notes=(*reading.notes, note))


def _of_bill(terms: ExampleTerms, mode: RoundingMode, stated: Collection[str]) -> Iterator[Reading]:
    usual = _usual(mode)
    yield usual
    if mode is RoundingMode.API:
        note = "api: read as the charges beside a margin, which leave out the investor protection fund's part"
        yield Reading(mode=RoundingMode.API_MARGINS, is_one_day=False, notes=(note,))
    if mode is RoundingMode.EXACT and terms.stamp is None and _may_be_netted(terms, stated):
        note = "exact: read as orders of one day, so that what was bought and sold is intraday"
        yield replace(usual, is_one_day=True, notes=(note,))
    if mode is RoundingMode.CONTRACT_NOTE and _may_be_apart(terms, stated):
        note = f"{mode}: read as orders of different days, each with a note of its own"
        yield replace(usual, is_one_day=False, notes=(note,))


def _usual(mode: RoundingMode) -> Reading:
    return Reading(mode=mode, is_one_day=mode is RoundingMode.CONTRACT_NOTE)


def _may_be_netted(terms: ExampleTerms, stated: Collection[str]) -> bool:
    """Return whether orders may be of one day that a formula would take one by one: of delivery, if that is not one figure's word."""
    pairs = [symbol for symbol in terms.symbols if symbol.segment in EQUITY_SEGMENTS and symbol.is_two_sided]
    is_told = len(_TELLING & set(stated)) >= _ENOUGH
    return any(symbol.segment is ChargeSegment.EQUITY_INTRADAY or is_told or symbol.net_bought != 0 for symbol in pairs)


def _may_be_apart(terms: ExampleTerms, stated: Collection[str]) -> bool:
    """Return whether orders on one note may be a round trip of delivery, which takes two days and two notes."""
    pairs = [symbol for symbol in terms.symbols if symbol.segment is ChargeSegment.EQUITY_DELIVERY and symbol.is_two_sided]
    return len(_TELLING & set(stated)) >= _ENOUGH and any(symbol.net_bought == 0 for symbol in pairs)


def _sells_delivery(terms: ExampleTerms) -> bool:
    found = (symbol for symbol in terms.symbols if symbol.segment is ChargeSegment.EQUITY_DELIVERY)
    return any(order.side is Side.SELL for symbol in found for order in symbol.orders)
