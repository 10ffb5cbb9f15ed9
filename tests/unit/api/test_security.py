from __future__ import annotations

from typing import Any

import pytest

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


@pytest.mark.parametrize("headers", [{"content-length": "2000000"}, {"transfer-encoding": "chunked"}, {"content-length": "many"}])
def test_a_giant_request_is_refused_before_it_is_read(client: Any, headers: dict[str, str]) -> None:
    answer = client.request("POST", "/api/backtests", headers=headers)
    assert answer.status_code == 413
    assert "mebibyte" in answer.json()["error"]["message"]
