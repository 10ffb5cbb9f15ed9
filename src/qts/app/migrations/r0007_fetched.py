"""What sources gave when they were asked: bars per day, a packed row for each series, source and year."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0007"
down_revision: Final = "0006"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "fetched",
        sa.Column("instrument", sa.String(80), primary_key=True),
        sa.Column("interval", sa.String(8), primary_key=True),
        sa.Column("basis", sa.String(10), primary_key=True),
        sa.Column("source", sa.String(40), primary_key=True),
        sa.Column("year", sa.Integer, primary_key=True),
        sa.Column("counts", sa.LargeBinary, nullable=False),
        sa.Column("asked_at", sa.String(40), nullable=False),
    )
