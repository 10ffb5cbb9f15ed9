"""Quotes at the exchange's present: the last minute that has begun, the day so far, the close of the day before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any, Final

import numpy as np

from qts.core import IST, instant_of, micros_of
from qts.sandbox.candles import candles
from qts.sandbox.listing import Listed, Market

LEVELS: Final = 5
_FORM: Final = "%Y-%m-%d %H:%M:%S"
_BAND: Final = 0.1
_LOOK_BACK: Final = 14


class Kind(Enum):
    """How much a quote tells."""

    LTP = 1
    OHLC = 2
    FULL = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """The state of an instrument now. ``close`` is that of the session before, or the last price where there was none."""

    last: float
    open: float
    high: float
    low: float
    close: float
    volume: int
    average: float
    oi: int
    traded_at: datetime


def present_of(market: Market, listed: Listed, *, now: datetime) -> Present | None:
    """Return the state of an instrument, or None before its first trade."""
    days = market.days(listed)
    n_days = int(np.searchsorted(days.ts, micros_of(now), side="right"))
    start = instant_of(int(days.ts[max(0, n_days - _LOOK_BACK)])) if len(days) else now
    found = candles(market, listed, "day", span=(start.astimezone(IST).replace(hour=0, minute=0), now.astimezone(IST)), now=now)
    if len(found.ts) == 0:
        return None
    minutes = candles(market, listed, "minute", span=(instant_of(int(found.ts[-1])), now), now=now)
    traded_at = instant_of(int(minutes.ts[-1])) if len(minutes.ts) else instant_of(int(found.ts[-1]))
    volume = float(np.nan_to_num(found.volume[-1]))
    return Present(
        last=float(found.close[-1]),
        open=float(found.open[-1]),
        high=float(found.high[-1]),
        low=float(found.low[-1]),
        close=float(found.close[-2]) if len(found.ts) > 1 else float(found.close[-1]),
        volume=int(volume),
        average=round(float(found.open[-1] + found.high[-1] + found.low[-1] + found.close[-1]) / 4, 2) if volume else 0.0,
        oi=int(np.nan_to_num(found.oi[-1])),
        traded_at=traded_at,
    )


def depth_of(listed: Listed, last: float, *, down: bool) -> list[tuple[float, int, int]]:
    """Return five levels of price, quantity and orders, best first; an index has none."""
    tick = float(listed.tick_size)
    steps = range(1, LEVELS + 1)
    if listed.is_index:
        return [(0.0, 0, 0)] * LEVELS
    return [(round(last - k * tick if down else last + k * tick, 4), 100 * k * listed.lot_size, k) for k in steps]


def quote_of(market: Market, listed: Listed, *, now: datetime, kind: Kind) -> dict[str, Any] | None:
    """Return a quote as the interface writes it, or None before the first trade."""
    present = present_of(market, listed, now=now)
    if present is None:
        return None
    quote: dict[str, Any] = {"instrument_token": listed.token, "last_price": present.last}
    if kind is Kind.LTP:
        return quote
    quote["ohlc"] = {"open": present.open, "high": present.high, "low": present.low, "close": present.close}
    if kind is Kind.OHLC:
        return quote
    bids, asks = (depth_of(listed, present.last, down=down) for down in (True, False))
    return quote | {
        "timestamp": now.astimezone(IST).strftime(_FORM),
        "last_trade_time": present.traded_at.astimezone(IST).strftime(_FORM),
        "last_quantity": listed.lot_size,
        "buy_quantity": sum(quantity for _, quantity, _ in bids),
        "sell_quantity": sum(quantity for _, quantity, _ in asks),
        "volume": present.volume,
        "average_price": present.average,
        "oi": present.oi,
        "oi_day_high": present.oi,
        "oi_day_low": present.oi,
        "net_change": 0,
        "lower_circuit_limit": round(present.close * (1 - _BAND), 2),
        "upper_circuit_limit": round(present.close * (1 + _BAND), 2),
        "depth": {side: [_level(level) for level in levels] for side, levels in (("buy", bids), ("sell", asks))},
    }


def _level(level: tuple[float, int, int]) -> dict[str, float]:
    price, quantity, orders = level
    return {"price": price, "quantity": quantity, "orders": orders}
