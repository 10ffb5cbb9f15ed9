"""Many series in one file that others can read: CSV, Parquet or DuckDB, whole under its name or not there at all."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from qts.core import Bars
from qts.core.errors import BadPath, StoreFull
from qts.data.storage import SeriesInfo
from qts.data.storage.vault import disk_faults

CSV, PARQUET, DUCKDB = "csv", "parquet", "duckdb"
_INSTANT: Final = pa.timestamp("us", tz="Asia/Kolkata")
_VALUES: Final = ("open", "high", "low", "close", "volume", "oi")
_IST_OFFSET_MICROS: Final = 19_800_000_000
_ROW_GROUP: Final = 131_072
_MOST_SERIES: Final = 4_096
_SCHEMA: Final = pa.schema(
    [
        ("instrument", pa.string()),
        ("interval", pa.string()),
        ("basis", pa.string()),
        ("ts", _INSTANT),
        *((name, pa.float64()) for name in _VALUES),
        ("simulated", pa.bool_()),
    ]
)
_NAMES: Final = "instrument VARCHAR NOT NULL, interval VARCHAR NOT NULL, basis VARCHAR NOT NULL"
_CREATE: Final = (
    f"CREATE TABLE bars ({_NAMES}, ts TIMESTAMPTZ NOT NULL, {', '.join(f'{name} DOUBLE' for name in _VALUES)}, simulated BOOLEAN NOT NULL)",
    (
        f"CREATE TABLE series ({_NAMES}, first_ts TIMESTAMPTZ NOT NULL, last_ts TIMESTAMPTZ NOT NULL, last_close DOUBLE NOT NULL, "
        "n_bars BIGINT NOT NULL, simulated BOOLEAN NOT NULL, label VARCHAR NOT NULL, sources VARCHAR NOT NULL, snapshot VARCHAR NOT NULL)"
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedSeries:
    """The bars of a series on their way out. ``label`` is what must be said of its prices, empty where nothing."""

    info: SeriesInfo
    bars: Bars
    label: str


class Sink(Protocol):
    """Whatever takes series one after the other."""

    def write(self, series: ExportedSeries) -> None:
        """Add the bars of a series; they may wait for more to come before they are written."""
        ...


class _Writer(Protocol):
    """A file under way."""

    def write(self, batch: Sequence[ExportedSeries]) -> None:
        """Add the bars of series, at least one, in this order."""
        ...

    def close(self) -> None:
        """Finish the file."""
        ...


@contextmanager
def exporting(target: Path, kind: str, labels: Mapping[str, str], *, memory: str = "1GB") -> Iterator[Sink]:
    """Yield what takes the series of one file; the file has its name once all went well.

    Parameters
    ----------
    target : Path
        The file; one that is there is replaced.
    kind : str
        ``csv``, ``parquet`` or ``duckdb``.
    labels : mapping of str to str
        What must be said of the whole: kept in the file where its kind has a place for it. ``snapshot`` is one of them.
    memory : str
        How much memory DuckDB may use.

    Raises
    ------
    StoreFull
        If the disk is full; what was there before is left alone.
    BadPath
        If the file cannot be written.
    """
    with unfinished(target) as file, _translated(target):
        writer = _WRITERS[kind](file, labels, memory)
        try:
            sink = _Batches(writer)
            yield sink
            sink.flush()
        finally:
            writer.close()


@contextmanager
def unfinished(target: Path) -> Iterator[Path]:
    """Yield the path of a file beside the target, which takes its name at the end, flushed, or is gone after an error."""
    with disk_faults(target.parent):
        folder = target.parent / f".{target.name}.{os.getpid()}-{secrets.token_hex(4)}.tmp"
        folder.mkdir(parents=True)
        try:
            file = folder / target.name
            yield file
            with file.open("rb+") as written:
                os.fsync(written.fileno())
            file.replace(target)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def table_of(batch: Sequence[ExportedSeries]) -> Any:  # noqa: ANN401 - pyarrow carries no types
    """Return the bars as an Arrow table that names their series in every row, in this order; absent counts are null."""
    places = pa.array(np.repeat(np.arange(len(batch), dtype=np.int32), [len(series.bars) for series in batch]))
    names = [
        pa.DictionaryArray.from_arrays(places, pa.array(texts, pa.string())).cast(pa.string())
        for texts in zip(*(key_texts(series.info.key) for series in batch), strict=True)
    ]
    ts = pa.array(_column(batch, "ts")).cast(pa.timestamp("us", tz="UTC")).cast(_INSTANT)
    values = [pa.array(_column(batch, name), from_pandas=True) for name in _VALUES]
    simulated = pa.array([bool(series.label) for series in batch], pa.bool_()).take(places)
    return pa.Table.from_arrays([*names, ts, *values, simulated], schema=_SCHEMA)


def _column(batch: Sequence[ExportedSeries], name: str) -> Any:  # noqa: ANN401
    columns = [getattr(series.bars, name) for series in batch]
    return columns[0] if len(columns) == 1 else np.concatenate(columns)


def key_texts(key: Any) -> tuple[str, str, str]:  # noqa: ANN401
    """Return the three parts of a series' name."""
    return str(key.instrument), str(key.interval), str(key.basis)


class _Batches:
    """Series that wait until they are worth a write: what a write costs by itself is then shared by thousands of short ones."""

    def __init__(self, writer: _Writer) -> None:
        self._writer = writer
        self._waiting: list[ExportedSeries] = []
        self._n_bars = 0

    def write(self, series: ExportedSeries) -> None:
        self._waiting.append(series)
        self._n_bars += len(series.bars)
        if self._n_bars >= _ROW_GROUP or len(self._waiting) >= _MOST_SERIES:
            self.flush()

    def flush(self) -> None:
        batch, self._waiting, self._n_bars = self._waiting, [], 0
        if batch:
            self._writer.write(batch)


class _CsvWriter:
    def __init__(self, file: Path, labels: Mapping[str, str], memory: str) -> None:
        del labels, memory
        at = _SCHEMA.get_field_index("ts")
        self._at, schema = at, _SCHEMA.set(at, pa.field("ts", pa.string()))
        self._writer = pa.csv.CSVWriter(str(file), schema, write_options=pa.csv.WriteOptions(quoting_style="needed", quoting_header="none"))

    def write(self, batch: Sequence[ExportedSeries]) -> None:
        local = (_column(batch, "ts") + _IST_OFFSET_MICROS).view("datetime64[us]")
        stamps = np.char.add(np.datetime_as_string(local, unit="s"), "+05:30")
        self._writer.write_table(table_of(batch).set_column(self._at, "ts", pa.array(stamps.tolist(), pa.string())))

    def close(self) -> None:
        self._writer.close()


class _ParquetWriter:
    def __init__(self, file: Path, labels: Mapping[str, str], memory: str) -> None:
        del memory
        self._writer = pa.parquet.ParquetWriter(str(file), _SCHEMA.with_metadata(dict(labels)), compression="zstd")

    def write(self, batch: Sequence[ExportedSeries]) -> None:
        self._writer.write_table(table_of(batch), row_group_size=_ROW_GROUP)

    def close(self) -> None:
        self._writer.close()


class _DuckdbWriter:
    def __init__(self, file: Path, labels: Mapping[str, str], memory: str) -> None:
        config: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": memory,
            "temp_directory": "",
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }
        self._connection = duckdb.connect(str(file), config=config)
        self._snapshot = labels["snapshot"]
        for statement in _CREATE:
            self._connection.execute(statement)
        told = "; ".join(f"{name}: {text}" for name, text in labels.items()).replace("'", "''")
        self._connection.execute(f"COMMENT ON TABLE bars IS '{told}'")

    def write(self, batch: Sequence[ExportedSeries]) -> None:
        for name, table in (("bars", table_of(batch)), ("series", _series_table(batch, self._snapshot))):
            self._connection.register("part", table)
            self._connection.execute(f"INSERT INTO {name} SELECT * FROM part")  # noqa: S608 - our own names only
            self._connection.unregister("part")

    def close(self) -> None:
        # What was written is taken into the file itself: no log is left beside it.
        self._connection.close()


def _series_table(batch: Sequence[ExportedSeries], snapshot: str) -> Any:  # noqa: ANN401 - pyarrow carries no types
    instant = pa.timestamp("us", tz="UTC")
    texts = [pa.array(column, pa.string()) for column in zip(*(key_texts(series.info.key) for series in batch), strict=True)]
    columns = {
        "first_ts": pa.array([int(series.bars.ts[0]) for series in batch], instant),
        "last_ts": pa.array([int(series.bars.ts[-1]) for series in batch], instant),
        "last_close": pa.array([float(series.bars.close[-1]) for series in batch], pa.float64()),
        "n_bars": pa.array([len(series.bars) for series in batch], pa.int64()),
        "simulated": pa.array([bool(series.label) for series in batch], pa.bool_()),
        "label": pa.array([series.label for series in batch], pa.string()),
        "sources": pa.array([", ".join(series.info.sources) for series in batch], pa.string()),
        "snapshot": pa.array([snapshot] * len(batch), pa.string()),
    }
    return pa.Table.from_arrays([*texts, *columns.values()], names=["instrument", "interval", "basis", *columns])


_WRITERS: Final[Mapping[str, type[_CsvWriter | _ParquetWriter | _DuckdbWriter]]] = {
    CSV: _CsvWriter,
    PARQUET: _ParquetWriter,
    DUCKDB: _DuckdbWriter,
}


@contextmanager
def _translated(target: Path) -> Iterator[None]:
    try:
        yield
    except duckdb.Error as error:
        if "No space left" in str(error):
            raise StoreFull(str(target.parent)) from error
        raise BadPath(str(target), " ".join(str(error).split()).rstrip("."), hint="Try another folder.") from error
