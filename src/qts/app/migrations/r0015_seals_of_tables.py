"""A hash of each row of corporate actions, dumps, symbol changes, members of indices, watchlists and kept chains.

Rows that are there are sealed as they are found: from here on, a row without a hash is not what was written.
"""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa
from alembic import op

from qts.data.storage.row_seals import seal_all

revision: Final = "0015"
down_revision: Final = "0014"

# A date is the text that SQLite holds, whatever that is by now; the hash of a date is that of its text.
_DATE: Final = sa.Date().with_variant(sa.String(10), "sqlite")


def upgrade() -> None:
    """Add the columns and fill them."""
    texts = ("action_id", "instrument", "ex_date", "kind", "ratio", "cash", "price", "factor", "state", "source", "evidence")
    _seal("corporate_actions", _number("seq", key=True), *_texts(*texts, "recorded_at", "ended_at"), sa.Column("confidence", sa.Float))
    on = sa.Column("dumped_on", _DATE)
    _seal(
        "instrument_dumps",
        _number("id", key=True),
        *_texts("exchange", "source", "sha256", "loaded_at"),
        on,
        _number("n_rows"),
        _number("n_rejected"),
    )
    _seal("symbol_changes", *_keys("old", "new"), sa.Column("changed_on", _DATE), *_texts("state", "evidence", "source"))
    since = sa.Column("member_from", _DATE, primary_key=True), sa.Column("member_to", _DATE)
    _seal("index_members", *_keys("index_key", "instrument"), *since, *_texts("index_name", "source"))
    _seal("watchlists", *_keys("key"), *_texts("name", "made_at"))
    _seal("watchlist_items", *_keys("key", "instrument"), _number("place"))
    numbers = (_number("n_contracts"), _number("n_quoted"), _number("n_bytes"))
    columns = _texts("exchange", "underlying", "asked_at", "source", "listed_on", "expiries", "sha256")
    _seal("option_chains", *_keys("path"), *columns, *numbers)


def _seal(name: str, *columns: sa.Column[Any]) -> None:
    op.add_column(name, sa.Column("row_seal", sa.String(16)))
    table = sa.Table(name, sa.MetaData(), *columns, sa.Column("row_seal", sa.String(16)))
    seal_all(op.get_bind(), table)


def _keys(*names: str) -> tuple[sa.Column[Any], ...]:
    return tuple(sa.Column(name, sa.Text, primary_key=True) for name in names)


def _texts(*names: str) -> tuple[sa.Column[Any], ...]:
    return tuple(sa.Column(name, sa.Text) for name in names)


def _number(name: str, *, key: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.BigInteger, primary_key=key)
