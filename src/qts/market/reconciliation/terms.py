"""What about an instrument decides its rates, beyond its segment: a fund's unit, BSE's group, a contract's underlying."""

from __future__ import annotations

import re
from typing import Final

from qts.core import Exchange
from qts.market.charges import ChargeSegment, RateClasses, SttClass
from qts.market.charges.schedule import tags_of
from qts.market.reconciliation.statement import TradeRow

SHARES: Final = frozenset({ChargeSegment.EQUITY_DELIVERY, ChargeSegment.EQUITY_INTRADAY})
# The name before the expiry: NIFTY in NIFTY23JUL20600CE and in NIFTY2371317900PE.
_UNDERLYING: Final = re.compile(r"^(.+?)\d{2}(?:[A-Z]{3}|[1-9OND]\d{2})")
_FUND_ISIN: Final = "INF"
_GROUP: Final = re.compile(r"[A-Z]{1,2}")
_NSE_SERIES: Final = frozenset({"EQ", "BE"})


def classes_of(trade: TradeRow) -> RateClasses:
    """Return what a row of a file tells; a fund's unit, known by its ISIN, counts as one of an equity fund."""
    if trade.segment in SHARES:
        is_fund = trade.isin.startswith(_FUND_ISIN)
        is_grouped = trade.exchange is Exchange.BSE and _GROUP.fullmatch(trade.group) and trade.group not in _NSE_SERIES
        return RateClasses(stt_class=SttClass.EQUITY_ETF if is_fund else SttClass.SHARE, group=trade.group if is_grouped else "")
    return RateClasses(underlying=underlying_of(trade.symbol))


def tags_at(exchange: Exchange, classes: RateClasses) -> frozenset[str]:
    """Return what rows of the schedule name to hold for an instrument."""
    return tags_of(exchange, stt_class=classes.stt_class, group=classes.group, underlying=classes.underlying)


def underlying_of(symbol: str) -> str:
    """Return a contract's underlying, as far as its symbol tells.

    >>> underlying_of("SENSEX5023JUL65000CE"), underlying_of("GOLDPETAL23JULFUT")
    ('SENSEX50', 'GOLDPETAL')
    """
    match = _UNDERLYING.match(symbol)
    return match[1] if match is not None else ""
