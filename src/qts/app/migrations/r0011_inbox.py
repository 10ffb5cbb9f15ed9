"""Files of the watch folder that were read: by content, and which content each path held."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0011"
down_revision: Final = "0010"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "inbox_contents",
        sa.Column("sha256", sa.String(64), primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("refused", sa.Text),
        sa.Column("release", sa.String(40), nullable=False),
        sa.Column("taken_at", sa.String(40), nullable=False),
    )
    op.create_table(
        "inbox_paths",
        sa.Column("path", sa.String(64), primary_key=True),
        sa.Column("mark", sa.String(120), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
    )
