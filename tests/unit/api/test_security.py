from __future__ import annotations

import asyncio
from typing import Any

import pytest

from qts.api.security import LOOPBACK_HOSTS, OwnPages

HEADERS = {
    "x-content-type-options": "nosniff",
    "content-security-policy": "frame-ancestors 'self'",
    "referrer-policy": "same-origin",
    "x-frame-options": "SAMEORIGIN",
}


@pytest.mark.parametrize("path", ["/health/live", "/api/strategies", "/api/nosuch", "/api/bars"])
def test_every_answer_carries_the_headers(client: Any, path: str) -> None:
    answer = client.get(path)
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS


@pytest.mark.parametrize("host", ["127.0.0.1:8501", "localhost", "[::1]:8501", "LOCALHOST:8501"])
def test_a_host_of_this_machine_is_answered(client: Any, host: str) -> None:
    assert client.get("/health/live", headers={"host": host}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "[broken"])
def test_any_other_host_is_refused(client: Any, host: str) -> None:
    answer = client.get("/health/live", headers={"host": host})
    assert (answer.status_code, answer.json()["error"]["kind"]) == (403, "Refused")
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost.evil.example"])
def test_a_page_of_another_site_may_not_ask_for_anything_to_be_done(client: Any, origin: str) -> None:
    assert client.post("/api/backtests", json={}, headers={"origin": origin}).status_code == 403
    assert client.get("/health/live", headers={"origin": origin}).status_code == 200


def test_our_own_pages_and_programs_may(client: Any) -> None:
    assert client.post("/api/backtests", json={}, headers={"origin": "http://127.0.0.1:8501"}).status_code == 400
    assert client.post("/api/backtests", json={}).status_code == 400


@pytest.mark.parametrize(
    ("host", "origin", "status"),
    [
        pytest.param("127.0.0.1:8501", "http://127.0.0.1:8501", 200, id="the address itself"),
        pytest.param("127.0.0.1:9000", "http://127.0.0.1:9000", 200, id="through a tunnel to another port"),
        pytest.param("[::1]:8501", "http://[::1]:8501", 200, id="the newer loopback"),
        pytest.param("qts.example", "https://qts.example", 200, id="through a proxy that passes the host on"),
        pytest.param("qts.example:443", "https://qts.example", 200, id="with the usual port written out"),
        pytest.param("127.0.0.1:8501", "https://qts.example:8443", 200, id="through a proxy that speaks to us by another name"),
        pytest.param("localhost", "http://localhost:8080", 200, id="through a proxy that leaves the port out"),
        pytest.param("127.0.0.1:8501", "http://127.0.0.1:3000", 403, id="another program of this machine"),
        pytest.param("127.0.0.1:8501", "http://127.0.0.1", 403, id="another program at the usual port"),
        pytest.param("127.0.0.1:8501", "http://localhost:8501", 403, id="another name of the same machine"),
        pytest.param("127.0.0.1:8501", "https://127.0.0.1", 403, id="another scheme at its usual port"),
        pytest.param("qts.example:8501", "http://qts.example:3000", 403, id="another program of the machine named"),
        pytest.param("127.0.0.1:8501", "chrome-extension://127.0.0.1:8501", 403, id="no page of the web"),
        pytest.param("127.0.0.1:8501", "http://127.0.0.1:many", 403, id="no address"),
        pytest.param("127.0.0.1:many", "http://127.0.0.1:8501", 403, id="no host"),
    ],
)
def test_a_page_is_ours_by_host_and_port(host: str, origin: str, status: int) -> None:
    assert posted({"host": host, "origin": origin}) == status


@pytest.mark.parametrize(
    ("site", "origin", "status"),
    [
        pytest.param("same-origin", "http://localhost:8080", 200, id="a page of ours, behind a proxy of another port"),
        pytest.param("none", None, 200, id="nobody's page"),
        pytest.param("same-site", "http://127.0.0.1:8501", 403, id="another port"),
        pytest.param("cross-site", None, 403, id="another site that hides its name"),
        pytest.param("same-origin", "http://evil.example", 403, id="a name that was turned to this machine"),
    ],
)
def test_what_the_browser_says_of_the_page_decides(site: str, origin: str | None, status: int) -> None:
    headers = {"host": "127.0.0.1:8501", "sec-fetch-site": site} | ({} if origin is None else {"origin": origin})
    assert posted(headers) == status
    assert posted(headers, method="GET") == 200


@pytest.mark.parametrize("headers", [{"content-length": "2000000"}, {"transfer-encoding": "chunked"}, {"content-length": "many"}])
def test_a_giant_request_is_refused_before_it_is_read(client: Any, headers: dict[str, str]) -> None:
    answer = client.request("POST", "/api/backtests", headers=headers)
    assert answer.status_code == 413
    assert "mebibyte" in answer.json()["error"]["message"]


def posted(headers: dict[str, str], *, method: str = "POST") -> int:
    """Return the status with which a request is answered, of which all hosts but those of this machine were named for a proxy."""
    sent: list[Any] = []

    async def inner(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200})

    async def receive() -> Any:
        raise AssertionError

    async def send(message: Any) -> None:
        sent.append(message)

    guard = OwnPages(inner, hosts=(*LOOPBACK_HOSTS, "qts.example"), named=("qts.example",))
    scope = {
        "type": "http",
        "method": method,
        "path": "/api/backtests",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    asyncio.run(guard(scope, receive, send))
    return int(sent[0]["status"])
