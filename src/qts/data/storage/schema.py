"""The tables of the manifest: which files and series there are, and from which snapshot to which.

The same tables serve SQLite and PostgreSQL. A row with ``end_snapshot`` NULL is live; rows are ended by a commit, and deleted only
when no snapshot that is kept needs them. A ``seal`` is a hash of the rest of its row, a ``row_seal`` one as in the control database.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    literal_column,
    text,
)

VERSION: Final = 1
METADATA: Final = MetaData()
_KEPT: Final = {"kept_in": "manifest.sqlite"}

FORMAT: Final = Table("format", METADATA, Column("version", Integer, primary_key=True))

INSTRUMENT: Final = Table(
    "instrument",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("exchange", Text, nullable=False),
    Column("symbol", Text, nullable=False),
    Column("name", Text, nullable=False, server_default=""),
    Column("row_seal", Text),
    UniqueConstraint("exchange", "symbol"),
    info=_KEPT,
)

SNAPSHOT: Final = Table(
    "snapshot",
    METADATA,
    Column("seq", Integer, primary_key=True),
    Column("id", Text, nullable=False, index=True),
    Column("at_us", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("files_seal", Text, nullable=False),
    Column("series_seal", Text, nullable=False),
    Column("content", Text, nullable=False, server_default=""),
    Column("collected_us", BigInteger),
    Column("row_seal", Text),
    # That it was collected is all that is written of a commit later.
    info=_KEPT | {"unsealed": ("collected_us",)},
)

SNAPSHOT_NAME: Final = Table(
    "snapshot_name",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("snapshot", ForeignKey("snapshot.seq"), nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("row_seal", Text),
    info=_KEPT,
)

# Somebody's word that until then nobody else does this, or (with a snapshot) that nothing of it is collected.
LEASE: Final = Table(
    "lease",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("until_us", BigInteger, nullable=False),
    Column("snapshot", Integer),
)

# instrument_id is NULL for a file that several instruments share. `layer` is 0 for the file of a group; a hot file's is the commit whose
# bars it holds, and where both have a bar, the higher layer's counts. `net` is what the file adds to the content of the store: its own
# content less that of the bars below that it replaces, `n_over` of them.
FILE: Final = Table(
    "file",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("label", Text, nullable=False),
    Column("interval", Text, nullable=False),
    Column("exchange", Text, nullable=False),
    Column("basis", Text, nullable=False),
    Column("instrument_id", ForeignKey("instrument.id")),
    Column("year", Integer, nullable=False),
    Column("path", Text, nullable=False),
    Column("n_rows", BigInteger, nullable=False),
    Column("n_bytes", BigInteger, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("content", Text, nullable=False),
    Column("ts_min", BigInteger, nullable=False),
    Column("ts_max", BigInteger, nullable=False),
    Column("layer", Integer, nullable=False, server_default="0"),
    Column("number_min", Integer, nullable=False, server_default="0"),
    Column("number_max", Integer, nullable=False, server_default="2147483647"),
    Column("n_over", BigInteger, nullable=False, server_default="0"),
    Column("net", Text, nullable=False, server_default=""),
    Column("begin_snapshot", ForeignKey("snapshot.seq"), nullable=False),
    Column("end_snapshot", ForeignKey("snapshot.seq")),
    Column("seal", Text, nullable=False),
    Index("file_of_series", "interval", "exchange", "basis", "instrument_id", "year"),
    Index(
        "file_hot",
        "interval",
        "exchange",
        "basis",
        "layer",
        sqlite_where=text("layer > 0 AND end_snapshot IS NULL"),
        postgresql_where=text("layer > 0 AND end_snapshot IS NULL"),
    ),
    Index("file_live", "label", unique=True, sqlite_where=text("end_snapshot IS NULL"), postgresql_where=text("end_snapshot IS NULL")),
)

# Written out rather than bound, so that SQLite sees that the index of hot files answers.
IS_HOT: Final[ColumnElement[bool]] = FILE.c.layer > literal_column("0")

# How many bars a file adds to each series and date; additive over the files of a state, like `net`.
COVERAGE: Final = Table(
    "coverage",
    METADATA,
    Column("file_id", ForeignKey("file.id"), primary_key=True),
    Column("packed", LargeBinary, nullable=False),
    Column("seal", Text, nullable=False),
)

# Many series share one list of sources, so the lists are kept once.
SOURCES: Final = Table(
    "sources",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("names", Text, nullable=False, unique=True),
)

SERIES: Final = Table(
    "series",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("instrument_id", ForeignKey("instrument.id"), nullable=False),
    Column("interval", Text, nullable=False),
    Column("basis", Text, nullable=False),
    Column("first_ts", BigInteger, nullable=False),
    Column("last_ts", BigInteger, nullable=False),
    Column("last_close", Double, nullable=False),
    Column("n_rows", BigInteger, nullable=False),
    Column("simulated", Boolean, nullable=False),
    Column("sources_id", ForeignKey("sources.id"), nullable=False),
    Column("content", Text, nullable=False, server_default=""),
    Column("begin_snapshot", ForeignKey("snapshot.seq"), nullable=False),
    Column("end_snapshot", ForeignKey("snapshot.seq")),
    Column("seal", Text, nullable=False),
    Index(
        "series_live",
        "instrument_id",
        "interval",
        "basis",
        unique=True,
        sqlite_where=text("end_snapshot IS NULL"),
        postgresql_where=text("end_snapshot IS NULL"),
    ),
)

INGEST_LOG: Final = Table(
    "ingest_log",
    METADATA,
    Column("snapshot", ForeignKey("snapshot.seq"), primary_key=True),
    Column("source", Text, nullable=False),
    Column("simulated", Boolean, nullable=False),
    Column("note", Text, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("n_stored", BigInteger, nullable=False),
    Column("n_changed", BigInteger, nullable=False),
    Column("n_unchanged", BigInteger, nullable=False),
    Column("row_seal", Text),
    info=_KEPT | {"unsealed": ()},
)
