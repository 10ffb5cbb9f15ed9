"""The adapter against the simulated exchange: over a real connection, with replies that go wrong."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path

import httpx
import pytest

from qts.app.clock import SystemClock
from qts.app.control import ControlDatabase
from qts.app.sandbox import KEY, SECRET, SimulatedPrices
from qts.core import Bars, InstrumentId, Interval
from qts.core.errors import AccessDenied, AuthExpired
from qts.data.kite import candle_windows
from qts.data.kite.client import Access, KiteClient, RetryPolicy, Timing
from qts.data.kite.pacing import CallKind, Pacer
from qts.sandbox import Accounts, App, FaultPlan, Meter, Sandbox, VirtualClock
from qts.sandbox.arrivals import most_in_a_second

# Thirty times the broker's limits and pace, so that a test takes seconds.
LIMITS = {"quote": 30, "historical": 90, "other": 300}
SPACING = {CallKind.QUOTE: 1.05 / 30, CallKind.HISTORICAL: 0.36 / 30, CallKind.OTHER: 0.11 / 30}
PRICES = SimulatedPrices()
Serve = Callable[[Sandbox], str]
N_SEEDS = int(os.environ.get("QTS_STRESS", "2"))


def exchange(*, faults: FaultPlan | None = None, has_data: bool = True) -> Sandbox:
    clock = VirtualClock(SystemClock(), began_at=datetime.fromisoformat("2026-11-20T16:30:00+05:30"), speed=0.0)
    accounts = Accounts([App(api_key=KEY, api_secret=SECRET, has_data=has_data)], clock)
    return Sandbox(PRICES, accounts, clock=clock, meter=Meter(time.monotonic, limits=LIMITS), faults=faults)


@pytest.fixture
def control(tmp_path: Path) -> Iterator[ControlDatabase]:
    opened = ControlDatabase.open(tmp_path / "control.sqlite")
    yield opened
    opened.close()


@contextmanager
def client_of(sandbox: Sandbox, address: str, control: ControlDatabase) -> Iterator[KiteClient]:
    app = sandbox.accounts.app(KEY)
    assert app is not None
    request = sandbox.accounts.log_in(app)
    checksum = hashlib.sha256(f"{KEY}{request}{SECRET}".encode()).hexdigest()
    token = sandbox.accounts.exchange(api_key=KEY, request_token=request, checksum=checksum)
    timing = Timing(clock=SystemClock(), seconds=time.monotonic, sleep=lambda seconds: time.sleep(seconds / 30))
    pacer = Pacer(control.database, KEY, clock=SystemClock(), sleep=time.sleep, spacing=SPACING)
    policy = RetryPolicy(n_tries=12, deadline=10.0)
    with httpx.Client(base_url=f"http://{address}", trust_env=False) as http:
        yield KiteClient(http, Access(api_key=KEY, token=lambda: token), pacer=pacer, timing=timing, policy=policy)


def fetch(client: KiteClient) -> list[Bars]:
    """Fetch the days of all shares, a year at a time, by four threads."""
    windows = [
        (listed, window) for listed in PRICES.listings for window in candle_windows(Interval.DAY, date(2021, 1, 1), date(2026, 11, 20))
    ]

    def one(place: int) -> Bars:
        listed, window = windows[place]
        return client.candles(listed.token, InstrumentId(listed.key), Interval.DAY, window).bars

    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(one, range(len(windows))))


@pytest.mark.parametrize("seed", range(N_SEEDS))
def test_spoiled_replies_change_no_bar_and_break_no_limit(control: ControlDatabase, serve: Serve, seed: int) -> None:
    sandbox = exchange(faults=FaultPlan(share=0.2, seed=seed))
    with client_of(sandbox, serve(sandbox), control) as client:
        found = fetch(client)
        arrivals = sandbox.meter.arrivals
    for bars, listed in zip(found[::2], PRICES.listings, strict=True):
        true = PRICES.days(listed)
        for name in ("ts", "open", "high", "low", "close", "volume"):
            assert getattr(bars, name).tolist() == getattr(true, name)[: len(bars)].tolist()
    assert sum(map(len, found)) == sum(len(PRICES.days(listed)) for listed in PRICES.listings)
    assert len(arrivals) <= 3 * len(found)
    assert {arrival.fault for arrival in arrivals} != {""}
    assert most_in_a_second(arrivals, "historical") <= LIMITS["historical"]
    assert not any(arrival.status == 429 and not arrival.fault for arrival in arrivals)


def test_a_session_that_ends_stops_every_thread_at_once(control: ControlDatabase, serve: Serve) -> None:
    sandbox = exchange()
    with client_of(sandbox, serve(sandbox), control) as client:
        client.profile()
        sandbox.accounts.end_all()
        n_before = len(sandbox.meter.arrivals)
        with pytest.raises(AuthExpired):
            fetch(client)
        assert len(sandbox.meter.arrivals) - n_before <= 40


def test_the_free_plan_is_told_from_a_dead_session(control: ControlDatabase, serve: Serve) -> None:
    sandbox = exchange(has_data=False)
    with client_of(sandbox, serve(sandbox), control) as client:
        assert client.profile().user_id == "SB0001"
        with pytest.raises(AccessDenied, match="Insufficient permission"):
            client.quotes([InstrumentId(PRICES.listings[0].key)])


def test_everything_that_can_be_read_is_read(control: ControlDatabase, serve: Serve) -> None:
    sandbox = exchange()
    with client_of(sandbox, serve(sandbox), control) as client:
        assert client.instruments().count(b"\n") == 21
        assert set(client.margins()) == {"equity", "commodity"}
        assert (client.holdings(), client.positions(), client.orders(), client.trades()) == ((), (), (), ())
        names = [InstrumentId(listed.key) for listed in PRICES.listings]
        quotes = client.quotes([*names, InstrumentId("SIM:NOBODY")])
        assert set(quotes) == set(names)
        assert quotes[names[0]].last_price == PRICES.days(PRICES.listings[0]).close[-1]
        client.log_out()
        with pytest.raises(AuthExpired):
            client.profile()
