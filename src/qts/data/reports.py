"""What became of a file that was imported? Counts that add up, and a reason for every row that was not stored."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from qts.core import Bars, Interval, Ints, instant_of, session_date_of
from qts.core.errors import QtsError
from qts.data.intake import MAX_TOLD, OUTCOMES, Block, Names, Skip, Verdict
from qts.data.stamps import NO_STAMP, ist_day
from qts.data.storage import PriceBasis, UpsertReport

MAX_EXAMPLES: Final = 200
"""Refused rows of one instrument and reason of which a report keeps what stands there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """A refused row: its line in the file (row in Parquet, candle in JSON, from 1), why, and what stands there."""

    row: int
    reason: str
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedRows:
    """The rows of one instrument that were refused for one reason, where both instrument and date could be read.

    ``days`` counts them by date in India (days since 1970-01-01); ``examples`` are the first instants, in microseconds UTC, with what
    stands there.
    """

    instrument: str
    reason: str
    days: Mapping[int, int]
    examples: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileReport:
    """What became of one file, or of one file inside a zip.

    ``rows_read = stored + unchanged + rejected_count + skipped_count``, unless ``error`` stopped the file. ``stored`` counts bars that are
    new or differ from those held, ``changed`` those of them that replaced a different bar. ``rejected`` lists the first 1000.
    ``first`` and ``last`` are the dates of the file's bars in India. ``skipped`` says that the file is no price data, or was not
    tried; ``notes`` say why. ``refused`` counts all refused rows again, by instrument and reason.
    """

    path: str
    format: str | None = None
    interval: Interval | None = None
    basis: PriceBasis | None = None
    rows_read: int = 0
    stored: int = 0
    unchanged: int = 0
    changed: int = 0
    rejected: tuple[Rejection, ...] = ()
    rejected_count: int = 0
    reject_counts: Mapping[str, int] = field(default_factory=dict)
    skipped_count: int = 0
    skip_counts: Mapping[str, int] = field(default_factory=dict)
    instruments: tuple[str, ...] = ()
    first: str | None = None
    last: str | None = None
    notes: tuple[str, ...] = ()
    error: QtsError | None = None
    skipped: bool = False
    refused: tuple[RefusedRows, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """What became of all files, and the state of the store afterwards."""

    files: tuple[FileReport, ...]
    snapshot: str


@dataclass(slots=True, kw_only=True)  # grows while the file is read
class _Refused:
    days: Counter[int] = field(default_factory=Counter)
    examples: list[tuple[int, str]] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)  # counts while the file is read
class Tally:
    """A report in the making."""

    path: str
    format: str | None = None
    interval: Interval | None = None
    basis: PriceBasis | None = None
    rows_read: int = 0
    stored: int = 0
    unchanged: int = 0
    changed: int = 0
    rejected: list[Rejection] = field(default_factory=list)
    reject_counts: Counter[str] = field(default_factory=Counter)
    skip_counts: Counter[str] = field(default_factory=Counter)
    instruments: set[str] = field(default_factory=set)
    first_ts: int | None = None
    last_ts: int | None = None
    notes: list[str] = field(default_factory=list)
    refused: dict[tuple[str, str], _Refused] = field(default_factory=dict)

    def count(self, block: Block, names: Names) -> None:
        """Count the rows of a judged block."""
        self.rows_read += len(block)
        for i, n in enumerate(np.bincount(block.states, minlength=len(OUTCOMES)).tolist()):
            outcome = OUTCOMES[i]
            if n and isinstance(outcome, Verdict):
                self.reject_counts[outcome] += n
            elif n and isinstance(outcome, Skip):
                self.skip_counts[outcome] += n
        refused = np.flatnonzero((block.states > 0) & (block.states <= len(Verdict)))
        by_row = refused[np.argsort(block.rows[refused], kind="stable")]
        self.rejected.extend(rejection_of(block, int(i), names) for i in by_row[: MAX_TOLD - len(self.rejected)])
        self._count_refused(block, names, refused[(block.codes[refused] >= 0) & (block.ts[refused] != NO_STAMP)])

    def _count_refused(self, block: Block, names: Names, refused: Ints) -> None:
        key = block.codes[refused] * len(OUTCOMES) + block.states[refused]
        order = np.argsort(key, kind="stable")
        for rows in np.split(refused[order], np.flatnonzero(np.diff(key[order])) + 1) if len(key) else ():
            code, state = int(block.codes[rows[0]]), int(block.states[rows[0]])
            held = self.refused.setdefault((names.instruments[code], str(OUTCOMES[state])), _Refused())
            days, counts = np.unique(ist_day(block.ts[rows]), return_counts=True)
            held.days.update(dict(zip(days.tolist(), counts.tolist(), strict=True)))
            for i in rows[: MAX_EXAMPLES - len(held.examples)].tolist():
                held.examples.append((int(block.ts[i]), rejection_of(block, i, names).detail))

    def add(self, bars: Bars) -> None:
        """Note the span of bars that are handed to the store."""
        self.instruments.add(bars.instrument)
        first, last = int(bars.ts[0]), int(bars.ts[-1])
        self.first_ts = first if self.first_ts is None else min(first, self.first_ts)
        self.last_ts = last if self.last_ts is None else max(last, self.last_ts)

    def commit(self, report: UpsertReport) -> None:
        """Count what the store did."""
        self.stored += report.stored
        self.unchanged += report.unchanged
        self.changed += report.changed
        if report.waiting:
            self.tell(f"{report.waiting} bars are of a damaged file and are kept until all of it was given; `qts verify` names the rest")

    def tell(self, note: str) -> None:
        """Add a note once."""
        if note not in self.notes:
            self.notes.append(note)

    def report(self, *, error: QtsError | None = None, is_skipped: bool = False) -> FileReport:
        """Return the finished report."""
        for reason, n in self.skip_counts.items():
            self.tell(f"{n} rows skipped: {reason}.")
        return FileReport(
            path=self.path,
            format=self.format,
            interval=self.interval,
            basis=self.basis,
            rows_read=self.rows_read,
            stored=self.stored,
            unchanged=self.unchanged,
            changed=self.changed,
            rejected=tuple(self.rejected),
            rejected_count=self.reject_counts.total(),
            reject_counts=dict(self.reject_counts),
            skipped_count=self.skip_counts.total(),
            skip_counts=dict(self.skip_counts),
            instruments=tuple(sorted(self.instruments)),
            first=None if self.first_ts is None else session_date_of(self.first_ts).isoformat(),
            last=None if self.last_ts is None else session_date_of(self.last_ts).isoformat(),
            notes=tuple(self.notes),
            error=error,
            skipped=is_skipped,
            refused=tuple(
                RefusedRows(instrument=instrument, reason=reason, days=dict(held.days), examples=tuple(held.examples))
                for (instrument, reason), held in sorted(self.refused.items())
            ),
        )


def rejection_of(block: Block, place: int, names: Names) -> Rejection:
    """Return a refused row with its reason and what is wrong about it."""
    row, verdict = int(block.rows[place]), str(OUTCOMES[block.states[place]])
    detail = block.details.get(row) or _described(block, place, names)
    return Rejection(row=row, reason=verdict, detail=detail)


def _described(block: Block, place: int, names: Names) -> str:
    code, ts = int(block.codes[place]), int(block.ts[place])
    what = names.instruments[code] if code >= 0 else ""
    when = instant_of(ts).isoformat(sep=" ", timespec="minutes").removesuffix("+05:30") if ts != NO_STAMP else ""
    shown = ("open", "high", "low", "close", "volume")
    figures = zip(shown, block.values[:5, place].tolist(), strict=True)
    values = " ".join(f"{name} {value:.12g}" for name, value in figures if not math.isnan(value))
    return " ".join(part for part in (what, when, values) if part)
