"""The files of kept option chains: written whole or not at all, listed with their hashes in the control database, read by those."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import sqlalchemy as sa

from qts.app.chain_document import ChainQuote, ChainRecord
from qts.core.errors import DamagedFile
from qts.data.storage.database import Database
from qts.data.storage.row_seals import ROW_SEAL, require_sound, sealed_rows, sound_rows, unsound_rows, with_seal
from qts.data.storage.vault import disk_faults
from qts.data.storage.whole_files import content_of, put_file, size_of

if TYPE_CHECKING:  # pyarrow is imported when the first chain is written or read
    import pyarrow as pa

FOLDER: Final = "data/chains"
LOST_HINT: Final = "`qts verify` takes it from a backup where there is one; quotes of the past can be had nowhere else."
METADATA: Final = sa.MetaData()
CHAINS: Final = sa.Table(
    "option_chains",
    METADATA,
    sa.Column("path", sa.String(800), primary_key=True),
    sa.Column("exchange", sa.String(8), nullable=False),
    sa.Column("underlying", sa.String(200), nullable=False),
    sa.Column("asked_at", sa.String(40), nullable=False),
    sa.Column("source", sa.String(40), nullable=False),
    sa.Column("listed_on", sa.String(10), nullable=False),
    sa.Column("expiries", sa.Text, nullable=False),
    sa.Column("n_contracts", sa.Integer, nullable=False),
    sa.Column("n_quoted", sa.Integer, nullable=False),
    sa.Column("n_bytes", sa.BigInteger, nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("row_seal", sa.String(16)),
    sa.Index("ix_option_chains_underlying", "underlying", "asked_at"),
)
_WHOLE: Final = frozenset({"lot", "volume", "oi", "bid_quantity", "ask_quantity"})
_TEXT: Final = frozenset({"instrument", "side", "expiry", "traded_at", "at"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainTaken:
    """What is known of a chain before it is kept."""

    underlying: str
    exchange: str
    asked_at: datetime
    source: str
    listed_on: str
    expiries: tuple[str, ...]
    quotes: tuple[ChainQuote, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainFinding:
    """A chain whose file is not what was written; ``put_back`` where it now is again."""

    path: str
    is_missing: bool
    reason: str
    put_back: bool = False


class KeptChains:
    """The chains of a home. A file is in its place before it is listed: what is listed was there."""

    def __init__(self, home: Path, database: Database) -> None:
        self._home = home
        self._database = database

    def keep(self, taken: ChainTaken) -> ChainRecord:
        """Write a chain beside those that are kept, and list it.

        Raises
        ------
        StoreFull, BadPath
            If it cannot be written; nothing is kept then.
        """
        content = _encoded(taken)
        sha256 = hashlib.sha256(content).hexdigest()
        asked_at = taken.asked_at.astimezone(UTC)
        path = f"{FOLDER}/{taken.exchange}/{_folder_of(taken.underlying)}/{asked_at:%Y%m%dT%H%M%S.%fZ}-{sha256[:16]}.parquet"
        contracts = [one for one in taken.quotes if one.side != "underlying"]
        record = ChainRecord(
            underlying=taken.underlying,
            exchange=taken.exchange,
            asked_at=asked_at.isoformat(timespec="microseconds"),
            source=taken.source,
            listed_on=taken.listed_on,
            expiries=taken.expiries,
            n_contracts=len(contracts),
            n_quoted=sum(one.quoted for one in contracts),
            path=path,
            n_bytes=len(content),
            sha256=sha256,
        )
        with disk_faults(self._home / FOLDER):
            put_file(self._home / path, content)
        with self._database.writing() as connection:
            if connection.execute(sa.select(CHAINS.c.path).where(CHAINS.c.path == path)).first() is None:
                row = {**record.model_dump(), "expiries": ",".join(record.expiries)}
                connection.execute(sa.insert(CHAINS).values(with_seal(CHAINS, row)))
        return record

    def records(self, underlying: str | None = None) -> tuple[ChainRecord, ...]:
        """Return what is kept, of one underlying or of all, oldest first."""
        query = sa.select(CHAINS).order_by(CHAINS.c.asked_at, CHAINS.c.path)
        if underlying is not None:
            query = query.where(CHAINS.c.underlying == underlying)
        with self._database.reading() as connection:
            unsound = unsound_rows(self._database, connection, CHAINS)
            require_sound(CHAINS, (row for row in unsound if underlying is None or _is_of(row, underlying)))
            return tuple(_record(row) for row in sealed_rows(connection, CHAINS, query))

    def sound_records(self) -> tuple[ChainRecord, ...]:
        """Return what is kept and recorded as it was written; of the others nobody can tell what their files must be."""
        with self._database.reading() as connection:
            return tuple(map(_record, sound_rows(connection, CHAINS)))

    def quotes(self, record: ChainRecord) -> tuple[ChainQuote, ...]:
        """Return the quotes of a chain, whose bytes are those that were written.

        Raises
        ------
        DamagedFile
            If they are not, or are gone.
        """
        content = content_of(self._home / record.path)
        harm = _harm(content, record)
        if content is None or harm:
            raise DamagedFile(record.path, harm, hint=LOST_HINT)
        return _decoded(content)


def chain_harms(home: Path, records: Sequence[ChainRecord], *, quick: bool, spare: Sequence[Path] | None) -> Iterator[ChainFinding]:
    """Yield the kept chains whose files are not what was written, and put back what is found in copies of the home.

    Parameters
    ----------
    home : Path
        The home.
    records : sequence of ChainRecord
        What must be there.
    quick : bool
        Look at sizes only.
    spare : sequence of Path, optional
        Copies of homes; nothing is changed when absent.
    """
    for record in records:
        path = home / record.path
        if quick and size_of(path) == record.n_bytes:
            continue
        content = content_of(path)
        harm = _harm(content, record)
        if not harm:
            continue
        copies = (content_of(place / record.path) for place in spare or ())
        found = next((copy for copy in copies if copy is not None and not _harm(copy, record)), None)
        if found is not None:
            with disk_faults(path.parent):
                put_file(path, found)
        yield ChainFinding(path=record.path, is_missing=content is None, reason=harm, put_back=found is not None)


def _is_of(row: sa.RowMapping, underlying: str) -> bool:
    """Return whether a row that is not what was written may be of an underlying, which its path names a second time."""
    return row["underlying"] == underlying or f"/{_folder_of(underlying)}/" in str(row["path"])


def _folder_of(underlying: str) -> str:
    # A name of the broker's becomes a folder: nothing in it may lead elsewhere.
    return quote(underlying, safe="&").replace(".", "%2E")


def _harm(content: bytes | None, record: ChainRecord) -> str:
    if content is None:
        return "it is missing or cannot be read"
    if len(content) != record.n_bytes:
        return f"it has {len(content)} bytes instead of {record.n_bytes}"
    return "" if hashlib.sha256(content).hexdigest() == record.sha256 else "its bytes differ from those that were written"


def _record(row: sa.RowMapping) -> ChainRecord:
    said = {name: value for name, value in row.items() if name != ROW_SEAL}
    return ChainRecord.model_validate({**said, "expiries": tuple(row["expiries"].split(","))})


def _encoded(taken: ChainTaken) -> bytes:
    import pyarrow as pa  # noqa: PLC0415 - only when a chain is kept or read
    import pyarrow.parquet as pq  # noqa: PLC0415

    labels = {
        "underlying": taken.underlying,
        "exchange": taken.exchange,
        "asked_at": taken.asked_at.astimezone(UTC).isoformat(timespec="microseconds"),
        "source": taken.source,
        "listed_on": taken.listed_on,
        "simulated": str(taken.source == "sandbox").lower(),
    }
    table = pa.Table.from_pylist([one.model_dump() for one in taken.quotes], schema=_schema().with_metadata(labels))
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    return bytes(sink.getvalue().to_pybytes())


def _decoded(content: bytes) -> tuple[ChainQuote, ...]:
    import pyarrow as pa  # noqa: PLC0415 - only when a chain is kept or read
    import pyarrow.parquet as pq  # noqa: PLC0415

    return tuple(ChainQuote.model_validate(row) for row in pq.read_table(pa.BufferReader(content)).to_pylist())


def _schema() -> pa.Schema:
    import pyarrow as pa  # noqa: PLC0415 - only when a chain is kept or read

    def kind(name: str) -> Any:  # noqa: ANN401 - types of pyarrow
        if name == "quoted":
            return pa.bool_()
        return pa.string() if name in _TEXT else pa.int64() if name in _WHOLE else pa.float64()

    return pa.schema([(name, kind(name)) for name in ChainQuote.model_fields])
