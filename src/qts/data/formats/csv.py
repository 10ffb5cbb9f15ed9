"""Any CSV whose columns can be recognised or are mapped: one instrument, or several stacked with a symbol column."""

from __future__ import annotations

from typing import Final

from qts.data.columns import detect_columns
from qts.data.layout import Field, Fit, Format, ImportOptions, Layout
from qts.data.tables import Container, Table


def sniff(table: Table) -> Fit:
    """Return whether the table is text."""
    return Fit.GENERIC if table.container is Container.CSV else Fit.NONE


def layout(table: Table, options: ImportOptions) -> Layout:
    """Return the columns by their names."""
    columns = detect_columns(table, options.mapping)
    columns.pop(Field.SERIES, None)
    return Layout(columns=columns)


FORMAT: Final = Format(title="CSV", sniff=sniff, layout=layout)
