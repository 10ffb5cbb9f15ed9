"""A stage for every source that bars are ingested from: a server or a folder of this machine that plays the outside world."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
from tests.conformance.yahoo_server import Yahoo, yahoo_server

from qts.app.broker import log_in
from qts.app.clock import SystemClock
from qts.app.ingest_document import IngestRequest
from qts.app.sandbox import KEY, SECRET, SimulatedPrices
from qts.app.settings import load_settings
from qts.app.workspace import Workspace, open_workspace
from qts.core import IST, Bars, FixedClock, InstrumentId, session_date_of
from qts.data.storage import PriceBasis
from qts.sandbox import Accounts, App, Fault, FaultPlan, Listed, Meter, Sandbox, VirtualClock

PRICES: Final = SimulatedPrices()
START: Final = date(2026, 9, 1)
SHOWN_AT: Final = datetime(2026, 11, 20, 12, 30, tzinfo=IST)
"""Noon of a session, so that its last bars still form."""
OVER_AT: Final = datetime(2026, 11, 20, 18, 0, tzinfo=IST)
APP: Final = App(api_key=KEY, api_secret=SECRET)
Serve = Callable[[Any], str]


class Stage(Protocol):
    """A source with what it has to give."""

    instrument: InstrumentId
    basis: PriceBasis

    def workspace(self, now: datetime, *, is_broken: bool = False) -> Workspace:
        """Return a home at this time of day, with the source as it would be then, or out of order."""
        ...

    def request(self, **options: Any) -> IngestRequest:
        """Return what is asked of it."""
        ...

    def true(self) -> Bars:
        """Return the daily bars that it has, the one of today when it is over with them."""
        ...

    def asked(self) -> int:
        """Return how often its bars were asked for, or read."""
        ...


class Market:
    """One share, as the exchange's rules allow it to be listed."""

    def __init__(self, exchange: str) -> None:
        self.listings = (replace(PRICES.listings[0], exchange=exchange, segment=exchange),)

    def minutes(self, listed: Listed) -> Bars:
        return replace(PRICES.minutes(PRICES.listings[0]), instrument=InstrumentId(listed.key))

    def days(self, listed: Listed) -> Bars:
        return replace(PRICES.days(PRICES.listings[0]), instrument=InstrumentId(listed.key))


@dataclass
class BrokerStage:
    """The broker, or the simulated exchange as itself: the same server, asked with a session of one's own or with one it gives itself."""

    source: str
    folder: Path
    serve: Serve
    basis: PriceBasis = PriceBasis.RAW
    sandboxes: list[Sandbox] = field(default_factory=list)
    servers: ExitStack = field(default_factory=ExitStack)
    opened: list[Workspace] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.market = Market("NSE" if self.source == "kite" else "SIM")
        self.instrument = InstrumentId(self.market.listings[0].key)
        self.basis = PriceBasis.ADJUSTED if self.source == "kite" else PriceBasis.RAW

    def workspace(self, now: datetime, *, is_broken: bool = False) -> Workspace:
        clock = VirtualClock(SystemClock(), began_at=now, speed=0.0)
        # Login and list go well, then nothing does.
        faults = FaultPlan(at=dict.fromkeys(range(2, 40), Fault.DEAD_TOKEN)) if is_broken else None
        meter = Meter(time.monotonic, limits={"quote": 99, "historical": 99, "other": 99})
        sandbox = Sandbox(self.market, Accounts([APP], clock), clock=clock, meter=meter, faults=faults)
        self.sandboxes.append(sandbox)
        root = f"http://{self.serve(sandbox)}"
        settings = load_settings(home=self.folder, kite_root=root, keep_free="0", kite_api_key=KEY, kite_api_secret=SECRET)
        self.opened.append(open_workspace(settings, clock=VirtualClock(SystemClock(), began_at=now)))
        if self.source == "kite":
            log_in(self.opened[-1], sandbox.accounts.log_in(APP))
        return self.opened[-1]

    def request(self, **options: Any) -> IngestRequest:
        return IngestRequest(instruments=(self.instrument,), source=self.source, start=START, **options)

    def true(self) -> Bars:
        return _since(self.market.days(self.market.listings[0]))

    def asked(self) -> int:
        """Count the requests for candles that arrived."""
        return sum(arrival.kind == "historical" for sandbox in self.sandboxes for arrival in sandbox.meter.arrivals)


@dataclass
class FilesStage:
    """A vendor who puts one file into the folder whenever he has something new."""

    folder: Path
    instrument: InstrumentId = field(default=InstrumentId("NSE:ZORVINBANK"))
    basis: PriceBasis = PriceBasis.RAW
    opened: list[Workspace] = field(default_factory=list)
    servers: ExitStack = field(default_factory=ExitStack)

    def workspace(self, now: datetime, *, is_broken: bool = False) -> Workspace:
        settings = load_settings(home=self.folder, keep_free="0")
        self.opened.append(open_workspace(settings, clock=FixedClock(now)))
        settings.inbox_folder.mkdir(exist_ok=True)
        path = settings.inbox_folder / "ZORVINBANK.csv"
        path.write_text("no prices here" if is_broken else self._text(now))
        return self.opened[-1]

    def request(self, **options: Any) -> IngestRequest:
        return IngestRequest(source="files", **options)

    def true(self) -> Bars:
        return _since(replace(PRICES.days(PRICES.listings[0]), instrument=self.instrument))

    def asked(self) -> int:
        """Count the commits: a file that was not read leaves none."""
        return len(self.opened[-1].store.snapshots())

    def _text(self, now: datetime) -> str:
        bars = self.true()
        rows = ["date,open,high,low,close,volume"]
        for i, stamp in enumerate(bars.ts.tolist()):
            on = session_date_of(stamp)
            if on <= now.date():
                rows.append(f"{on},{bars.open[i]},{bars.high[i]},{bars.low[i]},{bars.close[i]},{bars.volume[i]:.0f}")
        if now < OVER_AT:  # the bar of the session that runs is in the file, too, as vendors have it
            rows[-1] = rows[-1].rpartition(",")[0] + ",1"
        return "\n".join(rows) + "\n"


@dataclass
class YahooStage:
    """A server that answers as Yahoo does."""

    folder: Path
    instrument: InstrumentId = field(default=InstrumentId("NSE:ZORVINBANK"))
    basis: PriceBasis = PriceBasis.ADJUSTED
    opened: list[Workspace] = field(default_factory=list)
    servers: ExitStack = field(default_factory=ExitStack)

    def __post_init__(self) -> None:
        days = {"ZORVINBANK.NS": replace(PRICES.days(PRICES.listings[0]), instrument=self.instrument)}
        self.yahoo = self.servers.enter_context(yahoo_server(Yahoo(now=OVER_AT, days=days)))

    def workspace(self, now: datetime, *, is_broken: bool = False) -> Workspace:
        self.yahoo.now = now
        self.yahoo.fault = (429, "Too Many Requests") if is_broken else None
        settings = load_settings(home=self.folder, keep_free="0", yahoo_root=self.yahoo.address)
        self.opened.append(open_workspace(settings, clock=VirtualClock(SystemClock(), began_at=now)))
        return self.opened[-1]

    def request(self, **options: Any) -> IngestRequest:
        return IngestRequest(instruments=(self.instrument,), source="yahoo", start=START, **options)

    def true(self) -> Bars:
        return _since(self.yahoo.days["ZORVINBANK.NS"])

    def asked(self) -> int:
        """Count the requests for prices that arrived."""
        return len(self.yahoo.asked)


def _since(bars: Bars) -> Bars:
    first = int(np.searchsorted(bars.ts, int(datetime(START.year, START.month, START.day, tzinfo=IST).timestamp() * 1e6)))
    return bars.window(first, len(bars))
