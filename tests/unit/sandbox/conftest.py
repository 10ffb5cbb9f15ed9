"""A simulated exchange with two shares and an index over three sessions, whose clock stands where a test puts it."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from qts.core import IST, Bars, FixedClock, InstrumentId, Interval, Ints, micros_of
from qts.sandbox import Accounts, App, FaultPlan, Listed, Market, Meter, Sandbox, VirtualClock
from qts.sandbox.asked import Asked

MINUTE = 60_000_000
DATES = ("2026-01-05", "2026-01-06", "2026-01-07")
INFY = Listed(token=408065, symbol="INFY", exchange="NSE", name="INFOSYS")
QUIET = Listed(token=0x2001, symbol="QUIET", exchange="NSE", name='A "quoted", name')
NIFTY = Listed(token=256265, symbol="NIFTY 50", exchange="NSE", segment="INDICES", tick_size=Decimal(0))
HUSH = "hush"
PAID = App(api_key="paid", api_secret=HUSH)
FREE = App(api_key="free", api_secret=HUSH, has_data=False)


def walk(listed: Listed, interval: Interval, ts: Ints, *, seed: int) -> Bars:
    rng = np.random.default_rng(seed)
    close = np.round(1000 + np.cumsum(rng.normal(0, 1, len(ts))), 2)
    open_ = np.append(1000.0, close[:-1])
    return Bars(
        instrument=InstrumentId(listed.key),
        interval=interval,
        ts=ts,
        open=open_,
        high=np.round(np.maximum(open_, close) + 0.05, 2),
        low=np.round(np.minimum(open_, close) - 0.05, 2),
        close=close,
        volume=np.full(len(ts), 100.0),
        oi=np.full(len(ts), np.nan),
    )


class Walks:
    """A market of random walks; the quiet share skips every other minute."""

    listings = (INFY, QUIET, NIFTY)

    def minutes(self, listed: Listed) -> Bars:
        opens = [micros_of(datetime.fromisoformat(f"{on}T09:15:00+05:30")) for on in DATES]
        step = 2 if listed is QUIET else 1
        ts = np.concatenate([at + np.arange(0, 375, step, dtype=np.int64) * MINUTE for at in opens])
        return walk(listed, Interval.MINUTE_1, ts, seed=listed.token)

    def days(self, listed: Listed) -> Bars:
        minutes = self.minutes(listed)
        size = len(minutes) // len(DATES)
        parts = [minutes.window(k * size, (k + 1) * size) for k in range(len(DATES))]
        return Bars(
            instrument=minutes.instrument,
            interval=Interval.DAY,
            ts=np.array([part.ts[0] for part in parts]),
            open=np.array([part.open[0] for part in parts]),
            high=np.array([part.high.max() for part in parts]),
            low=np.array([part.low.min() for part in parts]),
            close=np.array([part.close[-1] for part in parts]),
            volume=np.array([part.volume.sum() for part in parts]),
            oi=np.full(len(parts), np.nan),
        )


@pytest.fixture
def make() -> Callable[..., Sandbox]:
    """Return a maker of exchanges that stand at an instant; their meter's second goes by with every request unless told."""

    def made(now: str = "2026-01-07T16:30:00+05:30", *, faults: FaultPlan | None = None, step: float = 1.0) -> Sandbox:
        clock = FixedClock(datetime.fromisoformat(now).astimezone(IST))
        counter = itertools.count()
        tokens = (f"token{k}" for k in itertools.count())
        accounts = Accounts([PAID, FREE], clock, new_token=lambda: next(tokens))
        return Sandbox(Walks(), accounts, clock=clock, meter=Meter(lambda: next(counter) * step), faults=faults)

    return made


@pytest.fixture
def ask() -> Callable[..., Asked]:
    """Return a maker of requests with the headers of a client that is logged in."""

    def asked(sandbox: Sandbox, path: str, *query: tuple[str, str], app: App = PAID) -> Asked:
        checksum = checksum_of(app, request := sandbox.accounts.log_in(app))
        token = sandbox.accounts.exchange(api_key=app.api_key, request_token=request, checksum=checksum)
        headers = {"x-kite-version": "3", "authorization": f"token {app.api_key}:{token}"}
        return Asked(method="GET", path=path, query=query, headers=headers)

    return asked


def checksum_of(app: App, request_token: str) -> str:
    return hashlib.sha256(f"{app.api_key}{request_token}{app.api_secret}".encode()).hexdigest()


class Trader:
    """A user of an exchange whose clock moves when the test says so."""

    def __init__(self, now: str = "2026-01-06T10:00:00+05:30", market: Market | None = None) -> None:
        at = datetime.fromisoformat(now)
        self.clock = VirtualClock(FixedClock(at), began_at=at, speed=0.0)
        counter = itertools.count()
        self.sandbox = Sandbox(market or Walks(), Accounts([PAID], self.clock), clock=self.clock, meter=Meter(lambda: next(counter)))

    def ask(self, method: str, path: str, *, rows: object = None, **form: object) -> tuple[int, Any]:
        """Return the status of a reply, and its data or the message of its error."""
        accounts = self.sandbox.accounts
        request = accounts.log_in(PAID)
        token = accounts.exchange(api_key=PAID.api_key, request_token=request, checksum=checksum_of(PAID, request))
        asked = Asked(
            method=method,
            path=path,
            form={name: str(value) for name, value in form.items()},
            headers={"x-kite-version": "3", "authorization": f"token {PAID.api_key}:{token}"},
            body=json.dumps(rows).encode(),
        )
        answer = self.sandbox.answer(asked)
        body = json.loads(answer.body)
        return answer.status, body["data"] if body["status"] == "success" else body["message"]

    def place(self, side: str, quantity: int = 1, *, variety: str = "regular", **more: object) -> tuple[int, Any]:
        """Place an order on the first share: to the market as delivery, unless told."""
        form = {"exchange": "NSE", "tradingsymbol": "INFY", "transaction_type": side, "quantity": quantity, "product": "CNC"}
        kind: dict[str, object] = {"order_type": "MARKET", "market_protection": -1}
        return self.ask("POST", f"/orders/{variety}", **{**form, **kind, **more})

    def order(self) -> dict[str, Any]:
        """Return the last order of the book."""
        found: dict[str, Any] = self.ask("GET", "/orders")[1][-1]
        return found

    def minute(self, at: str) -> Bars:
        """Return the minute of the first share that begins at a time."""
        minutes = Walks().minutes(INFY)
        place = minutes.ts.tolist().index(micros_of(datetime.fromisoformat(at)))
        return minutes.window(place, place + 1)


@pytest.fixture
def trader() -> Trader:
    return Trader()


@pytest.fixture
def make_trader() -> Callable[..., Trader]:
    return Trader
