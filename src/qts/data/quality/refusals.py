"""Which rows of a series were refused when they were imported: they are not in the store, but they tell what the source is worth."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from qts.core import InstrumentId, Interval
from qts.data.intake import Verdict
from qts.data.quality.findings import MOST_LISTED, Finding, Issue, IssueKind
from qts.data.storage import PriceBasis, SeriesKey
from qts.data.storage.database import Database
from qts.data.storage.lookup import require_aware

_DAY_MICROS: Final = 86_400_000_000
_IST_MICROS: Final = 19_800_000_000

_ROWS: Final = sa.Table(
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
)

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
        rows = [
            _name(refusal.key)
            | {
                "source": source,
                "reason": refusal.reason,
                "days": json.dumps(sorted(refusal.days.items())),
                "examples": json.dumps(refusal.examples[:MOST_LISTED]),
                "seen_at": seen_at.isoformat(),
            }
            for refusal in refusals
        ]
        with self._database.reading() as connection:
            nothing_held = connection.execute(sa.select(_ROWS.c.reason).where(_ROWS.c.source == source).limit(1)).first() is None
        if nothing_held and not rows:
            return
        with self._database.writing() as connection:
            held = connection.execute(sa.select(_ROWS).where(_ROWS.c.source == source)).all()
            for key in {_key_of(row) for row in held} & known:
                connection.execute(sa.delete(_ROWS).where(_ROWS.c.source == source, _is_of(key)))
            if rows:
                connection.execute(sa.insert(_ROWS), rows)

    def of(self, key: SeriesKey) -> tuple[Refusal, ...]:
        """Return what was refused of a series, by source and reason."""
        query = sa.select(_ROWS).where(_is_of(key)).order_by(_ROWS.c.source, _ROWS.c.reason)
        with self._database.reading() as connection:
            return tuple(_refusal(row) for row in connection.execute(query).all())

    def all(self) -> Mapping[SeriesKey, tuple[Refusal, ...]]:
        """Return what was refused, by series."""
        query = sa.select(_ROWS).order_by(_ROWS.c.source, _ROWS.c.reason)
        found: dict[SeriesKey, list[Refusal]] = {}
        with self._database.reading() as connection:
            for row in connection.execute(query):
                found.setdefault(_key_of(row), []).append(_refusal(row))
        return {key: tuple(refusals) for key, refusals in found.items()}


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


def _name(key: SeriesKey) -> dict[str, str]:
    return {"instrument": str(key.instrument), "interval": str(key.interval), "basis": str(key.basis)}


def _is_of(key: SeriesKey) -> sa.ColumnElement[bool]:
    return sa.and_(_ROWS.c.instrument == str(key.instrument), _ROWS.c.interval == str(key.interval), _ROWS.c.basis == str(key.basis))


def _key_of(row: sa.Row[tuple[str, ...]]) -> SeriesKey:
    return SeriesKey(instrument=InstrumentId(row.instrument), interval=Interval(row.interval), basis=PriceBasis(row.basis))


def _refusal(row: sa.Row[tuple[str, ...]]) -> Refusal:
    return Refusal(
        key=_key_of(row),
        source=row.source,
        reason=row.reason,
        days={int(day): int(n) for day, n in json.loads(row.days)},
        examples=tuple((int(ts), str(text)) for ts, text in json.loads(row.examples)),
    )
