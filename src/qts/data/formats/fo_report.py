"""NSE's daily F&O market activity report: ``foDDMMYYYY.csv`` (futures) and ``opDDMMYYYY.csv`` (options) of ``foDDMMYYYY.zip``.

Names are padded with blanks, prices with zeros, dates are dd/mm/yyyy. There is no trade date in the rows: it is in the file name.
The contract's trading symbol is made of underlying, expiry, strike and type.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Final

import pyarrow as pa

from qts.core import Exchange, Interval
from qts.core.errors import BadFile
from qts.data.layout import Field, Fit, Format, ImportOptions, Layout
from qts.data.names import contract_name, monthly_expiries
from qts.data.tables import Table

_COLUMNS: Final = {
    Field.OPEN: "OPEN_PRICE",
    Field.HIGH: "HI_PRICE",
    Field.LOW: "LO_PRICE",
    Field.CLOSE: "CLOSE_PRICE",
    Field.VOLUME: "TRD_QTY",
    Field.OI: "OPEN_INT*",
}
_CONTRACT: Final = ("SYMBOL", "EXP_DATE")
_OPTION: Final = ("STR_PRICE", "OPT_TYPE")
_NAME: Final = re.compile(r"(?:fo|op)(\d{8})\.csv", re.IGNORECASE)


def sniff(table: Table) -> Fit:
    """Return whether the columns of the contract-wise report are there."""
    return Fit.EXACT if {"INSTRUMENT", *_CONTRACT, *_COLUMNS.values()} <= set(table.columns) else Fit.NONE


def layout(table: Table, _options: ImportOptions) -> Layout:
    """Return the columns, with symbols made of the contract's terms.

    Raises
    ------
    BadFile
        If the file's name has no date.
    """
    match = _NAME.fullmatch(table.name)
    on = _date(match[1], "%d%m%Y") if match else None
    if on is None:
        raise BadFile(table.label, "has no trade date in its rows, and none in its name", hint="Name it as NSE does: fo14112025.csv.")
    monthly = monthly_expiries(pair for pair in _contracts(table) if pair is not None)
    needed = (*_CONTRACT, *(name for name in _OPTION if name in table.columns))

    def symbols(columns: Mapping[str, pa.Array]) -> pa.Array:
        texts = [columns[name].to_pylist() for name in needed]
        return pa.array([_symbol(parts, monthly) for parts in zip(*texts, strict=True)], pa.string())

    return Layout(
        columns=_COLUMNS,
        exchange=Exchange.NFO,
        interval=Interval.DAY,
        on=on,
        derive_symbols=symbols,
        symbol_columns=needed,
        is_exchange_report=True,
        notes=(f"The trade date {on.isoformat()} is the one in the file's name.",),
    )


def _contracts(table: Table) -> set[tuple[str, date] | None]:
    return {
        _contract(underlying, expiry)
        for batch in table.batches(_CONTRACT)
        for underlying, expiry in zip(*(batch.columns[name].to_pylist() for name in _CONTRACT), strict=True)
    }


def _contract(underlying: str, expiry: str) -> tuple[str, date] | None:
    on = _date(expiry.strip(), "%d/%m/%Y")
    return None if on is None else (underlying.strip(), on)


def _symbol(parts: tuple[str, ...], monthly: frozenset[tuple[str, date]]) -> str | None:
    contract = _contract(parts[0], parts[1])
    if contract is None:
        return None
    strike, kind = (_strike(parts[2]), parts[3].strip()) if len(parts) > 2 else ("", "FUT")
    return contract_name(contract[0], expiry=contract[1], is_monthly=contract in monthly, strike=strike, kind=kind)


def _strike(text: str) -> str:
    whole, _, fraction = text.strip().lstrip("0").partition(".")
    fraction = fraction.rstrip("0")
    return f"{whole or '0'}.{fraction}" if fraction else whole or "0"


def _date(text: str, spelling: str) -> date | None:
    try:
        return datetime.strptime(text, spelling).date()  # noqa: DTZ007 - a date, not an instant
    except ValueError:
        return None


FORMAT: Final = Format(title="NSE daily F&O report", sniff=sniff, layout=layout)
