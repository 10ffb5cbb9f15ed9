"""Corporate actions: what was known of each, and for how long it held."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0002"
down_revision: Final = "0001"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "corporate_actions",
        sa.Column("seq", sa.Integer, primary_key=True),
        sa.Column("action_id", sa.String(120), nullable=False),
        sa.Column("instrument", sa.String(80), nullable=False),
        sa.Column("ex_date", sa.String(10), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("ratio", sa.String(40), nullable=False),
        sa.Column("cash", sa.String(40), nullable=False),
        sa.Column("price", sa.String(40)),
        sa.Column("factor", sa.String(40)),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("evidence", sa.Text, nullable=False),
        sa.Column("confidence", sa.Float),
        sa.Column("recorded_at", sa.String(40), nullable=False),
        sa.Column("ended_at", sa.String(40)),
    )
    op.create_index("corporate_actions_by_instrument", "corporate_actions", ["instrument", "ex_date"])
    live = sa.text("ended_at IS NULL")
    op.create_index(
        "corporate_actions_that_hold", "corporate_actions", ["action_id"], unique=True, sqlite_where=live, postgresql_where=live
    )
