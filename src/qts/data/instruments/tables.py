"""The control database's tables of instruments: dumps, listings, symbol changes, members of indices, watchlists."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

METADATA: Final = sa.MetaData()

DUMPS: Final = sa.Table(
    "instrument_dumps",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("exchange", sa.String(8), nullable=False),
    sa.Column("dumped_on", sa.Date, nullable=False),
    sa.Column("source", sa.String(200), nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("n_rows", sa.Integer, nullable=False),
    sa.Column("n_rejected", sa.Integer, nullable=False),
    sa.Column("loaded_at", sa.String(40), nullable=False),
    sa.Column("row_seal", sa.String(16)),
    sa.UniqueConstraint("exchange", "dumped_on"),
    # A number is never given twice: it tells whether the listings have changed since.
    sqlite_autoincrement=True,
    info={"named_by": ("exchange", "dumped_on")},
)

LISTINGS: Final = sa.Table(
    "instrument_listings",
    METADATA,
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
    sa.Column("band", sa.Integer),
    sa.Column("valid_from", sa.Date, nullable=False),
    sa.Column("valid_to", sa.Date, nullable=False),
    sa.Column("row_crc", sa.BigInteger),
    sa.Index("ix_instrument_listings_symbol", "exchange", "symbol"),
    sa.Index("ix_instrument_listings_token", "token"),
    sa.Index("ix_instrument_listings_valid_to", "exchange", "valid_to"),
    sa.Index("ix_instrument_listings_name", "name"),
    info={"named_by": ("exchange", "symbol", "valid_from")},
)

SYMBOL_CHANGES: Final = sa.Table(
    "symbol_changes",
    METADATA,
    sa.Column("old", sa.String(80), primary_key=True),
    sa.Column("new", sa.String(80), primary_key=True),
    sa.Column("changed_on", sa.Date, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("evidence", sa.String(400), nullable=False),
    sa.Column("source", sa.String(200), nullable=False),
    sa.Column("row_seal", sa.String(16)),
)

INDEX_MEMBERS: Final = sa.Table(
    "index_members",
    METADATA,
    sa.Column("index_key", sa.String(64), primary_key=True),
    sa.Column("instrument", sa.String(80), primary_key=True),
    sa.Column("member_from", sa.Date, primary_key=True),
    # The last day as a member; NULL for one that is known to be a member still.
    sa.Column("member_to", sa.Date),
    sa.Column("index_name", sa.String(64), nullable=False),
    sa.Column("source", sa.String(200), nullable=False),
    sa.Column("row_seal", sa.String(16)),
)

WATCHLISTS: Final = sa.Table(
    "watchlists",
    METADATA,
    sa.Column("key", sa.String(64), primary_key=True),
    sa.Column("name", sa.String(64), nullable=False),
    sa.Column("made_at", sa.String(40), nullable=False),
    sa.Column("row_seal", sa.String(16)),
)

WATCHLIST_ITEMS: Final = sa.Table(
    "watchlist_items",
    METADATA,
    sa.Column("key", sa.String(64), sa.ForeignKey("watchlists.key", ondelete="CASCADE"), primary_key=True),
    sa.Column("instrument", sa.String(80), primary_key=True),
    sa.Column("place", sa.Integer, nullable=False),
    sa.Column("row_seal", sa.String(16)),
)
