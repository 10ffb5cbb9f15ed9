"""Whether a symbol of the cash market is a fund's, and what that fund is to the securities transaction tax."""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from qts.core import Exchange, InstrumentId, exchange_of, symbol_of
from qts.market.charges.schedule import fund_rows
from qts.market.charges.segments import SttClass

_CASH: Final = (Exchange.NSE, Exchange.BSE)


@cache
def stt_class_of(instrument: InstrumentId) -> SttClass:
    """Return the class of an instrument of the cash market, told by its symbol alone.

    What is on no list counts as a share, which pays more: name the class yourself where you know better.

    >>> stt_class_of(InstrumentId("NSE:NIFTYBEES")).value, stt_class_of(InstrumentId("NSE:GOLDBEES")).value
    ('equity_etf', 'other_etf')
    >>> stt_class_of(InstrumentId("NSE:JETFREIGHT")).value
    'share'
    """
    if exchange_of(instrument) not in _CASH:
        return SttClass.SHARE
    symbol = symbol_of(instrument)
    found = {row.stt_class for row in fund_rows() if any(re.fullmatch(pattern, symbol) for pattern in row.symbols)}
    if SttClass.OTHER_ETF in found:
        return SttClass.OTHER_ETF
    return SttClass.EQUITY_ETF if found else SttClass.SHARE
