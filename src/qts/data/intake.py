"""How do a file's texts become numbers? Each batch of a table is parsed by its layout into plain arrays, with a verdict per row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from qts.core import Bools, Exchange, Floats, InstrumentId, Ints, exchange_of, micros_of, parse_instrument
from qts.core.errors import BadParameter
from qts.data.layout import PRICE_FIELDS, Field, Layout
from qts.data.numerals import parse_numbers
from qts.data.stamps import NO_STAMP, Stamps, parse_stamps
from qts.data.tables import Batch, value_of
from qts.market.sessions import daily_stamp

MAX_TOLD: Final = 1000
"""Refused rows that a report lists one by one; all are counted."""
EQUITY_SERIES: Final = ("EQ", "BE", "BZ", "SM", "ST", "SZ")
"""NSE's series of shares: the first one that a symbol traded in on a day is its bar. BE, BZ: trade-for-trade; SM, ST, SZ: SME."""
VALUES: Final = (*PRICE_FIELDS, Field.VOLUME, Field.OI)

States = NDArray[np.uint8]


class Verdict(StrEnum):
    """What is wrong with a row: it is refused."""

    MISFIT = "wrong number of fields"
    NO_VALUE = "missing value"
    BAD_NUMBER = "not a number"
    BAD_SYMBOL = "not an instrument name"
    BAD_DATE = "unparsable date"
    AMBIGUOUS_DATE = "ambiguous date"
    TOO_OLD = "date before 1990"
    FUTURE = "date in the future"
    FORMING = "bar that is not over yet"
    NOT_FINITE = "price is not finite"
    NOT_POSITIVE = "price is not positive"
    TOO_LARGE = "price is larger than any"
    BAD_VOLUME = "volume or open interest is negative or infinite"
    HIGH = "high below open, low or close"
    LOW = "low above open or close"
    NO_SESSION = "not a session"
    OFF_HOURS = "outside trading hours"
    OFF_GRID = "not at the start of a bar"
    DUPLICATE = "duplicate"
    CONFLICT = "duplicate with different values"


class Skip(StrEnum):
    """Why a sound row is no bar of ours: it is left out and counted, not refused."""

    SERIES = "a series other than shares"
    LESSER_SERIES = "the same share in another series"
    NO_TRADE = "no trade that day"


OUTCOMES: Final = ("accepted", *Verdict, *Skip)
_CODE: Final = {outcome: i for i, outcome in enumerate(OUTCOMES)}


@dataclass(slots=True, kw_only=True)  # grows while the file is read
class Names:
    """The instruments met so far, numbered in the order of appearance."""

    exchange: Exchange
    instruments: list[InstrumentId] = field(default_factory=list)
    exchanges: list[Exchange] = field(default_factory=list)
    codes: dict[str, int] = field(default_factory=dict)

    def code(self, text: str | None) -> int:
        """Return the number of a symbol, with or without its exchange; -1 if it is no instrument name."""
        symbol = (text or "").strip().upper()
        if symbol not in self.codes:
            self.codes[symbol] = self._number(symbol)
        return self.codes[symbol]

    def _number(self, symbol: str) -> int:
        try:
            instrument = parse_instrument(symbol if ":" in symbol else f"{self.exchange}:{symbol}")
        except BadParameter:
            return -1
        if instrument not in self.codes:
            self.codes[instrument] = len(self.instruments)
            self.instruments.append(instrument)
            self.exchanges.append(exchange_of(instrument))
        return self.codes[instrument]


@dataclass(slots=True, kw_only=True)  # its states change while the rows are judged
class Block:
    """Parsed rows as columns of shape ``(n,)``.

    Line number, instrument number, both readings of the stamp, values ``(6, n)`` in the order of ``VALUES``, the rank of the series
    (0 is taken first), and the state: an index into ``OUTCOMES``.
    """

    rows: Ints
    codes: Ints
    ts: Ints
    month_first: Ints
    values: Floats
    ranks: Ints
    states: States
    details: dict[int, str]

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def is_good(self) -> Bools:
        """Return where nothing is wrong so far."""
        return np.asarray(self.states == 0)

    def mark(self, mask: Bools, outcome: Verdict | Skip) -> None:
        """Give rows an outcome; the first one stays."""
        self.states[mask & (self.states == 0)] = _CODE[outcome]

    def mark_rows(self, places: Ints, outcome: Verdict | Skip) -> None:
        """Give the rows at these places an outcome; the first one stays."""
        self.states[places[self.states[places] == 0]] = _CODE[outcome]


def join(blocks: Sequence[Block]) -> Block:
    """Return the blocks as one."""
    details: dict[int, str] = {}
    for block in blocks:
        details.update(block.details)
    return Block(
        rows=np.concatenate([block.rows for block in blocks]),
        codes=np.concatenate([block.codes for block in blocks]),
        ts=np.concatenate([block.ts for block in blocks]),
        month_first=np.concatenate([block.month_first for block in blocks]),
        values=np.concatenate([block.values for block in blocks], axis=1),
        ranks=np.concatenate([block.ranks for block in blocks]),
        states=np.concatenate([block.states for block in blocks]),
        details=details,
    )


def parse_batch(batch: Batch, layout: Layout, names: Names) -> Block:
    """Return the rows of a batch as arrays; misfits come at the end."""
    n = len(batch.rows)
    block = Block(
        rows=batch.rows,
        codes=_codes(batch, layout, names),
        ts=np.zeros(n, np.int64),
        month_first=np.zeros(n, np.int64),
        values=np.full((len(VALUES), n), np.nan),
        ranks=np.zeros(n, np.int64),
        states=np.zeros(n, np.uint8),
        details={},
    )
    _rank_series(block, batch, layout)
    _fill_values(block, batch, layout)
    _fill_stamps(block, batch, layout, names)
    _mark_texts(block, block.codes < 0, Verdict.BAD_SYMBOL, batch=batch, column=layout.columns.get(Field.SYMBOL))
    return join([block, _misfits(batch)]) if batch.misfits else block


def _codes(batch: Batch, layout: Layout, names: Names) -> Ints:
    if layout.symbol is not None:
        return np.full(len(batch.rows), names.code(layout.symbol), np.int64)
    column = layout.derive_symbols(batch.columns) if layout.derive_symbols else batch.columns[layout.columns[Field.SYMBOL]]
    encoded = pc.fill_null(pc.cast(column, pa.string()), "").dictionary_encode()
    codes = np.array([names.code(text) for text in encoded.dictionary.to_pylist()], dtype=np.int64)
    return codes[np.asarray(encoded.indices)] if len(codes) else np.zeros(0, np.int64)


def _rank_series(block: Block, batch: Batch, layout: Layout) -> None:
    if Field.SERIES not in layout.columns:
        return
    series = pc.utf8_trim_whitespace(pc.cast(batch.columns[layout.columns[Field.SERIES]], pa.string()))
    block.ranks = np.asarray(pc.fill_null(pc.index_in(series, value_set=pa.array(EQUITY_SERIES)), -1)).astype(np.int64)
    block.mark(block.ranks < 0, Skip.SERIES)


def _fill_values(block: Block, batch: Batch, layout: Layout) -> None:
    absent = np.zeros(len(block), np.bool_)
    for i, name in enumerate(VALUES):
        column = layout.columns.get(name)
        if column is None:
            continue
        numbers = parse_numbers(batch.columns[column])
        block.values[i] = numbers.values
        _mark_texts(block, numbers.is_bad, Verdict.BAD_NUMBER, batch=batch, column=column)
        if name in PRICE_FIELDS:
            absent |= numbers.is_absent
    volume = VALUES.index(Field.VOLUME)
    if layout.lot_column is not None:
        block.values[volume] *= parse_numbers(batch.columns[layout.lot_column]).values
    if layout.is_exchange_report:
        has_none = ~(block.values[volume] > 0) & np.all(np.nan_to_num(block.values[:3]) == 0.0, axis=0)
        block.mark(has_none, Skip.NO_TRADE)
    block.mark(absent, Verdict.NO_VALUE)


def _fill_stamps(block: Block, batch: Batch, layout: Layout, names: Names) -> None:
    stamps = _stamps(batch, layout, names)
    block.ts, block.month_first = stamps.ts, stamps.month_first
    is_bad = (stamps.ts == NO_STAMP) & (stamps.month_first == NO_STAMP)
    block.mark(is_bad & stamps.is_absent, Verdict.NO_VALUE)
    _mark_texts(block, is_bad, Verdict.BAD_DATE, batch=batch, column=layout.columns.get(Field.DATE))


def _stamps(batch: Batch, layout: Layout, names: Names) -> Stamps:
    if layout.on is not None:
        ts = np.full(len(batch.rows), micros_of(daily_stamp(names.exchange, layout.on)), np.int64)
        return Stamps(ts=ts, month_first=ts, is_absent=np.zeros(len(ts), np.bool_))
    times = layout.columns.get(Field.TIME)
    return parse_stamps(batch.columns[layout.columns[Field.DATE]], None if times is None else batch.columns[times])


def _mark_texts(block: Block, mask: Bools, verdict: Verdict, *, batch: Batch, column: str | None) -> None:
    """Mark rows and keep the text that is wrong."""
    found = np.flatnonzero(mask & block.is_good)
    if column is not None:
        for i in found[: MAX_TOLD - len(block.details)].tolist():
            block.details[int(block.rows[i])] = f"{column} is {_short(value_of(batch.columns[column][i]))}"
    block.mark(mask, verdict)


def _short(value: object) -> str:
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else f"{text[:57]}…"


def _misfits(batch: Batch) -> Block:
    n = len(batch.misfits)
    nothing = np.full(n, NO_STAMP, np.int64)
    return Block(
        rows=np.array([misfit.row for misfit in batch.misfits], dtype=np.int64),
        codes=np.full(n, -1, np.int64),
        ts=nothing,
        month_first=nothing,
        values=np.full((len(VALUES), n), np.nan),
        ranks=np.zeros(n, np.int64),
        states=np.full(n, _CODE[Verdict.MISFIT], np.uint8),
        details={misfit.row: misfit.detail for misfit in batch.misfits[:MAX_TOLD]},
    )
