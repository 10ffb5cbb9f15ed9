"""Quotes of the REST interface: last prices, day's ranges, depth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from pydantic import BaseModel, ConfigDict

from qts.core import InstrumentId
from qts.core.errors import BadReply
from qts.data.kite.fields import Count, Price, Stamp, checked
from qts.data.kite.plausibility import are_near, average_fits, book_fits, day_fits

MOST_QUOTES: Final = 500
MOST_LAST_PRICES: Final = 1000
"""Instruments that one request may name. Source: staff on the forum of Kite Connect."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DepthLevel:
    """A level of the order book: rupees, shares or contracts, number of orders."""

    price: float
    quantity: int
    orders: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """What is known of an instrument now. Prices in rupees; None where the kind of quote does not say.

    ``close`` is that of the session before. Limits are the day's price band. Instants are aware.
    """

    instrument: InstrumentId
    token: int
    last_price: float
    open: float | None = None
    high: float | None = None
    low: float | None = None
    close: float | None = None
    volume: int | None = None
    average_price: float | None = None
    oi: int | None = None
    lower_limit: float | None = None
    upper_limit: float | None = None
    at: datetime | None = None
    traded_at: datetime | None = None
    bids: tuple[DepthLevel, ...] = ()
    asks: tuple[DepthLevel, ...] = ()


class _Model(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _Ohlc(_Model):
    open: Price
    high: Price
    low: Price
    close: Price


class _Level(_Model):
    price: Price
    quantity: Count
    orders: Count


class _Depth(_Model):
    buy: list[_Level] = []
    sell: list[_Level] = []


class _Quote(_Model):
    instrument_token: Count
    last_price: Price
    ohlc: _Ohlc | None = None
    volume: Count | None = None
    average_price: Price | None = None
    oi: Count | None = None
    lower_circuit_limit: Price | None = None
    upper_circuit_limit: Price | None = None
    timestamp: Stamp = None
    last_trade_time: Stamp = None
    depth: _Depth = _Depth()


def read_quotes(data: Any) -> Mapping[InstrumentId, Quote]:  # noqa: ANN401 - parsed JSON
    """Return the quotes of a reply's ``data``, of any of the three kinds, by the names asked for.

    Instruments that the broker does not know, or that have never traded (a last price of 0), are absent.

    Raises
    ------
    BadReply
        If it is no table of quotes, a price cannot be one, or the prices of an instrument cannot all be true.
    """
    if not isinstance(data, dict):
        raise BadReply("it holds no table of quotes")
    quotes = {InstrumentId(name): checked(_Quote, quote) for name, quote in data.items()}
    return {instrument: _quote(instrument, quote) for instrument, quote in quotes.items() if quote.last_price}


def _quote(instrument: InstrumentId, found: _Quote) -> Quote:
    ohlc = found.ohlc
    _require_plausible(instrument, found)
    return Quote(
        instrument=instrument,
        token=found.instrument_token,
        last_price=found.last_price,
        open=None if ohlc is None else ohlc.open or None,
        high=None if ohlc is None else ohlc.high or None,
        low=None if ohlc is None else ohlc.low or None,
        close=None if ohlc is None else ohlc.close or None,
        volume=found.volume,
        average_price=found.average_price or None,
        oi=found.oi,
        lower_limit=found.lower_circuit_limit or None,
        upper_limit=found.upper_circuit_limit or None,
        at=found.timestamp,
        traded_at=found.last_trade_time,
        bids=_levels(found.depth.buy),
        asks=_levels(found.depth.sell),
    )


def _require_plausible(instrument: InstrumentId, found: _Quote) -> None:
    day = () if found.ohlc is None else (found.ohlc.open, found.ohlc.high, found.ohlc.low, found.ohlc.close)
    average, last = found.average_price or 0.0, found.last_price
    bids, asks = [level.price for level in found.depth.buy], [level.price for level in found.depth.sell]
    if day and not (day_fits(last, *day[:3]) and average_fits(average, *day[1:3])):
        raise BadReply(f"the day's range of {instrument} does not hold its prices")
    if not book_fits(bids, asks):
        raise BadReply(f"the orders for {instrument} do not begin with the best")
    if not are_near(found.instrument_token, last, day=day, orders=(average, *bids, *asks)):
        raise BadReply(f"a price of {instrument} is out of all proportion to the others")


def _levels(levels: list[_Level]) -> tuple[DepthLevel, ...]:
    return tuple(DepthLevel(price=level.price, quantity=level.quantity, orders=level.orders) for level in levels)
