"""What the instrument master knows of an instrument's lot, ticks, price bands and expiry over a run, in place of the rules.

A dump vouches for the lot and the expiry of a contract it lists. It vouches for a tick until the next dump that follows within a month,
and the last one until its month ends: ticks are reviewed every month. A price band it vouches for until the next dump within a week, and
the last one for its own day alone: bands change by notice, any day.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from qts.app.run_document import ListedBand, ListedPart, ListedTick, RunDocument
from qts.app.workspace import Workspace
from qts.core.instrument import InstrumentId, exchange_of
from qts.data.instruments import DumpInfo, Listing, ListingKind
from qts.market.listing import BandSpan, TickFrom

# Dumps further apart say nothing of the ticks between them.
_NEAR: Final = timedelta(days=31)
# Nor of the bands where they are further apart than this.
_WEEK: Final = timedelta(days=7)
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class TickSpan:
    """A tick in rupees that dumps vouch for from one date to another, both included."""

    first: date
    last: date
    size: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedTerms:
    """What dumps say of an instrument over a span; ``lot`` and ``expiry`` are None where they say nothing.

    ``source`` names the dumps, ``estimates`` has a sentence for what they say of another date only.
    """

    lot: int | None
    expiry: date | None
    ticks: tuple[TickSpan, ...]
    source: str
    estimates: tuple[str, ...] = ()
    bands: tuple[BandSpan, ...] = ()


def listed_terms(workspace: Workspace, spans: Sequence[tuple[InstrumentId, tuple[date, date]]]) -> tuple[ListedTerms | None, ...]:
    """Return what the master knows of each instrument over its span of dates, or None where it knows nothing."""
    dumps: dict[str, tuple[DumpInfo, ...]] = {}
    found: list[ListedTerms | None] = []
    for name, span in spans:
        listings = workspace.instruments.listings(name)
        exchange = exchange_of(name).value
        if listings and exchange not in dumps:
            dumps[exchange] = workspace.instruments.dumps(exchange)
        found.append(_terms(listings, dumps[exchange], span) if listings else None)
    return tuple(found)


def stored_terms(document: RunDocument, names: Sequence[InstrumentId]) -> tuple[ListedTerms | None, ...]:
    """Return what dumps said of each instrument when a stored run was made."""
    parts = {part.instrument: part.listed for part in document.terms}
    return tuple(_from_part(parts.get(name)) for name in names)


def with_ticks(schedule: Sequence[TickFrom], spans: Sequence[TickSpan], last: date) -> tuple[TickFrom, ...]:
    """Return a schedule of ticks with those of dumps put over it, one entry per change, until ``last``."""
    if not spans or not schedule:
        return tuple(schedule)
    starts = {entry.start for entry in schedule} | {span.first for span in spans} | {span.last + _DAY for span in spans}
    merged: list[TickFrom] = []
    for start in sorted(day for day in starts if schedule[0].start <= day <= last):
        told = next((span for span in spans if span.first <= start <= span.last), None)
        rule = next(entry for entry in reversed(schedule) if entry.start <= start)
        entry = replace(rule, start=start) if told is None else TickFrom(start=start, size=told.size, is_estimate=False)
        if not merged or (merged[-1].size, merged[-1].is_estimate) != (entry.size, entry.is_estimate):
            merged.append(entry)
    return tuple(merged)


def listed_part(terms: ListedTerms | None) -> ListedPart | None:
    """Return what dumps said as a part of the document, from which a replay takes it again."""
    if terms is None:
        return None
    return ListedPart(
        lot=terms.lot,
        expiry=None if terms.expiry is None else terms.expiry.isoformat(),
        ticks=tuple(ListedTick(start=tick.first.isoformat(), end=tick.last.isoformat(), size=str(tick.size)) for tick in terms.ticks),
        source=terms.source,
        estimates=terms.estimates,
        bands=tuple(
            ListedBand(start=band.first.isoformat(), end=band.last.isoformat(), fraction=str(band.fraction)) for band in terms.bands
        ),
    )


def _from_part(part: ListedPart | None) -> ListedTerms | None:
    if part is None:
        return None
    return ListedTerms(
        lot=part.lot,
        expiry=None if part.expiry is None else date.fromisoformat(part.expiry),
        ticks=tuple(
            TickSpan(first=date.fromisoformat(tick.start), last=date.fromisoformat(tick.end), size=Decimal(tick.size))
            for tick in part.ticks
        ),
        source=part.source,
        estimates=part.estimates,
        bands=tuple(
            BandSpan(first=date.fromisoformat(band.start), last=date.fromisoformat(band.end), fraction=Decimal(band.fraction))
            for band in part.bands
        ),
    )


def _terms(listings: Sequence[Listing], dumps: Sequence[DumpInfo], span: tuple[date, date]) -> ListedTerms | None:
    first = span[0]
    is_contract = listings[0].kind is not ListingKind.EQUITY
    ticks = _tick_spans(listings, [dump.on for dump in dumps], span)
    bands = () if is_contract else _band_spans(listings, [dump.on for dump in dumps], span)
    lot, estimates = _lot(listings, span) if is_contract or _listed_on(listings, first) else (None, ())
    expiry = listings[-1].expiry
    if lot is None and expiry is None and not ticks and not bands:
        return None
    used = _used_dates(listings, ticks, bands, first)
    sources = {dump.on: dump.source for dump in dumps}
    single = f"the dump of {used[0]} ({sources[used[0]]})"
    source = single if len(used) == 1 else f"{len(used)} dumps from {used[0]} to {used[-1]}"
    return ListedTerms(lot=lot, expiry=expiry, ticks=ticks, source=source, estimates=estimates, bands=bands)


def _listed_on(listings: Sequence[Listing], on: date) -> bool:
    return any(one.first_on <= on and (one.until is None or on < one.until) for one in listings)


def _lot(listings: Sequence[Listing], span: tuple[date, date]) -> tuple[int | None, tuple[str, ...]]:
    """Return the lot as of the first day, where no dump is as old that of the first one, and what is not sure about it."""
    first, last = span
    known = [one for one in listings if one.first_on <= first]
    one = known[-1] if known else listings[0]
    # Contracts of currencies and commodities are listed by the lot: their lot of 1 is not one unit.
    if one.lot is None or (one.lot == 1 and one.kind is not ListingKind.EQUITY):
        return None, ()
    told = [] if known else [f"the lot of {one.lot} is that of the dump of {one.first_on}, the first that lists it"]
    changed = next((other for other in listings if one.first_on < other.first_on <= last and other.lot not in {None, one.lot}), None)
    if changed is not None:
        told.append(f"the lot became {changed.lot} by {changed.first_on}, and the run keeps that of {one.lot}")
    return one.lot, tuple(told)


def _tick_spans(listings: Sequence[Listing], dumps: Sequence[date], span: tuple[date, date]) -> tuple[TickSpan, ...]:
    first, last = span
    found: list[TickSpan] = []
    for one in (one for one in listings if one.tick is not None):
        held = [on for on in dumps if one.first_on <= on and (one.until is None or on < one.until)]
        for on, following in zip(held, [*held[1:], None], strict=True):
            after = next((other for other in dumps if other > on), None)
            until = _month_end(on) if after is None else min(after - _DAY, _month_end(on))
            if following is not None and following - on <= _NEAR:
                until = following
            start, end = max(on, first), min(until, last)
            if start <= end and one.tick is not None:
                found.append(TickSpan(first=start, last=end, size=one.tick))
    return _joined(found)


def _band_spans(listings: Sequence[Listing], dumps: Sequence[date], span: tuple[date, date]) -> tuple[BandSpan, ...]:
    """Return the days whose band is known: those of dumps, and those between two near ones that agree."""
    first, last = span
    said = {on: one.band for one in listings for on in dumps if one.first_on <= on and (one.until is None or on < one.until)}
    found: list[BandSpan] = []
    for on, following in zip(dumps, [*dumps[1:], None], strict=True):
        fraction = said.get(on)
        is_near = following is not None and following - on <= _WEEK
        until = following - _DAY if is_near and following is not None and said.get(following) == fraction else on
        start, end = max(on, first), min(until, last)
        if not fraction or start > end:
            continue
        if found and found[-1].fraction == fraction and start == found[-1].last + _DAY:
            found[-1] = replace(found[-1], last=end)
        else:
            found.append(BandSpan(first=start, last=end, fraction=fraction))
    return tuple(found)


def _joined(spans: Sequence[TickSpan]) -> tuple[TickSpan, ...]:
    joined: list[TickSpan] = []
    for span in spans:
        before = joined[-1] if joined else None
        if before is not None and before.size == span.size and span.first <= before.last + _DAY:
            joined[-1] = replace(before, last=max(before.last, span.last))
        else:
            joined.append(span)
    return tuple(joined)


def _used_dates(listings: Sequence[Listing], ticks: Sequence[TickSpan], bands: Sequence[BandSpan], first: date) -> list[date]:
    known = [one.first_on for one in listings if one.first_on <= first]
    dates = {
        known[-1] if known else listings[0].first_on,
        *(one.first_on for one in listings if any(one.tick == tick.size and _touches(one, tick) for tick in ticks)),
        *(one.first_on for one in listings if any(one.band == band.fraction and _touches(one, band) for band in bands)),
    }
    return sorted(dates)


def _touches(one: Listing, span: TickSpan | BandSpan) -> bool:
    return one.first_on <= span.last and (one.until is None or span.first < one.until)


def _month_end(on: date) -> date:
    return (on.replace(day=28) + timedelta(days=4)).replace(day=1) - _DAY
