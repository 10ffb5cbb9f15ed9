"""Which segment a trade pays in, and at which exchange that segment's rates are listed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from qts.core import Exchange, Product
from qts.core.errors import BadParameter


class ChargeSegment(StrEnum):
    """A set of trades that pay the same rates."""

    EQUITY_DELIVERY = "equity_delivery"
    EQUITY_INTRADAY = "equity_intraday"
    EQUITY_FUTURES = "equity_futures"
    EQUITY_OPTIONS = "equity_options"
    CURRENCY_FUTURES = "currency_futures"
    CURRENCY_OPTIONS = "currency_options"
    COMMODITY_FUTURES = "commodity_futures"
    COMMODITY_OPTIONS = "commodity_options"


class SttClass(StrEnum):
    """What a unit traded in the cash market is to the securities transaction tax: a share, or a fund's unit of one kind or the other."""

    SHARE = "share"
    EQUITY_ETF = "equity_etf"
    OTHER_ETF = "other_etf"


class Settlement(StrEnum):
    """How a contract ended, where it was not closed by a trade.

    ``expired``: nothing was due, or a future was settled in cash. ``exercised``: an option in the money, settled in cash, of its holder.
    ``assigned``: the same of its writer. ``delivered``: shares changed hands. ``netted``: deliveries of one's own positions that offset
    each other.
    """

    EXPIRED = "expired"
    EXERCISED = "exercised"
    ASSIGNED = "assigned"
    DELIVERED = "delivered"
    NETTED = "netted"


@dataclass(frozen=True, slots=True, kw_only=True)
class RateClasses:
    """What an instrument is where segment and exchange do not decide its rates: as :func:`qts.market.charges.rates_on` takes it."""

    stt_class: SttClass = SttClass.SHARE
    group: str = ""
    underlying: str = ""


EQUITY_SEGMENTS: Final = (ChargeSegment.EQUITY_DELIVERY, ChargeSegment.EQUITY_INTRADAY)
OPTION_SEGMENTS: Final = (ChargeSegment.EQUITY_OPTIONS, ChargeSegment.CURRENCY_OPTIONS, ChargeSegment.COMMODITY_OPTIONS)
PHYSICAL_SEGMENTS: Final = (ChargeSegment.EQUITY_FUTURES, ChargeSegment.EQUITY_OPTIONS)

# Where a segment's rates are listed, by the exchange as people name it: the contracts of NSE are at NFO, CDS and NCO in Kite.
_SHARES: Final = {Exchange.NSE: Exchange.NSE, Exchange.BSE: Exchange.BSE, Exchange.SIM: Exchange.NSE}
_EQUITY_CONTRACTS: Final = {
    Exchange.NFO: Exchange.NFO,
    Exchange.BFO: Exchange.BFO,
    Exchange.NSE: Exchange.NFO,
    Exchange.BSE: Exchange.BFO,
    Exchange.SIM: Exchange.NFO,
}
_CURRENCIES: Final = {
    Exchange.CDS: Exchange.CDS,
    Exchange.BCD: Exchange.BCD,
    Exchange.NSE: Exchange.CDS,
    Exchange.BSE: Exchange.BCD,
    Exchange.SIM: Exchange.CDS,
}
_COMMODITIES: Final = {Exchange.MCX: Exchange.MCX, Exchange.NCO: Exchange.NCO, Exchange.NSE: Exchange.NCO, Exchange.SIM: Exchange.MCX}
_LISTED_AT: Final = {
    ChargeSegment.EQUITY_DELIVERY: _SHARES,
    ChargeSegment.EQUITY_INTRADAY: _SHARES,
    ChargeSegment.EQUITY_FUTURES: _EQUITY_CONTRACTS,
    ChargeSegment.EQUITY_OPTIONS: _EQUITY_CONTRACTS,
    ChargeSegment.CURRENCY_FUTURES: _CURRENCIES,
    ChargeSegment.CURRENCY_OPTIONS: _CURRENCIES,
    ChargeSegment.COMMODITY_FUTURES: _COMMODITIES,
    ChargeSegment.COMMODITY_OPTIONS: _COMMODITIES,
}
_CONTRACTS: Final = {
    Exchange.NSE: "equity",
    Exchange.BSE: "equity",
    Exchange.SIM: "equity",
    Exchange.NFO: "equity",
    Exchange.BFO: "equity",
    Exchange.CDS: "currency",
    Exchange.BCD: "currency",
    Exchange.MCX: "commodity",
    Exchange.NCO: "commodity",
}
_KINDS: Final = {"future": "futures", "option": "options"}


def listed_at(exchange: Exchange, segment: ChargeSegment) -> Exchange:
    """Return the exchange whose rows hold the segment's rates: ``NSE`` futures are at ``NFO``, ``SIM`` pays what NSE takes.

    Raises
    ------
    BadParameter
        If the exchange does not trade the segment.
    """
    if exchange is Exchange.INDEX:
        hint = "Use percent costs, such as percent:0.0003, or none."
        raise BadParameter("exchange", exchange, "index levels are not traded in India and have no schedule of charges", hint=hint)
    found = _LISTED_AT[segment].get(exchange)
    if found is None:
        hint = f"Segment {segment} is charged at {', '.join(_LISTED_AT[segment])}."
        raise BadParameter("exchange", exchange, f"no {segment} is traded here", hint=hint)
    return found


def exchanges_of(segment: ChargeSegment) -> tuple[Exchange, ...]:
    """Return the exchanges that have rates for the segment, each once."""
    return tuple(dict.fromkeys(_LISTED_AT[segment].values()))


def segment_of(exchange: Exchange, product: Product, kind: str) -> ChargeSegment:
    """Return the segment that trades in an instrument pay.

    Parameters
    ----------
    exchange : Exchange
        Where the instrument is listed.
    product : Product
        ``CNC`` or ``MIS`` for shares, ``NRML`` or ``MIS`` for contracts.
    kind : str
        ``share``, ``future`` or ``option``.

    Raises
    ------
    BadParameter
        If there is no such kind, or product and exchange do not go with it.
    """
    if kind == "share":
        return _segment_of_shares(exchange, product)
    if kind not in _KINDS:
        raise BadParameter("kind", kind, "there is no such kind of instrument", hint="Use share, future or option.")
    if product is Product.CNC:
        raise BadParameter("product", product, "is for shares, not for contracts", hint="Use NRML, or MIS for the day.")
    if exchange is Exchange.INDEX:
        raise BadParameter("exchange", exchange, f"no {kind} is traded here", hint=f"A {kind} is of {', '.join(_CONTRACTS)}.")
    return ChargeSegment(f"{_CONTRACTS[exchange]}_{_KINDS[kind]}")


def _segment_of_shares(exchange: Exchange, product: Product) -> ChargeSegment:
    if product is Product.NRML:
        raise BadParameter("product", product, "is for futures and options, not for shares", hint="Use CNC or MIS for shares.")
    segment = ChargeSegment.EQUITY_INTRADAY if product is Product.MIS else ChargeSegment.EQUITY_DELIVERY
    listed_at(exchange, segment)
    return segment
