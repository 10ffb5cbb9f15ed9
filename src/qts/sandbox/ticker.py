"""The ticker: who is subscribed to what, and the ticks, heartbeats and order updates they get."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.websockets import WebSocket, WebSocketDisconnect

from qts.sandbox.exchange import Sandbox
from qts.sandbox.frames import HEARTBEAT, message, packet
from qts.sandbox.quotes import Present, present_of

MOST_SOCKETS: Final = 3
MOST_TOKENS: Final = 3000
BEAT_SECONDS: Final = 1.0
_MODES: Final = ("ltp", "quote", "full")


class Mischief(StrEnum):
    """What a socket may do wrong, as its query says: ``?mischief=mute``."""

    NONE = ""
    MUTE = "mute"
    BAD_FRAMES = "bad_frames"
    UNKNOWN_PACKET = "unknown_packet"


@dataclass(slots=True)  # grows with what its owner subscribes to
class _Seat:
    """One socket: its modes by token, and what it was last told of each."""

    socket: WebSocket
    key: str
    mischief: Mischief
    modes: dict[int, str] = field(default_factory=dict)
    told: dict[int, tuple[str, Present]] = field(default_factory=dict)
    n_updates: int = 0
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


class Ticker:
    """All sockets of one simulated exchange."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._seats: list[_Seat] = []

    async def serve(self, socket: WebSocket) -> None:
        """Serve one socket until it leaves, or its session ends."""
        query = socket.query_params
        key, token = query.get("api_key", ""), query.get("access_token", "")
        app = self._sandbox.accounts.app(key)
        if app is None or not app.has_data or not self._sandbox.accounts.is_valid(key, token):
            await _deny(socket, 403)
            return
        if sum(seat.key == key for seat in self._seats) >= MOST_SOCKETS:
            await _deny(socket, 429)
            return
        # Counted before the client knows that it is in: an order that it places at once is an update, too.
        n_updates = len(self._sandbox.account_side.book(key).updates)
        await socket.accept()
        seat = _Seat(socket=socket, key=key, mischief=Mischief(query.get("mischief", "")), n_updates=n_updates)
        self._seats.append(seat)
        beats = asyncio.create_task(self._beat(seat, token))
        try:
            while True:
                await self._take(seat, await socket.receive_text())
        except WebSocketDisconnect:
            pass
        finally:
            beats.cancel()
            self._seats.remove(seat)

    async def tell_order(self, order: object) -> int:
        """Send an order update to everyone, and return how many there are."""
        text = json.dumps({"type": "order", "id": "", "data": order})
        for seat in self._seats:
            await seat.socket.send_text(text)
        return len(self._seats)

    async def _take(self, seat: _Seat, text: str) -> None:
        try:
            _subscribe(seat.modes, json.loads(text), known=self._sandbox.listed)
        except (ValueError, TypeError, KeyError):
            await seat.socket.send_text(json.dumps({"type": "error", "data": "Invalid message"}))
            return
        await self._tell(seat)

    async def _beat(self, seat: _Seat, token: str) -> None:
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            if not self._sandbox.accounts.is_valid(seat.key, token):
                await seat.socket.close()
                return
            if seat.mischief is not Mischief.MUTE:
                await seat.socket.send_bytes(HEARTBEAT)
                await self._tell(seat)
                await self._tell_orders(seat)

    async def _tell(self, seat: _Seat) -> None:
        """Send what has changed since the seat was last told."""
        if seat.mischief is Mischief.MUTE:
            return
        async with seat.turn:
            packets = await run_in_threadpool(self._packets, seat)
            if not packets:
                return
            if seat.mischief is Mischief.UNKNOWN_PACKET:
                packets.append(b"\x00" * 60)
            frame = message(packets)
            await seat.socket.send_bytes(frame[:-3] if seat.mischief is Mischief.BAD_FRAMES else frame)

    async def _tell_orders(self, seat: _Seat) -> None:
        """Send what happened to the user's orders since the seat was last told."""
        app = self._sandbox.accounts.app(seat.key)
        if app is None:
            return
        side = self._sandbox.account_side
        found = await run_in_threadpool(side.updates, seat.key, seat.n_updates, placed_by=app.user_id)
        seat.n_updates += len(found)
        for order in found:
            await seat.socket.send_text(json.dumps({"type": "order", "id": "", "data": order}))

    def _packets(self, seat: _Seat) -> list[bytes]:
        now, packets = self._sandbox.clock.now(), []
        for number, mode in list(seat.modes.items()):
            listed = self._sandbox.listed(str(number))
            present = None if listed is None else present_of(self._sandbox.market, listed, now=now)
            if listed is not None and present is not None and seat.told.get(number) != (mode, present):
                seat.told[number] = (mode, present)
                packets.append(packet(listed, present, mode, now=now))
        return packets


async def _deny(socket: WebSocket, status: int) -> None:
    await socket.send_denial_response(Response(status_code=status))


def _subscribe(modes: dict[int, str], wish: Any, *, known: Any) -> None:  # noqa: ANN401 - parsed JSON
    match wish:
        case {"a": "subscribe", "v": [*tokens]}:
            found = [token for token in map(int, tokens) if known(str(token)) is not None]
            modes.update({token: modes.get(token, "quote") for token in found[: max(0, MOST_TOKENS - len(modes))]})
        case {"a": "unsubscribe", "v": [*tokens]}:
            for token in tokens:
                modes.pop(int(token), None)
        case {"a": "mode", "v": [str(mode), [*tokens]]} if mode in _MODES:
            modes.update({int(token): mode for token in tokens if int(token) in modes})
        case _:
            raise ValueError("an unknown wish")
