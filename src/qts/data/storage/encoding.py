"""How bars become Parquet and come back, bit for bit.

Prices are decimals on 32-bit integers where every one of them reads back as the same float64, and float64 otherwise. Decoding
divides (``paise / 100.0``): the product with 0.01 is a different float for one value in five.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from qts.core import Bools, Floats, Ints
from qts.core.errors import DataError
from qts.data.storage.lookup import Span
from qts.data.storage.rows import PRICES, VALUES, Rows

Int32s: TypeAlias = NDArray[np.int32]

ROW_GROUP: Final = 8_192
HOT_ROW_GROUP: Final = 4_096
_BLOCK: Final = 8_192
_PRICE_SCALES: Final = (2, 4)
_PRICE_LIMIT: Final = 999_999_999
_COUNT_LIMIT: Final = float(2**62)
_COUNTS: Final = ("volume", "oi")
_NUMBER, _TS = "instrument_id", "ts"
_COLUMNS: Final = (_NUMBER, _TS, *VALUES)
_THREADED_GROUPS: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Footer:
    """What a file says of itself: enough to open it without reading the end again. Bounds are per row group.

    ``absent`` has a row for each of volume and open interest, true for the row groups that were seen to have none.
    """

    metadata: Any
    first_number: Ints
    last_number: Ints
    first_ts: Ints
    last_ts: Ints
    absent: Bools

    def groups(self, number: int | None, span: Span) -> list[int]:
        """Return the row groups that may hold bars of this instrument and span."""
        may = np.ones(len(self.first_ts), dtype=np.bool_)
        if number is not None:
            may &= (self.first_number <= number) & (self.last_number >= number)
        if span.start is not None:
            may &= self.last_ts >= span.start
        if span.end is not None:
            may &= self.first_ts < span.end
        return np.flatnonzero(may).tolist()


@dataclass(frozen=True, slots=True, kw_only=True)
class Picked:
    """Rows of a file whose values wait to be told where they go; ``columns`` begin ``start`` rows before. What is absent has none."""

    numbers: Ints
    ts: Ints
    start: int
    columns: Mapping[str, Sequence[Any]]

    def __len__(self) -> int:
        return len(self.ts)

    def copy(self) -> Rows:
        """Return the rows in arrays of their own."""
        values = np.empty((len(VALUES), len(self.ts)), dtype=np.float64)
        self.write(values)
        return Rows(numbers=self.numbers, ts=self.ts, values=values)

    def write(self, values: Floats) -> None:
        """Write the values into an array of shape ``(6, n)``."""
        for row, name in zip(values, VALUES, strict=True):
            if name in self.columns:
                _decode_into(row, self.columns[name], self.start)
            else:
                row.fill(np.nan)


_NOTHING: Final = Picked(numbers=np.empty(0, np.int64), ts=np.empty(0, np.int64), start=0, columns={})


def encode(rows: Rows, *, row_group: int = ROW_GROUP) -> pa.Buffer:
    """Return the rows as a Parquet file, in groups of so many.

    Raises
    ------
    DataError
        If they are not sorted by instrument and instant, each pair once.
    """
    if not rows.is_sorted:
        raise DataError("The merged bars are not in order: nothing was stored.", hint="This is a fault of the program; please report it.")
    values = dict(zip(VALUES, rows.values, strict=True))
    columns: dict[str, pa.Array] = {
        _NUMBER: _column(rows.numbers.astype(np.int32), pa.int32()),
        _TS: _column(np.ascontiguousarray(rows.ts), pa.timestamp("us", tz="UTC")),
    }
    columns |= dict(zip(PRICES, _price_columns(rows.values[: len(PRICES)]), strict=True))
    columns |= {name: _count_column(values[name]) for name in _COUNTS}
    schema = pa.schema([pa.field(name, column.type, nullable=name in _COUNTS) for name, column in columns.items()])
    return _written(pa.Table.from_arrays(list(columns.values()), schema=schema), row_group)


def read_footer(source: Any) -> Footer:  # noqa: ANN401 - pyarrow carries no types
    """Return the footer of a file."""
    metadata = pq.read_metadata(source)
    bounds = np.empty((4, metadata.num_row_groups), dtype=np.int64)
    for i_group in range(metadata.num_row_groups):
        group = metadata.row_group(i_group)
        numbers, instants = group.column(0).statistics, group.column(1).statistics
        bounds[:, i_group] = numbers.min_raw, numbers.max_raw, instants.min_raw, instants.max_raw
    absent = np.zeros((len(_COUNTS), metadata.num_row_groups), dtype=np.bool_)
    return Footer(metadata=metadata, first_number=bounds[0], last_number=bounds[1], first_ts=bounds[2], last_ts=bounds[3], absent=absent)


def decode(source: Any, footer: Footer, *, number: int | None, span: Span) -> Rows:  # noqa: ANN401 - pyarrow carries no types
    """Return the rows of one instrument (None: of all) that open in the span; ``source`` is a path or an open file of Arrow's."""
    if number is not None:
        return pick(source, footer, number, span).copy()
    groups = footer.groups(None, span)
    with _opened(source, footer) as file:
        return _within(_picked(file, footer, groups, None).copy(), span) if groups else _NOTHING.copy()


def pick(source: Any, footer: Footer, number: int, span: Span) -> Picked:  # noqa: ANN401 - see above
    """Return the rows of one instrument that open in the span, their values not yet written."""
    groups = footer.groups(number, span)
    if not groups:
        return _NOTHING
    with _opened(source, footer) as file:
        return _picked(file, footer, groups, (number, span))


def decode_groups(source: Any, footer: Footer, groups: Sequence[int]) -> list[Rows]:  # noqa: ANN401 - see above
    """Return the rows of row groups, each group for itself."""
    with _opened(source, footer) as file:
        whole = _picked(file, footer, list(groups), None).copy()
    if len(groups) == 1:
        return [whole]
    # All at once takes less than one by one; they share memory, which is given back with the last of them.
    bounds = np.cumsum([0, *(footer.metadata.row_group(group).num_rows for group in groups)]).tolist()
    return [whole.part(start, stop) for start, stop in pairwise(bounds)]


def cut(rows: Rows, number: int, span: Span) -> Rows:
    """Return the rows of one instrument that open in the span, as views."""
    return rows.part(*_bounds(rows.numbers, rows.ts, number, span))


@contextmanager
def _opened(source: Any, footer: Footer) -> Iterator[Any]:  # noqa: ANN401 - see above
    # Arrow looks for the file system of a path that it is given as text.
    with pa.OSFile(source) if isinstance(source, str) else nullcontext(source) as opened:
        yield pq.ParquetFile(opened, metadata=footer.metadata, pre_buffer=False)


def _picked(file: Any, footer: Footer, groups: list[int], wanted: tuple[int, Span] | None) -> Picked:  # noqa: ANN401 - see above
    # Most files are of one instrument: nobody needs to be told of it in every row.
    number = int(footer.first_number[groups[0]])
    is_of_one = all(footer.first_number[group] == number == footer.last_number[group] for group in groups)
    known_absent = [name for name, of_groups in zip(_COUNTS, footer.absent, strict=True) if of_groups[groups].all()]
    names = [name for name in _COLUMNS if not (name in known_absent or (is_of_one and name == _NUMBER))]
    table = file.read_row_groups(groups, columns=names, use_threads=len(groups) > _THREADED_GROUPS)
    columns = {name: table.column(place).chunks for place, name in enumerate(names)}
    ts = _joined(columns[_TS])
    numbers = np.broadcast_to(np.int64(number), len(ts)) if is_of_one else _joined(columns[_NUMBER]).astype(np.int64)
    for name, of_groups in zip(_COUNTS, footer.absent, strict=True):
        # Most series have no open interest: to find that out takes a tenth of a read, and files never change.
        if name in columns and all(piece.null_count == len(piece) for piece in columns[name]):
            of_groups[groups] = True
    start, stop = (0, len(ts)) if wanted is None else _bounds(numbers, ts, *wanted)
    return Picked(numbers=numbers[start:stop], ts=ts[start:stop], start=start, columns=columns)


def _bounds(numbers: Ints, ts: Ints, number: int, span: Span) -> tuple[int, int]:
    start, stop = np.searchsorted(numbers, [number, number + 1]).tolist()
    if span.start is not None:
        start += int(np.searchsorted(ts[start:stop], span.start))
    if span.end is not None:
        stop = start + int(np.searchsorted(ts[start:stop], span.end))
    return start, stop


def _within(rows: Rows, span: Span) -> Rows:
    # Of several instruments the instants start again and again: no search by halves here.
    is_in = np.ones(len(rows), dtype=np.bool_)
    if span.start is not None:
        is_in &= rows.ts >= span.start
    if span.end is not None:
        is_in &= rows.ts < span.end
    return rows if is_in.all() else rows.take(is_in)


def _price_columns(prices: Floats) -> list[pa.Array]:
    for scale in _PRICE_SCALES:
        units = _units(prices, 10.0**scale)
        if units is not None:
            return [_column(row, pa.decimal32(9, scale)) for row in units]
    return [_column(np.ascontiguousarray(row), pa.float64()) for row in prices]


def _units(prices: Floats, factor: float) -> Int32s | None:
    """Return prices in units of which a rupee has so many, or None if one of them would not come back as the same float."""
    n_rows = prices.shape[1]
    units = np.empty(prices.shape, dtype=np.int32)
    spare = np.empty((len(prices), min(_BLOCK, n_rows)))
    # Block by block: the passes over one find it in the processor's cache, and no memory is asked for anew.
    for start in range(0, n_rows, _BLOCK):
        block = prices[:, start : start + _BLOCK]
        part = spare[:, : block.shape[1]]
        np.multiply(block, factor, out=part)
        np.rint(part, out=part)
        if not (part.max() <= _PRICE_LIMIT and part.min() >= -_PRICE_LIMIT):
            return None
        units[:, start : start + _BLOCK] = part
        np.divide(part, factor, out=part)
        if not (part == block).all():
            return None
    return units


def _count_column(values: Floats) -> pa.Array:
    is_absent = np.isnan(values)
    if is_absent.all():
        return _column(np.zeros(len(values), dtype=np.int64), pa.int64(), is_absent=is_absent)
    counts = np.where(is_absent, 0.0, values) if is_absent.any() else np.ascontiguousarray(values)
    if counts.max() < _COUNT_LIMIT and counts.min() > -_COUNT_LIMIT:
        whole = counts.astype(np.int64)
        if (whole == counts).all():
            return _column(whole, pa.int64(), is_absent=is_absent)
    return _column(counts, pa.float64(), is_absent=is_absent)


def _column(values: NDArray[Any], kind: pa.DataType, *, is_absent: Bools | None = None) -> pa.Array:
    # Not pa.array(): that imports pandas, a second of work, to see whether it was given some of its types.
    validity = None if is_absent is None or not is_absent.any() else pa.py_buffer(np.packbits(~is_absent, bitorder="little"))
    return pa.Array.from_buffers(kind, len(values), [validity, pa.py_buffer(values)])


def _written(table: pa.Table, row_group: int) -> pa.Buffer:
    # Steps of prices and instants are small and pack well; steps of volume are as large as volume itself: there the high bytes repeat.
    is_split = {field.name: field.name in _COUNTS or pa.types.is_floating(field.type) for field in table.schema}
    encodings = {name: "BYTE_STREAM_SPLIT" if split else "DELTA_BINARY_PACKED" for name, split in is_split.items()}
    sink = pa.BufferOutputStream()
    pq.write_table(
        table,
        sink,
        row_group_size=row_group,
        # A whole group at once: the default of 1,024 rows costs a tenth of the time more, for the same bytes.
        write_batch_size=row_group,
        compression="zstd",
        compression_level=3,
        use_dictionary=False,
        # Nobody looks for bars by their price.
        write_statistics=[_NUMBER, _TS],
        column_encoding=encodings,
        store_decimal_as_integer=True,
    )
    return sink.getvalue()


def _joined(pieces: Sequence[pa.Array]) -> NDArray[Any]:
    return _view(pieces[0]) if len(pieces) == 1 else np.concatenate([_view(piece) for piece in pieces])


def _decode_into(out: Floats, pieces: Sequence[pa.Array], start: int) -> None:
    """Write what a column has from a row on."""
    place = 0
    for piece in pieces:
        first, stop = max(start - place, 0), min(start + len(out) - place, len(piece))
        if first < stop:
            _decode_piece(out[place + first - start : place + stop - start], piece, first)
        place += len(piece)


def _decode_piece(out: Floats, piece: pa.Array, first: int) -> None:
    part = slice(first, first + len(out))
    if pa.types.is_decimal(piece.type):
        np.divide(_view(piece)[part], 10.0**piece.type.scale, out=out)
        return
    out[:] = _view(piece)[part]
    if piece.null_count:
        bits = np.frombuffer(piece.buffers()[0], dtype=np.uint8)
        is_held = np.unpackbits(bits, bitorder="little", count=piece.offset + part.stop)[piece.offset + first :]
        out[is_held == 0] = np.nan


def _view(column: pa.Array) -> NDArray[Any]:
    # Not column.to_numpy(): like pa.array(), it imports pandas.
    kind = np.dtype("f8" if pa.types.is_floating(column.type) else f"i{column.type.bit_width // 8}")
    return np.frombuffer(column.buffers()[1], dtype=kind)[column.offset : column.offset + len(column)]
