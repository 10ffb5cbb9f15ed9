"""DuckDB's own file under test: one table of doubles, no index, as its documentation advises for bulk and ranges."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from benchmarks.stores.worker import CLOSE, HIGH, LOW, OPEN, VOLUME, Bench, Block, Floats, Prepared, serve

COLUMNS = "symbol SMALLINT, ts TIMESTAMP, open DOUBLE, high DOUBLE, low DOUBLE, close DOUBLE, volume BIGINT"
SPAN = (
    "SELECT ts, open, high, low, close, volume::DOUBLE AS volume FROM bars "
    "WHERE symbol = ? AND ts >= make_timestamp(?) AND ts < make_timestamp(?) ORDER BY ts"
)
DAYS = (
    "SELECT symbol, time_bucket(INTERVAL 1 DAY, ts) AS day, first(open ORDER BY ts), max(high), min(low), "
    "last(close ORDER BY ts) AS close, sum(volume) FROM bars "
    "WHERE symbol IN (SELECT unnest(?)) AND ts >= make_timestamp(?) AND ts < make_timestamp(?) GROUP BY symbol, day"
)
DAY_MICROS = 86_400_000_000
DAYS_AT_A_TIME = 30


class DuckStore:
    """A table of bars in a file."""

    def __init__(self) -> None:
        self._connection: Any = None
        self._path = Path()

    def version(self) -> str:
        return duckdb.__version__

    def open(self, folder: Path, *, read_only: bool = False) -> None:
        folder.mkdir(exist_ok=True)
        self._path = folder / "bars.duckdb"
        self._connection = duckdb.connect(str(self._path), read_only=read_only, config={"threads": 1, "memory_limit": "4GB"})
        if not read_only:
            self._connection.execute(f"CREATE TABLE IF NOT EXISTS bars ({COLUMNS})")
        self._connection.execute("SELECT count(*) FROM bars").fetchall()

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def prepared(self, block: Block) -> Prepared:
        columns = {
            "symbol": np.repeat(np.array(block.symbols, dtype=np.int16), len(block.ts)),
            "ts": pa.array(np.tile(block.ts, len(block.symbols))).cast(pa.timestamp("us")),
        }
        for name, row in (("open", OPEN), ("high", HIGH), ("low", LOW), ("close", CLOSE)):
            columns[name] = block.prices[:, row].ravel()
        return pa.table(columns | {"volume": block.prices[:, VOLUME].ravel().astype(np.int64)})

    def load(self, prepared: Prepared) -> None:
        self._connection.register("block", prepared)
        self._connection.execute("INSERT INTO bars SELECT * FROM block")
        self._connection.execute("CHECKPOINT")
        self._connection.unregister("block")

    def upsert(self, prepared: Prepared) -> None:
        # A key would cost four times the time; a session is replaced as a whole.
        self._connection.register("block", prepared)
        self._connection.execute("BEGIN")
        self._connection.execute(
            "DELETE FROM bars WHERE ts >= (SELECT min(ts) FROM block) AND ts <= (SELECT max(ts) FROM block) "
            "AND symbol IN (SELECT DISTINCT symbol FROM block)"
        )
        self._connection.execute("INSERT INTO bars SELECT * FROM block")
        self._connection.execute("COMMIT")
        self._connection.unregister("block")

    def reader(self) -> Callable[[int, int, int], dict[str, Any]]:
        cursor = self._connection.cursor()

        def read(symbol: int, start: int, end: int) -> dict[str, Any]:
            found: dict[str, Any] = cursor.execute(SPAN, [symbol, start, end]).fetchnumpy()
            return found | {"ts": found["ts"].view(np.int64)}

        return read

    def latest(self, symbols: Sequence[int]) -> Floats:
        found = self._connection.execute(
            "SELECT arg_max(close, ts) AS close FROM bars WHERE symbol IN (SELECT unnest(?)) GROUP BY symbol", [list(symbols)]
        ).fetchnumpy()
        return np.asarray(found["close"])

    def days(self, symbols: Sequence[int], start: int, end: int) -> Floats:
        return np.asarray(self._connection.execute(DAYS, [list(symbols), start, end]).fetchnumpy()["close"])

    def size(self) -> int:
        self._connection.execute("CHECKPOINT")
        return self._path.stat().st_size

    def rewrite(self, source: Path) -> int:
        """Fill the table from another file, in the order in which sessions arrive, and return how many bars it has."""
        self._connection.execute(f"ATTACH '{source / 'bars.duckdb'}' AS source (READ_ONLY)")
        first, last = self._connection.execute("SELECT epoch_us(min(ts)), epoch_us(max(ts)) FROM source.bars").fetchone()
        for start in range(first, last + 1, DAYS_AT_A_TIME * DAY_MICROS):
            self._connection.execute(
                "INSERT INTO bars SELECT * FROM source.bars WHERE ts >= make_timestamp(?) AND ts < make_timestamp(?) "
                "ORDER BY ts::DATE, symbol, ts",
                [start, start + DAYS_AT_A_TIME * DAY_MICROS],
            )
        self._connection.execute("DETACH source")
        self._connection.execute("CHECKPOINT")
        return int(self._connection.execute("SELECT count(*) FROM bars").fetchone()[0])


class DuckBench(Bench):
    """The commands, and one more."""

    def rewrite(self, source: str) -> dict[str, Any]:
        """Fill the table from another file, day after day."""
        assert isinstance(self._store, DuckStore)  # noqa: S101 - for mypy
        with self._clock():
            n_bars = self._store.rewrite(Path(source))
        return {"n_bars": n_bars, **self._seen}


if __name__ == "__main__":
    serve(DuckStore(), DuckBench)
