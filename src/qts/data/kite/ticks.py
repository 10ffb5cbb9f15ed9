"""The binary messages of the ticker, read as ticks. Whatever the bytes are, a tick is plausible or it is counted as bad."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from qts.data.kite.plausibility import INDEX_SEGMENT, are_near, average_fits, book_fits, day_fits, segment_of
from qts.data.kite.quotes import DepthLevel

LARGEST_TICK: Final = 10_000_000.0
"""Rupees beyond which a last price is a torn packet and no price: no share or contract in India has come near."""

# Paise as integers; currencies have more places. Source: the official clients' code, 2026.
_DIVISORS: Final = {3: 10_000_000.0, 6: 10_000.0, 12: 10_000.0}
_PAISE: Final = 100.0
_SIGN: Final = 1 << 31
_FIRST_STAMP: Final = 946_684_800  # 2000-01-01
_LAST_STAMP: Final = 4_102_444_800  # 2100-01-01
_LATEST_TRADE: Final = timedelta(days=1)
_COUNT: Final = struct.Struct(">H")
_LTP: Final = struct.Struct(">2I")
_INDEX: Final = struct.Struct(">7I")
_INDEX_FULL: Final = struct.Struct(">8I")
_QUOTE: Final = struct.Struct(">11I")
_FULL: Final = struct.Struct(">16I")
_DEPTH: Final = struct.Struct(">2IH2x")
_FULL_LENGTH: Final = 184
_LEVELS: Final = 5


class TickMode(StrEnum):
    """How much of an instrument is streamed."""

    LTP = "ltp"
    QUOTE = "quote"
    FULL = "full"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """The state of an instrument at an instant. Prices in rupees; what a mode does not send is None.

    ``close`` is that of the session before. ``volume`` counts from the session's start. Instants are aware, UTC. Depth is best first.
    """

    token: int
    mode: TickMode
    is_tradable: bool
    last_price: float
    open: float | None = None
    high: float | None = None
    low: float | None = None
    close: float | None = None
    last_quantity: int | None = None
    average_price: float | None = None
    volume: int | None = None
    total_bid: int | None = None
    total_ask: int | None = None
    oi: int | None = None
    oi_high: int | None = None
    oi_low: int | None = None
    traded_at: datetime | None = None
    at: datetime | None = None
    bids: tuple[DepthLevel, ...] = ()
    asks: tuple[DepthLevel, ...] = ()

    @property
    def change(self) -> float | None:
        """Return the change from the close of the session before, as a fraction."""
        return (self.last_price - self.close) / self.close if self.close else None


@dataclass(frozen=True, slots=True, kw_only=True)
class TickBatch:
    """The ticks of a message, and how many of its packets were of an unknown kind or could not be true."""

    ticks: tuple[Tick, ...]
    n_unknown: int = 0
    n_bad: int = 0


class _Implausible(ValueError):
    """A packet whose values cannot be true."""


def read_ticks(message: bytes) -> TickBatch:
    """Return the ticks of one binary message; a heartbeat has none. Never raises, whatever the bytes.

    A packet is bad, as a whole, if the message ends within it, a price is negative or beyond ``LARGEST_TICK``, the day's range does not
    hold its open, its last and (nearly) its average price, the depth is not best first, a price is out of all proportion to the others
    (see :mod:`qts.data.kite.plausibility`), a quantity is negative, a time is not of this century, or a trade came a day after the
    packet. What follows a packet of an unknown length is still read. A price that comes alone is checked against the limits only.
    """
    ticks: list[Tick] = []
    n_unknown = n_bad = 0
    for packet in _packets(message):
        if packet is None:
            n_bad += 1
            continue
        reader = _READERS.get(len(packet))
        if reader is None:
            n_unknown += 1
            continue
        try:
            ticks.append(reader(packet))
        except _Implausible:
            n_bad += 1
    return TickBatch(ticks=tuple(ticks), n_unknown=n_unknown, n_bad=n_bad)


def _packets(message: bytes) -> Iterator[bytes | None]:
    """Yield each packet; None in place of those that the message is too short for, and for bytes that are too many."""
    if len(message) < _COUNT.size:
        return
    (n_packets,) = _COUNT.unpack_from(message)
    at = _COUNT.size
    for _ in range(n_packets):
        if at + _COUNT.size > len(message):
            yield None
            return
        (length,) = _COUNT.unpack_from(message, at)
        at += _COUNT.size
        if at + length > len(message):
            yield None
            return
        yield message[at : at + length]
        at += length
    if at != len(message):
        yield None


def _ltp(packet: bytes) -> Tick:
    token, last = _LTP.unpack(packet)
    return Tick(token=token, mode=TickMode.LTP, is_tradable=not _is_index(token), last_price=_last(token, last))


def _index(packet: bytes) -> Tick:
    # An index sends high, low, open, close; everything else open, high, low, close.
    token, last, high, low, open_, close, _change = _INDEX.unpack(packet[: _INDEX.size])
    at = _instant(_INDEX_FULL.unpack(packet)[-1]) if len(packet) == _INDEX_FULL.size else None
    if not _is_index(token):
        raise _Implausible
    day = _day(token, last, (open_, high, low, close))
    mode = TickMode.QUOTE if len(packet) == _INDEX.size else TickMode.FULL
    return Tick(
        token=token, mode=mode, is_tradable=False, last_price=_last(token, last), open=day[0], high=day[1], low=day[2], close=day[3], at=at
    )


def _quote(packet: bytes) -> Tick:
    token, last, quantity, average, volume, bid, ask, *ohlc = _QUOTE.unpack(packet[: _QUOTE.size])
    if _is_index(token):
        raise _Implausible
    day = _day(token, last, ohlc, average=average)
    tick = Tick(
        token=token,
        mode=TickMode.QUOTE,
        is_tradable=True,
        last_price=_last(token, last),
        open=day[0],
        high=day[1],
        low=day[2],
        close=day[3],
        last_quantity=_quantity(quantity),
        average_price=_price(token, average),
        volume=_quantity(volume),
        total_bid=_quantity(bid),
        total_ask=_quantity(ask),
    )
    return tick if len(packet) == _QUOTE.size else _with_depth(tick, packet)


def _with_depth(tick: Tick, packet: bytes) -> Tick:
    traded, oi, oi_high, oi_low, sent = _FULL.unpack_from(packet)[-5:]
    levels = [_level(tick.token, *_DEPTH.unpack_from(packet, at)) for at in range(_FULL.size, _FULL_LENGTH, _DEPTH.size)]
    bids, asks = tuple(levels[:_LEVELS]), tuple(levels[_LEVELS:])
    traded_at, at = _instant(traded), _instant(sent)
    if traded_at is not None and at is not None and traded_at > at + _LATEST_TRADE:
        raise _Implausible
    day = [price for price in (tick.open, tick.high, tick.low, tick.close) if price is not None]
    is_near = are_near(tick.token, tick.last_price, day=day, orders=[level.price for level in levels])
    if not is_near or not book_fits([level.price for level in bids], [level.price for level in asks]):
        raise _Implausible
    return replace(
        tick,
        mode=TickMode.FULL,
        traded_at=traded_at,
        oi=_quantity(oi),
        oi_high=_quantity(oi_high),
        oi_low=_quantity(oi_low),
        at=at,
        bids=bids,
        asks=asks,
    )


_READERS: Final = {_LTP.size: _ltp, _INDEX.size: _index, _INDEX_FULL.size: _index, _QUOTE.size: _quote, _FULL_LENGTH: _quote}


def _is_index(token: int) -> bool:
    return segment_of(token) == INDEX_SEGMENT


def _price(token: int, units: int) -> float:
    price = units / _DIVISORS.get(segment_of(token), _PAISE)
    # Integers are signed to the sender: the upper half of the range is below zero.
    if units >= _SIGN or price > LARGEST_TICK:
        raise _Implausible
    return price


def _last(token: int, units: int) -> float:
    if units == 0:
        raise _Implausible
    return _price(token, units)


def _day(token: int, last: int, ohlc: Sequence[int], *, average: int = 0) -> tuple[float | None, ...]:
    """Return the day's prices; None where nothing has traded yet, which is sent as 0."""
    open_, high, low, close = (_price(token, units) for units in ohlc)
    at, mean = _last(token, last), _price(token, average)
    is_near = are_near(token, at, day=(open_, high, low, close), orders=(mean,))
    if not (is_near and day_fits(at, open_, high, low) and average_fits(mean, high, low)):
        raise _Implausible
    return open_ or None, high or None, low or None, close or None


def _quantity(units: int) -> int:
    if units >= _SIGN:
        raise _Implausible
    return units


def _instant(seconds: int) -> datetime | None:
    if seconds == 0:
        return None
    if not _FIRST_STAMP <= seconds < _LAST_STAMP:
        raise _Implausible
    return datetime.fromtimestamp(seconds, tz=UTC)


def _level(token: int, quantity: int, price: int, orders: int) -> DepthLevel:
    return DepthLevel(price=_price(token, price), quantity=_quantity(quantity), orders=orders)
