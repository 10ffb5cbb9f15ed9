"""A hash of each row of the tables that had none: listings, what sources had and had not, refused rows, scores, jobs, schedules, inbox.

Rows that are there are sealed as they are found: from here on, a row without a hash is not what was written. Listings and empty days come
in hundreds of thousands and have a checksum. The pace of requests has none: it lives for seconds, and is put right by the next.
"""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa
from alembic import op

from qts.data.storage.row_seals import seal_all

revision: Final = "0016"
down_revision: Final = "0015"

# A date is the text that SQLite holds, whatever that is by now; the hash of a date is that of its text.
_DATE: Final = sa.Date().with_variant(sa.String(10), "sqlite")


def upgrade() -> None:
    """Add the columns and fill them."""
    # A checksum is of the values in this order.
    told = *_texts("exchange", "symbol"), *_numbers("token"), *_texts("name"), *_dates("expiry"), *_numbers("strike", "tick", "lot")
    told = *told, *_texts("kind", "segment"), *_numbers("band"), *_dates("valid_from", "valid_to")
    _check("instrument_listings", *_numbers("id", key=True), *told)
    series = ("instrument", "interval", "basis")
    _check("known_empty", *_keys(*series), *_dates("day", key=True), *_keys("source"), *_texts("reason", "asked_at"))
    _seal("fetched", *_keys(*series, "source"), *_numbers("year", key=True), sa.Column("counts", sa.LargeBinary), *_texts("asked_at"))
    _seal("refused_rows", *_keys(*series, "source", "reason"), *_texts("days", "examples", "seen_at"))
    _seal("quality_scores", *_keys(*series), *_texts("fingerprint", "document", "scored_at"), _fraction("score"))
    _seal("inbox_contents", *_keys("sha256"), *_texts("name", "refused", "release", "taken_at"))
    _seal("inbox_paths", *_keys("path"), *_texts("mark", "sha256"))
    blobs = (sa.Column(name, sa.LargeBinary) for name in ("salt", "nonce", "sealed"))
    _seal("secrets", *_keys("name"), *blobs, *_texts("made_at"))
    said = ("kind", "what", "request", "key", "state", "detail", "errors", "result", "refused", "submitted_by", "schedule")
    times = ("submitted_at", "started_at", "finished_at", "updated_at")
    _seal("jobs", *_keys("id"), *_texts(*said, *times), *_numbers("attempt", "done", "total", "retries"), _fraction("rate"))
    asked = ("kind", "what", "request", "timing", "exchange", "submitted_by", "settled_until", "last_due_at", "last_job", "added_at")
    _seal("schedules", *_keys("name"), *_texts(*asked), *_numbers("n_missed"), sa.Column("paused", sa.Boolean))


def _seal(name: str, *columns: sa.Column[Any]) -> None:
    op.add_column(name, sa.Column("row_seal", sa.String(16)))
    seal_all(op.get_bind(), sa.Table(name, sa.MetaData(), *columns, sa.Column("row_seal", sa.String(16))))


def _check(name: str, *columns: sa.Column[Any]) -> None:
    op.add_column(name, sa.Column("row_crc", sa.BigInteger))
    seal_all(op.get_bind(), sa.Table(name, sa.MetaData(), *columns, sa.Column("row_crc", sa.BigInteger)))


def _keys(*names: str) -> tuple[sa.Column[Any], ...]:
    return tuple(sa.Column(name, sa.Text, primary_key=True) for name in names)


def _texts(*names: str) -> tuple[sa.Column[Any], ...]:
    return tuple(sa.Column(name, sa.Text) for name in names)


def _numbers(*names: str, key: bool = False) -> tuple[sa.Column[Any], ...]:
    return tuple(sa.Column(name, sa.BigInteger, primary_key=key) for name in names)


def _dates(*names: str, key: bool = False) -> tuple[sa.Column[Any], ...]:
    return tuple(sa.Column(name, _DATE, primary_key=key) for name in names)


def _fraction(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Float)
