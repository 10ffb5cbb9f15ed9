"""The tables as they were when revisions began."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0001"
down_revision: Final = None


def upgrade() -> None:
    """Make them."""
    # Releases from before revisions made the tables one by one and wrote the version last: a killed one may have left some.
    op.create_table(
        "runs",
        sa.Column("run_id", sa.String(64), primary_key=True),
        sa.Column("made_at", sa.String(40), nullable=False),
        sa.Column("strategy", sa.String(200), nullable=False),
        sa.Column("instruments", sa.Text, nullable=False),
        sa.Column("interval", sa.String(8), nullable=False),
        sa.Column("first", sa.String(10), nullable=False),
        sa.Column("last", sa.String(10), nullable=False),
        sa.Column("simulated", sa.Boolean, nullable=False),
        sa.Column("final_equity", sa.Float),
        sa.Column("total_return", sa.Float),
        sa.Column("sharpe", sa.Float),
        sa.Column("max_drawdown", sa.Float),
        sa.Column("n_trades", sa.Integer),
        if_not_exists=True,
    )
    op.create_table(
        "trials",
        sa.Column("idea", sa.String(200), primary_key=True),
        sa.Column("run_id", sa.String(64), primary_key=True),
        sa.Column("made_at", sa.String(40), nullable=False),
        sa.Column("interval", sa.String(8), nullable=False),
        sa.Column("sharpe", sa.Float),
        if_not_exists=True,
    )
