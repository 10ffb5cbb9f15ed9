"""The smallest step of a price by date and price level, and prices rounded to it.

A tick belongs to prices **as traded**. Adjusted prices (for splits, bonuses, dividends) lie on no tick at all, and a slab read from an
adjusted close is the wrong one: bringing a price back to what was traded is the caller's business.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import cache
from typing import Final, assert_never

from qts.core import Exchange, InstrumentId, exchange_of, symbol_of
from qts.core.errors import BadParameter
from qts.market.listing.contract import Contract, ContractKind, contract_of
from qts.market.listing.rows import RuleRow, rule_rows

NO_CLOSE: Final = "the close of the month before is not known; the tick of an ordinary price is assumed"

# The tick that most shares have, and one that divides all coarser ones.
_ORDINARY: Final = Decimal("0.05")
_FUND: Final = re.compile(r"BEES$|ETF|^LIQUID|IWIN$")
_DECEMBER: Final = 12


class TickClass(StrEnum):
    """A set of instruments whose ticks follow one rule."""

    CASH = "cash"
    ETF = "etf"
    INDEX_LEVEL = "index_level"
    INDEX_FUTURE = "index_future"
    STOCK_FUTURE = "stock_future"
    INDEX_OPTION = "index_option"
    STOCK_OPTION = "stock_option"
    CURRENCY = "currency"
    COMMODITY_FUTURE = "commodity_future"
    COMMODITY_OPTION = "commodity_option"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """A step in rupees, where it comes from, and in ``note`` why it is an estimate."""

    size: Decimal
    is_estimate: bool
    source: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TickFrom:
    """The step in rupees that holds from a date to the next of a schedule."""

    start: date
    size: Decimal
    is_estimate: bool


def tick_class_of(instrument: InstrumentId) -> TickClass:
    """Return the class of an instrument.

    Funds are told from shares by their symbol alone (``NIFTYBEES``, ``SETFNIF50``), so that some count as shares; name
    :attr:`TickClass.ETF` yourself where you know better.

    >>> tick_class_of(InstrumentId("NSE:NIFTYBEES")).value
    'etf'
    """
    contract = contract_of(instrument)
    if contract is not None:
        return _class_of_contract(contract)
    if exchange_of(instrument) is Exchange.INDEX:
        return TickClass.INDEX_LEVEL
    return TickClass.ETF if _FUND.search(symbol_of(instrument)) else TickClass.CASH


def tick_size(what: InstrumentId | TickClass, on: date, last_month_close: Decimal | None) -> Tick:
    """Return the tick of an instrument, or of a class, on a date.

    Parameters
    ----------
    what : InstrumentId or TickClass
        A class stands for its instruments at NSE, NFO, CDS or MCX.
    on : date
        Before the first row on record the oldest one is used, as an estimate.
    last_month_close : Decimal or None
        The close of the last session of the month before, as traded, in rupees; of the underlying, for a contract. None where it is
        not known: where slabs differ the tick is then an estimate.

    Raises
    ------
    BadParameter
        If the instrument is not one of its exchange, or the close is not a positive number.

    >>> tick_size(InstrumentId("NSE:INFY"), date(2025, 5, 2), Decimal("1500.50")).size
    Decimal('0.10')
    """
    if last_month_close is not None and not (last_month_close.is_finite() and last_month_close > 0):
        hint = "Give the last close of the month before, as traded, or None."
        raise BadParameter("last_month_close", last_month_close, "is not a positive number", hint=hint)
    return _tick(_rows(what), on, last_month_close)


def tick_schedule(
    instrument: InstrumentId, month_closes: Mapping[tuple[int, int], Decimal], first: date, last: date
) -> tuple[TickFrom, ...]:
    """Return the ticks of an instrument from ``first`` to ``last``, both included, one entry per change.

    Only for prices as traded: adjusted prices lie on no tick, and their closes name the wrong slab.

    Parameters
    ----------
    instrument : InstrumentId
        What is traded; a contract's slabs follow the closes of its underlying.
    month_closes : mapping of (year, month) to Decimal
        The close of the last session of each month, in rupees. It decides from the first of the next month on. Where a month is missing
        the newest one before it decides, as an estimate.
    first, last : date
        The span, in order.

    Raises
    ------
    BadParameter
        If the span is empty, the instrument is not one of its exchange, or a close is not a positive number.
    """
    if last < first:
        raise BadParameter("last", last, f"is before first = {first}", hint="Give the dates in order.")
    rows = _rows(instrument)
    changes = (row.valid_from for row in rows if first < row.valid_from <= last)
    # A month changes nothing where one tick holds at every level.
    starts = {first, *changes, *(month for month in _month_starts(first, last) if _has_slabs(rows, month))}
    months = sorted(month_closes)
    schedule: list[TickFrom] = []
    for start in sorted(starts):
        before = _month_before(start)
        n_known = bisect_right(months, before)
        known = months[n_known - 1] if n_known else None
        tick = tick_size(instrument, start, None if known is None else month_closes[known])
        is_stale = known != before and _has_slabs(rows, start)
        entry = TickFrom(start=start, size=tick.size, is_estimate=tick.is_estimate or is_stale)
        if not schedule or (schedule[-1].size, schedule[-1].is_estimate) != (entry.size, entry.is_estimate):
            schedule.append(entry)
    return tuple(schedule)


def is_on_tick(price: Decimal, tick: Decimal) -> bool:
    """Return whether a price is a whole number of ticks.

    >>> is_on_tick(Decimal("100.05"), Decimal("0.10"))
    False
    """
    return price % _checked(tick) == 0


def round_to_tick(price: Decimal, tick: Decimal, *, up: bool) -> Decimal:
    """Return the nearest price on the tick that is not below (``up``) or not above the price, with the tick's decimals.

    >>> round_to_tick(Decimal("100.03"), Decimal("0.05"), up=False)
    Decimal('100.00')
    """
    rest = price % _checked(tick)  # of the price's sign, and exact, as a quotient may not be
    on_tick = price - rest
    if up and rest > 0:
        on_tick += tick
    elif not up and rest < 0:
        on_tick -= tick
    return on_tick.quantize(tick)


def _checked(tick: Decimal) -> Decimal:
    if not (tick.is_finite() and tick > 0):
        raise BadParameter("tick", tick, "is not a positive number", hint="The smallest step of shares is 0.01.")
    return tick


def _class_of_contract(contract: Contract) -> TickClass:
    is_future = contract.kind is ContractKind.FUTURE
    match contract.exchange:
        case Exchange.CDS | Exchange.BCD:
            return TickClass.CURRENCY
        case Exchange.MCX | Exchange.NCO:
            return TickClass.COMMODITY_FUTURE if is_future else TickClass.COMMODITY_OPTION
        case _:
            pass
    if contract.is_index:
        return TickClass.INDEX_FUTURE if is_future else TickClass.INDEX_OPTION
    return TickClass.STOCK_FUTURE if is_future else TickClass.STOCK_OPTION


def _usual_exchange(tick_class: TickClass) -> Exchange:
    match tick_class:
        case TickClass.CASH | TickClass.ETF:
            return Exchange.NSE
        case TickClass.INDEX_LEVEL:
            return Exchange.INDEX
        case TickClass.INDEX_FUTURE | TickClass.STOCK_FUTURE | TickClass.INDEX_OPTION | TickClass.STOCK_OPTION:
            return Exchange.NFO
        case TickClass.CURRENCY:
            return Exchange.CDS
        case TickClass.COMMODITY_FUTURE | TickClass.COMMODITY_OPTION:
            return Exchange.MCX
        case _:
            assert_never(tick_class)


@cache
def _rows(what: InstrumentId | TickClass) -> tuple[_TickRow, ...]:
    """Return the rows for an instrument or a class: its underlying's own ones where there are any."""
    if isinstance(what, TickClass):
        exchange, tick_class, underlying = _usual_exchange(what), what, ""
    else:
        contract = contract_of(what)
        exchange, tick_class, underlying = exchange_of(what), tick_class_of(what), "" if contract is None else contract.underlying
    listed_on = Exchange.NSE if exchange is Exchange.SIM else exchange
    return _rows_for(listed_on, tick_class, underlying)


@cache
def _rows_for(exchange: Exchange, tick_class: TickClass, underlying: str) -> tuple[_TickRow, ...]:
    rows = [row for row in rule_rows("ticks", "tick") if exchange in row.names("exchanges") and row.text("class") == tick_class]
    own = [row for row in rows if underlying in row.names("underlyings")]
    chosen = own or [row for row in rows if not row.names("underlyings")]
    return tuple(_TickRow(valid_from=row.valid_from, source=row.source, estimate=row.estimate, slabs=_slabs(row)) for row in chosen)


def _in_force(rows: Sequence[_TickRow], on: date) -> _TickRow | None:
    return next((row for row in reversed(rows) if row.valid_from <= on), None)


def _tick(rows: Sequence[_TickRow], on: date, close: Decimal | None) -> Tick:
    row = _in_force(rows, on)
    note = "" if row is not None else f"no tick before {rows[0].valid_from} is on record; that one is used"
    row = row or rows[0]
    if len(row.slabs) > 1 and close is None:
        size, note = _ORDINARY, note or NO_CLOSE
    else:
        size = next(slab.size for slab in row.slabs if slab.holds(close))
    note = note or row.estimate
    return Tick(size=size, is_estimate=note != "", source=row.source, note=note)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Slab:
    """A tick and the prices it is for: below a number, up to a number, or all the rest."""

    size: Decimal
    below: Decimal | None
    up_to: Decimal | None

    def holds(self, close: Decimal | None) -> bool:
        if close is None:
            return True
        return (self.below is None or close < self.below) and (self.up_to is None or close <= self.up_to)


@dataclass(frozen=True, slots=True, kw_only=True)
class _TickRow:
    """A row of the rule file, its slabs read once: schedules of many years ask for them by the hundred."""

    valid_from: date
    source: str
    estimate: str
    slabs: tuple[_Slab, ...]


def _slabs(row: RuleRow) -> tuple[_Slab, ...]:
    raw = row.values["slabs"]
    if not isinstance(raw, list):
        raise TypeError("slabs of ticks.toml are a list")
    return tuple(
        _Slab(
            size=Decimal(str(slab["tick"])),
            below=Decimal(str(slab["below"])) if "below" in slab else None,
            up_to=Decimal(str(slab["up_to"])) if "up_to" in slab else None,
        )
        for slab in raw
    )


def _has_slabs(rows: Sequence[_TickRow], on: date) -> bool:
    return len((_in_force(rows, on) or rows[0]).slabs) > 1


def _month_before(on: date) -> tuple[int, int]:
    day = on.replace(day=1) - timedelta(days=1)
    return day.year, day.month


def _month_starts(first: date, last: date) -> list[date]:
    starts: list[date] = []
    year, month = first.year, first.month
    while True:
        year, month = (year + 1, 1) if month == _DECEMBER else (year, month + 1)
        start = date(year, month, 1)
        if start > last:
            return starts
        starts.append(start)
