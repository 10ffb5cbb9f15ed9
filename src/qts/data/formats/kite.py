"""Kite Connect's candles: the JSON answer of the historical API, or a CSV with its columns and stamps such as 2017-12-15T09:15:00+0530.

A daily candle is stamped at midnight in India: its date is the session, and never that of the instant in UTC.
"""

from __future__ import annotations

import re
from typing import Final

from qts.data.layout import Field, Fit, Format, ImportOptions, Layout
from qts.data.tables import Container, Table

_COLUMNS: Final = ("date", "open", "high", "low", "close", "volume", "oi")
_STAMP: Final = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}\+05:?30")


def sniff(table: Table) -> Fit:
    """Return whether the table is a list of candles, or has Kite's columns with stamps in India's zone."""
    if table.container is Container.JSON:
        return Fit.EXACT
    is_kite = table.columns in (_COLUMNS[:6], _COLUMNS) and bool(table.sample)
    return Fit.EXACT if is_kite and all(_STAMP.fullmatch(row.get("date", "")) for row in table.sample[:5]) else Fit.NONE


def layout(table: Table, _options: ImportOptions) -> Layout:
    """Return the columns, which have fixed places."""
    return Layout(columns={Field(name): name for name in _COLUMNS if name in table.columns})


FORMAT: Final = Format(title="Kite candles", sniff=sniff, layout=layout)
