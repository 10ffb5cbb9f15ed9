"""Which bars share a file, and where it stands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache, lru_cache

import numpy as np

from qts.core import IST, Bars, Exchange, InstrumentId, Interval, exchange_of, micros_of, session_date_of
from qts.data.storage.series import PriceBasis, SeriesKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """Bars of one length, exchange and basis: what shares a folder, and the files of its commits."""

    interval: Interval
    exchange: Exchange
    basis: PriceBasis

    @property
    def label(self) -> str:
        """Return a name that is the same on any machine."""
        return f"{self.interval}/{self.exchange}/{self.basis}"

    def key(self, instrument: InstrumentId) -> SeriesKey:
        """Return the series of an instrument."""
        return SeriesKey(instrument=instrument, interval=self.interval, basis=self.basis)

    def hot_label(self, layer: int) -> str:
        """Return the name of the file that holds what a commit brought."""
        return f"{self.label}/hot/{layer}"

    @property
    def folder(self) -> str:
        """Return the folder, relative to the store's root."""
        return f"data/bars/{self.label}"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileGroup:
    """The bars of one file: a year of one instrument, or of a whole exchange where bars last a session or longer.

    ``instrument`` is None for the latter. Years are those of India.
    """

    interval: Interval
    exchange: Exchange
    basis: PriceBasis
    instrument: InstrumentId | None
    year: int

    def __hash__(self) -> int:
        # That of an enumeration's member is slow, and few groups share these two.
        return hash((self.instrument, self.year))

    @property
    def dataset(self) -> Dataset:
        """Return the dataset that it is a part of."""
        return Dataset(interval=self.interval, exchange=self.exchange, basis=self.basis)

    @property
    def label(self) -> str:
        """Return a name that says which bars these are on any machine."""
        return f"{self.interval}/{self.exchange}/{self.basis}/{self.instrument or '*'}/{self.year}"

    def folder(self, number: int | None) -> str:
        """Return the folder, relative to the store's root; ``number`` is the instrument's, as symbols are no safe file names."""
        return self.dataset.folder if number is None else f"{self.dataset.folder}/{number}"


def groups_of(key: SeriesKey, bars: Bars) -> Iterator[tuple[FileGroup, Bars]]:
    """Yield the bars of each year with the group that they belong to."""
    if len(bars) == 0:
        return
    first, last = _year_of(int(bars.ts[0])), _year_of(int(bars.ts[-1]))
    if first == last:
        yield group_of(key, first), bars
        return
    cuts = np.searchsorted(bars.ts, [_start_of(year) for year in range(first, last + 2)]).tolist()
    for year, start, stop in zip(range(first, last + 1), cuts[:-1], cuts[1:], strict=True):
        if start < stop:
            yield group_of(key, year), bars.window(start, stop)


@lru_cache(maxsize=1_024)  # series begin and end together
def _year_of(micros: int) -> int:
    return session_date_of(micros).year


@cache
def _start_of(year: int) -> int:
    return micros_of(datetime(year, 1, 1, tzinfo=IST))


def dataset_of(key: SeriesKey) -> Dataset:
    """Return the dataset of a series."""
    return Dataset(interval=key.interval, exchange=exchange_of(key.instrument), basis=key.basis)


def group_of(key: SeriesKey, year: int) -> FileGroup:
    """Return the group that holds this year of a series."""
    return FileGroup(
        interval=key.interval,
        exchange=exchange_of(key.instrument),
        basis=key.basis,
        instrument=key.instrument if key.interval.is_intraday else None,
        year=year,
    )
