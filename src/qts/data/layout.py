"""What is a file format to the importer? A way to recognise a table, and a layout: which column means what."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import IntEnum, StrEnum

import pyarrow as pa

from qts.core import Exchange, Interval
from qts.data.tables import Table


class Field(StrEnum):
    """What a column can mean. ``time`` goes with a ``date`` that has none; ``series`` is the exchange's class of a security."""

    DATE = "date"
    TIME = "time"
    OPEN = "open"
    HIGH = "high"
    LOW = "low"
    CLOSE = "close"
    VOLUME = "volume"
    OI = "oi"
    SYMBOL = "symbol"
    SERIES = "series"


PRICE_FIELDS = (Field.OPEN, Field.HIGH, Field.LOW, Field.CLOSE)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOptions:
    """What a person says about the files; ``None`` and ``auto`` leave it to detection.

    ``exchange`` holds for files that do not name theirs. ``mapping`` is our field name to their column name
    (``{"close": "Last Price"}``); the other way round is understood too.
    """

    format: str = "auto"
    interval: Interval | None = None
    exchange: Exchange = Exchange.NSE
    symbol: str | None = None
    adjusted: bool | None = None
    mapping: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Which column means what, and what the format knows beyond its columns.

    Attributes
    ----------
    columns : mapping of Field to str
        The table's column of each field.
    exchange, interval, on
        What holds for every row: the exchange, the bar length, the session date of a file that has no date column.
    symbol : str or None
        The instrument's symbol where the file is of one instrument.
    derive_symbols : callable or None
        Makes the symbols from ``symbol_columns`` where no column has them.
    lot_column : str or None
        The column of lot sizes where the volume is counted in lots; bars hold it in units.
    is_exchange_report : bool
        Whether rows without a trade that day, which exchanges list with zero prices, are expected.
    """

    columns: Mapping[Field, str]
    exchange: Exchange | None = None
    interval: Interval | None = None
    on: date | None = None
    symbol: str | None = None
    derive_symbols: Callable[[Mapping[str, pa.Array]], pa.Array] | None = None
    symbol_columns: tuple[str, ...] = ()
    lot_column: str | None = None
    is_exchange_report: bool = False
    notes: tuple[str, ...] = ()

    @property
    def needed(self) -> tuple[str, ...]:
        """Return the table's columns that have to be read."""
        names = [*self.columns.values(), *self.symbol_columns, *([self.lot_column] if self.lot_column else [])]
        return tuple(dict.fromkeys(names))


class Fit(IntEnum):
    """How well a format suits a table; the best one reads it."""

    NONE = 0
    GENERIC = 1
    EXACT = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """A plugin of ``data/formats``: ``sniff`` looks at columns, sample and file name only; ``layout`` may read the table."""

    title: str
    sniff: Callable[[Table], Fit]
    layout: Callable[[Table, ImportOptions], Layout]
