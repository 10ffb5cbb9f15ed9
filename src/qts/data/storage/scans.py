"""Files of bars as DuckDB scans them: only those that a query's conditions leave, each checked before any of it counts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final
from weakref import WeakKeyDictionary

import duckdb
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.fs
import pyarrow.parquet as pq

from qts.core import InstrumentId
from qts.core.errors import QtsError
from qts.data.storage.records import StoredFile
from qts.data.storage.rows import PRICES, VALUES

NAME: Final = "instrument"
_INSTANT: Final = pa.timestamp("us", tz="UTC")
_MOST_SCHEMAS: Final = 65_536
# What a file is taken for that cannot be looked into: a query that needs it fails when it is checked, others do not notice.
_USUAL: Final = pa.schema(
    [
        ("instrument_id", pa.int32()),
        ("ts", _INSTANT),
        *((price, pa.decimal32(9, 2)) for price in PRICES),
        *((count, pa.int64()) for count in VALUES[len(PRICES) :]),
    ]
)
_FAULTS: Final[WeakKeyDictionary[duckdb.DuckDBPyConnection, list[QtsError]]] = WeakKeyDictionary()


@dataclass(frozen=True, slots=True, kw_only=True)
class ScannedFile:
    """A file, its place on the disk, how it keeps its columns, and the instrument whose bars alone it holds (None: several)."""

    stored: StoredFile
    path: str
    schema: Any
    instrument: InstrumentId | None


class CheckedFiles(ds.FileSystemDataset):  # type: ignore[misc]  # pyarrow carries no types
    """A dataset whose files are checked when a scan needs them.

    DuckDB asks for a scanner with the conditions that it could push down; files whose instrument or instants cannot meet them are left
    out, neither checked nor opened.
    """

    stored: dict[str, StoredFile]
    check: Callable[[StoredFile], object]
    faults: list[QtsError]

    def scanner(self, *args: Any, **options: Any) -> Any:  # noqa: ANN401 - the signature is pyarrow's
        """Return a scanner of the files that are left."""
        try:
            for fragment in self.get_fragments(filter=options.get("filter")):
                self.check(self.stored[fragment.path])
        except QtsError as error:
            # DuckDB hands on the text only.
            self.faults.append(error)
            raise
        return super().scanner(*args, **options)


def checked_files(files: Sequence[ScannedFile], *, check: Callable[[StoredFile], object], faults: list[QtsError]) -> CheckedFiles:
    """Return files that keep their columns alike as one dataset.

    Those of one instrument each have a column ``instrument`` more.
    """
    filesystem, layout = pyarrow.fs.LocalFileSystem(), ds.ParquetFileFormat()
    fragments = [layout.make_fragment(file.path, filesystem=filesystem, partition_expression=_promise(file)) for file in files]
    schema = files[0].schema if files[0].instrument is None else files[0].schema.append(pa.field(NAME, pa.string()))
    dataset = CheckedFiles(fragments, schema, layout, filesystem)
    dataset.stored = {file.path: file.stored for file in files}
    dataset.check, dataset.faults = check, faults
    return dataset


def schema_of(path: Path) -> Any:  # noqa: ANN401 - pyarrow carries no types
    """Return how a file keeps its columns, unchecked; the usual way where it cannot be told."""
    try:
        schema = _read_schema(str(path))
    except (OSError, ValueError, pa.ArrowException):
        return _USUAL
    is_ours = schema.names == _USUAL.names and schema.types[:2] == _USUAL.types[:2] and all(map(_is_number, schema.types[2:]))
    return schema if is_ours else _USUAL


def faults_of(connection: duckdb.DuckDBPyConnection) -> list[QtsError]:
    """Return the list of what was found wrong with files that queries of a connection needed."""
    return _FAULTS.setdefault(connection, [])


@lru_cache(maxsize=_MOST_SCHEMAS)
def _read_schema(path: str) -> Any:  # noqa: ANN401 - pyarrow carries no types
    return _same(pq.read_schema(path))


def _is_number(kind: Any) -> bool:  # noqa: ANN401 - pyarrow carries no types
    return bool(pa.types.is_decimal(kind) or pa.types.is_floating(kind) or pa.types.is_integer(kind))


@lru_cache(maxsize=64)
def _same(schema: Any) -> Any:  # noqa: ANN401 - pyarrow carries no types
    # One object for all files that are alike.
    return schema


def _promise(file: ScannedFile) -> Any:  # noqa: ANN401 - pyarrow carries no types
    stored = file.stored
    first, last = pa.scalar(stored.ts_min, _INSTANT), pa.scalar(stored.ts_max, _INSTANT)
    promise = (ds.field("ts") >= first) & (ds.field("ts") <= last)
    return promise if file.instrument is None else (ds.field(NAME) == str(file.instrument)) & promise
