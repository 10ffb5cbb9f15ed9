from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest

from qts.app.broker import NotConfigured, log_in, save_keys
from qts.app.broker_bills import NothingTraded, reconcile_broker
from qts.app.reconciling import ReconcileOptions
from qts.app.sandbox import KEY, SECRET, SandboxSettings, StoredPrices, make_sandbox
from qts.app.settings import load_settings
from qts.app.workspace import Workspace, open_workspace
from qts.core import IST, Bars, Exchange, instant_of
from qts.core.errors import AuthExpired, BadParameter
from qts.sandbox import Sandbox
from qts.sandbox.asked import Asked

OPTIONS = ReconcileOptions()
ORDER = {"exchange": "NSE", "tradingsymbol": "INFY", "transaction_type": "BUY", "order_type": "MARKET", "market_protection": "-1"}


class Hands:
    """A clock that goes on a little whenever it is looked at, so that nobody waits for it."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        self.at += timedelta(seconds=1)
        return self.at


class Broker:
    """An exchange asked without a network. ``spoil`` changes replies on their way."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.spoil: Callable[[str], str] = lambda text: text
        self.transport = httpx.MockTransport(self.answer)

    def answer(self, request: httpx.Request) -> httpx.Response:
        is_form = "form" in request.headers.get("content-type", "")
        asked = Asked(
            method=request.method,
            path=request.url.path,
            query=tuple(request.url.params.multi_items()),
            form=dict(parse_qsl(request.content.decode())) if is_form else {},
            headers={name.lower(): value for name, value in request.headers.items()},
            body=request.content,
        )
        found = self.sandbox.answer(asked)
        return httpx.Response(found.status, text=self.spoil(found.body.decode()), headers={"content-type": found.kind})

    def trade(self, quantity: int, product: str) -> None:
        """Buy at the market, with a session of its own."""
        token = json.loads(self.answer(self._login()).text)["data"]["access_token"]
        headers = {"x-kite-version": "3", "authorization": f"token {KEY}:{token}"}
        form = ORDER | {"quantity": str(quantity), "product": product}
        answer = self.sandbox.answer(Asked(method="POST", path="/orders/regular", form=form, headers=headers))
        assert answer.status == 200, answer.body

    def _login(self) -> httpx.Request:
        app = self.sandbox.accounts.app(KEY)
        assert app is not None
        request = self.sandbox.accounts.log_in(app)
        checksum = hashlib.sha256(f"{KEY}{request}{SECRET}".encode()).hexdigest()
        form = {"api_key": KEY, "request_token": request, "checksum": checksum}
        return httpx.Request("POST", "http://broker/session/token", data=form, headers={"x-kite-version": "3"})


@pytest.fixture
def workspace(tmp_path: Path, make_bars: Callable[..., Bars], store_bars: Callable[..., None]) -> Iterator[Workspace]:
    bars = make_bars("NSE:INFY", Exchange.NSE, seed=1)
    at = instant_of(int(bars.ts[-1])).astimezone(IST).replace(hour=11, minute=0)
    settings = load_settings(home=tmp_path / "home", key_file=tmp_path / "keys" / "secret.key", keep_free="0")
    with open_workspace(settings, clock=Hands(at)) as opened:
        store_bars(opened, bars)
        save_keys(opened, api_key=KEY, api_secret=SECRET)
        yield opened


@pytest.fixture
def broker(workspace: Workspace) -> Broker:
    return Broker(make_sandbox(StoredPrices(workspace.store), SandboxSettings(began_at=workspace.clock.now(), speed=0.0)))


@pytest.fixture
def session(workspace: Workspace, broker: Broker) -> Broker:
    app = broker.sandbox.accounts.app(KEY)
    assert app is not None
    log_in(workspace, broker.sandbox.accounts.log_in(app), transport=broker.transport)
    return broker


def test_what_the_broker_charges_today_is_what_we_compute(workspace: Workspace, session: Broker) -> None:
    session.trade(100, "CNC")
    session.trade(50, "MIS")
    document = reconcile_broker(workspace, OPTIONS, transport=session.transport)
    assert (document.format, document.mode) == ("virtual contract note", "api")
    assert (document.agreeing, document.differing, document.unpriced) == (2, 0, ())
    assert {line.line for bill in document.bills for line in bill.lines} >= {
        "brokerage",
        "stt",
        "exchange",
        "sebi",
        "stamp",
        "gst",
        "total",
    }
    assert all(bill.date == str(workspace.clock.now().date()) for bill in document.bills)


def test_a_line_that_is_charged_otherwise_is_named(workspace: Workspace, session: Broker) -> None:
    session.trade(100, "MIS")

    def dearer(text: str) -> str:
        reply: Any = json.loads(text)
        if isinstance(reply["data"], list) and "charges" in reply["data"][0]:
            reply["data"][0]["charges"]["brokerage"] += 5
        return json.dumps(reply)

    session.spoil = dearer
    document = reconcile_broker(workspace, OPTIONS, transport=session.transport)
    assert document.differing == 1
    (line,) = [line for line in document.bills[0].lines if line.line == "brokerage"]
    assert line.verdict == "differs"
    assert line.difference == pytest.approx(5.0)


def test_without_trades_there_is_nothing_to_bill(workspace: Workspace, session: Broker) -> None:
    with pytest.raises(NothingTraded, match="empty") as caught:
        reconcile_broker(workspace, OPTIONS, transport=session.transport)
    assert "as a file" in caught.value.hint


def test_without_a_session_the_login_is_named(workspace: Workspace, broker: Broker) -> None:
    with pytest.raises(AuthExpired) as caught:
        reconcile_broker(workspace, OPTIONS, transport=broker.transport)
    assert "qts login" in caught.value.hint


def test_without_keys_that_is_said(tmp_path: Path) -> None:
    settings = load_settings(home=tmp_path / "bare", key_file=tmp_path / "keys" / "secret.key")
    with open_workspace(settings) as bare, pytest.raises(NotConfigured):
        reconcile_broker(bare, OPTIONS)


def test_a_date_to_come_is_refused(workspace: Workspace, session: Broker) -> None:
    session.trade(1, "CNC")
    with pytest.raises(BadParameter, match="future"):
        reconcile_broker(workspace, ReconcileOptions(on=date(2999, 1, 1)), transport=session.transport)
