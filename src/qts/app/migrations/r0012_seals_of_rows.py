"""A hash of each row of the list of runs and of the trial ledger; empty in rows of earlier releases."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0012"
down_revision: Final = "0011"


def upgrade() -> None:
    """Add the columns."""
    op.add_column("runs", sa.Column("row_seal", sa.String(16)))
    op.add_column("trials", sa.Column("row_seal", sa.String(16)))
