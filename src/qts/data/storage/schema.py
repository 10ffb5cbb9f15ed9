"""The tables of the manifest: which files and series there are, and from which snapshot to which.

The same tables serve SQLite and PostgreSQL. A row with ``end_snapshot`` NULL is live; rows are ended, never deleted.
A ``seal`` is a hash of the rest of its row.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, Double, ForeignKey, Index, Integer, MetaData, Table, Text, UniqueConstraint, text

VERSION: Final = 1
METADATA: Final = MetaData()

FORMAT: Final = Table("format", METADATA, Column("version", Integer, primary_key=True))

INSTRUMENT: Final = Table(
    "instrument",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("exchange", Text, nullable=False),
    Column("symbol", Text, nullable=False),
    Column("name", Text, nullable=False, server_default=""),
    UniqueConstraint("exchange", "symbol"),
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
)

# instrument_id is NULL for a file that holds a year of all instruments of an exchange.
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
    Column("begin_snapshot", ForeignKey("snapshot.seq"), nullable=False),
    Column("end_snapshot", ForeignKey("snapshot.seq")),
    Column("seal", Text, nullable=False),
    Index("file_of_series", "interval", "exchange", "basis", "instrument_id", "year"),
    Index("file_live", "label", unique=True, sqlite_where=text("end_snapshot IS NULL"), postgresql_where=text("end_snapshot IS NULL")),
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
)
