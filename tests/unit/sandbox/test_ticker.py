from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from qts.data.kite import TickMode, read_ticks
from qts.sandbox import Sandbox
from qts.sandbox import ticker as tickers
from qts.sandbox.asked import Asked

Ask = Callable[..., Asked]


@pytest.fixture
def sandbox(make: Callable[..., Sandbox]) -> Sandbox:
    return make("2026-01-06T09:20:00+05:30")


@pytest.fixture
def place(sandbox: Sandbox, serve: Callable[[Sandbox], str], monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(tickers, "BEAT_SECONDS", 0.02)
    return serve(sandbox)


@pytest.fixture
def opened(place: str, sandbox: Sandbox, ask: Ask) -> Iterator[Callable[..., ClientConnection]]:
    with ExitStack() as stack:

        def open_(extra: str = "") -> ClientConnection:
            key, _, token = ask(sandbox, "/").headers["authorization"].removeprefix("token ").partition(":")
            where = f"ws://{place}/?api_key={key}&access_token={token}{extra}"
            return stack.enter_context(connect(where, open_timeout=5, close_timeout=1, proxy=None))

        yield open_


def ticks_of(socket: ClientConnection) -> bytes:
    while len(frame := socket.recv(timeout=5)) <= 1:
        pass
    assert isinstance(frame, bytes)
    return frame


def say(socket: ClientConnection, wish: object) -> None:
    socket.send(json.dumps(wish))


def test_who_subscribes_gets_quotes_and_in_another_mode_more(opened: Callable[..., ClientConnection]) -> None:
    socket = opened()
    say(socket, {"a": "subscribe", "v": [408065, 999]})
    (tick,) = read_ticks(ticks_of(socket)).ticks
    assert (tick.token, tick.mode) == (408065, TickMode.QUOTE)
    say(socket, {"a": "unsubscribe", "v": [408065]})
    say(socket, {"a": "subscribe", "v": [256265]})
    (index,) = read_ticks(ticks_of(socket)).ticks
    assert (index.token, index.is_tradable, index.at) == (256265, False, None)


def test_a_change_of_mode_is_told_at_once(opened: Callable[..., ClientConnection]) -> None:
    socket = opened()
    say(socket, {"a": "subscribe", "v": [408065]})
    assert read_ticks(ticks_of(socket)).ticks[0].bids == ()
    say(socket, {"a": "mode", "v": ["full", [408065]]})
    (tick,) = read_ticks(ticks_of(socket)).ticks
    assert (tick.mode, len(tick.bids)) == (TickMode.FULL, 5)


def test_an_idle_socket_gets_heartbeats(opened: Callable[..., ClientConnection]) -> None:
    assert opened().recv(timeout=5) == b"\x00"


@pytest.mark.parametrize("text", ["no json", '{"a": "dance"}', '{"a": "subscribe", "v": [[]]}', "[]"])
def test_a_wish_that_makes_no_sense_gets_an_error_and_the_socket_stays(opened: Callable[..., ClientConnection], text: str) -> None:
    socket = opened("&mischief=mute")
    for _ in range(2):
        socket.send(text)
        assert json.loads(socket.recv(timeout=5))["type"] == "error"


@pytest.mark.parametrize("query", ["/?api_key=paid&access_token=wrong", "/"])
def test_without_a_session_no_socket_opens(place: str, query: str) -> None:
    with pytest.raises(InvalidStatus, match="403"), connect(f"ws://{place}{query}", proxy=None):
        pass


def test_a_fourth_socket_of_a_key_is_denied(opened: Callable[..., ClientConnection]) -> None:
    for _ in range(3):
        opened()
    with pytest.raises(InvalidStatus, match="429"):
        opened()


def test_an_order_update_reaches_the_socket(opened: Callable[..., ClientConnection], place: str) -> None:
    socket = opened("&mischief=mute")
    assert httpx.post(f"http://{place}/_sandbox/order", json={"order_id": "1"}, trust_env=False).json() == {"sent": 1}
    assert json.loads(socket.recv(timeout=5)) == {"type": "order", "id": "", "data": {"order_id": "1"}}


def test_a_socket_is_closed_when_its_session_ends(opened: Callable[..., ClientConnection], sandbox: Sandbox) -> None:
    socket = opened()
    sandbox.accounts.end_all()
    with pytest.raises(ConnectionClosed):
        list(iter(lambda: socket.recv(timeout=5), None))


def test_a_mute_socket_is_open_and_says_nothing(opened: Callable[..., ClientConnection]) -> None:
    socket = opened("&mischief=mute")
    say(socket, {"a": "subscribe", "v": [408065]})
    with pytest.raises(TimeoutError):
        socket.recv(timeout=0.2)


def test_a_bad_frame_is_counted(opened: Callable[..., ClientConnection]) -> None:
    socket = opened("&mischief=bad_frames")
    say(socket, {"a": "subscribe", "v": [408065]})
    found = read_ticks(ticks_of(socket))
    assert (found.ticks, found.n_bad) == ((), 1)


def test_a_packet_of_a_kind_to_come_is_skipped(opened: Callable[..., ClientConnection]) -> None:
    socket = opened("&mischief=unknown_packet")
    say(socket, {"a": "subscribe", "v": [408065]})
    found = read_ticks(ticks_of(socket))
    assert (len(found.ticks), found.n_unknown) == (1, 1)


def test_who_has_an_order_hears_what_becomes_of_it(opened: Callable[..., ClientConnection], sandbox: Sandbox, ask: Ask) -> None:
    socket = opened()
    form = {"exchange": "NSE", "tradingsymbol": "INFY", "transaction_type": "BUY", "quantity": "2", "product": "CNC"}
    asked = ask(sandbox, "/orders/regular")
    kind = {"order_type": "MARKET", "market_protection": "-1"}
    answer = sandbox.answer(Asked(method="POST", path=asked.path, form={**form, **kind}, headers=asked.headers))
    while not isinstance(text := socket.recv(timeout=5), str):
        pass
    update = json.loads(text)
    assert update["type"] == "order"
    assert update["data"]["order_id"] == json.loads(answer.body)["data"]["order_id"]
    assert (update["data"]["status"], update["data"]["filled_quantity"]) == ("COMPLETE", 2)
