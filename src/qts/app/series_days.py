"""What is known of every series without reading a bar: its bars per day, and the days on which there is nothing to hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from qts.app.workspace import Workspace
from qts.core.instrument import exchange_of
from qts.data.coverage import Coverage, EmptyReason, arrays_of, cover, days_without_trade
from qts.data.storage import SeriesInfo, SeriesKey


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesDays:
    """All series of a snapshot with their counts; days are days since 1970-01-01."""

    infos: Mapping[SeriesKey, SeriesInfo]
    held: Mapping[SeriesKey, Mapping[int, int]]
    known_empty: Mapping[SeriesKey, frozenset[int]] = field(default_factory=dict)
    no_trade: Mapping[SeriesKey, frozenset[int]] = field(default_factory=dict)

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

    def span(self, key: SeriesKey) -> tuple[int, int]:
        """Return the first and the last day with bars of a series."""
        days, _ = arrays_of(self.held[key])
        return int(days[0]), int(days[-1])


def series_days(workspace: Workspace, *, as_of: str | None = None) -> SeriesDays:
    """Return what is known of all series, in a handful of queries."""
    infos = workspace.store.series(as_of=as_of)
    held = workspace.store.bars_per_day(as_of=as_of)
    told = workspace.known_empty.all_days(EmptyReason.NO_TRADE)
    seen = days_without_trade(infos, held)
    return SeriesDays(
        infos={info.key: info for info in infos},
        held=held,
        known_empty=workspace.known_empty.all_days(EmptyReason.EMPTY),
        no_trade={key: told.get(key, frozenset()) | seen.get(key, frozenset()) for key in told.keys() | seen.keys()},
    )
