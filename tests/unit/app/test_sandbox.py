from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from qts.app.sandbox import SandboxSettings, SimulatedPrices, StoredPrices, end_of, make_sandbox
from qts.app.workspace import Workspace
from qts.core import IST, Bars, Exchange, FixedClock, InstrumentId
from qts.core.errors import BadParameter

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def test_the_simulated_market_is_listed_as_what_it_is() -> None:
    prices = SimulatedPrices()
    assert len(prices.listings) == 20
    first = prices.listings[0]
    assert (first.exchange, first.token >> 8, str(first.tick_size)) == ("SIM", 1000, "0.05")
    assert "simulated" in first.name
    assert len({listed.token for listed in prices.listings}) == 20
    sandbox = make_sandbox(prices, SandboxSettings(speed=0.0), clock=FixedClock(NOW))
    assert sandbox.clock.now() == datetime(2026, 11, 20, 16, 30, tzinfo=IST)
    assert len(prices.minutes(first)) > len(prices.days(first)) > 1_000


def test_a_store_is_shown_as_it_is(empty: Workspace, make_bars: Callable[..., Bars], store_bars: Callable[..., None]) -> None:
    bars = make_bars("NSE:ALPHA", Exchange.NSE, seed=1)
    store_bars(empty, bars)
    store_bars(empty, replace(bars, instrument=InstrumentId("BSE:BETA")))
    prices = StoredPrices(empty.store)
    assert [(listed.key, listed.token & 0xFF) for listed in prices.listings] == [("BSE:BETA", 4), ("NSE:ALPHA", 1)]
    assert len(prices.minutes(prices.listings[1])) == 0
    assert prices.days(prices.listings[1]).close.tolist() == bars.close.tolist()
    assert end_of(prices).strftime("%H:%M") == "16:30"


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        pytest.param(SandboxSettings(fault_share=1.5), "faults", id="more faults than replies"),
        pytest.param(SandboxSettings(speed=-1.0), "speed", id="time that goes back"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: SandboxSettings, name: str) -> None:
    with pytest.raises(BadParameter, match=name):
        make_sandbox(SimulatedPrices(), settings)


def test_a_store_without_bars_is_refused(empty: Workspace) -> None:
    with pytest.raises(BadParameter, match="no prices"):
        make_sandbox(StoredPrices(empty.store), SandboxSettings())
