"""Any Parquet whose columns can be recognised or are mapped: one instrument, or several stacked with a symbol column."""

from __future__ import annotations

from typing import Final

from qts.data.columns import detect_columns
from qts.data.layout import Field, Fit, Format, ImportOptions, Layout
from qts.data.tables import Container, Table


def sniff(table: Table) -> Fit:
    """Return whether the table is Parquet."""
    return Fit.GENERIC if table.container is Container.PARQUET else Fit.NONE


def layout(table: Table, options: ImportOptions) -> Layout:
    """Return the columns by their names."""
    columns = detect_columns(table, options.mapping)
    columns.pop(Field.SERIES, None)
    return Layout(columns=columns)


FORMAT: Final = Format(title="Parquet", sniff=sniff, layout=layout)
