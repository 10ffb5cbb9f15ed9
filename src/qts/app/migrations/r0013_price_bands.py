"""The day's price band of what a dump lists; unknown in rows of earlier releases."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0013"
down_revision: Final = "0012"


def upgrade() -> None:
    """Add the column."""
    op.add_column("instrument_listings", sa.Column("band", sa.Integer))
