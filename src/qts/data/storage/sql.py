"""SQL over the bars of one snapshot: DuckDB reads what Arrow hands to it and can reach nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import duckdb
import pyarrow as pa
import pyarrow.dataset as ds

from qts.core import InstrumentId, Interval, exchange_of, symbol_of
from qts.data.storage.encoding import Footer
from qts.data.storage.rows import PRICES
from qts.data.storage.series import PriceBasis, SeriesInfo, SeriesKey

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
# An instant plus India's offset, in whole days: the date in India.
_DAYS: Final = """
    SELECT instrument, interval, basis, list(day), list(n_bars)
    FROM (
        SELECT instrument, interval, basis, (epoch_us(ts) + 19_800_000_000) // 86_400_000_000 AS day, count(*) AS n_bars
        FROM bars GROUP BY ALL
    )
    GROUP BY ALL
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileOfBars:
    """A checked file, by its absolute path."""

    path: str
    interval: Interval
    basis: PriceBasis
    footer: Footer


def connect(
    files: Sequence[FileOfBars], names: Mapping[int, InstrumentId], infos: Sequence[SeriesInfo], *, threads: int, memory: str
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
    selects = [_select(connection, f"files_{i}", kind, paths) for i, (kind, paths) in enumerate(_kinds(files).items())]
    connection.execute(f"CREATE TEMP VIEW bars AS {' UNION ALL '.join(selects) or _NO_BARS}")
    for statement in _LOCKED:
        connection.execute(statement)
    return connection


def count_days(connection: duckdb.DuckDBPyConnection) -> dict[SeriesKey, dict[int, int]]:
    """Return how many bars each series has on each date in India, as days since 1970-01-01."""
    counted = {}
    for instrument, interval, basis, days, counts in connection.execute(_DAYS).fetchall():
        key = SeriesKey(instrument=InstrumentId(instrument), interval=Interval(interval), basis=PriceBasis(basis))
        counted[key] = dict(zip(days, counts, strict=True))
    return counted


def _kinds(files: Sequence[FileOfBars]) -> dict[tuple[Interval, PriceBasis, str], list[str]]:
    # Files differ in how they keep numbers; a scan over a mixture would take the first file's types for all.
    kinds: dict[tuple[Interval, PriceBasis, str], list[str]] = {}
    for file in files:
        encoding = str(file.footer.metadata.schema.to_arrow_schema().types)
        kinds.setdefault((file.interval, file.basis, encoding), []).append(file.path)
    return kinds


def _select(connection: duckdb.DuckDBPyConnection, name: str, kind: tuple[Interval, PriceBasis, str], paths: list[str]) -> str:
    connection.register(name, ds.dataset(paths, format="parquet"))
    interval, basis, _ = kind
    prices = ", ".join(f"{price}::DOUBLE AS {price}" for price in PRICES)
    columns = f"'{interval}' AS interval, '{basis}' AS basis, ts, {prices}, volume::DOUBLE AS volume, oi::DOUBLE AS oi"
    return f"SELECT instrument, {columns} FROM {name} JOIN instrument USING (instrument_id)"  # noqa: S608 - our own names only


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
