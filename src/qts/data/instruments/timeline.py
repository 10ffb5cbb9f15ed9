"""How a dump changes what is known over time: rows that hold from one dump to another, and a dump put in its place among them.

Rows hold between dumps: a row in the dumps of Monday and Tuesday and no longer in that of Friday holds from Monday until before Friday.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from qts.data.instruments.listing import OPEN_END, DumpRow


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldRow:
    """A row as it is kept: from the dump of ``valid_from`` until before that of ``valid_to``."""

    id: int
    row: DumpRow
    valid_from: date
    valid_to: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """A kept row, and from when until when it is to hold instead."""

    id: int
    row: DumpRow
    valid_from: date
    valid_to: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A row to keep from now on, and from when until when it holds."""

    row: DumpRow
    valid_from: date
    valid_to: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What a dump changes. ``gone`` are the rows that held before it and are not in it, ``new`` those in it that did not hold before.

    ``n_earlier`` counts those of ``new`` that held from the next dump on, and now hold from this one.
    """

    arrivals: tuple[Arrival, ...]
    periods: tuple[Period, ...]
    dropped: tuple[int, ...]
    gone: tuple[DumpRow, ...]
    new: tuple[DumpRow, ...]
    n_earlier: int

    @property
    def is_empty(self) -> bool:
        """Return whether everything is as it was."""
        return not (self.arrivals or self.periods or self.dropped)


def changes_of(held: Iterable[HeldRow], wanted: Sequence[DumpRow], *, on: date, next_on: date | None) -> Changes:
    """Return what a dump of a date changes.

    Parameters
    ----------
    held : iterable of HeldRow
        The kept rows of its exchange whose periods touch the date: they end on it or later, and begin by the next dump's date.
    wanted : sequence of DumpRow
        What the dump lists.
    on : date
        Its date. A dump that is there already for the date is replaced.
    next_on : date or None
        The date of the next dump of the exchange, None where this is the latest.
    """
    end = next_on or OPEN_END
    left = {}
    right = {}
    present = []
    for one in held:
        if one.valid_to == on:
            left[one.row] = one
        elif one.valid_from == next_on:
            right[one.row] = one
        else:
            present.append(one)
    listed = set(wanted)
    arrivals: list[Arrival] = []
    periods: list[Period] = []
    dropped: list[int] = []
    for one in (one for one in present if one.row not in listed):
        _part(one, on=on, next_on=next_on, arrivals=arrivals, periods=periods, dropped=dropped)
    new = listed - {one.row for one in present}
    for row in (row for row in wanted if row in new):
        before, after = left.get(row), right.get(row)
        if before is not None:
            until = end if after is None else after.valid_to
            periods.append(Period(id=before.id, row=row, valid_from=before.valid_from, valid_to=until))
            dropped += [] if after is None else [after.id]
        elif after is not None:
            periods.append(Period(id=after.id, row=row, valid_from=on, valid_to=after.valid_to))
        else:
            arrivals.append(Arrival(row=row, valid_from=on, valid_to=end))
    return Changes(
        arrivals=tuple(arrivals),
        periods=tuple(periods),
        dropped=tuple(dropped),
        gone=tuple(one.row for one in present if one.row not in listed),
        new=tuple(row for row in wanted if row in new),
        n_earlier=sum(row in right and row not in left for row in new),
    )


def _part(one: HeldRow, *, on: date, next_on: date | None, arrivals: list[Arrival], periods: list[Period], dropped: list[int]) -> None:
    """Take a row out of one dump: it holds before it, and after it where the next one has it again."""
    goes_on = next_on is not None and one.valid_to > next_on
    if one.valid_from < on:
        periods.append(Period(id=one.id, row=one.row, valid_from=one.valid_from, valid_to=on))
        if goes_on and next_on is not None:
            arrivals.append(Arrival(row=one.row, valid_from=next_on, valid_to=one.valid_to))
    elif goes_on and next_on is not None:
        periods.append(Period(id=one.id, row=one.row, valid_from=next_on, valid_to=one.valid_to))
    else:
        dropped.append(one.id)
