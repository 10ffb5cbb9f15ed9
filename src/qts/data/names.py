"""Names: the instrument that a file is named after, and the trading symbols of derivative contracts."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from typing import Final

from qts.core import Exchange
from qts.core.errors import BadParameter
from qts.core.interval import parse_interval

_SYMBOL: Final = re.compile(r"[A-Z0-9][A-Z0-9&\-]{0,31}")
_INDEX: Final = re.compile(r"(NIFTY|SENSEX|BANKEX|INDIA)( [A-Z0-9&]+){1,4}")
_DATED: Final = re.compile(r"\d+|\d{1,4}[-.]\d{1,2}([-.]\d{1,4})?|(JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC)[A-Z]*\d*")
_LENGTH: Final = re.compile(r"\d+ ?(MIN|MINS|MINUTE|MINUTES|M|H|HOUR|D|DAY)")
# Words in file names that say what is in the file, not of what.
_WORDS: Final = frozenset(
    """
    DATA PRICE PRICES HISTORY HISTORICAL HIST EXPORT CANDLE CANDLES OHLC OHLCV BARS BAR DOWNLOAD TEST SAMPLE FILE STOCK STOCKS INDEX INDICES
    OI DAILY DAY MINUTE MIN WEEKLY MONTHLY RAW ADJUSTED ADJ EOD INTRADAY QUOTES QUOTE TABLE OUTPUT RESULT RESULTS NEW FINAL COPY FULL ALL
    BHAVCOPY BHAV MARKET TICKS TICK KITE ZERODHA CSV PARQUET JSON BSE NSE NFO BFO EQ TO FROM A B X TMP TEMP INPUT BIG SMALL MIXED SHORT
    LONG GOOD BAD ONE TWO README NOTES SHA256SUMS
    """.split()  # noqa: SIM905 - a list of words reads better so
)
_MONTHS: Final = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")


def symbol_in(file_name: str) -> str | None:
    """Return the symbol a file is named after, or None where the name does not look like one.

    >>> symbol_in("reliance_15minute_2024.csv")
    'RELIANCE'
    >>> symbol_in("historical_data.csv") is None
    True
    """
    stem = re.sub(r"(\.(csv|txt|parquet|json|gz|zip))+$", "", file_name, flags=re.IGNORECASE).upper().strip()
    parts = [part for part in stem.split("_") if part and not _is_decoration(part)]
    if len(parts) != 1:
        return None
    name = parts[0]
    return name if _SYMBOL.fullmatch(name) or _INDEX.fullmatch(name) else None


def series_symbol(option: str | None, file_name: str, exchange: Exchange) -> str | None:
    """Return the symbol given by the user, or the one in the file's name."""
    if option is None:
        return symbol_in(file_name)
    name = option.strip().upper()
    prefix, colon, rest = name.partition(":")
    if colon and prefix != exchange:
        raise BadParameter("symbol", option, f"is of {prefix}, the import of {exchange}", hint=f"Add --exchange {prefix}.")
    return rest if colon else name


def contract_name(underlying: str, *, expiry: date, is_monthly: bool, strike: str = "", kind: str = "FUT") -> str:
    """Return the trading symbol of a future or option, as NSE and Kite write it.

    ``strike`` is written without trailing zeros; ``kind`` is FUT, CE or PE. Contracts that expire at the end of a month carry its
    name, weekly ones the date, with one sign for the month: 1-9, O, N, D.

    >>> contract_name("NIFTY", expiry=date(2025, 11, 18), is_monthly=False, strike="26000", kind="CE")
    'NIFTY25N1826000CE'
    >>> contract_name("ABCAPITAL", expiry=date(2025, 4, 24), is_monthly=True, strike="185", kind="CE")
    'ABCAPITAL25APR185CE'
    """
    year = f"{expiry.year % 100:02d}"
    when = _MONTHS[expiry.month - 1] if is_monthly else f"{'123456789OND'[expiry.month - 1]}{expiry.day:02d}"
    return f"{underlying}{year}{when}{strike}{kind}"


def monthly_expiries(expiries: Iterable[tuple[str, date]]) -> frozenset[tuple[str, date]]:
    """Return those of the ``(underlying, expiry)`` pairs that are the last of their month."""
    last: dict[tuple[str, int, int], date] = {}
    for underlying, expiry in expiries:
        month = (underlying, expiry.year, expiry.month)
        last[month] = max(expiry, last.get(month, expiry))
    return frozenset((underlying, expiry) for (underlying, _, _), expiry in last.items())


def _is_decoration(part: str) -> bool:
    if part in _WORDS or _DATED.fullmatch(part) or _LENGTH.fullmatch(part):
        return True
    try:
        parse_interval(part)
    except BadParameter:
        return False
    return True
