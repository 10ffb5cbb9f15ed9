"""NSE's ``sec_bhavdata_full``: the cash bhavcopy with delivery figures, a day or many days stacked; a blank follows every comma."""

from __future__ import annotations

from typing import Final

from qts.core import Exchange, Interval
from qts.data.layout import Field, Fit, Format, ImportOptions, Layout
from qts.data.tables import Table

_COLUMNS: Final = {
    Field.SYMBOL: "SYMBOL",
    Field.SERIES: "SERIES",
    Field.DATE: "DATE1",
    Field.OPEN: "OPEN_PRICE",
    Field.HIGH: "HIGH_PRICE",
    Field.LOW: "LOW_PRICE",
    Field.CLOSE: "CLOSE_PRICE",
    Field.VOLUME: "TTL_TRD_QNTY",
}


def sniff(table: Table) -> Fit:
    """Return whether the columns of ``sec_bhavdata_full`` are there."""
    return Fit.EXACT if set(_COLUMNS.values()) <= set(table.columns) else Fit.NONE


def layout(_table: Table, _options: ImportOptions) -> Layout:
    """Return the columns, which have fixed names."""
    return Layout(columns=_COLUMNS, exchange=Exchange.NSE, interval=Interval.DAY, is_exchange_report=True)


FORMAT: Final = Format(title="NSE sec_bhavdata_full", sniff=sniff, layout=layout)
