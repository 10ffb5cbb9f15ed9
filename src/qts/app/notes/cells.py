"""How is a cell read? Amounts with rupee signs and lakh commas, dates with the day first, sides, exchanges, segments."""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Final

from qts.core import Exchange, Side
from qts.market.reconciliation import Family

LARGEST: Final = Decimal(10) ** 15
# Less than this is the noise of binary floats, as in 2e-17.
_SMALLEST: Final = Decimal(10) ** -12
_CURRENCY: Final = re.compile(r"^(₹|rs\.?|inr)\s*", re.IGNORECASE)
_NUMBER: Final = re.compile(r"([0-9]+|[0-9]{1,3}(,[0-9]{2,3})*,[0-9]{3})(\.[0-9]*)?|\.[0-9]+")
_EXPONENT: Final = re.compile(r"([0-9]+(\.[0-9]*)?|\.[0-9]+)[eE][+-]?[0-9]{1,3}")
_ABSENT: Final = frozenset({"", "-", "--", "na", "n/a", "nan", "null", "none", "nil"})
_DATE_FORMATS: Final = (
    "%Y-%m-%d",
    "%d/%m/%Y",
    "%d-%m-%Y",
    "%d.%m.%Y",
    "%d-%b-%Y",
    "%d %b %Y",
    "%d %B %Y",
    "%d/%b/%Y",
    "%Y/%m/%d",
    "%Y%m%d",
)
_EARLIEST: Final = date(1994, 1, 1)
_SIDES: Final = {"buy": Side.BUY, "b": Side.BUY, "bought": Side.BUY, "sell": Side.SELL, "s": Side.SELL, "sold": Side.SELL}
_FAMILIES: Final = {
    Family.FO: ("fo", "fno", "nfo", "bfo", "derivative", "derivatives", "futuresandoptions", "futureandoption", "equityderivatives"),
    Family.CDS: ("cds", "cd", "bcd", "currency", "currencyderivatives", "cur"),
    Family.COM: ("com", "commodity", "commodities", "mcx", "nco", "co"),
    Family.EQ: ("eq", "equity", "cash", "capital", "cm", "capitalmarket", "nse", "bse"),
}
_AT: Final = {
    (Exchange.NSE, Family.EQ): Exchange.NSE,
    (Exchange.BSE, Family.EQ): Exchange.BSE,
    (Exchange.NSE, Family.FO): Exchange.NFO,
    (Exchange.BSE, Family.FO): Exchange.BFO,
    (Exchange.NSE, Family.CDS): Exchange.CDS,
    (Exchange.BSE, Family.CDS): Exchange.BCD,
    (Exchange.NSE, Family.COM): Exchange.NCO,
    (Exchange.MCX, Family.COM): Exchange.MCX,
}


class NotRead(ValueError):
    """A cell that cannot be read; the text says why."""


def plain(text: str) -> str:
    """Return a heading without brackets, case, signs and spaces.

    >>> plain("SEBI Turnover Fees (Rs.)")
    'sebiturnoverfees'
    """
    return re.sub(r"[^a-z0-9]", "", re.sub(r"\([^)]*\)", "", text.lower()))


def amount(text: str) -> Decimal | None:
    """Return an amount, None where the cell holds none; brackets and ``Dr`` mean minus.

    >>> amount("₹ 1,23,456.50")
    Decimal('123456.50')

    Raises
    ------
    NotRead
        If it is no number; a decimal comma is none.
    """
    bare = _CURRENCY.sub("", text.strip().replace("\u00a0", " ")).strip()
    if bare.lower() in _ABSENT:
        return None
    is_negative = False
    if bare.startswith("(") and bare.endswith(")"):
        bare, is_negative = bare[1:-1].strip(), True
    match = re.fullmatch(r"(.*?)\s*(cr|dr)\.?", bare, re.IGNORECASE)
    if match is not None:
        bare, is_negative = match[1], is_negative or match[2].lower() == "dr"
    if bare[:1] in {"+", "-", "\u2212"}:
        bare, is_negative = bare[1:].strip(), is_negative or bare[0] != "+"
    bare = _CURRENCY.sub("", bare)
    if not (_NUMBER.fullmatch(bare) or _EXPONENT.fullmatch(bare)):
        raise NotRead(f"{_shown(text)} is not a number")
    number = Decimal(bare.replace(",", ""))
    if number > LARGEST:
        raise NotRead(f"{_shown(text)} is larger than anything ever traded")
    if number < _SMALLEST:
        return Decimal(0)
    return -number if is_negative else number


@lru_cache(maxsize=4096)
def day(text: str, today: date) -> date:
    """Return a date; where day and month are digits only, the year or the day comes first.

    Raises
    ------
    NotRead
        If it is no date, or none that a trade can have.
    """
    # A time of day may follow.
    bare = re.split(r"[T ](?=\d{1,2}:)", text.strip(), maxsplit=1)[0].strip()
    for layout in _DATE_FORMATS:
        try:
            found = datetime.strptime(bare, layout).date()  # noqa: DTZ007 - a date has no zone
        except ValueError:
            continue
        if found > today:
            raise NotRead(f"{_shown(text)} lies in the future")
        if found < _EARLIEST:
            raise NotRead(f"{_shown(text)} lies before electronic trading")
        return found
    raise NotRead(f"{_shown(text)} is no date; write it like 2026-02-27 or 27/02/2026")


def side(text: str) -> Side:
    """Return the side of a trade.

    Raises
    ------
    NotRead
        If it is neither buy nor sell.
    """
    found = _SIDES.get(plain(text))
    if found is None:
        raise NotRead(f"{_shown(text)} is neither buy nor sell")
    return found


def family(text: str) -> Family | None:
    """Return the segment a text names, None where it names none: ``EQ``, ``F&O``, ``NSE - Capital``."""
    bare = plain(text.replace("&", ""))
    bare = re.sub(r"^(nse|bse|ncl|icc|iccl)(?=.)", "", bare)
    return next((one for one, names in _FAMILIES.items() if bare in names), None)


def exchange(text: str, segment: Family | None) -> Exchange:
    """Return where a trade was made: the exchange of a file is often the house (NSE), and the segment the market in it.

    Raises
    ------
    NotRead
        If there is no such exchange, or it has no such segment.
    """
    bare = plain(text).upper()
    bare = {"NFO": "NFO", "NSEFO": "NFO", "BSEFO": "BFO", "NSECD": "CDS", "BSECD": "BCD", "NSECOM": "NCO", "MCXSX": "MCX"}.get(bare, bare)
    try:
        named = Exchange(bare)
    except ValueError:
        named = Exchange.INDEX
    if named in {Exchange.SIM, Exchange.INDEX}:
        raise NotRead(f"{_shown(text)} is no exchange that bills charges; NSE, BSE, NFO, BFO, CDS, BCD, MCX and NCO are")
    if segment is None or named not in {Exchange.NSE, Exchange.BSE, Exchange.MCX}:
        return named
    found = _AT.get((named, segment))
    if found is None:
        raise NotRead(f"{named} has no segment {segment}")
    return found


def house(text: str) -> Exchange | None:
    """Return the exchange a heading such as ``NSE - Capital`` begins with, None where it names none."""
    return next((one for one in (Exchange.NSE, Exchange.BSE, Exchange.MCX) if plain(text).upper().startswith(one.value)), None)


def _shown(text: str) -> str:
    return repr(text if len(text) <= 40 else f"{text[:39]}…")
