"""The simulated exchange, put together: which prices it has, who may log in, and how it is served."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

import numpy as np
import uvicorn

from qts.app.clock import SystemClock
from qts.core.bars import Bars
from qts.core.clock import Clock, instant_of
from qts.core.errors import BadParameter, EmptySpan
from qts.core.instrument import InstrumentId, exchange_of, symbol_of
from qts.core.interval import Interval
from qts.data.sources import simulated_market
from qts.data.storage import BarStore, SeriesKey
from qts.sandbox import Accounts, App, FaultPlan, Listed, Market, Meter, Sandbox, VirtualClock, create_sandbox

KEY: Final = "sandbox"
SECRET: Final = "sandbox-secret"  # noqa: S105 - of an exchange that does not exist
SHUTDOWN_SECONDS: Final = 2
# The exchanges' segment numbers, the lower byte of a token; prices of any other are counted in paise, too.
_SEGMENTS: Final = {"NSE": 1, "NFO": 2, "CDS": 3, "BSE": 4, "BFO": 5, "BCD": 6, "MCX": 7, "NCO": 12}
_FIRST_NUMBER: Final = 1_000
_AFTER_CLOSE: Final = timedelta(hours=1)
_KEPT: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxSettings:
    """What a simulated exchange is like: its clock, its faults, and the application that may log in."""

    began_at: datetime | None = None
    speed: float = 1.0
    fault_share: float = 0.0
    seed: int = 0
    has_data: bool = True
    redirect_url: str = "http://127.0.0.1:8501/api/broker/kite/callback"


class SimulatedPrices:
    """The simulated market as the exchange's prices: twenty invented shares under the exchange SIM."""

    def __init__(self) -> None:
        self._source = simulated_market.SOURCE
        self._listings = tuple(
            Listed(
                token=_token(place, "SIM"),
                symbol=symbol_of(listing.instrument.id),
                exchange="SIM",
                name=listing.instrument.name,
                segment="SIM",
                tick_size=simulated_market.TICK,
            )
            for place, listing in enumerate(self._source.listings())
        )
        self._bars = lru_cache(maxsize=_KEPT)(self._source.bars)

    @property
    def listings(self) -> Sequence[Listed]:
        """Return everything that is listed."""
        return self._listings

    def minutes(self, listed: Listed) -> Bars:
        """Return the minutes of the last sessions."""
        return self._bars(SeriesKey(instrument=InstrumentId(listed.key), interval=Interval.MINUTE_1))

    def days(self, listed: Listed) -> Bars:
        """Return the days of five years."""
        return self._bars(SeriesKey(instrument=InstrumentId(listed.key), interval=Interval.DAY))


class StoredPrices:
    """A store of bars as the exchange's prices: what has minutes or days as traded is listed."""

    def __init__(self, store: BarStore) -> None:
        self._store = store
        keys = (SeriesKey(instrument=info.key.instrument, interval=info.key.interval) for info in store.series())
        held = {key for key in keys if key.interval in {Interval.MINUTE_1, Interval.DAY}}
        names = sorted({key.instrument for key in held})
        self._listings = tuple(
            Listed(
                token=_token(place, str(exchange_of(name))),
                symbol=symbol_of(name),
                exchange=str(exchange_of(name)),
                segment=str(exchange_of(name)),
            )
            for place, name in enumerate(names)
        )
        self._read = lru_cache(maxsize=_KEPT)(self._bars)

    @property
    def listings(self) -> Sequence[Listed]:
        """Return everything that is listed."""
        return self._listings

    def minutes(self, listed: Listed) -> Bars:
        """Return the stored minutes, or none."""
        return self._read(InstrumentId(listed.key), Interval.MINUTE_1)

    def days(self, listed: Listed) -> Bars:
        """Return the stored days, or none."""
        return self._read(InstrumentId(listed.key), Interval.DAY)

    def _bars(self, instrument: InstrumentId, interval: Interval) -> Bars:
        try:
            return self._store.read(SeriesKey(instrument=instrument, interval=interval))
        except EmptySpan:
            nothing = np.empty(0)
            columns = dict.fromkeys(("open", "high", "low", "close", "volume", "oi"), nothing)
            return Bars(instrument=instrument, interval=interval, ts=np.empty(0, np.int64), **columns)


def make_sandbox(market: Market, settings: SandboxSettings, *, clock: Clock | None = None) -> Sandbox:
    """Return a simulated exchange with these prices.

    Raises
    ------
    BadParameter
        If nothing is listed, or a setting makes no sense.
    """
    if not market.listings:
        raise BadParameter("store", "", "has no prices as traded to show", hint="Import some, or use the simulated market.")
    if not 0 <= settings.fault_share <= 1:
        raise BadParameter("faults", settings.fault_share, "is not between 0 and 1", hint="Write a fraction: 0.2 spoils every fifth reply.")
    if settings.speed < 0:
        raise BadParameter("speed", settings.speed, "is below zero", hint="1 is the usual pace, 0 stands still.")
    ours = clock or SystemClock()
    virtual = VirtualClock(ours, began_at=settings.began_at or end_of(market), speed=settings.speed)
    app = App(api_key=KEY, api_secret=SECRET, has_data=settings.has_data, redirect_url=settings.redirect_url)
    plan = FaultPlan(share=settings.fault_share, seed=settings.seed)
    return Sandbox(market, Accounts([app], virtual), clock=virtual, meter=Meter(time.monotonic), faults=plan)


def end_of(market: Market) -> datetime:
    """Return an hour after the last session's close: everything has happened, and nothing is forming."""
    ends = [int(bars.ts[-1]) for listed in market.listings for bars in (market.minutes(listed), market.days(listed)) if len(bars)]
    last = instant_of(max(ends))
    # A daily bar is stamped at its open.
    return max(last, last.replace(hour=15, minute=30)) + _AFTER_CLOSE


def serve_sandbox(sandbox: Sandbox, *, host: str, port: int) -> None:
    """Serve until SIGINT or SIGTERM."""
    uvicorn.run(
        create_sandbox(sandbox),
        host=host,
        port=port,
        log_level="critical",
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        proxy_headers=False,
        date_header=False,
    )


def _token(place: int, exchange: str) -> int:
    return (_FIRST_NUMBER + place) << 8 | _SEGMENTS.get(exchange, 1)
