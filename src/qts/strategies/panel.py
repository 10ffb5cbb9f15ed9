"""All instruments of a run side by side, for strategies that weigh them against one another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from qts.core import Bars, Floats, InstrumentId, Interval, Ints

_COLUMNS: Final = ("open", "high", "low", "close", "volume")


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """Bars of several instruments on the union of their instants.

    ``ts`` has shape ``(n_bars,)``, the columns ``(n_instruments, n_bars)``, oldest first, in the order of ``instruments``; NaN where an
    instrument has no bar. The arrays cannot be written to.
    """

    instruments: tuple[InstrumentId, ...]
    interval: Interval
    ts: Ints
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats


def panel_of(bars: Sequence[Bars]) -> Panel:
    """Return the panel of these series, one or more, of one interval."""
    ts = bars[0].ts
    for series in bars[1:]:
        if not np.array_equal(series.ts, ts):
            ts = np.union1d(ts, series.ts)
    columns = {name: _stack([getattr(series, name) for series in bars], bars, ts) for name in _COLUMNS}
    stamps = ts.view()
    stamps.flags.writeable = False
    return Panel(instruments=tuple(series.instrument for series in bars), interval=bars[0].interval, ts=stamps, **columns)


def _stack(columns: Sequence[Floats], bars: Sequence[Bars], ts: Ints) -> Floats:
    stacked = np.full((len(columns), len(ts)), np.nan)
    for row, column, series in zip(stacked, columns, bars, strict=True):
        row[np.searchsorted(ts, series.ts)] = column
    stacked.flags.writeable = False
    return stacked
