from __future__ import annotations

import base64
import json
import struct
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qts.data.kite import Tick, TickMode, read_ticks

INFY, NIFTY, USDINR, CURRENCY_AT_BSE = 408065, 256265, 412675, 0x100 + 6


def message(*packets: bytes) -> bytes:
    return struct.pack(">H", len(packets)) + b"".join(struct.pack(">H", len(packet)) + packet for packet in packets)


def quote(
    *, last: int = 157315, token: int = INFY, average: int = 157033, ohlc: tuple[int, ...] = (156915, 157500, 156105, 156780)
) -> bytes:
    return struct.pack(">11I", token, last, 1, average, 1175986, 256511, 360503, *ohlc)


def full(*, traded: int = 1_625_461_887, sent: int = 1_625_461_887, price: int = 157340) -> bytes:
    prices = [price - k for k in range(5)] + [price + k for k in range(1, 6)]
    return quote() + struct.pack(">5I", traded, 7, 9, 5, sent) + book(prices)


def book(prices: Sequence[int]) -> bytes:
    return b"".join(struct.pack(">2IH2x", 5 + k, price, 1 + k) for k, price in enumerate(prices))


def only(packet: bytes) -> Tick:
    found = read_ticks(message(packet))
    assert (len(found.ticks), found.n_bad, found.n_unknown) == (1, 0, 0)
    return found.ticks[0]


def test_a_last_price() -> None:
    tick = only(struct.pack(">2I", INFY, 157315))
    assert (tick.token, tick.mode, tick.last_price, tick.is_tradable, tick.open) == (INFY, TickMode.LTP, 1573.15, True, None)


def test_a_quote_has_open_high_low_close() -> None:
    tick = only(quote())
    assert (tick.mode, tick.open, tick.high, tick.low, tick.close) == (TickMode.QUOTE, 1569.15, 1575.0, 1561.05, 1567.8)
    assert (tick.last_quantity, tick.average_price, tick.volume, tick.total_bid, tick.total_ask) == (1, 1570.33, 1175986, 256511, 360503)
    assert tick.change == pytest.approx(0.0034124, abs=1e-7)


def test_an_index_sends_high_and_low_before_the_open() -> None:
    tick = only(struct.pack(">8I", NIFTY, 2_400_050, 2_410_000, 2_390_000, 2_395_000, 2_380_000, 20_050, 1_736_048_700))
    assert (tick.mode, tick.is_tradable, tick.open, tick.high, tick.low, tick.close) == (
        TickMode.FULL, False, 23950.0, 24100.0, 23900.0, 23800.0,
    )  # fmt: skip
    assert tick.at == datetime(2025, 1, 5, 3, 45, tzinfo=UTC)


def test_a_full_packet_has_times_interest_and_depth() -> None:
    tick = only(full())
    assert (tick.mode, tick.oi, tick.oi_high, tick.oi_low) == (TickMode.FULL, 7, 9, 5)
    assert tick.at == datetime(2021, 7, 5, 5, 11, 27, tzinfo=UTC)
    assert (len(tick.bids), len(tick.asks)) == (5, 5)
    assert (tick.bids[0].price, tick.bids[0].quantity, tick.bids[0].orders) == (1573.4, 5, 1)
    assert (tick.asks[4].price, tick.asks[4].quantity, tick.asks[4].orders) == (1573.45, 14, 10)


def test_a_side_of_the_book_may_be_short_and_begin_with_orders_at_any_price() -> None:
    tick = only(full()[:-120] + book([0, 157340, 157335, 0, 0, 0, 157345, 157345, 0, 0]))
    assert [level.price for level in (*tick.bids, *tick.asks)] == [0, 1573.4, 1573.35, 0, 0, 0, 1573.45, 1573.45, 0, 0]


def test_a_time_of_zero_is_none() -> None:
    assert only(full(traded=0)).traded_at is None


@pytest.mark.parametrize(("token", "price"), [(USDINR, 72.755), (CURRENCY_AT_BSE, 72.755)])
def test_currencies_have_more_places(token: int, price: float) -> None:
    places = 10**7 if token & 0xFF == 3 else 10**4
    assert only(struct.pack(">2I", token, round(price * places))).last_price == price


def test_a_heartbeat_has_no_ticks() -> None:
    assert read_ticks(b"\x00").ticks == ()
    assert read_ticks(b"").ticks == ()


def test_a_packet_of_the_future_is_counted_and_the_next_one_read() -> None:
    found = read_ticks(message(b"\x01" * 60, quote()))
    assert (len(found.ticks), found.n_unknown, found.n_bad) == (1, 1, 0)


@pytest.mark.parametrize(
    "packet",
    [
        pytest.param(struct.pack(">2I", INFY, 2**32 - 100), id="a negative price"),
        pytest.param(struct.pack(">2I", INFY, 0), id="no price"),
        pytest.param(struct.pack(">2I", INFY, 1_500_000_000), id="a price of fifteen million"),
        pytest.param(quote(last=90000), id="a last price below the day's low"),
        pytest.param(quote(ohlc=(100, 157500, 156105, 156780)), id="an open outside the day"),
        pytest.param(quote(token=NIFTY), id="an index with a share's packet"),
        pytest.param(struct.pack(">7I", INFY, 1, 1, 1, 1, 1, 1), id="a share with an index's packet"),
        pytest.param(full(sent=4_200_000_000), id="a time of the next century"),
        pytest.param(full(price=2**31 + 5), id="a negative price in the book"),
        pytest.param(quote(average=57033), id="an average far below the day's low"),
        pytest.param(quote(ohlc=(0, 0, 0, 15_678_000)), id="a close at a hundred times the last price"),
        pytest.param(full(traded=1_625_461_887 + 90_000), id="a trade a day after the packet"),
        pytest.param(full()[:-12] + book([157_345_000]), id="an ask at a thousand times the price"),
        pytest.param(full()[:-120] + book([157340, 957335, 0, 0, 0, *range(157345, 157350)]), id="bids that rise"),
        pytest.param(full()[:-120] + book([*range(157340, 157335, -1), 157345, 345, 0, 0, 0]), id="asks that fall"),
    ],
)
def test_what_cannot_be_true_is_counted_as_bad(packet: bytes) -> None:
    found = read_ticks(message(packet, quote()))
    assert (len(found.ticks), found.n_bad) == (1, 1)


@pytest.mark.parametrize(
    "cut", [pytest.param(1, id="within the last packet"), pytest.param(43, id="in its first byte"), pytest.param(45, id="in its length")]
)
def test_a_cut_message_keeps_what_was_whole(cut: int) -> None:
    found = read_ticks(message(quote(), quote())[:-cut])
    assert (len(found.ticks), found.n_bad) == (1, 1)


def test_bytes_too_many_are_counted() -> None:
    assert read_ticks(message(quote()) + b"\x00").n_bad == 1


def test_no_mutation_of_a_message_gives_an_absurd_tick() -> None:
    whole = np.frombuffer(message(quote(), full(), struct.pack(">2I", INFY, 157315)), dtype=np.uint8)
    rng = np.random.default_rng(2026)
    for _ in range(5_000):
        torn = whole.copy()
        torn[rng.integers(0, len(torn), rng.integers(1, 4))] = rng.integers(0, 256)
        found = read_ticks(torn[: rng.integers(0, len(torn) + 1)].tobytes())
        for tick in found.ticks:
            assert 0 < tick.last_price <= 10_000_000
            assert tick.low is None or tick.high is None or tick.low <= tick.last_price <= tick.high


@pytest.mark.parametrize(("name", "folder"), [("ticker_quote", "kite-mocks"), ("ticker_full", "kite_mocks_more")])
def test_the_brokers_own_packets_are_read(realdata: Path, name: str, folder: str) -> None:
    told: dict[str, Any] = json.loads((realdata / folder / f"{name}.json").read_text())
    tick = only(base64.b64decode((realdata / folder / f"{name}.packet").read_text()))
    assert tick.mode == told["mode"]
    names = {
        "token": "instrument_token", "last_price": "last_price", "last_quantity": "last_quantity", "average_price": "average_price",
        "volume": "volume", "total_bid": "buy_quantity", "total_ask": "sell_quantity",
    }  # fmt: skip
    assert {ours: getattr(tick, ours) for ours in names} == {ours: told[theirs] for ours, theirs in names.items()}
    assert {part: getattr(tick, part) for part in told["ohlc"]} == told["ohlc"]
    if "depth" in told:
        assert [(level.price, level.quantity, level.orders) for level in tick.bids + tick.asks] == [
            (level["price"], level["quantity"], level["orders"]) for side in ("buy", "sell") for level in told["depth"][side]
        ]
        assert tick.at == datetime.fromisoformat(told["timestamp"])


def test_the_brokers_own_message_is_read(realdata: Path) -> None:
    found = read_ticks((realdata / "kite-mocks" / "js_ltp_frame.bin").read_bytes())
    assert [(tick.token, tick.last_price) for tick in found.ticks] == [(884737, 392.95)]
