"""NSE's legacy cash bhavcopy (to July 2024), a day or many days stacked.

Header ``SYMBOL,SERIES,OPEN,HIGH,LOW,CLOSE,LAST,PREVCLOSE,TOTTRDQTY,TOTTRDVAL,TIMESTAMP,TOTALTRADES,ISIN`` and a comma too many.
"""

from __future__ import annotations

from typing import Final

from qts.core import Exchange, Interval
from qts.data.layout import Field, Fit, Format, ImportOptions, Layout
from qts.data.tables import Table

_COLUMNS: Final = {
    Field.SYMBOL: "SYMBOL",
    Field.SERIES: "SERIES",
    Field.DATE: "TIMESTAMP",
    Field.OPEN: "OPEN",
    Field.HIGH: "HIGH",
    Field.LOW: "LOW",
    Field.CLOSE: "CLOSE",
    Field.VOLUME: "TOTTRDQTY",
}


def sniff(table: Table) -> Fit:
    """Return whether the columns of a legacy cash bhavcopy are there."""
    return Fit.EXACT if set(_COLUMNS.values()) <= set(table.columns) else Fit.NONE


def layout(_table: Table, _options: ImportOptions) -> Layout:
    """Return the columns, which have fixed names."""
    return Layout(columns=_COLUMNS, exchange=Exchange.NSE, interval=Interval.DAY, is_exchange_report=True)


FORMAT: Final = Format(title="NSE legacy bhavcopy", sniff=sniff, layout=layout)
