"""Schedules: what is to be done again and again, until when that was seen to, and for whom jobs are done."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0009"
down_revision: Final = "0008"


def upgrade() -> None:
    """Make the table, and note in each job whose it is and which schedule it is of."""
    op.add_column("jobs", sa.Column("submitted_by", sa.String(64), nullable=False, server_default="local"))
    op.add_column("jobs", sa.Column("schedule", sa.String(40)))
    op.create_table(
        "schedules",
        sa.Column("name", sa.String(40), primary_key=True),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("what", sa.Text, nullable=False),
        sa.Column("request", sa.Text, nullable=False),
        sa.Column("timing", sa.String(40), nullable=False),
        sa.Column("exchange", sa.String(16), nullable=False),
        sa.Column("paused", sa.Boolean, nullable=False),
        sa.Column("submitted_by", sa.String(64), nullable=False),
        sa.Column("settled_until", sa.String(40), nullable=False),
        sa.Column("last_due_at", sa.String(40)),
        sa.Column("n_missed", sa.Integer, nullable=False),
        sa.Column("last_job", sa.String(32)),
        sa.Column("added_at", sa.String(40), nullable=False),
    )
