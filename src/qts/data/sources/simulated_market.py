"""A market for newcomers: twenty invented shares on NSE's sessions, so that everything can be tried without any data.

Its prices are drawn from a model and teach nothing about real shares: a strategy that earns here has proved nothing. The shares
have no derivatives, so from August 2026 on they trade to 15:30 and take no part in the closing auction.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from functools import cache
from typing import Final

from qts.core import Bars, Exchange, Instrument, InstrumentId, Interval
from qts.core.errors import UnknownInstrument
from qts.data.source import BundledSource, Listing
from qts.data.sources.simulation import CAST, SPLIT_FACTOR, SPLIT_SYMBOL, SimulatedMarket, open_market
from qts.data.storage.series import PriceBasis, SeriesKey

END: Final = date(2026, 11, 20)
INTERVALS: Final = (Interval.DAY, Interval.MINUTE_1)
TICK: Final = Decimal("0.05")

_PLACES: Final = {InstrumentId(f"{Exchange.SIM}:{role.symbol}"): i_role for i_role, role in enumerate(CAST)}


def simulated_market(end: date = END) -> BundledSource:
    """Return the source of the five years up to ``end``; the same date gives the same bars on every machine."""

    @cache
    def market() -> SimulatedMarket:
        return open_market(end)

    def series() -> tuple[SeriesKey, ...]:
        return tuple(SeriesKey(instrument=instrument, interval=interval) for interval in INTERVALS for instrument in _PLACES)

    def bars(key: SeriesKey) -> Bars:
        if key.instrument not in _PLACES or key.interval not in INTERVALS or key.basis is not PriceBasis.RAW:
            raise UnknownInstrument(f"{key.instrument} {key.interval} {key.basis}", near=[f"{name} 1d" for name in list(_PLACES)[:3]])
        return market().bars(_PLACES[key.instrument], key.interval)

    def listings() -> tuple[Listing, ...]:
        return tuple(_listing(instrument, market()) for instrument in _PLACES)

    return BundledSource(
        title="Simulated market",
        simulated=True,
        note=(
            "SIMULATED: prices drawn from a model on NSE's sessions. The companies are invented; "
            "a result on them says how the program works, not how a strategy would have done."
        ),
        licence="Apache-2.0, as this program",
        listings=listings,
        series=series,
        bars=bars,
    )


def _listing(instrument: InstrumentId, market: SimulatedMarket) -> Listing:
    role = CAST[_PLACES[instrument]]
    note = "Invented company."
    if role.symbol == SPLIT_SYMBOL:
        note += f" Split 1:{SPLIT_FACTOR} from {market.split_on}: raw prices before it are {SPLIT_FACTOR} times higher."
    return Listing(instrument=Instrument(id=instrument, name=f"{role.name} (simulated)", tick_size=TICK), sector=role.sector, note=note)


SOURCE: Final = simulated_market()
