"""The contract of a data source: what it is, and how bars are had from it.

Bars come in three ways. A *bundled* source has its series whole and at hand. One that is *asked* gives the bars of a span of dates, request
by request: a broker, a web service. A *watched* one cannot be asked: it brings files when it does. Whichever way, the same holds of what is
stored: bars in order, raw or adjusted as said, none that is still forming, nothing new when nothing is new, and errors in words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Protocol

from qts.core import Bars, Instrument, InstrumentId, Interval, discover
from qts.data import sources
from qts.data.storage.series import PriceBasis, Provenance, SeriesKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """An instrument as a source describes it: its sector and what is special about it, such as a split."""

    instrument: Instrument
    sector: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A place that bars come from, as it presents itself.

    Parameters
    ----------
    title : str
        The name on screen.
    simulated : bool
        Whether the prices are invented; every number computed from them is labelled SIMULATED.
    note : str
        What the data is and what it is not, in plain words.
    licence : str
        Under which terms it may be used.
    """

    title: str
    simulated: bool
    note: str
    licence: str

    def provenance(self, source_id: str) -> Provenance:
        """Return what to store with the bars; ``source_id`` is the name of the plugin's file."""
        return Provenance(source=source_id.replace("_", "-"), simulated=self.simulated, note=self.note)


@dataclass(frozen=True, slots=True, kw_only=True)
class BundledSource(Source):
    """A source that comes with the program, needing neither network nor key.

    Parameters
    ----------
    listings : callable
        Returns the instruments, in a fixed order.
    series : callable
        Returns the series it has, in a fixed order, without loading bars.
    bars : callable
        Returns the bars of one of these series; raises UnknownInstrument for any other, SourceError where the data cannot be read.
    """

    listings: Callable[[], Sequence[Listing]]
    series: Callable[[], Sequence[SeriesKey]]
    bars: Callable[[SeriesKey], Bars]


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedSource(Source):
    """A source that is asked for spans of bars; what is open of it is a ``BarSource``.

    Parameters
    ----------
    most_days : Mapping of Interval to int
        The intervals that it has, with how many days one request may span.
    spacing : callable
        Returns how many seconds lie between two requests.
    """

    most_days: Mapping[Interval, int]
    spacing: Callable[[], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedSource(Source):
    """A source that brings files into a folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """An instrument as a source that is asked knows it: under which name there, and what its prices mean."""

    instrument: InstrumentId
    name: str
    basis: PriceBasis


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What came of one request: the bars that are over, and by their place in the reply those that cannot be, with the reason.

    ``at`` is when it was sent, by the sender's clock where he has one. ``spoiled`` are the dates of the refused, None where one has none.
    """

    at: datetime
    bars: Bars
    refused: tuple[tuple[int, str], ...] = ()
    spoiled: frozenset[date | None] = frozenset()


class BarSource(Protocol):
    """A source that was opened to be asked."""

    def find(self, instrument: InstrumentId) -> Listed | None:
        """Return how the source knows an instrument today, None where it does not; raises SourceError."""
        ...

    def bars(self, listed: Listed, interval: Interval, *, first: date, last: date) -> Delivery:
        """Return the bars of these dates, both included, oldest first and each once, without any that may still change.

        Raises
        ------
        SourceError
            If they could not be had.
        """
        ...


def built_in_sources() -> Mapping[str, BundledSource]:
    """Return the sources that come with the program by id."""
    return {name: source for name, source in _sources().items() if isinstance(source, BundledSource)}


def asked_sources() -> Mapping[str, AskedSource]:
    """Return the sources that are asked by id."""
    return {name: source for name, source in _sources().items() if isinstance(source, AskedSource)}


def watched_sources() -> Mapping[str, WatchedSource]:
    """Return the sources that bring files by id."""
    return {name: source for name, source in _sources().items() if isinstance(source, WatchedSource)}


@cache
def _sources() -> Mapping[str, Source]:
    return discover(sources, "SOURCE", Source)
