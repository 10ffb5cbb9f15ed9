"""Which rows of a series were refused when they were imported: they are not in the store, but they tell what the source is worth.

Each row carries a hash of what it says, and one that differs from its own is an error of its series: without it the score would be too
good. To import the source again puts it right.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from qts.data.intake import Verdict
from qts.data.quality.findings import MOST_LISTED, Finding, Issue, IssueKind
from qts.data.storage import SeriesKey
from qts.data.storage.database import Database
from qts.data.storage.lookup import require_aware
from qts.data.storage.row_seals import ROW_SEAL, any_text, marked_rows, require_read, sealed_rows, unsound_rows, with_seal
from qts.data.storage.series_rows import BySeries, is_of, key_of, name_of, require_series_sound

_DAY_MICROS: Final = 86_400_000_000
_IST_MICROS: Final = 19_800_000_000

TABLE: Final = sa.Table(
    "refused_rows",
    sa.MetaData(),
    sa.Column("instrument", sa.String(80), primary_key=True),
    sa.Column("interval", sa.String(8), primary_key=True),
    sa.Column("basis", sa.String(10), primary_key=True),
    sa.Column("source", sa.String(200), primary_key=True),
    sa.Column("reason", sa.String(80), primary_key=True),
    sa.Column("days", sa.Text, nullable=False),
    sa.Column("examples", sa.Text, nullable=False),
    sa.Column("seen_at", sa.String(40), nullable=False),
    sa.Column(ROW_SEAL, sa.String(16)),
)
_KEYS: Final = ("instrument", "interval", "basis", "source", "reason")

_KINDS: Final = {
    Verdict.HIGH: IssueKind.OHLC_BREAKS,
    Verdict.LOW: IssueKind.OHLC_BREAKS,
    Verdict.NOT_POSITIVE: IssueKind.OHLC_BREAKS,
    Verdict.NOT_FINITE: IssueKind.OHLC_BREAKS,
    Verdict.TOO_LARGE: IssueKind.OHLC_BREAKS,
    Verdict.DUPLICATE: IssueKind.DUPLICATES,
    Verdict.CONFLICT: IssueKind.DUPLICATES,
    Verdict.NO_SESSION: IssueKind.SESSION_MISMATCH,
    Verdict.OFF_HOURS: IssueKind.SESSION_MISMATCH,
    Verdict.OFF_GRID: IssueKind.SESSION_MISMATCH,
    Verdict.TOO_OLD: IssueKind.SESSION_MISMATCH,
    Verdict.FUTURE: IssueKind.SESSION_MISMATCH,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Rows of one series that one source had and that were refused for one reason.

    ``days`` counts them by date in India (days since 1970-01-01); ``examples`` are instants in microseconds UTC, and what stood there.
    """

    key: SeriesKey
    source: str
    reason: str
    days: Mapping[int, int]
    examples: tuple[tuple[int, str], ...]

    @property
    def count(self) -> int:
        """Return how many rows they are."""
        return sum(self.days.values())


class Refusals:
    """The refused rows of all imports. A source that is imported again takes the place of what it said before."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def replace(self, source: str, keys: Iterable[SeriesKey], refusals: Sequence[Refusal], *, seen_at: datetime) -> None:
        """Keep what a source's rows of these series were refused for, in place of what was kept of them.

        Raises
        ------
        BadParameter
            If ``seen_at`` has no zone.
        """
        require_aware("seen_at", seen_at)
        known = {refusal.key for refusal in refusals} | set(keys)
        rows = [with_seal(TABLE, _row(refusal, source, seen_at)) for refusal in refusals]
        with self._database.reading() as connection:
            nothing_held = not self._held(connection, source, known)
        if nothing_held and not rows:
            return
        with self._database.writing() as connection:
            for held in self._held(connection, source, known):
                connection.execute(sa.delete(TABLE).where(*(TABLE.c[name] == held[name] for name in _KEYS)))
            if rows:
                connection.execute(sa.insert(TABLE), rows)

    def of(self, key: SeriesKey) -> tuple[Refusal, ...]:
        """Return what was refused of a series, by source and reason.

        Raises
        ------
        DamagedFile
            If a row that may be of the series is not what was written.
        """
        query = sa.select(TABLE).where(is_of(TABLE, key)).order_by(TABLE.c.source, TABLE.c.reason)
        with self._database.reading() as connection, require_read(TABLE):
            require_series_sound(TABLE, self._unsound(connection), key)
            return tuple(_refusal(row) for row in sealed_rows(connection, TABLE, query))

    def all(self, *, known_at: datetime | None = None) -> BySeries[tuple[Refusal, ...]]:
        """Return what was refused, by series; of one of which a row is not what was written it is an error when it is asked for.

        Parameters
        ----------
        known_at : datetime, optional
            Only rows that were seen before this instant; those that a later import of their source took the place of are not kept.
        """
        found: dict[SeriesKey, list[Refusal]] = {}
        with self._database.reading() as connection, require_read(TABLE):
            rows = marked_rows(connection, TABLE, sa.select(TABLE).order_by(TABLE.c.source, TABLE.c.reason))
            for refusal in (_refusal(row) for row, is_sound in rows if is_sound and _was_seen(row, known_at)):
                found.setdefault(refusal.key, []).append(refusal)
        return BySeries(TABLE, {key: tuple(refusals) for key, refusals in found.items()}, (row for row, is_sound in rows if not is_sound))

    def _held(self, connection: sa.Connection, source: str, keys: Collection[SeriesKey]) -> list[Mapping[str, Any] | sa.RowMapping]:
        """Return the primary keys of the rows of a source and of series, also of those that were theirs before a value changed."""
        names = {tuple(name_of(key).values()) for key in keys}
        rows = connection.execute(sa.select(*(TABLE.c[name] for name in _KEYS)).where(TABLE.c.source == source)).mappings()
        held = [dict(row) for row in rows if tuple(row[name] for name in _KEYS[:-2]) in names]
        # An import of a thousand files is a thousand commits.
        return [*held, *(row for row in self._unsound(connection, once=True) if _was_of(row, source, keys))]

    def _unsound(self, connection: sa.Connection, *, once: bool = False) -> tuple[sa.RowMapping, ...]:
        with any_text(connection):
            return unsound_rows(self._database, connection, TABLE, once=once)


def refusal_findings(refusals: Iterable[Refusal], n_bars: int, *, span: tuple[int, int] | None = None) -> tuple[Finding, ...]:
    """Return what refused rows tell of the source: breaks, repeated rows, rows outside of sessions.

    Parameters
    ----------
    n_bars : int
        How many bars are held, which is what the refused ones are compared with.
    span : tuple of int, optional
        First and last day to look at, as days since 1970-01-01.
    """
    counts: dict[IssueKind, int] = {}
    issues: dict[IssueKind, list[Issue]] = {}
    for refusal in refusals:
        kind = next((kind for verdict, kind in _KINDS.items() if verdict == refusal.reason), None)
        if kind is None:
            continue
        counts[kind] = counts.get(kind, 0) + sum(n for day, n in refusal.days.items() if _is_inside(day, span))
        issues.setdefault(kind, []).extend(
            Issue(kind=kind, ts=ts, value=None, text=f"refused at import of {refusal.source} ({refusal.reason}): {text}")
            for ts, text in refusal.examples
            if _is_inside((ts + _IST_MICROS) // _DAY_MICROS, span)
        )
    return tuple(
        Finding(kind=kind, count=count, of=max(n_bars, count), issues=tuple(sorted(issues[kind], key=_instant)[:MOST_LISTED]))
        for kind, count in counts.items()
        if count
    )


def _instant(issue: Issue) -> int:
    return issue.ts or 0


def _is_inside(day: int, span: tuple[int, int] | None) -> bool:
    return span is None or span[0] <= day <= span[1]


def _was_of(row: sa.RowMapping, source: str, keys: Iterable[SeriesKey]) -> bool:
    """Return whether a row that is not what was written is right under the name of a source, or of one of its series."""
    wanted = [{"source": source}, *(name_of(key) for key in keys if row["source"] == source)]
    return any(with_seal(TABLE, {**row, **name})[ROW_SEAL] == row[ROW_SEAL] for name in wanted)


def _was_seen(row: sa.RowMapping, known_at: datetime | None) -> bool:
    return known_at is None or datetime.fromisoformat(row["seen_at"]) < known_at


def _row(refusal: Refusal, source: str, seen_at: datetime) -> dict[str, str]:
    said = {
        "source": source,
        "reason": refusal.reason,
        "days": json.dumps(sorted(refusal.days.items())),
        "examples": json.dumps(refusal.examples[:MOST_LISTED]),
        "seen_at": seen_at.isoformat(),
    }
    return name_of(refusal.key) | said


def _refusal(row: sa.RowMapping) -> Refusal:
    return Refusal(
        key=key_of(row),
        source=row["source"],
        reason=row["reason"],
        days={int(day): int(n) for day, n in json.loads(row["days"])},
        examples=tuple((int(ts), str(text)) for ts, text in json.loads(row["examples"])),
    )
