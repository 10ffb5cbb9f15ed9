"""Which column of an unknown table is the date, which the close? By the names vendors use, or as the user maps them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from qts.core.errors import BadFile, BadParameter, NotPrices
from qts.data.layout import PRICE_FIELDS, Field
from qts.data.tables import Table

# Names as `plain` leaves them: lower case, without blanks and signs. The first match wins.
_SYNONYMS: Final[dict[Field, str]] = {
    Field.DATE: (
        "timestamp datetime date ts tradedate tradingdate traddt date1 dateandtime bardatetime candletime opentime opentimestamp openedat"
        " start starttime bartime localtime gmttime day dt sessiondate unnamed0"
    ),
    Field.TIME: "time tradetime timeist",
    Field.OPEN: "open openprice o opnpric openrate first opening",
    Field.HIGH: "high highprice h hghpric hiprice highrate max",
    Field.LOW: "low lowprice l lwpric loprice lowrate min",
    Field.CLOSE: "close closeprice c clspric closerate closing price last adjclose adjustedclose",
    Field.VOLUME: (
        "volume vol v qty quantity totalvolume tradedvolume tradevolume tottrdqty ttltrdqnty ttltradgvol tradedquantity totaltradedquantity"
        " totaltradequantity sharestraded noofshares trdqty"
    ),
    Field.OI: "oi openinterest openint opnintrst oiqty",
    Field.SYMBOL: (
        "symbol ticker tradingsymbol instrument instrumentid tckrsymb scrip scripname stock stockcode stockname stocksymbol security"
        " securityname scname code name"
    ),
    Field.SERIES: "series sctysrs",
}
_TICK_NAMES: Final = frozenset({"ltp", "lasttradedprice", "lastprice", "bid", "ask", "tick", "bestbid", "price", "last"})


def plain(name: str) -> str:
    """Return a column name without case, blanks and signs.

    >>> plain(" Open Price(Rs.) ")
    'openpricers'
    """
    return re.sub(r"[^a-z0-9]", "", name.lower())


def detect_columns(table: Table, mapping: Mapping[str, str]) -> dict[Field, str]:
    """Return the column of each field that the table has.

    Raises
    ------
    BadFile
        If a date or a price has no column, or the table holds something else than bars.
    BadParameter
        If the mapping names a field or column that does not exist.
    """
    found = mapped_columns(table, mapping)
    taken = set(found.values())
    by_name: dict[str, str] = {}
    for column in table.columns:
        by_name.setdefault(_spelled(column), column)
    for field, names in _SYNONYMS.items():
        match = next((by_name[name] for name in names.split() if name in by_name and by_name[name] not in taken), None)
        if field not in found and match is not None:
            found[field] = match
            taken.add(match)
    if Field.DATE not in found and Field.TIME in found:
        found[Field.DATE] = found.pop(Field.TIME)
    missing = [field for field in (Field.DATE, *PRICE_FIELDS) if field not in found]
    if missing:
        raise _wrong_columns(table, missing, has_date=Field.DATE in found)
    return found


def mapped_columns(table: Table, mapping: Mapping[str, str]) -> dict[Field, str]:
    """Return what the user's mapping says, with names as the table writes them."""
    found: dict[Field, str] = {}
    for left, right in mapping.items():
        ours, theirs = (left, right) if _is_field(left) else (right, left)
        if not _is_field(ours):
            raise BadParameter("map", f"{left}={right}", "names no field", hint=f"Fields are {', '.join(Field)}: --map close='Last Price'.")
        column = next((name for name in table.columns if name.strip().lower() == theirs.strip().lower()), None)
        if column is None:
            raise BadFile(table.label, f"has no column {theirs!r}", hint=f"Its columns are {shown(table.columns)}.")
        found[Field(ours.strip().lower())] = column
    return found


def shown(columns: tuple[str, ...]) -> str:
    """Return column names for a sentence, shortened where there are many."""
    names = ", ".join(column if len(column) <= 40 else f"{column[:37]}…" for column in columns[:20])
    return f"{names} and {len(columns) - 20} more" if len(columns) > 20 else names


def _is_field(name: str) -> bool:
    return name.strip().lower() in tuple(Field)


def _spelled(column: str) -> str:
    # An index written by pandas has no name, or Unnamed: 0.
    return "unnamed0" if column == "#1" else plain(column)


def _wrong_columns(table: Table, missing: list[Field], *, has_date: bool) -> NotPrices:
    names = {plain(column) for column in table.columns}
    if {"instrumenttoken", "tradingsymbol"} <= names:
        return NotPrices(table.label, "is a list of instruments, not prices", hint="Import price files; this one lists what can be traded.")
    is_tick = has_date and names & _TICK_NAMES and not names & {"open", "high", "low"}
    if is_tick:
        return NotPrices(
            table.label, f"holds ticks ({shown(table.columns)}), not bars", hint="Resample the ticks to bars of 1 minute and import those."
        )
    if _looks_like_data(table.columns):
        return NotPrices(
            table.label,
            f"has no column names: its first line is {shown(table.columns)}",
            hint="Write a line such as date,open,high,low,close,volume above the rows.",
        )
    return NotPrices(
        table.label,
        f"has the columns {shown(table.columns)}, but none for {', '.join(missing)}",
        hint=f"Name the columns: --map {missing[0]}='{table.columns[0]}' and so on.",
    )


def _looks_like_data(columns: tuple[str, ...]) -> bool:
    numbers = [column for column in columns if re.fullmatch(r"[+-]?[\d,]*\.?\d+(#\d+)?", column)]
    return len(numbers) >= 3
