"""The tables as they were when revisions began."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0001"
down_revision: Final = None

_LIVE: Final = sa.text("end_snapshot IS NULL")


def upgrade() -> None:
    """Make them."""
    op.create_table("format", sa.Column("version", sa.Integer, primary_key=True))
    op.bulk_insert(sa.table("format", sa.column("version", sa.Integer)), [{"version": 1}])
    op.create_table(
        "instrument",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("exchange", sa.Text, nullable=False),
        sa.Column("symbol", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False, server_default=""),
        sa.UniqueConstraint("exchange", "symbol"),
    )
    op.create_table(
        "snapshot",
        sa.Column("seq", sa.Integer, primary_key=True),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("at_us", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("files_seal", sa.Text, nullable=False),
        sa.Column("series_seal", sa.Text, nullable=False),
    )
    op.create_index("ix_snapshot_id", "snapshot", ["id"])
    op.create_table(
        "sources",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("names", sa.Text, nullable=False, unique=True),
    )
    _make_files()
    _make_series()
    op.create_table(
        "ingest_log",
        sa.Column("snapshot", sa.Integer, sa.ForeignKey("snapshot.seq"), primary_key=True),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("simulated", sa.Boolean, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("at_us", sa.BigInteger, nullable=False),
        sa.Column("n_stored", sa.BigInteger, nullable=False),
        sa.Column("n_changed", sa.BigInteger, nullable=False),
        sa.Column("n_unchanged", sa.BigInteger, nullable=False),
    )


def _make_files() -> None:
    op.create_table(
        "file",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("interval", sa.Text, nullable=False),
        sa.Column("exchange", sa.Text, nullable=False),
        sa.Column("basis", sa.Text, nullable=False),
        sa.Column("instrument_id", sa.Integer, sa.ForeignKey("instrument.id")),
        sa.Column("year", sa.Integer, nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("n_rows", sa.BigInteger, nullable=False),
        sa.Column("n_bytes", sa.BigInteger, nullable=False),
        sa.Column("sha256", sa.Text, nullable=False),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("ts_min", sa.BigInteger, nullable=False),
        sa.Column("ts_max", sa.BigInteger, nullable=False),
        sa.Column("begin_snapshot", sa.Integer, sa.ForeignKey("snapshot.seq"), nullable=False),
        sa.Column("end_snapshot", sa.Integer, sa.ForeignKey("snapshot.seq")),
        sa.Column("seal", sa.Text, nullable=False),
    )
    op.create_index("file_of_series", "file", ["interval", "exchange", "basis", "instrument_id", "year"])
    op.create_index("file_live", "file", ["label"], unique=True, sqlite_where=_LIVE, postgresql_where=_LIVE)


def _make_series() -> None:
    op.create_table(
        "series",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("instrument_id", sa.Integer, sa.ForeignKey("instrument.id"), nullable=False),
        sa.Column("interval", sa.Text, nullable=False),
        sa.Column("basis", sa.Text, nullable=False),
        sa.Column("first_ts", sa.BigInteger, nullable=False),
        sa.Column("last_ts", sa.BigInteger, nullable=False),
        sa.Column("last_close", sa.Double, nullable=False),
        sa.Column("n_rows", sa.BigInteger, nullable=False),
        sa.Column("simulated", sa.Boolean, nullable=False),
        sa.Column("sources_id", sa.Integer, sa.ForeignKey("sources.id"), nullable=False),
        sa.Column("begin_snapshot", sa.Integer, sa.ForeignKey("snapshot.seq"), nullable=False),
        sa.Column("end_snapshot", sa.Integer, sa.ForeignKey("snapshot.seq")),
        sa.Column("seal", sa.Text, nullable=False),
    )
    op.create_index(
        "series_live", "series", ["instrument_id", "interval", "basis"], unique=True, sqlite_where=_LIVE, postgresql_where=_LIVE
    )
