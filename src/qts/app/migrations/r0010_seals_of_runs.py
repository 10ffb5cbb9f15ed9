"""The hash of the list of a run's files; empty for runs that were kept before there were lists."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0010"
down_revision: Final = "0009"


def upgrade() -> None:
    """Add the column."""
    op.add_column("runs", sa.Column("seal", sa.String(64)))
