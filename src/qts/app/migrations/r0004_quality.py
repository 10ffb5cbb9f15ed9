"""Days known to be empty, rows that imports refused, and the scores of series."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0004"
down_revision: Final = "0003"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "known_empty",
        sa.Column("instrument", sa.String(80), primary_key=True),
        sa.Column("interval", sa.String(8), primary_key=True),
        sa.Column("basis", sa.String(10), primary_key=True),
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("source", sa.String(200), primary_key=True),
        sa.Column("reason", sa.String(10), nullable=False),
        sa.Column("asked_at", sa.String(40), nullable=False),
    )
    op.create_table(
        "refused_rows",
        sa.Column("instrument", sa.String(80), primary_key=True),
        sa.Column("interval", sa.String(8), primary_key=True),
        sa.Column("basis", sa.String(10), primary_key=True),
        sa.Column("source", sa.String(200), primary_key=True),
        sa.Column("reason", sa.String(80), primary_key=True),
        sa.Column("days", sa.Text, nullable=False),
        sa.Column("examples", sa.Text, nullable=False),
        sa.Column("seen_at", sa.String(40), nullable=False),
    )
    op.create_table(
        "quality_scores",
        sa.Column("instrument", sa.String(80), primary_key=True),
        sa.Column("interval", sa.String(8), primary_key=True),
        sa.Column("basis", sa.String(10), primary_key=True),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("score", sa.Float),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("scored_at", sa.String(40), nullable=False),
    )
