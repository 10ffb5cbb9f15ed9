from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import pytest

from qts.core import IST
from qts.data.kite import TickMode, read_ticks
from qts.sandbox import Sandbox
from qts.sandbox.frames import message, packet
from qts.sandbox.quotes import present_of

NOW = datetime(2026, 1, 6, 9, 20, tzinfo=IST)


@pytest.mark.parametrize("mode", list(TickMode))
@pytest.mark.parametrize("place", [pytest.param(0, id="a share"), pytest.param(2, id="an index")])
def test_the_adapter_reads_the_packets_of_the_exchange(make: Callable[..., Sandbox], place: int, mode: TickMode) -> None:
    market = make().market
    listed = market.listings[place]
    present = present_of(market, listed, now=NOW)
    assert present is not None
    found = read_ticks(message([packet(listed, present, mode, now=NOW)] * 2))
    assert (len(found.ticks), found.n_bad, found.n_unknown) == (2, 0, 0)
    tick = found.ticks[0]
    assert (tick.token, tick.mode, tick.last_price, tick.is_tradable) == (listed.token, mode, present.last, place == 0)
    if mode is not TickMode.LTP:
        assert (tick.open, tick.high, tick.low, tick.close) == (present.open, present.high, present.low, present.close)
    if mode is TickMode.FULL:
        assert tick.at == NOW
        assert len(tick.bids) == (5 if place == 0 else 0)


@pytest.mark.parametrize(("segment", "price"), [(3, 72.7575), (6, 72.7575), (12, 72.7575)])
def test_a_segment_has_its_own_smallest_unit(make: Callable[..., Sandbox], segment: int, price: float) -> None:
    market = make().market
    listed = replace(market.listings[0], token=0x1200 + segment)
    present = present_of(market, market.listings[0], now=NOW)
    assert present is not None
    (tick,) = read_ticks(message([packet(listed, replace(present, last=price), "ltp", now=NOW)])).ticks
    assert tick.last_price == price
