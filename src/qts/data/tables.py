"""Which rows and columns does a file hold? CSV, Parquet and JSON are read in blocks, so that memory stays bounded."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from qts.core import Ints
from qts.core.errors import BadFile, NotPrices
from qts.data.unpack import Member, encoding_of, utf8_blocks

BATCH_ROWS: Final = 131_072
MAX_LINE: Final = 16 << 20
MAX_WHOLE: Final = 512 << 20
"""Bytes of a JSON file, or of a Parquet file inside an archive: these cannot be read in blocks."""
_HEAD: Final = 64 << 10
_SAMPLE_ROWS: Final = 200
_DELIMITERS: Final = ",;\t|"
_CANDLE_COLUMNS: Final = ("date", "open", "high", "low", "close", "volume", "oi")


class Container(StrEnum):
    """How the rows are written."""

    CSV = "csv"
    PARQUET = "parquet"
    JSON = "json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Misfit:
    """A row whose number of fields is not that of the header."""

    row: int
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Some rows: their numbers as a text editor counts lines, their columns, and the rows that do not fit the header."""

    rows: Ints
    columns: dict[str, pa.Array]
    misfits: tuple[Misfit, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A readable file: its column names as written, a sample of its first rows as texts, and a reader of the columns asked for.

    ``batches`` may be called again to read the file again. ``notes`` grows while reading, when something is worth telling.
    """

    label: str
    name: str
    container: Container
    columns: tuple[str, ...]
    sample: tuple[dict[str, str], ...]
    batches: Callable[[Sequence[str]], Iterator[Batch]]
    notes: list[str] = field(default_factory=list)


def open_table(member: Member) -> Table:
    """Return the table in a member, by its first bytes and not by its name.

    Raises
    ------
    BadFile
        If it is empty, binary, damaged, or JSON without candles.
    BadPath
        If it may not be read.
    """
    with member.blocks() as blocks:
        head = next(blocks, b"")
    if not head.strip(b" \t\r\n\x00\xef\xbb\xbf"):
        raise BadFile(member.label, "is empty", hint="Import the file that has the prices.")
    if head.startswith(b"PAR1"):
        return _parquet(member)
    encoding = encoding_of(head[:_HEAD])
    if encoding is None:
        raise NotPrices(
            member.label, "is neither text nor Parquet", hint="Import CSV, Parquet or Kite JSON, plain or packed as gzip or zip."
        )
    if head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"["):
        return _candles(member)
    return _csv(member, head, encoding)


def _csv(member: Member, head: bytes, encoding: str) -> Table:
    text = head[:_HEAD].decode(encoding, errors="replace")
    lines = re.split(r"\r\n|\n|\r", text)
    n_blank = next((i for i, line in enumerate(lines) if line.strip()), None)
    if n_blank is None:
        raise BadFile(member.label, f"begins with {_HEAD >> 10} KiB of blanks", hint="Import the file that has the prices.")
    header = lines[n_blank]
    delimiter = max(_DELIMITERS, key=lambda mark: _fields(header, mark))
    width = _width(lines[n_blank + 1 :], header, delimiter)
    names = _distinct([name.strip() for name in next(csv.reader([header], delimiter=delimiter, skipinitialspace=True))], width)
    records = csv.reader(lines[n_blank + 1 : n_blank + 1 + _SAMPLE_ROWS], delimiter=delimiter, skipinitialspace=True)
    sample = tuple(dict(zip(names, (value.strip() for value in record), strict=False)) for record in records if record)
    notes: list[str] = []
    if encoding.startswith("utf-16"):
        notes.append("The text is UTF-16; it was converted.")
    reader = _CsvReader(member=member, encoding=encoding, delimiter=delimiter, names=names, n_skipped=n_blank + 1, notes=notes)
    return Table(
        label=member.label,
        name=member.name,
        container=Container.CSV,
        columns=tuple(names),
        sample=sample,
        batches=reader.batches,
        notes=notes,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _CsvReader:
    member: Member
    encoding: str
    delimiter: str
    names: list[str]
    n_skipped: int
    notes: list[str]

    def batches(self, columns: Sequence[str]) -> Iterator[Batch]:
        with self.member.blocks() as blocks:
            row = 1
            for lines in _whole_lines(utf8_blocks(blocks, self.encoding, self._tell_fallback), self.member.label):
                batch, n_rows = self._parse(lines, row, columns)
                yield batch
                row += n_rows

    def _tell_fallback(self) -> None:
        note = "The text is not UTF-8; it was read as Latin-1."
        if note not in self.notes:
            self.notes.append(note)

    def _parse(self, lines: bytes, first_row: int, columns: Sequence[str]) -> tuple[Batch, int]:
        wrong: list[pacsv.InvalidRow] = []

        def keep(row: pacsv.InvalidRow) -> str:
            wrong.append(row)
            return "skip"

        n_skipped = max(self.n_skipped - first_row + 1, 0)
        try:
            table = self._read(lines, n_skipped, columns, keep)
        except pa.ArrowInvalid as error:
            raise BadFile(self.member.label, f"cannot be split into columns ({str(error).splitlines()[0]})") from error
        n_rows = n_skipped + table.num_rows + len(wrong)
        rows = np.arange(first_row + n_skipped, first_row + n_rows, dtype=np.int64)
        if wrong:
            rows = rows[~np.isin(rows, np.array([first_row + row.number - 1 for row in wrong]))]
        misfits = [_misfit(row, first_row) for row in wrong if not _is_remark(row)]
        arrays = {name: _joined(table.column(name)) for name in columns}
        return _without_blank_lines(rows, arrays, misfits), n_rows

    def _read(self, lines: bytes, n_skipped: int, columns: Sequence[str], keep: Callable[[pacsv.InvalidRow], str]) -> pa.Table:
        return pacsv.read_csv(
            pa.BufferReader(lines),
            read_options=pacsv.ReadOptions(use_threads=False, column_names=self.names, block_size=len(lines) + 1, skip_rows=n_skipped),
            parse_options=pacsv.ParseOptions(delimiter=self.delimiter, invalid_row_handler=keep, ignore_empty_lines=False),
            convert_options=pacsv.ConvertOptions(
                column_types=dict.fromkeys(self.names, pa.string()), strings_can_be_null=False, include_columns=list(columns)
            ),
        )


def _is_remark(row: pacsv.InvalidRow) -> bool:
    """Return whether a line is blank or a remark rather than a row: NSE's reports end with one that begins with an asterisk."""
    text = row.text.strip()
    return not text or (row.actual_columns == 1 and text[0] in "*#")


def _misfit(row: pacsv.InvalidRow, first_row: int) -> Misfit:
    detail = f"{row.actual_columns} fields where the header has {row.expected_columns}"
    return Misfit(row=first_row + row.number - 1, detail=detail)


def _without_blank_lines(rows: Ints, arrays: dict[str, pa.Array], misfits: list[Misfit]) -> Batch:
    is_blank = np.ones(len(rows), np.bool_)
    for array in arrays.values():
        is_blank &= np.asarray(pa.compute.equal(array, ""))
    if is_blank.any():
        keep = pa.array(~is_blank)
        arrays = {name: array.filter(keep) for name, array in arrays.items()}
    return Batch(rows=rows[~is_blank], columns=arrays, misfits=tuple(misfits))


def _whole_lines(blocks: Iterator[bytes], label: str) -> Iterator[bytes]:
    rest = b""
    newline = b""
    for block in blocks:
        text = rest + block
        newline = newline or (b"\n" if b"\n" in text else b"\r")
        cut = text.rfind(newline) + 1
        if cut == 0 and len(text) > MAX_LINE:
            raise BadFile(
                label, f"has a line longer than {MAX_LINE >> 20} MiB", hint="It is no table of prices, or its line ends are lost."
            )
        rest = text[cut:]
        if cut:
            yield text[:cut]
    if rest:
        yield rest


def _fields(line: str, delimiter: str) -> int:
    return len(next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), []))


def _width(lines: Sequence[str], header: str, delimiter: str) -> int:
    """Return the number of fields, one more than the header's where most rows end with an extra delimiter."""
    width = _fields(header, delimiter)
    filled = [line for line in lines[:_SAMPLE_ROWS] if line.strip()]
    n_wide = sum(line.rstrip(" \r").endswith(delimiter) and _fields(line, delimiter) == width + 1 for line in filled)
    return width + 1 if n_wide * 2 > len(filled) else width


def _distinct(names: list[str], width: int) -> list[str]:
    names = [*names, *[""] * (width - len(names))]
    taken: dict[str, int] = {}
    distinct = []
    for name in names:
        taken[name] = taken.get(name, 0) + 1
        distinct.append(name if taken[name] == 1 and name else f"{name}#{taken[name]}")
    return distinct


def _joined(column: pa.ChunkedArray) -> pa.Array:
    return (
        column.chunk(0) if column.num_chunks == 1 else pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
    )


def _parquet(member: Member) -> Table:
    def opened() -> pq.ParquetFile:
        try:
            return pq.ParquetFile(member.path if member.path is not None else io.BytesIO(_whole(member)))
        except (pa.ArrowException, OSError) as error:
            raise _damaged(member.label, error) from error

    def batches(columns: Sequence[str]) -> Iterator[Batch]:
        first = 1
        with opened() as file:
            try:
                for record in file.iter_batches(batch_size=BATCH_ROWS, columns=list(columns), use_threads=False):
                    rows = np.arange(first, first + record.num_rows, dtype=np.int64)
                    yield Batch(rows=rows, columns={name: _as_text(record.column(name)) for name in columns})
                    first += record.num_rows
            except (pa.ArrowException, OSError) as error:
                raise _damaged(member.label, error) from error

    with opened() as file:
        columns = tuple(part.name for part in file.schema_arrow if not pa.types.is_nested(part.type))
    first = next(batches(columns), None)
    sample: tuple[dict[str, str], ...] = ()
    if first is not None:
        texts = {name: [_shown(value_of(value)) for value in array.slice(0, _SAMPLE_ROWS)] for name, array in first.columns.items()}
        sample = tuple({name: texts[name][i] for name in columns} for i in range(min(_SAMPLE_ROWS, len(first.rows))))
    return Table(
        label=member.label, name=member.name, container=Container.PARQUET, columns=columns, sample=sample, batches=batches, notes=[]
    )


def value_of(scalar: pa.Scalar) -> object:
    """Return a value of a column, or what says that there is none: a date can lie beyond the calendar."""
    try:
        return scalar.as_py()
    except (OverflowError, ValueError):
        return "no date of the calendar"


def _as_text(column: pa.Array) -> pa.Array:
    # Some writers do not mark their bytes as text.
    kind = column.type
    is_bytes = pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind)
    return column.cast(pa.binary()).cast(pa.string()) if is_bytes else column


def _shown(value: object) -> str:
    return "" if value is None else str(value)


def _damaged(label: str, error: BaseException) -> BadFile:
    return BadFile(label, f"is damaged Parquet ({str(error).splitlines()[0]})", hint="Fetch or write the file again.")


def _candles(member: Member) -> Table:
    content = _whole(member)
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise BadFile(member.label, f"is damaged JSON ({error})", hint="Fetch the file again; it may be cut.") from error
    candles = _find_candles(document)
    if candles is None:
        raise NotPrices(
            member.label,
            "is JSON, but holds no candles, so no prices",
            hint='Kite\'s historical answer looks like {"data": {"candles": [[stamp, open, high, low, close, volume], …]}}.',
        )
    width = max((len(candle) for candle in candles), default=0)
    columns = _CANDLE_COLUMNS[: max(min(width, len(_CANDLE_COLUMNS)), 5)]

    def batches(names: Sequence[str]) -> Iterator[Batch]:
        for start in range(0, len(candles), BATCH_ROWS):
            yield _candle_batch(candles[start : start + BATCH_ROWS], start + 1, names)

    sample = tuple(
        dict(zip(columns, (_shown(value) for value in candle), strict=False)) for candle in candles[:_SAMPLE_ROWS] if len(candle) > 0
    )
    return Table(label=member.label, name=member.name, container=Container.JSON, columns=columns, sample=sample, batches=batches, notes=[])


def _candle_batch(candles: Sequence[list[object]], first_row: int, names: Sequence[str]) -> Batch:
    rows, misfits, kept = [], [], []
    for row, candle in enumerate(candles, first_row):
        if 5 <= len(candle) <= len(_CANDLE_COLUMNS):
            rows.append(row)
            kept.append(candle)
        else:
            misfits.append(Misfit(row=row, detail=f"{len(candle)} elements where a candle has 5 to {len(_CANDLE_COLUMNS)}"))
    places = {name: _CANDLE_COLUMNS.index(name) for name in names}
    columns = {name: pa.array([_shown(candle[i]) if i < len(candle) else "" for candle in kept], pa.string()) for name, i in places.items()}
    return Batch(rows=np.array(rows, dtype=np.int64), columns=columns, misfits=tuple(misfits))


def _find_candles(document: object) -> list[list[object]] | None:
    for name in ("data", "candles"):
        if isinstance(document, dict) and name in document:
            document = document[name]
    if isinstance(document, list) and all(isinstance(candle, list) for candle in document):
        return document
    return None


def _whole(member: Member) -> bytes:
    parts: list[bytes] = []
    with member.blocks() as blocks:
        for block in blocks:
            parts.append(block)
            if sum(map(len, parts)) > MAX_WHOLE:
                raise BadFile(member.label, f"is larger than {MAX_WHOLE >> 20} MiB", hint="Split it, or unpack it first.")
    return b"".join(parts)
