"""What stands in the address of a page: typed questions to query parameters and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

RUN: Final = "run"
TRADE: Final = "trade"
TAB: Final = "tab"
INSTRUMENT: Final = "instrument"
INTERVAL: Final = "interval"
STRATEGY: Final = "strategy"
INSTRUMENTS: Final = "instruments"
FROM: Final = "from"
TO: Final = "to"
RANGE: Final = "range"
CUSTOM: Final = "Dates"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLink:
    """A run to look at, with the trade that the chart shall show."""

    run: str
    trade: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesLink:
    """A series to look at."""

    instrument: str
    interval: str


def run_query(link: RunLink) -> dict[str, str]:
    """Return the query parameters of a run.

    >>> run_query(RunLink(run="abc", trade=3))
    {'run': 'abc', 'trade': '3'}
    """
    return {RUN: link.run} if link.trade is None else {RUN: link.run, TRADE: str(link.trade)}


def run_link(query: Mapping[str, str]) -> RunLink | None:
    """Return the run that query parameters name, or None; a trade that is no number is left out.

    >>> run_link({"run": "abc", "trade": "x"})
    RunLink(run='abc', trade=None)
    """
    run = query.get(RUN, "").strip()
    if not run:
        return None
    trade = query.get(TRADE, "")
    return RunLink(run=run, trade=int(trade) if trade.isascii() and trade.isdigit() else None)


def series_query(link: SeriesLink) -> dict[str, str]:
    """Return the query parameters of a series.

    >>> series_query(SeriesLink(instrument="NSE:INFY", interval="1d"))
    {'instrument': 'NSE:INFY', 'interval': '1d'}
    """
    return {INSTRUMENT: link.instrument, INTERVAL: link.interval}
