"""Hot files, contents that are sums, bars per day, names of snapshots and leases.

No bar is read here. Files of the first format keep their content, of which the first half stands in for what they add to the store's;
the store counts them properly with its first write.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any, Final

import sqlalchemy as sa
from alembic import op

from qts.core.errors import DamagedFile

revision: Final = "0002"
down_revision: Final = "0001"

_HOT: Final = sa.text("layer > 0 AND end_snapshot IS NULL")
_MASK: Final = (1 << 64) - 1
_FILE: Final = sa.table(
    "file",
    *[
        sa.column(name)
        for name in (
            "id",
            "label",
            "interval",
            "exchange",
            "basis",
            "instrument_id",
            "year",
            "path",
            "n_rows",
            "n_bytes",
            "sha256",
            "content",
            "ts_min",
            "ts_max",
            "layer",
            "number_min",
            "number_max",
            "n_over",
            "net",
            "begin_snapshot",
            "end_snapshot",
            "seal",
        )
    ],
)
_FILE_BEFORE: Final = tuple(column.name for column in _FILE.c if column.name not in {"id", "end_snapshot", "seal"})
_NEW_IN_FILE: Final = frozenset({"layer", "number_min", "number_max", "n_over", "net"})
_SERIES: Final = sa.table(
    "series",
    sa.column("id"),
    sa.column("instrument_id"),
    sa.column("interval"),
    sa.column("basis"),
    sa.column("first_ts"),
    sa.column("last_ts"),
    sa.column("last_close"),
    sa.column("n_rows"),
    sa.column("simulated", sa.Boolean),
    sa.column("sources_id"),
    sa.column("content"),
    sa.column("begin_snapshot"),
    sa.column("end_snapshot"),
    sa.column("seal"),
)
_SERIES_SEALED: Final = tuple(column.name for column in _SERIES.c if column.name not in {"id", "end_snapshot", "seal"})
_SNAPSHOT: Final = sa.table("snapshot", *[sa.column(name) for name in ("seq", "id", "files_seal", "series_seal", "content")])


def upgrade() -> None:
    """Make the tables and columns, and seal the rows anew."""
    op.create_table(
        "snapshot_name",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("snapshot", sa.Integer, sa.ForeignKey("snapshot.seq"), nullable=False),
        sa.Column("at_us", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "lease",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("holder", sa.Text, nullable=False),
        sa.Column("until_us", sa.BigInteger, nullable=False),
        sa.Column("snapshot", sa.Integer),
    )
    op.create_table(
        "coverage",
        sa.Column("file_id", sa.Integer, sa.ForeignKey("file.id"), primary_key=True),
        sa.Column("packed", sa.LargeBinary, nullable=False),
        sa.Column("seal", sa.Text, nullable=False),
    )
    op.add_column("snapshot", sa.Column("content", sa.Text, nullable=False, server_default=""))
    op.add_column("snapshot", sa.Column("collected_us", sa.BigInteger))
    op.add_column("file", sa.Column("layer", sa.Integer, nullable=False, server_default="0"))
    op.add_column("file", sa.Column("number_min", sa.Integer, nullable=False, server_default="0"))
    op.add_column("file", sa.Column("number_max", sa.Integer, nullable=False, server_default="2147483647"))
    op.add_column("file", sa.Column("n_over", sa.BigInteger, nullable=False, server_default="0"))
    op.add_column("file", sa.Column("net", sa.Text, nullable=False, server_default=""))
    op.add_column("series", sa.Column("content", sa.Text, nullable=False, server_default=""))
    op.create_index("file_hot", "file", ["interval", "exchange", "basis", "layer"], sqlite_where=_HOT, postgresql_where=_HOT)
    connection = op.get_bind()
    head = connection.execute(sa.select(_SNAPSHOT).order_by(_SNAPSHOT.c.seq.desc()).limit(1)).first()
    if head is not None:
        sums = _files_sealed(connection, head) | {"series_seal": _series_sealed(connection, head)}
        connection.execute(sa.update(_SNAPSHOT).where(_SNAPSHOT.c.seq == head.seq).values(sums))


def _files_sealed(connection: sa.Connection, head: sa.Row[Any]) -> dict[str, str]:
    rows = connection.execute(sa.select(_FILE)).all()
    live = [row for row in rows if row.end_snapshot is None]
    state = hashlib.sha256()
    for label, content in sorted((row.label, row.content) for row in live):
        state.update(f"{label}\0{content}\n".encode())
    _require(state.hexdigest()[:16] == head.id, "the list of files")
    _require(_seal_of_all(row.seal for row in live) == head.files_seal, "the list of files")
    changes = []
    for row in rows:
        held = row._asdict()
        _require(_seal(held[name] for name in _FILE_BEFORE if name not in _NEW_IN_FILE) == row.seal, f"the record of {row.path}")
        if row.instrument_id is not None:
            held |= {"number_min": row.instrument_id, "number_max": row.instrument_id}
        held |= {"net": row.content[:32]}
        held |= {"seal": _seal(held[name] for name in _FILE_BEFORE)}
        changes.append({f"new_{name}": held[name] for name in ("id", "number_min", "number_max", "net", "seal")})
    if changes:
        new: dict[str, Any] = {name: sa.bindparam(f"new_{name}") for name in ("number_min", "number_max", "net", "seal")}
        connection.execute(sa.update(_FILE).where(_FILE.c.id == sa.bindparam("new_id")).values(new), changes)
    live_ids = {row.id for row in live}
    kept = [change for change in changes if change["new_id"] in live_ids]
    high, low = (sum(int(change["new_net"][start : start + 16], 16) for change in kept) & _MASK for start in (0, 16))
    return {"content": f"{high:016x}{low:016x}", "files_seal": _sum_of(change["new_seal"] for change in kept)}


def _series_sealed(connection: sa.Connection, head: sa.Row[Any]) -> str:
    instrument = sa.table("instrument", sa.column("id"), sa.column("exchange"), sa.column("symbol"))
    sources = sa.table("sources", sa.column("id"), sa.column("names"))
    query = (
        sa.select(_SERIES, instrument.c.exchange, instrument.c.symbol, sources.c.names)
        .join(instrument, _SERIES.c.instrument_id == instrument.c.id)
        .join(sources, _SERIES.c.sources_id == sources.c.id)
    )
    rows = connection.execute(query).all()
    live = [row for row in rows if row.end_snapshot is None]
    _require(_seal_of_all(row.seal for row in live) == head.series_seal, "the list of series")
    changes = []
    for row in rows:
        held, name = row._asdict(), f"{row.exchange}:{row.symbol}"
        before = (held[column] for column in _SERIES_SEALED if column != "content")
        _require(_seal((name, *before, row.names)) == row.seal, f"the record of {name} {row.interval}")
        changes.append({"new_id": row.id, "new_seal": _seal((name, *(held[column] for column in _SERIES_SEALED), row.names))})
    if changes:
        connection.execute(sa.update(_SERIES).where(_SERIES.c.id == sa.bindparam("new_id")).values(seal=sa.bindparam("new_seal")), changes)
    live_ids = {row.id for row in live}
    return _sum_of(change["new_seal"] for change in changes if change["new_id"] in live_ids)


def _seal(values: Iterable[object]) -> str:
    return hashlib.sha256("\0".join(map(repr, values)).encode()).hexdigest()[:16]


def _seal_of_all(seals: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(sorted(seals)).encode()).hexdigest()[:16]


def _sum_of(seals: Iterable[str]) -> str:
    return f"{sum(int(seal, 16) for seal in seals) & _MASK:016x}"


def _require(is_so: bool, what: str) -> None:  # noqa: FBT001 - a condition, like that of an assertion
    if not is_so:
        raise DamagedFile("manifest.sqlite", f"{what} differs from what was written")
