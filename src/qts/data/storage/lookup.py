"""What a keeper of bars answers when asked for what it does not have, and how its knowledge of a series grows."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from qts.core import InstrumentId, Interval, micros_of, session_date_of, symbol_of
from qts.core.errors import BadParameter, EmptySpan, UnknownInstrument
from qts.data.storage.contents import Content
from qts.data.storage.series import PriceBasis, Provenance, SeriesInfo, SeriesKey

_MOST_SOURCES: Final = 16
_LENGTHS: Final = {interval: i for i, interval in enumerate(Interval)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A stretch of instants ``[start, end)`` in microseconds UTC; None is open."""

    start: int | None
    end: int | None

    def meets(self, first: int, last: int) -> bool:
        """Return whether an instant from ``first`` to ``last``, both included, may be in it."""
        return (self.start is None or last >= self.start) and (self.end is None or first < self.end)


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """What one commit adds to a series: bars counted once, the first and last instant touched, and the close of the last.

    ``content`` is what it adds to the series' content, less that of the bars that it replaces.
    """

    first_ts: int
    last_ts: int
    last_close: float
    n_new: int
    content: Content

    def plus(self, other: Growth) -> Growth:
        """Return both together, for two years of one series."""
        latest = self if self.last_ts >= other.last_ts else other
        return Growth(
            first_ts=min(self.first_ts, other.first_ts),
            last_ts=latest.last_ts,
            last_close=latest.last_close,
            n_new=self.n_new + other.n_new,
            content=self.content + other.content,
        )


def span_of(start: datetime | None, end: datetime | None) -> Span:
    """Return the span in microseconds.

    Raises
    ------
    BadParameter
        If an instant has no zone.
    """
    for name, at in (("start", start), ("end", end)):
        if at is not None:
            require_aware(name, at)
    return Span(start=None if start is None else micros_of(start), end=None if end is None else micros_of(end))


def require_aware(name: str, at: datetime) -> None:
    """Raise unless the instant has a zone.

    Raises
    ------
    BadParameter
        If it has none.
    """
    if at.tzinfo is None:
        raise BadParameter(name, at, "has no time zone", hint="Give an aware instant, such as one with tzinfo=IST.")


def absent(key: SeriesKey, span: Span, held: Iterable[SeriesInfo]) -> UnknownInstrument | EmptySpan:
    """Return the error for bars that are not there, given all series that are."""
    infos = {info.key: info for info in held}
    instruments = {known.instrument for known in infos}
    if key.instrument not in instruments:
        return UnknownInstrument(key.instrument, near=near_matches(key.instrument, sorted(instruments)))
    info = infos.get(key)
    return EmptySpan(
        key.instrument,
        str(key.interval),
        start=None if span.start is None else session_date_of(span.start),
        end=None if span.end is None else session_date_of(span.end - 1),
        stored=None if info is None else (session_date_of(info.first_ts), session_date_of(info.last_ts)),
    )


def near_matches(instrument: InstrumentId, known: Sequence[InstrumentId]) -> list[InstrumentId]:
    """Return up to three stored instruments with a name like this one, the same symbol elsewhere first."""
    symbol = symbol_of(instrument)
    same = [other for other in known if symbol_of(other) == symbol]
    near = [InstrumentId(name) for name in difflib.get_close_matches(instrument, known, n=3, cutoff=0.7)]
    return list(dict.fromkeys([*same, *near]))[:3]


def no_snapshot(as_of: str, *, is_collected: bool = False) -> BadParameter:
    """Return the error for a snapshot that was never made here, or is no longer kept."""
    reason = "the snapshot was collected: its bars are no longer kept" if is_collected else "the store has no such snapshot"
    hint = "Leave it out for the present state; `qts snapshots list` shows which others there are."
    return BadParameter("as_of", as_of, reason, hint=hint)


def no_deletion(snapshot: str, *, is_collected: bool = False) -> BadParameter:
    """Return the error for a snapshot that deleted nothing, or whose deleted bars are gone for good."""
    if is_collected:
        return BadParameter("snapshot", snapshot, "what it deleted was collected since", hint="Import the bars again.")
    return BadParameter("snapshot", snapshot, "no deletion made it", hint="Give the snapshot that the deletion reported.")


def sort_key(info: SeriesInfo) -> tuple[str, int, PriceBasis]:
    """Return what series are sorted by: instrument, interval from short to long, basis."""
    return info.key.instrument, _LENGTHS[info.key.interval], info.key.basis


def grown(info: SeriesInfo | None, key: SeriesKey, growth: Growth, provenance: Provenance) -> SeriesInfo:
    """Return what is known of a series after a commit."""
    if info is None:
        return SeriesInfo(
            key=key,
            first_ts=growth.first_ts,
            last_ts=growth.last_ts,
            last_close=growth.last_close,
            n_bars=growth.n_new,
            simulated=provenance.simulated,
            sources=(provenance.source,),
            content=str(growth.content),
        )
    others = [source for source in info.sources if source != provenance.source]
    is_latest = growth.last_ts >= info.last_ts
    return SeriesInfo(
        key=key,
        first_ts=min(info.first_ts, growth.first_ts),
        last_ts=max(info.last_ts, growth.last_ts),
        last_close=growth.last_close if is_latest else info.last_close,
        n_bars=info.n_bars + growth.n_new,
        simulated=info.simulated or provenance.simulated,
        sources=(*others[-(_MOST_SOURCES - 1) :], provenance.source),
        content=str((Content.parse(info.content) if info.content else Content()) + growth.content),
    )


def returning(restored: Mapping[SeriesKey, SeriesInfo] | None, key: SeriesKey, growth: Growth) -> SeriesInfo | None:
    """Return a series that comes back as it was known, without bars yet; None if it is not one of those."""
    known = (restored or {}).get(key)
    if known is None:
        return None
    return replace(known, first_ts=growth.first_ts, last_ts=growth.last_ts, last_close=growth.last_close, n_bars=0, content=str(Content()))
