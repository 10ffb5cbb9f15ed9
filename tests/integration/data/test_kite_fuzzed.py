"""Messages of the ticker and replies of the REST interface, torn in every way: nothing crashes, nothing absurd passes, all is counted.

``QTS_STRESS=50`` makes a million of each, half of the replies of them the broker's own. A failure names its seed (``QTS_SEED``).

A tick is absurd if
  - a price is not finite, below zero or above ten million rupees, or the last one is zero;
  - the day's low is above its high, or the open or the last price lies outside the two;
  - the day's average price lies more than a tenth outside of them;
  - a side of the book is not best first;
  - of a share or an index, any price is above twenty times the last one, or below a twentieth of it;
  - of a contract, the average or an order is more than a hundred rupees above twenty times the highest of the last, the high and the close;
  - a count is below zero, or a time is not of this century.
A bar is absurd if its high is below its open, low or close, its low above them, or a price is none that a store would keep.
"""

from __future__ import annotations

import json
import math
import os
import random
import re
import struct
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest

from qts.core import LARGEST_PRICE, SMALLEST_PRICE, InstrumentId, Interval
from qts.core.errors import SourceError
from qts.data.kite import (
    CandleBatch,
    Quote,
    Reply,
    Tick,
    data_of,
    read_candles,
    read_holdings,
    read_margins,
    read_orders,
    read_positions,
    read_profile,
    read_quotes,
    read_session,
    read_ticks,
    read_trades,
)

STRESS: Final = int(os.environ.get("QTS_STRESS", "0"))
SEED: Final = os.environ.get("QTS_SEED", "11")
N_PACKETS: Final = 20_000 * STRESS or 4_000
N_REPLIES: Final = 10_000 * STRESS or 500
N_VALID: Final = 2_000 * STRESS or 2_000
INFY: Final = InstrumentId("NSE:INFY")
MOST: Final = 10_000_000.0
FAR: Final = 20.0
SHARES: Final = (1, 4)
CONTRACTS: Final = (2, 3, 5, 6, 7, 12)
KNOWN: Final = (8, 28, 32, 44, 184)
SENT: Final = 1_780_000_000
pytestmark = pytest.mark.timeout(3600)


def ints(*values: int) -> bytes:
    return struct.pack(f">{len(values)}I", *values)


def framed(packets: Sequence[bytes]) -> bytes:
    return struct.pack(">H", len(packets)) + b"".join(struct.pack(">H", len(packet)) + packet for packet in packets)


def level(rng: random.Random, price: int) -> bytes:
    return ints(rng.randrange(0, 1 << 24), price) + struct.pack(">HH", rng.randrange(0, 500), 0)


def book(rng: random.Random, last: int, *, is_share: bool) -> bytes:
    """Return a book as exchanges send them: whole or short, thin or deep, crossed before an auction, of contracts with orders far off."""
    kind = rng.randrange(6)
    step = max(1, last // rng.choice([20, 200, 2000]))
    bids = [max(1, last - step * k) for k in range(1, 6)]
    asks = [last + step * k for k in range(1, 6)]
    if kind == 0:  # before an auction, within the band of a fifth
        bids, asks = (
            sorted((round(last * rng.uniform(0.8, 1.2)) or 1 for _ in range(5)), reverse=True),
            sorted(round(last * rng.uniform(0.8, 1.2)) or 1 for _ in range(5)),
        )
    elif kind == 1:  # locked at a band: one side is empty
        bids, asks = (bids, [0] * 5) if rng.random() < 0.5 else ([0] * 5, asks)
    elif kind == 2 and not is_share:  # five paise last, orders of twenty rupees
        bids, asks = [5, 5, 0, 0, 0], sorted(last + rng.randrange(5, 2000) for _ in range(5))
    elif kind == 3:
        n_levels = rng.randrange(1, 5)
        bids, asks = bids[:n_levels] + [0] * (5 - n_levels), asks[:n_levels] + [0] * (5 - n_levels)
    return b"".join(level(rng, price) for price in (*bids, *asks))


def valid(rng: random.Random) -> bytes:
    """Return a packet that an exchange might send."""
    kind = rng.randrange(5)
    segment = 9 if kind in {1, 2} else rng.choice([*SHARES, *CONTRACTS])
    token = rng.randrange(1, 1 << 24) << 8 | segment
    scale = {3: 100_000, 6: 100, 12: 100}.get(segment, 1)
    last = rng.choice([5, 20, 137, 1_500, 20_000, 157_315, 2_400_050, 15_000_000]) * rng.choice([1, 1, 3]) * scale
    last = min(last, 1_000_000_000)
    wide = 1.2 if segment in {*SHARES, 9} else rng.choice([1.2, 5.0, 40.0])
    low, high = max(1, round(last / rng.uniform(1, wide))), min(round(last * rng.uniform(1, wide)), 1_000_000_000)
    open_, average = rng.randint(low, high), rng.randint(low, high)
    close = max(1, round(last * rng.uniform(0.5, 2.0) if segment in {*SHARES, 9} else last * rng.uniform(0.05, 20.0)))
    close = min(close, 1_000_000_000)
    if kind == 0:
        return ints(token, last)
    if kind in {1, 2}:
        packet = ints(token, last, high, low, open_, close, (last - close) & 0xFFFFFFFF)
        return packet if kind == 1 else packet + ints(SENT + rng.randrange(86_400))
    day, quantity = (open_, high, low, close), rng.randrange(1, 1000)
    if rng.random() < 0.1:  # before the open
        day, average = (0, 0, 0, close), 0
    packet = ints(token, last, quantity, average, rng.randrange(1 << 31), rng.randrange(1 << 30), rng.randrange(1 << 30), *day)
    if kind == 3:
        return packet
    traded = rng.choice([0, SENT - rng.randrange(30 * 86_400), SENT])
    times = ints(traded, rng.randrange(1 << 30), rng.randrange(1 << 30), rng.randrange(1 << 30), SENT + rng.randrange(60))
    return packet + times + book(rng, last, is_share=segment in SHARES)


def mutated(rng: random.Random, message: bytes) -> bytes:
    torn = bytearray(message)
    for _ in range(rng.choice([1, 1, 1, 2, 3, 8])):
        if not torn:
            break
        at = rng.randrange(len(torn))
        match rng.randrange(6):
            case 0:
                torn[at] ^= 1 << rng.randrange(8)
            case 1:
                torn[at] = rng.choice([0, 255, 127, 128, rng.randrange(256)])
            case 2:
                del torn[at : at + rng.randrange(1, 9)]
            case 3:
                torn[at:at] = rng.randbytes(rng.randrange(1, 9))
            case 4:
                del torn[at:]
            case _:
                torn[at : at + 4] = rng.choice([b"\xff" * 4, b"\0" * 4, b"\x7f\xff\xff\xff", b"\x80\0\0\0"])
    return bytes(torn)


def absurdity(tick: Tick) -> str:
    """Return what is absurd about a tick, by the words above and by nothing of the reader's."""
    return next((what for what, is_so in ABSURDITIES.items() if is_so(tick)), "")


def prices_of(tick: Tick) -> list[float]:
    given = (tick.last_price, tick.open, tick.high, tick.low, tick.close, tick.average_price, *orders_of(tick))
    return [price for price in given if price is not None]


def orders_of(tick: Tick) -> list[float]:
    return [one.price for one in (*tick.bids, *tick.asks)]


def counts_of(tick: Tick) -> list[int]:
    given = (tick.volume, tick.oi, tick.oi_high, tick.oi_low, tick.last_quantity, tick.total_bid, tick.total_ask)
    return [count for count in given if count is not None] + [n for one in (*tick.bids, *tick.asks) for n in (one.quantity, one.orders)]


def is_no_price(tick: Tick) -> bool:
    return tick.last_price == 0 or not all(math.isfinite(price) and 0 <= price <= MOST for price in prices_of(tick))


def is_outside_the_day(tick: Tick) -> bool:
    if not tick.high or not tick.low:
        return False
    average = tick.average_price or tick.low
    is_average_in = tick.low * 0.9 - 1e-9 <= average <= tick.high * 1.1 + 1e-9
    return not (is_average_in and all(tick.low <= price <= tick.high for price in (tick.last_price, tick.open) if price is not None))


def is_out_of_order(tick: Tick) -> bool:
    ladders = [[sign * one.price for one in side if one.price] for side, sign in ((tick.bids, -1), (tick.asks, 1))]
    return any(ladder != sorted(ladder) for ladder in ladders)


def is_far_off(tick: Tick) -> bool:
    last = tick.last_price
    if tick.token & 0xFF in {*SHARES, 9}:
        return not all(last / FAR <= price <= last * FAR for price in prices_of(tick) if price)
    highest = max(price or 0.0 for price in (last, tick.open, tick.high, tick.low, tick.close))
    return any(price > highest * FAR + 100 for price in (tick.average_price or 0.0, *orders_of(tick)))


ABSURDITIES: Final[dict[str, Callable[[Tick], bool]]] = {
    "a price that is none": is_no_price,
    "a last, an open or an average outside the day": is_outside_the_day,
    "a side that is not best first": is_out_of_order,
    "a price far from all others": is_far_off,
    "a count below zero": lambda tick: any(count < 0 for count in counts_of(tick)),
    "a time of another century": lambda tick: any(at is not None and not 2000 <= at.year < 2100 for at in (tick.at, tick.traded_at)),
}


def n_packets_of(message: bytes) -> int:
    """Return how many packets a message has, the last of them perhaps torn, and bytes too many as one more."""
    if len(message) < 2:
        return 0
    (told,), at, found = struct.unpack_from(">H", message), 2, 0
    for _ in range(told):
        found += 1
        if at + 2 > len(message):
            return found
        (length,) = struct.unpack_from(">H", message, at)
        at += 2 + length
        if at > len(message):
            return found
    return found + (at != len(message))


def test_valid_packets_are_all_read() -> None:
    rng = random.Random(SEED)  # noqa: S311 - what is sent
    for place in range(N_VALID):
        packet = valid(rng)
        found = read_ticks(framed([packet]))
        assert (len(found.ticks), found.n_bad, found.n_unknown) == (1, 0, 0), (SEED, place, packet.hex())
        assert absurdity(found.ticks[0]) == "", (SEED, place, packet.hex())


def test_torn_messages_give_nothing_absurd_and_every_packet_is_counted() -> None:
    rng, counts, n_packets = random.Random(SEED), Counter[str](), 0  # noqa: S311 - what is torn
    while n_packets < N_PACKETS:
        packets = [valid(rng) for _ in range(rng.randrange(1, 4))]
        n_packets += len(packets)
        message = mutated(rng, framed(packets))
        found = read_ticks(message)
        counts.update(ticks=len(found.ticks), bad=found.n_bad, unknown=found.n_unknown)
        assert len(found.ticks) + found.n_bad + found.n_unknown == n_packets_of(message), (SEED, message.hex())
        assert [absurdity(tick) for tick in found.ticks] == [""] * len(found.ticks), (SEED, message.hex())
    print(json.dumps({"packets": n_packets} | counts))  # noqa: T201 - what the proof comes to, shown by `pytest -s`
    assert min(counts["bad"], counts["unknown"]) > N_PACKETS // 100


CANDLES: Final = {"candles": [[f"2026-11-2{day}T09:{15 + i}:00+0530", 100.5, 101, 100, 100.75, i, 0] for day in (0, 1) for i in range(10)]}
QUOTE: Final = {
    "NSE:INFY": {
        "instrument_token": 408065, "timestamp": "2026-11-20 15:45:56", "last_trade_time": "2026-11-20 15:45:52", "last_price": 1412.95,
        "last_quantity": 5, "buy_quantity": 0, "sell_quantity": 5191, "volume": 7360198, "average_price": 1412.47, "oi": 0,
        "lower_circuit_limit": 1250.7, "upper_circuit_limit": 1528.6,
        "ohlc": {"open": 1396, "high": 1421.75, "low": 1395.55, "close": 1389.65},
        "depth": {
            "buy": [{"price": 1412 - i, "quantity": i, "orders": 1} for i in range(5)],
            "sell": [{"price": 1413 + i, "quantity": 5191, "orders": 13} for i in range(5)],
        },
    }
}  # fmt: skip
ODD: Final = [
    b"null", b"NaN", b"Infinity", b"-1e308", b"1e999", b"[]", b"{}", b'""', b"true", b"9" * 400, b"-0.0", b'"\\ud800"', b"1e-320", b"\xff",
    b"0", b'"0001-01-01 00:00:00"', b'"9999-99-99T09:15:00+0530"', b'"2026-02-30T09:15:00+0530"', b'"99999-01-01"', b"[[]]",
]  # fmt: skip
PART: Final = re.compile(rb'"[^"]*"|-?\d+(?:\.\d+)?|null|true|false')
READERS: Final[Sequence[Callable[[Any], object]]] = (
    read_profile, read_margins, read_holdings, read_positions, read_orders, read_trades, read_quotes, read_session,
    lambda data: read_candles(data, instrument=INFY, interval=Interval.MINUTE_1),
    lambda data: read_candles(data, instrument=INFY, interval=Interval.DAY),
)  # fmt: skip


def spoiled(rng: random.Random, body: bytes) -> bytes:
    for _ in range(rng.choice([1, 1, 2, 4])):
        match rng.randrange(4):
            case 0 | 1:
                parts = list(PART.finditer(body))
                if parts:
                    part = rng.choice(parts)
                    body = body[: part.start()] + rng.choice(ODD) + body[part.end() :]
            case 2:
                body = mutated(rng, body)
            case _:
                body = body[: rng.randrange(len(body) + 1)]
    return body


def is_absurd(found: object) -> bool:
    if isinstance(found, CandleBatch):
        bars = found.bars
        prices = np.concatenate([bars.open, bars.high, bars.low, bars.close])
        noise = 1e-6 * bars.close
        is_sound = (bars.high >= np.maximum(bars.open, bars.close) - noise) & (bars.low <= np.minimum(bars.open, bars.close) + noise)
        return not (is_sound.all() and (bars.high >= bars.low).all() and ((prices >= SMALLEST_PRICE) & (prices <= LARGEST_PRICE)).all())
    quotes = found.values() if isinstance(found, dict) else ()
    return any(isinstance(quote, Quote) and is_absurd_quote(quote) for quote in quotes)


def is_absurd_quote(quote: Quote) -> bool:
    tick = Tick(
        token=quote.token, mode="full", is_tradable=True, last_price=quote.last_price, open=quote.open, high=quote.high, low=quote.low,  # type: ignore[arg-type]
        close=quote.close, average_price=quote.average_price, volume=quote.volume, bids=quote.bids, asks=quote.asks,
    )  # fmt: skip
    return absurdity(tick) not in {"", "a time of another century"}


def test_torn_replies_are_read_or_refused_with_a_name() -> None:
    counts = tear([json.dumps({"status": "success", "data": data}).encode() for data in (CANDLES, QUOTE)])
    assert min(counts["BadReply"], counts["refused"], counts["read"]) > N_REPLIES // 100


@pytest.mark.realdata
def test_the_brokers_own_replies_torn_are_read_or_refused_with_a_name(realdata: Path) -> None:
    bodies = [path.read_bytes() for name in ("kite-mocks", "kite_mocks_more") for path in sorted((realdata / name).glob("*.json"))]
    assert len(bodies) > 30
    tear(bodies)


def tear(bodies: Sequence[bytes]) -> Counter[str]:
    rng, counts = random.Random(SEED), Counter[str]()  # noqa: S311 - what is torn
    for _ in range(N_REPLIES):
        body = spoiled(rng, rng.choice(bodies))
        headers = rng.choice([{"content-type": "application/json"}, {}, {"retry-after": "1e9"}, {"retry-after": "\uff19"}])
        reply = Reply(status=rng.choice([200, 200, 200, 400, 403, 429, 500, 503, 502, 0, 999]), body=body, headers=headers)
        try:
            data = data_of(reply)
        except SourceError as error:
            counts[type(error).__name__] += 1
            continue
        for read in READERS:
            try:
                found = read(data)
            except SourceError:
                counts["refused"] += 1
                continue
            counts["read"] += 1
            assert not is_absurd(found), (SEED, body)
    print(json.dumps({"replies": N_REPLIES} | counts))  # noqa: T201
    return counts
