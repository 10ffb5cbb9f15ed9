from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import parse_qs, urlparse

import httpx
import pytest

from qts.sandbox import Fault, FaultPlan, Sandbox
from qts.sandbox.asked import Asked

Ask = Callable[..., Asked]


@pytest.fixture
def sandbox(make: Callable[..., Sandbox]) -> Sandbox:
    return make()


@pytest.fixture
def client(sandbox: Sandbox, serve: Callable[[Sandbox], str]) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"http://{serve(sandbox)}", trust_env=False) as opened:
        yield opened


def test_a_request_gets_the_reply_of_the_exchange(client: httpx.Client, sandbox: Sandbox, ask: Ask) -> None:
    reply = client.get("/quote/ltp", params=[("i", "NSE:INFY"), ("i", "NSE:QUIET")], headers=dict(ask(sandbox, "/").headers))
    assert reply.status_code == 200
    assert set(reply.json()["data"]) == {"NSE:INFY", "NSE:QUIET"}


def test_a_form_is_read_and_the_dump_is_unpacked_by_the_client(client: httpx.Client, sandbox: Sandbox, ask: Ask) -> None:
    reply = client.post("/session/token", data={"api_key": "paid", "request_token": "x", "checksum": "y"}, headers={"X-Kite-Version": "3"})
    assert (reply.status_code, reply.json()["error_type"]) == (403, "TokenException")
    dump = client.get("/instruments", headers=dict(ask(sandbox, "/").headers))
    assert dump.text.splitlines()[0].startswith("instrument_token,exchange_token,tradingsymbol")


def test_the_login_page_sends_the_user_back_with_a_token(client: httpx.Client) -> None:
    page = client.get("/connect/login", params={"v": "3", "api_key": "paid", "redirect_params": 'state="><b>'})
    assert "This is no broker" in page.text
    assert "<b>" not in page.text
    back = client.post("/connect/login", data={"api_key": "paid", "redirect_params": "state=abc", "status": "success"})
    query = parse_qs(urlparse(back.headers["location"]).query)
    assert (back.status_code, query["status"], query["state"], len(query["request_token"])) == (302, ["success"], ["abc"], 1)
    cancelled = client.post("/connect/login", data={"api_key": "paid", "status": "cancelled"})
    assert "request_token" not in cancelled.headers["location"]
    assert client.get("/connect/login", params={"api_key": "nobody"}).status_code == 400


def test_a_reply_that_drips_is_whole_in_the_end(client: httpx.Client, sandbox: Sandbox, ask: Ask) -> None:
    sandbox.faults = FaultPlan(at={0: Fault.DRIP})
    assert client.get("/orders", headers=dict(ask(sandbox, "/").headers)).json() == {"status": "success", "data": []}


def test_a_connection_that_is_reset_gives_no_reply(client: httpx.Client, sandbox: Sandbox, ask: Ask) -> None:
    sandbox.faults = FaultPlan(at={0: Fault.RESET})
    headers = dict(ask(sandbox, "/").headers)
    with pytest.raises(httpx.RemoteProtocolError):
        client.get("/orders", headers=headers)
    assert client.get("/orders", headers=headers).status_code == 200


def test_a_server_that_hangs_lets_the_client_wait(client: httpx.Client, sandbox: Sandbox, ask: Ask) -> None:
    sandbox.faults = FaultPlan(at={0: Fault.HANG})
    with pytest.raises(httpx.ReadTimeout):
        client.get("/orders", headers=dict(ask(sandbox, "/").headers), timeout=0.2)


def test_the_levers_change_what_happens(client: httpx.Client, sandbox: Sandbox, ask: Ask) -> None:
    headers = dict(ask(sandbox, "/").headers)
    assert client.post("/_sandbox/faults", json={"at": {"0": "web_page"}}).json() == {"ok": True}
    assert [client.get("/orders", headers=headers).status_code for _ in range(2)] == [502, 200]
    assert [arrival["fault"] for arrival in client.get("/_sandbox/arrivals").json()] == ["web_page", ""]
    assert client.post("/_sandbox/expire").json() == {"ok": True}
    assert client.get("/orders", headers=headers).status_code == 403
    assert client.post("/_sandbox/clock", json={"advance_seconds": 60}).status_code == 400


@pytest.mark.parametrize("plan", [{"kinds": ["nonsense"]}, {"kinds": "empty"}, {"at": [1]}, {"share": "much"}])
def test_a_plan_that_makes_no_sense_is_refused(client: httpx.Client, plan: dict[str, object]) -> None:
    assert client.post("/_sandbox/faults", json=plan).status_code == 400
