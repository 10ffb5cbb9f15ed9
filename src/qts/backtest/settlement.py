"""How a contract held to its expiry ends, and what that costs: settled in cash, exercised, assigned, delivered, or worthless.

The price is the contract's own last close, for that of its underlying is not among the bars. Whether an option ended in the money is read
from the same close: above zero, and of those that deliver shares above the lowest price quoted, at which worthless ones are left standing.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Final, NamedTuple

from qts.core.errors import BadParameter
from qts.core.instrument import InstrumentId, exchange_of
from qts.core.trading import Product, Side
from qts.market.charges import ChargeSegment, DayFill, Settlement, day_charges
from qts.market.listing import Contract, ContractKind, OptionRight, contract_of, is_physically_settled

CONTRACT_SEGMENTS: Final = frozenset(ChargeSegment) - {ChargeSegment.EQUITY_DELIVERY, ChargeSegment.EQUITY_INTRADAY}

_ZERO: Final = Decimal(0)
_LOWEST_QUOTE: Final = Decimal("0.05")
# Charges are cut to ten decimals; of this quantity, a unit's are exact to sixteen.
_MANY: Final = Decimal(1_000_000)


class EndCosts(NamedTuple):
    """What an end costs, in rupees: ``fee`` an order and, of what was held long or short, a ``part`` of its price and rupees a ``unit``.

    At a price not above ``worthless`` only ``fee_of_nothing`` is paid.
    """

    worthless: float
    fee_of_nothing: float
    fee: float
    part_long: float
    unit_long: float
    part_short: float
    unit_short: float


NO_COSTS: Final = EndCosts(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


def ends_in_shares(instrument: InstrumentId, on: date) -> bool:
    """Return whether a contract held to its end is settled in shares; those of which it is not on record are taken as settled in cash."""
    contract = _contract(instrument)
    return contract is not None and bool(is_physically_settled(contract, on))


def end_fill(instrument: InstrumentId, segment: ChargeSegment, *, held: Decimal, close: Decimal, on: date) -> DayFill:
    """Return the end of a position as the schedule of charges takes it.

    Parameters
    ----------
    instrument : InstrumentId
        The contract; its symbol tells strike, right and whether it delivers shares.
    segment : ChargeSegment
        What it pays as.
    held : Decimal
        The position, negative where it is short.
    close : Decimal
        The contract's last close.
    on : date
        The date of the settlement.
    """
    side = Side.SELL if held > 0 else Side.BUY
    contract = _contract(instrument)
    delivers = ends_in_shares(instrument, on)
    is_option = segment.value.endswith("options")
    if close <= (_LOWEST_QUOTE if delivers and is_option else _ZERO):
        return DayFill(side=side, quantity=abs(held), price=close, settlement=Settlement.EXPIRED)
    if delivers and contract is not None:
        # Who is long a future or a call, or short a put, receives the shares.
        receives = (held > 0) != (contract.right is OptionRight.PUT)
        price = close if contract.strike is None else contract.strike
        taken = Side.BUY if receives else Side.SELL
        return DayFill(side=taken, quantity=abs(held), price=price, settlement=Settlement.DELIVERED)
    if not is_option:
        return DayFill(side=side, quantity=abs(held), price=close, settlement=Settlement.EXPIRED)
    ended = Settlement.EXERCISED if held > 0 else Settlement.ASSIGNED
    return DayFill(side=side, quantity=abs(held), price=close, settlement=ended, settlement_price=_underlying_price(contract, close))


def end_costs(instrument: InstrumentId, segment: ChargeSegment, *, underlying: str, on: date) -> EndCosts:
    """Return what the end of a contract costs on a date, as the numbers the fills loop reads.

    Found by asking the schedule: what an end costs grows evenly with its price and its quantity.
    """

    def cost(held: Decimal, close: Decimal) -> Decimal:
        ended = end_fill(instrument, segment, held=held, close=close, on=on)
        exchange = exchange_of(instrument)
        return day_charges([ended], on=on, exchange=exchange, product=Product.NRML, segment=segment, underlying=underlying).total

    def grown(sign: int) -> tuple[Decimal, Decimal, Decimal]:
        once = cost(sign * _MANY, Decimal(1))
        part = (cost(sign * _MANY, Decimal(2)) - once) / _MANY
        unit = (cost(sign * 2 * _MANY, Decimal(1)) - once) / _MANY - part
        return part, unit, once - _MANY * (part + unit)

    (part_long, unit_long, fee), (part_short, unit_short, _) = grown(1), grown(-1)
    delivers = ends_in_shares(instrument, on) and segment.value.endswith("options")
    numbers = (_LOWEST_QUOTE if delivers else _ZERO, cost(_MANY, _ZERO), fee, part_long, unit_long, part_short, unit_short)
    return EndCosts(*(float(number) for number in numbers))


def _contract(instrument: InstrumentId) -> Contract | None:
    """Return what the symbol says, or None where it is not written as Indian contracts are."""
    try:
        return contract_of(instrument)
    except BadParameter:
        return None


def _underlying_price(contract: Contract | None, close: Decimal) -> Decimal | None:
    """Return where the underlying stands if the option is worth its intrinsic value."""
    if contract is None or contract.kind is not ContractKind.OPTION or contract.strike is None:
        return None
    return contract.strike + close if contract.right is OptionRight.CALL else contract.strike - close
