from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from urllib.parse import parse_qs, urlparse

import pytest

from qts.core import IST
from qts.core.errors import BadReply
from qts.data.kite import checksum_of, expiry_of, login_address, read_session

DATA = {"user_id": "AB1234", "user_name": "A B", "access_token": "canary-token", "login_time": "2026-01-05 08:15:14"}


def test_the_checksum_is_the_published_one() -> None:
    assert checksum_of("key", "rt", "secret") == "eeb3d0fdf2891168f800460a5505a9542470d9c41b7e07d0d11c7c7efea481f0"


def test_the_login_address_carries_our_question_back() -> None:
    query = parse_qs(urlparse(login_address("my key", login="https://broker.invalid/login", state={"state": "a&b"})).query)
    assert (query["api_key"], query["v"], parse_qs(query["redirect_params"][0])) == (["my key"], ["3"], {"state": ["a&b"]})
    assert "redirect_params" not in login_address("k", login="https://broker.invalid/login")


@pytest.mark.parametrize(
    ("at", "ends"),
    [
        pytest.param("2026-01-05T08:15:00+05:30", "2026-01-06T06:00:00+05:30", id="in the morning"),
        pytest.param("2026-01-05T05:59:59+05:30", "2026-01-05T06:00:00+05:30", id="in the night before"),
        pytest.param("2026-01-05T06:00:00+05:30", "2026-01-06T06:00:00+05:30", id="at six"),
        pytest.param("2026-01-05T23:30:00+00:00", "2026-01-06T06:00:00+05:30", id="told in another zone"),
    ],
)
def test_a_session_ends_at_the_next_six_in_india(at: str, ends: str) -> None:
    assert expiry_of(datetime.fromisoformat(at)) == datetime.fromisoformat(ends)


def test_a_session_is_read_and_never_shows_its_token() -> None:
    session = read_session(DATA)
    assert (session.user_id, session.access_token) == ("AB1234", "canary-token")
    assert session.logged_in_at == datetime(2026, 1, 5, 8, 15, 14, tzinfo=IST)
    assert session.is_valid(datetime(2026, 1, 6, 5, 59, tzinfo=IST))
    assert not session.is_valid(datetime(2026, 1, 6, 6, 0, tzinfo=IST))
    assert "canary" not in repr(session)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"access_token": ""}, id="an empty token"),
        pytest.param({"access_token": "two words"}, id="a token of two words"),
        pytest.param({"access_token": 5}, id="a number for a token"),
        pytest.param({"login_time": None}, id="no time"),
        pytest.param({"login_time": "soon"}, id="a time in words"),
        pytest.param({"user_id": ""}, id="nobody"),
    ],
)
def test_a_login_without_its_parts_is_a_bad_reply_that_tells_no_secret(change: dict[str, object]) -> None:
    with pytest.raises(BadReply) as caught:
        read_session(DATA | change)
    assert "canary" not in str(caught.value)
    assert "two words" not in str(caught.value)


def test_the_brokers_own_example_is_read(realdata: Path) -> None:
    session = read_session(json.loads((realdata / "kite-mocks" / "generate_session.json").read_text())["data"])
    assert (session.user_id, session.expires_at) == ("XX0000", datetime(2021, 1, 2, 6, 0, tzinfo=IST))
