"""Instruments: one tradable thing, named ``EXCHANGE:SYMBOL``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import NewType

from qts.core.errors import BadParameter

InstrumentId = NewType("InstrumentId", str)


class Exchange(StrEnum):
    """Where an instrument is listed.

    ``SIM`` is the simulated market: it keeps NSE's sessions and charges, and everything under it is labelled SIMULATED.
    ``INDEX`` holds index levels that cannot be traded in India, such as the S&P 500.
    """

    NSE = "NSE"
    BSE = "BSE"
    NFO = "NFO"
    BFO = "BFO"
    CDS = "CDS"
    BCD = "BCD"
    MCX = "MCX"
    NCO = "NCO"
    SIM = "SIM"
    INDEX = "INDEX"


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """What is known of an instrument on a day; ``None`` where the source does not tell.

    ``lot_size`` is in shares or contracts, ``tick_size`` in rupees.
    """

    id: InstrumentId
    name: str = ""
    isin: str | None = None
    lot_size: int | None = None
    tick_size: Decimal | None = None


# Symbols carry blanks (NIFTY 50), ampersands (M&M) and dashes (BAJAJ-AUTO).
_NAME = re.compile(r"^([A-Z]{3,5}):([A-Z0-9][A-Z0-9 &._\-*$]{0,63})$")


def parse_instrument(text: str) -> InstrumentId:
    """Return the instrument id, upper-cased and stripped.

    Raises
    ------
    BadParameter
        If it is not ``EXCHANGE:SYMBOL`` with a known exchange.

    >>> parse_instrument("nse:infy")
    'NSE:INFY'
    """
    match = _NAME.match(text.strip().upper())
    if match is None:
        raise BadParameter("instrument", text, "is not of the form EXCHANGE:SYMBOL", hint="Write it like NSE:INFY.")
    if match[1] not in Exchange.__members__:
        raise BadParameter("instrument", text, f"there is no exchange {match[1]}", hint=f"Exchanges are {', '.join(Exchange)}.")
    return InstrumentId(f"{match[1]}:{match[2].strip()}")


def exchange_of(instrument: InstrumentId) -> Exchange:
    """Return the exchange part."""
    return Exchange(instrument.partition(":")[0])


def symbol_of(instrument: InstrumentId) -> str:
    """Return the display part."""
    return instrument.partition(":")[2]
