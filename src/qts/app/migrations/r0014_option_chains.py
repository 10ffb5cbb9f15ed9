"""Option chains that were kept: one file each, with what its bytes must be."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0014"
down_revision: Final = "0013"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "option_chains",
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
        sa.Index("ix_option_chains_underlying", "underlying", "asked_at"),
    )
