"""Instruments: dumps of what brokers listed, changes of symbols, members of indices, watchlists."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0003"
down_revision: Final = "0002"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "instrument_dumps",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("exchange", sa.String(8), nullable=False),
        sa.Column("dumped_on", sa.Date, nullable=False),
        sa.Column("source", sa.String(200), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("n_rows", sa.Integer, nullable=False),
        sa.Column("n_rejected", sa.Integer, nullable=False),
        sa.Column("loaded_at", sa.String(40), nullable=False),
        sa.UniqueConstraint("exchange", "dumped_on"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "instrument_listings",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("exchange", sa.String(8), nullable=False),
        sa.Column("symbol", sa.String(64), nullable=False),
        sa.Column("token", sa.BigInteger, nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("expiry", sa.Date),
        sa.Column("strike", sa.BigInteger),
        sa.Column("tick", sa.BigInteger),
        sa.Column("lot", sa.BigInteger),
        sa.Column("kind", sa.String(4), nullable=False),
        sa.Column("segment", sa.String(16), nullable=False),
        sa.Column("valid_from", sa.Date, nullable=False),
        sa.Column("valid_to", sa.Date, nullable=False),
    )
    op.create_index("ix_instrument_listings_symbol", "instrument_listings", ["exchange", "symbol"])
    op.create_index("ix_instrument_listings_token", "instrument_listings", ["token"])
    op.create_index("ix_instrument_listings_valid_to", "instrument_listings", ["exchange", "valid_to"])
    op.create_index("ix_instrument_listings_name", "instrument_listings", ["name"])
    op.create_table(
        "symbol_changes",
        sa.Column("old", sa.String(80), primary_key=True),
        sa.Column("new", sa.String(80), primary_key=True),
        sa.Column("changed_on", sa.Date, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("evidence", sa.String(400), nullable=False),
        sa.Column("source", sa.String(200), nullable=False),
    )
    op.create_table(
        "index_members",
        sa.Column("index_key", sa.String(64), primary_key=True),
        sa.Column("instrument", sa.String(80), primary_key=True),
        sa.Column("member_from", sa.Date, primary_key=True),
        sa.Column("member_to", sa.Date),
        sa.Column("index_name", sa.String(64), nullable=False),
        sa.Column("source", sa.String(200), nullable=False),
    )
    op.create_table(
        "watchlists",
        sa.Column("key", sa.String(64), primary_key=True),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("made_at", sa.String(40), nullable=False),
    )
    op.create_table(
        "watchlist_items",
        sa.Column("key", sa.String(64), sa.ForeignKey("watchlists.key", ondelete="CASCADE"), primary_key=True),
        sa.Column("instrument", sa.String(80), primary_key=True),
        sa.Column("place", sa.Integer, nullable=False),
    )
