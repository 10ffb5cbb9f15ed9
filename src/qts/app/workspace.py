"""One home folder, opened: its settings, bar store, control database, clock and strategies."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import datetime
from types import TracebackType
from typing import Self

from qts.app.calendar_file import use_calendar_of
from qts.app.clock import SystemClock
from qts.app.control import ControlDatabase
from qts.app.instrument_finder import InstrumentFinder
from qts.app.series_days import PresentDays
from qts.app.settings import Settings, load_settings, require_restored
from qts.core.bars import Bars
from qts.core.clock import Clock
from qts.core.errors import BadPath, InputError
from qts.data.actions import ActionStore, SqlActions
from qts.data.coverage import KnownEmpty
from qts.data.instruments import IndexMembership, InstrumentMaster, SymbolChanges, Watchlists
from qts.data.quality import Refusals, Scores
from qts.data.storage import Admission, BarCache, BarStore, ParquetStore, Reserve, SeriesKey
from qts.kernels import use_cache
from qts.strategies import Catalog, load_catalog


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """What a use case works with. Open it once per process; it may be shared by threads."""

    settings: Settings
    store: BarStore
    control: ControlDatabase
    clock: Clock
    queries: Admission = field(default_factory=lambda: Admission(os.cpu_count() or 1))
    finder: InstrumentFinder = field(default_factory=InstrumentFinder)
    days: PresentDays = field(default_factory=PresentDays)
    cache: BarCache | None = None

    def read_for_run(self, key: SeriesKey, *, start: datetime | None = None, end: datetime | None = None, as_of: str | None = None) -> Bars:
        """Return bars of the store for a run: the same bits, sooner when they are asked for again."""
        if self.cache is None:
            return self.store.read(key, start=start, end=end, as_of=as_of)
        return self.cache.read(self.store, key, start=start, end=end, as_of=as_of)

    def snapshot_id(self, as_of: str | None) -> str | None:
        """Return the id of a snapshot given by its id or a name, which may be taken away or given to another; None stays the present."""
        if as_of is None:
            return None
        kept = self.store.snapshots()
        if any(one.id == as_of for one in kept):
            return as_of
        return next((one.id for one in kept if as_of in one.names), as_of)

    @property
    def actions(self) -> ActionStore:
        """Return the corporate actions, which are kept in the control database."""
        return SqlActions(self.control.database)

    @property
    def instruments(self) -> InstrumentMaster:
        """Return what brokers listed by date, which is kept in the control database; so are the next three."""
        return InstrumentMaster(self.control.database)

    @property
    def symbol_changes(self) -> SymbolChanges:
        """Return the changes of symbols."""
        return SymbolChanges(self.control.database)

    @property
    def indices(self) -> IndexMembership:
        """Return the members of indices by date."""
        return IndexMembership(self.control.database)

    @property
    def watchlists(self) -> Watchlists:
        """Return the lists of instruments that a person keeps."""
        return Watchlists(self.control.database)

    @property
    def known_empty(self) -> KnownEmpty:
        """Return the days of which sources said that they have nothing; it and the next two are kept in the control database."""
        return KnownEmpty(self.control.database)

    @property
    def refusals(self) -> Refusals:
        """Return the rows that imports refused."""
        return Refusals(self.control.database)

    @property
    def scores(self) -> Scores:
        """Return the last scores of series."""
        return Scores(self.control.database)

    @property
    def files(self) -> ParquetStore:
        """Return the store as one of files, for what is done with files.

        Raises
        ------
        InputError
            If it is another.
        """
        if not isinstance(self.store, ParquetStore):
            raise InputError("This store is not kept in files.", hint="Use a store of files.")
        return self.store

    def catalog(self) -> Catalog:
        """Return the strategies as they are on disk at this moment."""
        return load_catalog(self.settings.strategies_folder)

    def close(self) -> None:
        """Let go of the files."""
        self.control.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def open_workspace(settings: Settings | None = None, *, clock: Clock | None = None) -> Workspace:
    """Open the home folder, creating it on first use; its corrections of the calendar hold in this process from now on.

    Raises
    ------
    BadPath
        If the folder cannot be made or written.
    BadFile
        If its ``calendar.toml`` is not what it must be.
    """
    settings = settings or load_settings()
    try:
        settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        settings.strategies_folder.mkdir(exist_ok=True)
    except OSError as error:
        reason = f"the home folder cannot be written ({(error.strerror or 'unknown reason').lower()})"
        raise BadPath(str(settings.home), reason, hint="Choose another with QTS_HOME or --home.") from error
    require_restored(settings.home)
    use_calendar_of(settings.home)
    use_cache(settings.home / "cache")
    reserve, clock, n_bytes = Reserve(n_bytes=settings.keep_free_bytes), clock or SystemClock(), settings.cache_bytes
    return Workspace(
        settings=settings,
        store=ParquetStore.open(settings.store_root, reserve=reserve),
        control=ControlDatabase.open(settings.control_path),
        clock=clock,
        cache=BarCache(settings.bar_cache_folder, n_bytes=n_bytes, clock=clock, reserve=reserve) if n_bytes else None,
    )
