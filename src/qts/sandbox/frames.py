"""Ticks as bytes, as the ticker sends them: big-endian, prices as whole numbers of the segment's smallest unit."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from qts.sandbox.listing import Listed
from qts.sandbox.quotes import Present, depth_of

HEARTBEAT: Final = b"\x00"
# Units in a rupee by segment, the lower byte of the token. Source: the official clients' code, 2026.
_UNITS: Final = {3: 10_000_000, 6: 10_000, 12: 10_000}
_PAISE: Final = 100


def packet(listed: Listed, present: Present, mode: str, *, now: datetime) -> bytes:
    """Return one packet in a mode: ``ltp``, ``quote`` or ``full``."""
    if mode == "ltp":
        return struct.pack(">2I", listed.token, _units(listed, present.last))
    if listed.is_index:
        return _index(listed, present, now=now if mode == "full" else None)
    bids, asks = (depth_of(listed, present.last, down=down) for down in (True, False))
    numbers = (
        listed.token,
        _units(listed, present.last),
        listed.lot_size,
        _units(listed, present.average),
        present.volume,
        sum(quantity for _, quantity, _ in bids),
        sum(quantity for _, quantity, _ in asks),
        *(_units(listed, price) for price in (present.open, present.high, present.low, present.close)),
    )
    quote = struct.pack(">11I", *(min(number, 2**31 - 1) for number in numbers))
    if mode == "quote":
        return quote
    times = struct.pack(">5I", int(present.traded_at.timestamp()), present.oi, present.oi, present.oi, int(now.timestamp()))
    return quote + times + b"".join(_level(listed, level) for level in (*bids, *asks))


def message(packets: Sequence[bytes]) -> bytes:
    """Return packets as one message."""
    return struct.pack(">H", len(packets)) + b"".join(struct.pack(">H", len(one)) + one for one in packets)


def _index(listed: Listed, present: Present, *, now: datetime | None) -> bytes:
    # An index has its high and low before its open.
    prices = (present.last, present.high, present.low, present.open, present.close)
    change = _units(listed, abs(present.last - present.close))
    body = struct.pack(">7I", listed.token, *(_units(listed, price) for price in prices), change)
    return body if now is None else body + struct.pack(">I", int(now.timestamp()))


def _level(listed: Listed, level: tuple[float, int, int]) -> bytes:
    price, quantity, orders = level
    return struct.pack(">2IH2x", quantity, _units(listed, price), orders)


def _units(listed: Listed, price: float) -> int:
    return round(price * _UNITS.get(listed.token & 0xFF, _PAISE))
