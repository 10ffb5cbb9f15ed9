"""The contract of a data source: which series it has, and their bars."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from qts.core import Bars, Instrument, discover
from qts.data import sources
from qts.data.storage.series import Provenance, SeriesKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """An instrument as a source describes it: its sector and what is special about it, such as a split."""

    instrument: Instrument
    sector: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A place that bars come from, needing neither network nor key.

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
    listings : callable
        Returns the instruments, in a fixed order.
    series : callable
        Returns the series it has, in a fixed order, without loading bars.
    bars : callable
        Returns the bars of one of these series; raises UnknownInstrument for any other, SourceError where the data cannot be read.
    """

    title: str
    simulated: bool
    note: str
    licence: str
    listings: Callable[[], Sequence[Listing]]
    series: Callable[[], Sequence[SeriesKey]]
    bars: Callable[[SeriesKey], Bars]

    def provenance(self, source_id: str) -> Provenance:
        """Return what to store with the bars; ``source_id`` is the name of the plugin's file."""
        return Provenance(source=source_id.replace("_", "-"), simulated=self.simulated, note=self.note)


def built_in_sources() -> Mapping[str, Source]:
    """Return the sources of this package by id."""
    return discover(sources, "SOURCE", Source)
