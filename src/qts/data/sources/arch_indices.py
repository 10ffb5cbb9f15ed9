"""Two real index series for a first real backtest: S&P 500 and NASDAQ Composite, days of 1999 to 2018.

They come inside the ``arch`` package, which is a dependency; its files are read as they are, and the package is not imported.
"""

from __future__ import annotations

import csv
import gzip
import importlib.util
from collections.abc import Callable, Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np

from qts.core import Bars, Exchange, Floats, Instrument, InstrumentId, Interval, micros_of
from qts.core.errors import SourceError, UnknownInstrument
from qts.data.source import BundledSource, Listing
from qts.data.storage.series import SeriesKey
from qts.market.sessions import daily_stamp

PACKAGE: Final = "arch"
COLUMNS: Final = ("Date", "Open", "High", "Low", "Close", "Volume")
_FILES: Final = {
    InstrumentId("INDEX:SP500"): ("S&P 500", "data/sp500/sp500.csv.gz"),
    InstrumentId("INDEX:NASDAQ"): ("NASDAQ Composite", "data/nasdaq/nasdaq.csv.gz"),
}


def arch_indices(folder: Callable[[], Path]) -> BundledSource:
    """Return the source reading below the folder of the installed package."""

    def bars(key: SeriesKey) -> Bars:
        if key not in _series():
            raise UnknownInstrument(f"{key.instrument} {key.interval} {key.basis}", near=[f"{name} 1d" for name in _FILES])
        return _bars(key.instrument, folder() / _FILES[key.instrument][1])

    return BundledSource(
        title="US indices of the arch package",
        simulated=False,
        note=(
            "Real daily levels of the S&P 500 and the NASDAQ Composite, 1999-01-04 to 2018-12-31, as the arch package carries them "
            "for its examples. An index cannot be bought as such, and dividends are not in it."
        ),
        licence="University of Illinois/NCSA, as the arch package",
        listings=_listings,
        series=_series,
        bars=bars,
    )


def package_folder(name: str) -> Path:
    """Return where a package is installed, without running any of it.

    Raises
    ------
    SourceError
        If it is not installed.
    """
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise SourceError(f"The package {name} is not installed, so its index data is absent.", hint="`make setup` installs it.")
    return Path(spec.origin).parent


def _listings() -> tuple[Listing, ...]:
    note = "An index level in points, not a price in rupees; it cannot be traded as such."
    return tuple(Listing(instrument=Instrument(id=name, name=title), sector="Index", note=note) for name, (title, _) in _FILES.items())


@cache
def _series() -> tuple[SeriesKey, ...]:
    return tuple(SeriesKey(instrument=name, interval=Interval.DAY) for name in _FILES)


def _bars(instrument: InstrumentId, path: Path) -> Bars:
    columns = _read(path)
    try:
        dates = [_date_of(text) for text in columns["Date"]]
        prices = {name: np.array([float(text) for text in columns[name]]) for name in COLUMNS[1:]}
    except ValueError as error:
        raise SourceError(f"{path}: {error}.", hint="Install the arch package anew: `make setup`.") from error
    return Bars(
        instrument=instrument,
        interval=Interval.DAY,
        ts=np.array([micros_of(daily_stamp(Exchange.INDEX, on)) for on in dates], dtype=np.int64),
        open=prices["Open"],
        high=prices["High"],
        low=prices["Low"],
        close=prices["Close"],
        volume=prices["Volume"],
        oi=_absent(len(dates)),
    )


def _read(path: Path) -> Mapping[str, list[str]]:
    try:
        with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise SourceError(f"{path}: cannot be read ({error}).", hint="Install the arch package anew: `make setup`.") from error
    if not rows or any(row.get(name) is None for row in rows for name in COLUMNS):
        raise SourceError(f"{path}: has not the columns {', '.join(COLUMNS)}.", hint="Install the arch package anew: `make setup`.")
    return {name: [row[name] for row in rows] for name in COLUMNS}


def _date_of(text: str) -> date:
    # The file writes month/day/year without leading zeros.
    month, day, year = text.split("/")
    return date(int(year), int(month), int(day))


def _absent(n: int) -> Floats:
    return np.full(n, np.nan)


SOURCE: Final = arch_indices(lambda: package_folder(PACKAGE))
