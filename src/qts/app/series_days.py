"""What is known of every series without reading a bar: its bars per day, and the days on which there is nothing to hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from typing import TYPE_CHECKING, TypeAlias

from qts.core.instrument import exchange_of
from qts.data.coverage import Coverage, EmptyReason, KnownEmpty, Tally, arrays_of, cover, days_without_trade
from qts.data.storage import BarStore, SeriesInfo, SeriesKey
from qts.data.storage.coverage import DayCounts
from qts.data.storage.series_rows import BySeries
from qts.market.sessions import calendar_version

if TYPE_CHECKING:  # a workspace holds what this module remembers
    from qts.app.workspace import Workspace

Days: TypeAlias = Mapping[SeriesKey, frozenset[int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesDays:
    """All series of a snapshot with their counts; days are days since 1970-01-01."""

    infos: Mapping[SeriesKey, SeriesInfo]
    held: Mapping[SeriesKey, Mapping[int, int]]
    known_empty: Days = field(default_factory=dict)
    no_trade: Days = field(default_factory=dict)
    _tallies: dict[SeriesKey, Tally | None] = field(default_factory=dict, init=False, repr=False, compare=False)

    def coverage(self, key: SeriesKey, *, span: tuple[int, int] | None = None) -> Coverage | None:
        """Return the coverage of a series, or None where no calendar is on record."""
        return cover(
            self.held.get(key, {}),
            exchange_of(key.instrument),
            key.interval,
            span=span,
            known_empty=self.known_empty.get(key, ()),
            no_trade=self.no_trade.get(key, ()),
        )

    def tally(self, key: SeriesKey) -> Tally | None:
        """Return the figures of a whole series, or None where no calendar is on record; they are found once."""
        if key not in self._tallies:
            covered = self.coverage(key)
            self._tallies[key] = None if covered is None else covered.tally()
        return self._tallies[key]

    def span(self, key: SeriesKey) -> tuple[int, int]:
        """Return the first and the last day with bars of a series."""
        held = self.held[key]
        if isinstance(held, DayCounts):
            return held.ends
        days, _ = arrays_of(held)
        return int(days[0]), int(days[-1])


@dataclass(frozen=True, slots=True, kw_only=True)
class _State:
    """What the days of all series rest on."""

    infos: tuple[SeriesInfo, ...]
    snapshot: str
    calendar: str
    empty: BySeries[frozenset[int]]
    told: BySeries[frozenset[int]]


class PresentDays:
    """The days of the present state, put together when something of it has changed. Threads may share it; one works, others wait."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._last: tuple[_State, SeriesDays] | None = None

    def find(self, store: BarStore, known_empty: KnownEmpty) -> SeriesDays:
        """Return what is known of all series of a store at present."""
        with self._lock:
            state = _state_of(store, known_empty, as_of=None)
            if self._last is None or self._last[0] != state:
                self._last = state, _days_of(state, store.bars_per_day())
            return self._last[1]


def series_days(workspace: Workspace, *, as_of: str | None = None, known_at: datetime | None = None) -> SeriesDays:
    """Return what is known of all series, in a handful of queries; of a past state with the empty days known before ``known_at``."""
    if as_of is None:
        return workspace.days.find(workspace.store, workspace.known_empty)
    state = _state_of(workspace.store, workspace.known_empty, as_of=as_of, known_at=known_at)
    return _days_of(state, workspace.store.bars_per_day(as_of=as_of))


def _state_of(store: BarStore, known_empty: KnownEmpty, *, as_of: str | None, known_at: datetime | None = None) -> _State:
    # The snapshot tells of series of the first format, whose content has no name, that they have changed.
    return _State(
        infos=store.series(as_of=as_of),
        snapshot=as_of or store.snapshot(),
        calendar=calendar_version(),
        empty=known_empty.all_days(EmptyReason.EMPTY, known_at=known_at),
        told=known_empty.all_days(EmptyReason.NO_TRADE, known_at=known_at),
    )


def _days_of(state: _State, held: Mapping[SeriesKey, Mapping[int, int]]) -> SeriesDays:
    infos = state.infos
    seen, told = days_without_trade(infos, held), state.told.sound
    return SeriesDays(
        infos={info.key: info for info in infos},
        held=held,
        known_empty=state.empty,
        no_trade=state.told.with_values(
            {key: told.get(key, frozenset()) | seen.get(key, frozenset()) for key in told.keys() | seen.keys()}
        ),
    )
