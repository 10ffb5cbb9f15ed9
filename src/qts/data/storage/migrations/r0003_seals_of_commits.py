"""A hash of each row that tells of a commit, its name, what it brought, or an instrument.

Rows that are there are sealed as they are found: from here on, a row without a hash is not what was written. Leases have none: they live
for seconds, and harm nothing when they are lost.
"""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa
from alembic import op

from qts.data.storage.row_seals import seal_all

revision: Final = "0003"
down_revision: Final = "0002"


def upgrade() -> None:
    """Add the columns and fill them."""
    sums = _texts("id", "kind", "note", "files_seal", "series_seal", "content")
    _seal("snapshot", _key("seq"), *sums, *_numbers("at_us", "collected_us"), unsealed=("collected_us",))
    _seal("snapshot_name", sa.Column("name", sa.Text, primary_key=True), *_numbers("snapshot", "at_us"))
    counts = _numbers("at_us", "n_stored", "n_changed", "n_unchanged")
    _seal("ingest_log", _key("snapshot"), *_texts("source", "note"), sa.Column("simulated", sa.Boolean), *counts, unsealed=())
    _seal("instrument", _key("id"), *_texts("exchange", "symbol", "name"), unsealed=("id",))


def _seal(name: str, *columns: sa.Column[Any], unsealed: tuple[str, ...] = ()) -> None:
    op.add_column(name, sa.Column("row_seal", sa.Text))
    table = sa.Table(name, sa.MetaData(), *columns, sa.Column("row_seal", sa.Text), info={"unsealed": unsealed})
    seal_all(op.get_bind(), table)


def _key(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Integer, primary_key=True)


def _texts(*names: str) -> tuple[sa.Column[Any], ...]:
    return tuple(sa.Column(name, sa.Text) for name in names)


def _numbers(*names: str) -> tuple[sa.Column[Any], ...]:
    return tuple(sa.Column(name, sa.BigInteger) for name in names)
