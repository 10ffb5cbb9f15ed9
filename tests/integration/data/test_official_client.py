"""The broker's own client for Python against the simulated exchange, unchanged: what it makes of the replies is what we make of them.

It is not among our dependencies. ``KITECONNECT_PYTHON`` names the interpreter of an environment that has it.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

import pytest

from qts.app.clock import SystemClock
from qts.app.sandbox import KEY, SECRET, SimulatedPrices
from qts.core import IST, instant_of
from qts.sandbox import Accounts, App, Meter, Sandbox, VirtualClock

PYTHON: Final = os.environ.get("KITECONNECT_PYTHON", "")
PRICES: Final = SimulatedPrices()
SHARE, OTHER = PRICES.listings[:2]
SCRIPT: Final = """
import json, sys, threading, time
from kiteconnect import KiteConnect, KiteTicker, exceptions
address, key, secret, request, share, other, name = sys.argv[1:]
kite, share, other = KiteConnect(key, root="http://" + address), int(share), int(other)
found = {"session": kite.generate_session(request, api_secret=secret)}
try:
    kite.generate_session(request, api_secret=secret)
except exceptions.TokenException as error:
    found["again"] = error.code
found["profile"], found["listed"] = kite.profile(), kite.instruments()
found["days"] = kite.historical_data(share, "2026-11-16 00:00:00", "2026-11-20 23:59:59", "day")
found["minutes"] = kite.historical_data(share, "2026-11-20 09:15:00", "2026-11-20 15:29:59", "minute", oi=True)
try:
    kite.historical_data(share, "2026-01-01 00:00:00", "2026-11-20 23:59:59", "minute")
except exceptions.InputException as error:
    found["too_long"] = error.code
found["quote"] = kite.quote([name])
try:
    kite.ltp([name])
except exceptions.NetworkException as error:
    found["too_many"] = error.code
ticks, full = [], threading.Event()
def take(_, batch):
    ticks.extend(batch)
    if any(tick["mode"] == "full" for tick in ticks):
        full.set()
ticker = KiteTicker(key, kite.access_token, root="ws://" + address)
ticker.on_connect = lambda socket, _: (socket.subscribe([share, other]), socket.set_mode(socket.MODE_FULL, [share]))
ticker.on_ticks = take
ticker.connect(threaded=True, disable_ssl_verification=True)
full.wait(10)
found["ticks"], found["out"] = ticks, kite.invalidate_access_token()
try:
    kite.profile()
except exceptions.TokenException as error:
    found["ended"] = error.code
print(json.dumps(found, default=str))
"""


TRADING: Final = """
import json, sys, threading
from kiteconnect import KiteConnect, KiteTicker, exceptions
address, key, secret, request, symbol = sys.argv[1:]
kite = KiteConnect(key, root="http://" + address)
found = {"session": kite.generate_session(request, api_secret=secret)["user_id"]}
told, updates, ready = threading.Event(), [], threading.Event()
def hear(_, order):
    updates.append(order)
    if len(updates) >= 2:
        told.set()
ticker = KiteTicker(key, kite.access_token, root="ws://" + address)
ticker.on_connect, ticker.on_order_update = lambda *_: ready.set(), hear
ticker.connect(threaded=True, disable_ssl_verification=True)
ready.wait(20)
wish = {"exchange": "SIM", "tradingsymbol": symbol, "transaction_type": "BUY", "quantity": 10, "product": "CNC"}
found["bought"] = kite.place_order("regular", **wish, order_type="MARKET", market_protection=-1, tag="first")
waits = kite.place_order("regular", **wish, order_type="LIMIT", price=1)
found["waits"], found["changed"] = waits, kite.modify_order("regular", waits, price=2)
found["cancelled"] = kite.cancel_order("regular", waits)
try:
    kite.place_order("regular", **wish, order_type="MARKET", market_protection=0)
except exceptions.InputException as error:
    found["unprotected"] = error.code
found["orders"], found["history"] = kite.orders(), [stage["status"] for stage in kite.order_history(waits)]
found["trades"], found["of_order"] = kite.trades(), kite.order_trades(found["bought"])
found["positions"], found["holdings"] = kite.positions(), kite.holdings()
found["margins"], found["equity"] = kite.margins(), kite.margins("equity")
priced = wish | {"variety": "regular", "order_type": "LIMIT", "price": 100}
found["order_margins"], found["basket"] = kite.order_margins([priced]), kite.basket_order_margins([priced])
found["note"] = kite.get_virtual_contract_note([priced | {"order_id": found["bought"], "average_price": 100}])
told.wait(10)
found["updates"] = [(order["order_id"], order["status"]) for order in updates]
print(json.dumps(found, default=str))
"""


@pytest.mark.skipif(not PYTHON, reason="KITECONNECT_PYTHON names no interpreter with the broker's client")
def test_the_brokers_own_client_trades_on_it_unchanged(serve: Callable[[Any], str]) -> None:
    clock = VirtualClock(SystemClock(), began_at=datetime(2026, 11, 20, 11, 0, tzinfo=IST), speed=0.0)
    accounts = Accounts([App(api_key=KEY, api_secret=SECRET)], clock)
    sandbox = Sandbox(PRICES, accounts, clock=clock, meter=Meter(time.monotonic, limits={"quote": 30, "historical": 90, "other": 300}))
    app = accounts.app(KEY)
    assert app is not None
    given = [serve(sandbox), KEY, SECRET, accounts.log_in(app), SHARE.symbol]
    run = subprocess.run([PYTHON, "-c", TRADING, *given], capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 0, run.stderr
    found = json.loads(run.stdout)
    assert found["bought"] != found["waits"] == found["changed"] == found["cancelled"]
    assert found["unprotected"] == 400
    bought, cancelled = found["orders"]
    assert (bought["status"], bought["tag"], bought["filled_quantity"]) == ("COMPLETE", "first", 10)
    assert (cancelled["status"], cancelled["price"], cancelled["cancelled_quantity"]) == ("CANCELLED", 2, 10)
    assert found["history"][-2:] == ["CANCEL PENDING", "CANCELLED"]
    assert (found["trades"], found["holdings"]) == (found["of_order"], [])
    last = bought["average_price"]
    (position,) = found["positions"]["net"]
    assert (position["quantity"], position["average_price"], position["pnl"]) == (10, last, 0)
    assert found["margins"]["equity"] == found["equity"]
    assert found["equity"]["net"] == pytest.approx(1_000_000 - 10 * last)
    assert (found["order_margins"][0]["total"], found["basket"]["final"]["total"]) == (1000, 1000)
    assert found["note"][0]["charges"]["transaction_tax"] == 1
    assert (found["bought"], "COMPLETE") in [tuple(update) for update in found["updates"]]


@pytest.mark.skipif(not PYTHON, reason="KITECONNECT_PYTHON names no interpreter with the broker's client")
def test_the_brokers_own_client_works_with_it_unchanged(serve: Callable[[Any], str]) -> None:
    clock = VirtualClock(SystemClock(), began_at=datetime(2026, 11, 20, 16, 30, tzinfo=IST), speed=0.0)
    accounts = Accounts([App(api_key=KEY, api_secret=SECRET)], clock)
    sandbox = Sandbox(PRICES, accounts, clock=clock, meter=Meter(time.monotonic))
    app = accounts.app(KEY)
    assert app is not None
    given = [serve(sandbox), KEY, SECRET, accounts.log_in(app), str(SHARE.token), str(OTHER.token), SHARE.key]
    run = subprocess.run([PYTHON, "-c", SCRIPT, *given], capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 0, run.stderr
    found = json.loads(run.stdout)
    refusals = {name: found[name] for name in ("again", "too_long", "too_many", "ended")}
    assert refusals == {"again": 403, "too_long": 400, "too_many": 429, "ended": 403}
    assert (found["session"]["user_id"], found["profile"]["user_id"], found["out"]) == ("SB0001", "SB0001", True)
    assert [(row["exchange"], row["tradingsymbol"], row["instrument_token"]) for row in found["listed"]] == [
        (listed.exchange, listed.symbol, listed.token) for listed in PRICES.listings
    ]
    days, minutes = PRICES.days(SHARE), PRICES.minutes(SHARE)
    assert [candle["close"] for candle in found["days"]] == days.close[-5:].tolist()
    assert [datetime.fromisoformat(candle["date"]) for candle in found["minutes"]] == [instant_of(at) for at in minutes.ts[-375:].tolist()]
    assert [(candle["open"], candle["volume"]) for candle in found["minutes"]] == list(
        zip(minutes.open[-375:].tolist(), minutes.volume[-375:].tolist(), strict=True)
    )
    assert found["quote"][SHARE.key]["ohlc"]["close"] == days.close[-2]
    last = {tick["instrument_token"]: tick for tick in found["ticks"]}
    assert {token: tick["last_price"] for token, tick in last.items()} == {
        listed.token: PRICES.days(listed).close[-1] for listed in (SHARE, OTHER)
    }
    assert (last[SHARE.token]["mode"], last[OTHER.token]["mode"], len(last[SHARE.token]["depth"]["buy"])) == ("full", "quote", 5)
