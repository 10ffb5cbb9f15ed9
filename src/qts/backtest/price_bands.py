"""The day's price band of a run's instruments: the prices that the exchange takes an order at, where the band is on record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

import numpy as np

from qts.backtest.corporate_actions import LocatedAction, shares_of
from qts.backtest.inputs import Timeline
from qts.backtest.terms import InstrumentTerms
from qts.core.arrays import Floats, Ints
from qts.core.money import rupees_from_float
from qts.market.listing import BandLimits, RejectReason, band_limits, reject_sentence
from qts.strategies import OrderRequest

_DAY: Final = 86_400_000_000
_IST: Final = 19_800_000_000
_EPOCH: Final = date(1970, 1, 1)
# Where no tick is known a band is rounded to what prices are counted in.
_FINEST: Final = Decimal("0.0001")


@dataclass(frozen=True, slots=True, kw_only=True)
class DayBand:
    """The prices an order may have on a day, and what they are measured from: a fraction of the close of the session before."""

    limits: BandLimits
    fraction: Decimal
    previous_close: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """An instrument with bands: its terms, its bars that have a price with the day of each, its closes and shares bar by bar."""

    terms: InstrumentTerms
    own: Ints
    own_days: Ints
    close: Floats
    shares: Floats | None


class PriceBands:
    """The bands that orders of a run are held to, by instrument and bar.

    An order works from the bar after the one it was given at, and so it is held to the band of that bar's day. The band is measured from
    the instrument's last close before that day, in the shares there are when the order is given: the core changes the prices of orders
    that a later split meets. Where the fraction or the close is not known there is no band.
    """

    __slots__ = ("_days", "_found", "_known")

    def __init__(self, timeline: Timeline, terms: Sequence[InstrumentTerms], actions: Sequence[LocatedAction] = ()) -> None:
        self._days: Ints = (timeline.ts + _IST) // _DAY
        self._known: dict[int, _Known] = {}
        # Many orders of a day meet the same band.
        self._found: dict[tuple[int, int, float], DayBand | None] = {}
        for i, one in enumerate(terms):
            if one.bands:
                own = np.flatnonzero(~np.isnan(timeline.close[i]))
                shares = shares_of(actions, i, len(self._days))
                self._known[i] = _Known(terms=one, own=own, own_days=self._days[own], close=timeline.close[i], shares=shares)

    def at(self, i: int, t: int) -> DayBand | None:
        """Return the band that an order given at the close of a bar is held to, or None where none is known."""
        known = self._known.get(i)
        if known is None or t + 1 >= len(self._days):
            return None
        day = int(self._days[t + 1])
        shares = 1.0 if known.shares is None else float(known.shares[t])
        key = (i, day, shares)
        if key not in self._found:
            self._found[key] = _band(known, day, shares)
        return self._found[key]

    def is_beyond(self, t: int, request: OrderRequest) -> bool:
        """Return whether a price of an order lies beyond its band; one on it does not."""
        return self._breach(t, request) is not None

    def words(self, t: int, request: OrderRequest) -> str:
        """Return why an order is refused, in a sentence with its numbers; nothing for one that is not."""
        breach = self._breach(t, request)
        if breach is None:
            return ""
        price, band = breach
        return reject_sentence(
            RejectReason.BEYOND_PRICE_BAND,
            price=_plain(price),
            lower=_plain(band.limits.lower),
            upper=_plain(band.limits.upper),
            part=_plain(band.fraction * 100),
            close=_plain(band.previous_close),
        )

    def _breach(self, t: int, request: OrderRequest) -> tuple[Decimal, DayBand] | None:
        band = self.at(request.instrument, t)
        if band is None:
            return None
        given = (request.limit, request.stop, request.stop_loss, request.take_profit)
        prices = [rupees_from_float(float(price)) for price in given if price is not None]
        beyond = next((price for price in prices if not band.limits.lower <= price <= band.limits.upper), None)
        return None if beyond is None else (beyond, band)


def _band(known: _Known, day: int, shares: float) -> DayBand | None:
    on = _EPOCH + timedelta(days=day)
    span = next((span for span in known.terms.bands if span.first <= on <= span.last), None)
    place = int(np.searchsorted(known.own_days, day)) - 1
    if span is None or place < 0:
        return None
    bar = int(known.own[place])
    close = float(known.close[bar]) if known.shares is None else float(known.close[bar]) / (shares / float(known.shares[bar]))
    if not close > 0.0:
        return None
    # A close that a split has divided has more decimals than a price: paise of it are what the exchange starts from.
    previous = rupees_from_float(close if known.shares is None else round(close, 2))
    tick = next((tick.size for tick in reversed(known.terms.ticks) if tick.start <= on), _FINEST)
    return DayBand(limits=band_limits(previous, span.fraction, tick), fraction=span.fraction, previous_close=previous)


def _plain(number: Decimal) -> str:
    return f"{number.normalize():f}"
