"""Many series in one file that others can read: CSV, Parquet or DuckDB, whole under its name or not there at all."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
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
        """Add the bars of a series."""
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
        sink = _SINKS[kind](file, labels, memory)
        try:
            yield sink
        finally:
            sink.close()


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


def table_of(series: ExportedSeries) -> Any:  # noqa: ANN401 - pyarrow carries no types
    """Return the bars as an Arrow table that names their series in every row; absent counts are null."""
    bars, key = series.bars, series.info.key
    n_bars = len(bars)
    names = [
        pa.DictionaryArray.from_arrays(pa.array(np.zeros(n_bars, np.int32)), pa.array([text])).cast(pa.string()) for text in key_texts(key)
    ]
    ts = pa.array(bars.ts).cast(pa.timestamp("us", tz="UTC")).cast(_INSTANT)
    values = [pa.array(getattr(bars, name), from_pandas=True) for name in _VALUES]
    return pa.Table.from_arrays([*names, ts, *values, pa.array(np.full(n_bars, bool(series.label)))], schema=_SCHEMA)


def key_texts(key: Any) -> tuple[str, str, str]:  # noqa: ANN401
    """Return the three parts of a series' name."""
    return str(key.instrument), str(key.interval), str(key.basis)


class _CsvSink:
    def __init__(self, file: Path, labels: Mapping[str, str], memory: str) -> None:
        del labels, memory
        at = _SCHEMA.get_field_index("ts")
        self._at, schema = at, _SCHEMA.set(at, pa.field("ts", pa.string()))
        self._writer = pa.csv.CSVWriter(str(file), schema, write_options=pa.csv.WriteOptions(quoting_style="needed", quoting_header="none"))

    def write(self, series: ExportedSeries) -> None:
        local = (series.bars.ts + _IST_OFFSET_MICROS).view("datetime64[us]")
        stamps = np.char.add(np.datetime_as_string(local, unit="s"), "+05:30")
        self._writer.write_table(table_of(series).set_column(self._at, "ts", pa.array(stamps.tolist(), pa.string())))

    def close(self) -> None:
        self._writer.close()


class _ParquetSink:
    def __init__(self, file: Path, labels: Mapping[str, str], memory: str) -> None:
        del memory
        self._writer = pa.parquet.ParquetWriter(str(file), _SCHEMA.with_metadata(dict(labels)), compression="zstd")

    def write(self, series: ExportedSeries) -> None:
        self._writer.write_table(table_of(series), row_group_size=_ROW_GROUP)

    def close(self) -> None:
        self._writer.close()


class _DuckdbSink:
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

    def write(self, series: ExportedSeries) -> None:
        bars, info = series.bars, series.info
        self._connection.register("part", table_of(series))
        self._connection.execute("INSERT INTO bars SELECT * FROM part")
        self._connection.unregister("part")
        row = [*key_texts(info.key), int(bars.ts[0]), int(bars.ts[-1]), float(bars.close[-1]), len(bars), bool(series.label)]
        row += [series.label, ", ".join(info.sources), self._snapshot]
        self._connection.execute("INSERT INTO series VALUES (?, ?, ?, make_timestamptz(?), make_timestamptz(?), ?, ?, ?, ?, ?, ?)", row)

    def close(self) -> None:
        # What was written is taken into the file itself: no log is left beside it.
        self._connection.close()


_SINKS: Final[Mapping[str, type[_CsvSink | _ParquetSink | _DuckdbSink]]] = {CSV: _CsvSink, PARQUET: _ParquetSink, DUCKDB: _DuckdbSink}


@contextmanager
def _translated(target: Path) -> Iterator[None]:
    try:
        yield
    except duckdb.Error as error:
        if "No space left" in str(error):
            raise StoreFull(str(target.parent)) from error
        raise BadPath(str(target), " ".join(str(error).split()).rstrip("."), hint="Try another folder.") from error
