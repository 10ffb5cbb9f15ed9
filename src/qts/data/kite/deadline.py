"""Connections that know when a call must be over: however slowly bytes come, headers or body, the call ends in time."""

from __future__ import annotations

import ssl
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final, TypeAlias

import httpcore
import httpx

SocketOption: TypeAlias = tuple[int, int, int] | tuple[int, int, bytes | bytearray] | tuple[int, int, None, int]
_NEVER: Final = float("inf")
# How many seconds the call of this thread has left.
_LEFT: Final[ContextVar[Callable[[], float]]] = ContextVar("left", default=lambda: _NEVER)


def open_http(address: str, *, transport: httpx.BaseTransport | None = None, trust_env: bool = True) -> httpx.Client:
    """Return connections to an address whose calls end when :func:`ending` says so.

    Parameters
    ----------
    address : str
        Where to, as a URL.
    transport : httpx.BaseTransport or None
        Takes the place of the network.
    trust_env : bool
        Whether the environment may name a proxy.
    """
    if transport is None:
        transport = _Bounded(proxy=_proxy_of(httpx.URL(address)) if trust_env else None, trust_env=trust_env)
    return httpx.Client(base_url=address, transport=transport, trust_env=trust_env)


@contextmanager
def ending(left: Callable[[], float]) -> Iterator[None]:
    """Let whatever waits for the network in this block raise httpx.TimeoutException once nothing is left of its seconds."""
    token = _LEFT.set(left)
    try:
        yield
    finally:
        _LEFT.reset(token)


class _Bounded(httpx.HTTPTransport):
    def __init__(self, *, proxy: str | None, trust_env: bool) -> None:
        super().__init__(proxy=proxy, trust_env=trust_env)
        # The library counts the time of each read, and a byte now and then is enough for it. It has no public way to give it connections.
        self._pool._network_backend = _Backend()  # noqa: SLF001 - see above; a test with a server that drips holds it


class _Backend(httpcore.SyncBackend):
    def connect_tcp(  # noqa: PLR0917 - as the library calls it
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[SocketOption] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect within what is left of the call."""
        bounded = _bounded(timeout, httpcore.ConnectTimeout)
        return _Stream(super().connect_tcp(host, port, bounded, local_address, socket_options))


class _Stream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Return the next bytes, within what is left of the call."""
        return self._stream.read(max_bytes, _bounded(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send bytes, within what is left of the call."""
        self._stream.write(buffer, _bounded(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        """Close the connection."""
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """Return the same connection encrypted."""
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, _bounded(timeout, httpcore.ConnectTimeout)))

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401 - as the library has it
        """Return what the connection knows of itself."""
        return self._stream.get_extra_info(info)


def _bounded(timeout: float | None, late: type[httpcore.TimeoutException]) -> float | None:
    left = _LEFT.get()()
    if left == _NEVER:
        return timeout
    if left <= 0:
        raise late
    return left if timeout is None else min(timeout, left)


def _proxy_of(url: httpx.URL) -> str | None:
    return None if urllib.request.proxy_bypass(url.host) else urllib.request.getproxies().get(url.scheme)
