"""SQL over the bars of one snapshot: DuckDB reads what Arrow hands to it and can reach nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import duckdb
import pyarrow as pa

from qts.core import InstrumentId, Interval, exchange_of, symbol_of
from qts.data.storage.layout import Dataset
from qts.data.storage.lookup import Span
from qts.data.storage.records import StoredFile
from qts.data.storage.rows import PRICES, VALUES, Rows, overlay
from qts.data.storage.scans import ScannedFile, checked_files, faults_of, schema_of
from qts.data.storage.series import PriceBasis, SeriesInfo
from qts.data.storage.vault import Vault


class _Kind(NamedTuple):
    """What the files of one scan share: ``over`` is the table that lies over them, ``encoding`` how they keep numbers."""

    interval: Interval
    basis: PriceBasis
    over: str
    is_named: bool
    encoding: str


_SAFE: Final[dict[str, str | int | float | list[str]]] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "temp_directory": "",
}
_LOCKED: Final = (
    "SET TimeZone = 'Asia/Kolkata'",
    "SET enable_external_access = false",
    "SET lock_configuration = true",
)
_NO_BARS: Final = """
    SELECT ''::VARCHAR AS instrument, ''::VARCHAR AS interval, ''::VARCHAR AS basis, 'epoch'::TIMESTAMPTZ AS ts,
        0::DOUBLE AS open, 0::DOUBLE AS high, 0::DOUBLE AS low, 0::DOUBLE AS close, 0::DOUBLE AS volume, 0::DOUBLE AS oi
    WHERE false
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileOfBars:
    """Bars of a dataset: a file, or (``rows``) what lies over the dataset's files and replaces bars there."""

    dataset: Dataset
    file: ScannedFile | None = None
    rows: Rows | None = None


def files_of_bars(root: Path, vault: Vault, files: Sequence[StoredFile], names: Mapping[int, InstrumentId]) -> list[FileOfBars]:
    """Return the files of one snapshot for ``connect``, lowest layer first.

    Notes
    -----
    Hot files that only add bars are files like others. Where one replaces bars, those of its dataset are read into memory.

    Raises
    ------
    DamagedFile
        If one that is read into memory is missing or is not what was written; the others are checked when a query needs them.
    """
    doubled = {file.dataset for file in files if file.n_over}
    found = []
    layers: dict[Dataset, list[Rows]] = {}
    for file in files:
        dataset = file.dataset
        if file.is_hot and dataset in doubled:
            layers.setdefault(dataset, []).append(vault.read(file, number=None, span=Span(start=None, end=None)))
            continue
        path = root / file.path
        name = names.get(file.number_min) if dataset.interval.is_intraday and not file.is_hot else None
        scanned = ScannedFile(stored=file, path=path.as_posix(), schema=schema_of(path), instrument=name)
        found.append(FileOfBars(dataset=dataset, file=scanned))
    return found + [FileOfBars(dataset=dataset, rows=overlay(over)) for dataset, over in layers.items()]


def connect(
    files: Sequence[FileOfBars], vault: Vault, names: Mapping[int, InstrumentId], infos: Sequence[SeriesInfo], *, threads: int, memory: str
) -> duckdb.DuckDBPyConnection:
    """Return a connection with the views ``bars`` and ``series``.

    Notes
    -----
    The files are handed over as Arrow datasets. Allowing DuckDB their paths would allow ``COPY`` to write to them, too.
    """
    connection = duckdb.connect(config={**_SAFE, "threads": threads, "memory_limit": memory})
    connection.register("instrument_names", _names(names))
    connection.execute("CREATE TABLE instrument AS SELECT * FROM instrument_names")
    connection.register("series_infos", _series(infos))
    connection.execute("CREATE TABLE series AS SELECT * FROM series_infos")
    over = {file.dataset: f"over_{i}" for i, file in enumerate(file for file in files if file.rows is not None)}
    selects = [_select_rows(connection, over[file.dataset], file) for file in files if file.rows is not None]
    for i, (kind, some) in enumerate(_kinds(files, over).items()):
        connection.register(f"files_{i}", checked_files(some, check=vault.footer, faults=faults_of(connection)))
        selects.append(_select(f"files_{i}", kind))
    connection.execute(f"CREATE TEMP VIEW bars AS {' UNION ALL '.join(selects) or _NO_BARS}")
    for statement in _LOCKED:
        connection.execute(statement)
    return connection


def _kinds(files: Sequence[FileOfBars], over: Mapping[Dataset, str]) -> dict[_Kind, list[ScannedFile]]:
    # Files differ in how they keep numbers; a scan over a mixture would take the first file's types for all.
    kinds: dict[_Kind, list[ScannedFile]] = {}
    for one in files:
        if one.file is not None:
            is_named = one.file.instrument is not None
            kind = _Kind(one.dataset.interval, one.dataset.basis, over.get(one.dataset, ""), is_named, str(one.file.schema.types))
            kinds.setdefault(kind, []).append(one.file)
    return kinds


def _select(name: str, kind: _Kind) -> str:
    below = f"{name} ANTI JOIN {kind.over} USING (instrument_id, ts)" if kind.over else name
    # Where the files know their instruments, a condition on it chooses among them; a join would read them all.
    source = below if kind.is_named else f"{below} JOIN instrument USING (instrument_id)"
    return f"SELECT {_columns(kind.interval, kind.basis)} FROM {source}"  # noqa: S608 - our own names only


def _select_rows(connection: duckdb.DuckDBPyConnection, name: str, file: FileOfBars) -> str:
    rows = file.rows
    assert rows is not None  # noqa: S101 - the caller chose those that have some
    values = {value: pa.array(column) for value, column in zip(VALUES, rows.values, strict=True)}
    numbers, ts = pa.array(rows.numbers.astype("int32")), pa.array(rows.ts).cast(pa.timestamp("us", tz="UTC"))
    connection.register(f"{name}_rows", pa.table({"instrument_id": numbers, "ts": ts, **values}))
    connection.execute(f"CREATE TABLE {name} AS SELECT * FROM {name}_rows")  # noqa: S608 - our own names only
    columns = _columns(file.dataset.interval, file.dataset.basis)
    return f"SELECT {columns} FROM {name} JOIN instrument USING (instrument_id)"  # noqa: S608 - our own names only


def _columns(interval: Interval, basis: PriceBasis) -> str:
    prices = ", ".join(f"{price}::DOUBLE AS {price}" for price in PRICES)
    counts = ", ".join(f"if(isnan({count}::DOUBLE), NULL, {count}::DOUBLE) AS {count}" for count in VALUES[len(PRICES) :])
    return f"instrument, '{interval}' AS interval, '{basis}' AS basis, ts, {prices}, {counts}"


def _names(names: Mapping[int, InstrumentId]) -> Any:  # noqa: ANN401 - pyarrow carries no types
    return pa.table(
        {
            "instrument_id": pa.array(list(names), pa.int32()),
            "instrument": pa.array([str(name) for name in names.values()], pa.string()),
            "exchange": pa.array([str(exchange_of(name)) for name in names.values()], pa.string()),
            "symbol": pa.array([symbol_of(name) for name in names.values()], pa.string()),
        }
    )


def _series(infos: Sequence[SeriesInfo]) -> Any:  # noqa: ANN401 - pyarrow carries no types
    instant = pa.timestamp("us", tz="UTC")
    return pa.table(
        {
            "instrument": pa.array([str(info.key.instrument) for info in infos], pa.string()),
            "interval": pa.array([str(info.key.interval) for info in infos], pa.string()),
            "basis": pa.array([str(info.key.basis) for info in infos], pa.string()),
            "first_ts": pa.array([info.first_ts for info in infos], instant),
            "last_ts": pa.array([info.last_ts for info in infos], instant),
            "last_close": pa.array([info.last_close for info in infos], pa.float64()),
            "n_bars": pa.array([info.n_bars for info in infos], pa.int64()),
            "simulated": pa.array([info.simulated for info in infos], pa.bool_()),
        }
    )
