"""Any Parquet whose columns can be recognised or are mapped: one instrument, or several stacked with a symbol column."""

from __future__ import annotations

from typing import Final

from qts.core.errors import NotPrices
from qts.data.columns import detect_columns
from qts.data.layout import Field, Fit, Format, ImportOptions, Layout
from qts.data.tables import Container, Table

# As a store writes its own bars: the instrument is a number that only the store's manifest can name.
_OF_A_STORE: Final = ("instrument_id", "ts", "open", "high", "low", "close", "volume", "oi")


def sniff(table: Table) -> Fit:
    """Return whether the table is Parquet."""
    return Fit.GENERIC if table.container is Container.PARQUET else Fit.NONE


def layout(table: Table, options: ImportOptions) -> Layout:
    """Return the columns by their names.

    Raises
    ------
    NotPrices
        If it is a file of a store: its numbers would be taken for symbols.
    """
    if table.columns == _OF_A_STORE and not options.mapping:
        hint = "Restore a backup of that store, or export its bars: `qts bars NSE:INFY --format parquet`."
        raise NotPrices(table.label, "is a file of a store's own, in which instruments are numbers", hint=hint)
    columns = detect_columns(table, options.mapping)
    columns.pop(Field.SERIES, None)
    return Layout(columns=columns)


FORMAT: Final = Format(title="Parquet", sniff=sniff, layout=layout)
