from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from qts.app.broker import (
    NotConfigured,
    begin_login,
    broker_status,
    find_keys,
    finish_redirect,
    kite_client,
    log_in,
    log_out,
    save_keys,
    token_in,
    usable_token,
)
from qts.app.settings import load_settings
from qts.app.workspace import Workspace, open_workspace
from qts.core import IST
from qts.core.errors import AuthExpired, BadParameter, BadPath, InputError, SourceError

KEY, SECRET, REQUEST, KEPT = "canary-api-key", "canary-secret", "request12345", "kept-secret"
DATA = {"user_id": "AB1234", "user_name": "A B", "access_token": "canary-token-1", "login_time": "2026-11-20 08:15:14"}


class Hands:
    """A clock that is put forward by hand."""

    def __init__(self) -> None:
        self.at = datetime(2026, 11, 20, 8, 15, tzinfo=IST)

    def now(self) -> datetime:
        self.at += timedelta(seconds=2)
        return self.at


@pytest.fixture
def clock() -> Hands:
    return Hands()


@pytest.fixture
def make(tmp_path: Path, clock: Hands) -> Iterator[Callable[..., Workspace]]:
    made: list[Workspace] = []

    def workspace(**settings: Any) -> Workspace:
        given = load_settings(home=tmp_path / "home", key_file=tmp_path / "keys" / "secret.key", **settings)
        made.append(open_workspace(given, clock=clock))
        return made[-1]

    yield workspace
    for one in made:
        one.close()


@pytest.fixture
def workspace(make: Callable[..., Workspace]) -> Workspace:
    opened = make()
    save_keys(opened, api_key=KEY, api_secret=SECRET)
    return opened


def answering(*answers: tuple[int, object], asked: list[httpx.Request] | None = None) -> httpx.MockTransport:
    left = iter(answers)

    def answer(request: httpx.Request) -> httpx.Response:
        if asked is not None:
            asked.append(request)
        status, body = next(left)
        return httpx.Response(status, json=body)

    return httpx.MockTransport(answer)


def success(data: object) -> tuple[int, object]:
    return 200, {"status": "success", "data": data}


REFUSED = (403, {"status": "error", "message": "Token is invalid or has expired.", "error_type": "TokenException", "data": None})


def test_without_keys_it_says_how_to_give_them(make: Callable[..., Workspace]) -> None:
    workspace = make()
    assert broker_status(workspace).state == "not_configured"
    with pytest.raises(NotConfigured) as caught:
        begin_login(workspace)
    assert "KITE_API_KEY" in caught.value.hint


def test_keys_of_the_settings_win_over_those_kept(make: Callable[..., Workspace], monkeypatch: pytest.MonkeyPatch) -> None:
    save_keys(make(), api_key="kept", api_secret=KEPT)
    monkeypatch.setenv("KITE_API_KEY", KEY)
    monkeypatch.setenv("KITE_API_SECRET", SECRET)
    found = find_keys(make())
    assert (found.api_key, found.api_secret, found.source) == (KEY, SECRET, "settings")


def test_a_token_in_a_file_that_others_may_read_is_refused(make: Callable[..., Workspace], tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    file = tmp_path / "home" / "qts.toml"
    file.write_text('kite_access_token = "canary-token"\n')
    file.chmod(0o644)
    with pytest.raises(BadPath, match="may be read by others"):
        usable_token(make())
    file.chmod(0o600)
    assert usable_token(make()) == "canary-token"


def test_keys_in_a_file_that_others_may_read_are_refused(make: Callable[..., Workspace], tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    file = tmp_path / "home" / "qts.toml"
    file.write_text(f'kite_api_key = "{KEY}"\nkite_api_secret = "{SECRET}"\n')
    file.chmod(0o644)
    with pytest.raises(BadPath, match="may be read by others"):
        find_keys(make())
    file.chmod(0o600)
    assert find_keys(make()).api_key == KEY


def test_a_login_is_kept_over_processes_until_six(workspace: Workspace, make: Callable[..., Workspace], clock: Hands) -> None:
    status = log_in(workspace, REQUEST, transport=answering(success(DATA)))
    assert (status.state, status.user_id, status.api_key) == ("logged_in", "AB1234", "…-key")
    assert status.expires_at == datetime(2026, 11, 21, 6, 0, tzinfo=IST)
    other = make()
    asked: list[httpx.Request] = []
    with kite_client(other, transport=answering(success({"user_id": "AB1234"}), asked=asked)) as client:
        client.profile()
    assert asked[0].headers["authorization"] == f"token {KEY}:canary-token-1"
    clock.at = datetime(2026, 11, 21, 6, 0, tzinfo=IST)
    assert broker_status(other).state == "expired"
    with kite_client(other, transport=answering()) as client, pytest.raises(AuthExpired):
        client.profile()


def test_a_login_in_one_process_is_seen_by_the_client_of_another(workspace: Workspace, make: Callable[..., Workspace]) -> None:
    asked: list[httpx.Request] = []
    with kite_client(make(), transport=answering(success([]), success([]), asked=asked)) as client:
        with pytest.raises(AuthExpired):
            client.orders()
        for token in ("canary-token-1", "canary-token-2"):
            log_in(workspace, f"{REQUEST}{token[-1]}", transport=answering(success(DATA | {"access_token": token})))
            client.orders()
    assert [request.headers["authorization"][-1] for request in asked] == ["1", "2"]


def test_a_token_from_outside_is_used_until_the_broker_refuses_it(make: Callable[..., Workspace], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("KITE_API_KEY", KEY), ("KITE_API_SECRET", SECRET), ("KITE_ACCESS_TOKEN", "canary-outside")):
        monkeypatch.setenv(name, value)
    workspace = make()
    assert (broker_status(workspace).state, broker_status(workspace).expires_at) == ("logged_in", None)
    asked: list[httpx.Request] = []
    with kite_client(workspace, transport=answering(REFUSED, asked=asked)) as client, pytest.raises(AuthExpired):
        client.profile()
    assert asked[0].headers["authorization"].endswith("canary-outside")


def test_a_login_that_fails_leaves_the_session_as_it_was(workspace: Workspace) -> None:
    log_in(workspace, REQUEST, transport=answering(success(DATA)))
    with pytest.raises(AuthExpired):
        log_in(workspace, f"{REQUEST}0", transport=answering(REFUSED))
    assert broker_status(workspace).state == "logged_in"


def test_a_request_token_is_exchanged_once_however_often_it_is_given(workspace: Workspace, make: Callable[..., Workspace]) -> None:
    asked: list[httpx.Request] = []
    log_in(workspace, REQUEST, transport=answering(success(DATA), asked=asked))
    for again in (workspace, make()):
        with pytest.raises(BadParameter, match="was given here before") as caught:
            log_in(again, f"http://127.0.0.1/?request_token={REQUEST}", transport=answering(asked=asked))
        assert REQUEST not in f"{caught.value} {caught.value.hint}"
    assert (len(asked), broker_status(workspace).state) == (1, "logged_in")


def test_a_token_that_the_broker_refused_is_not_sent_again(workspace: Workspace) -> None:
    with pytest.raises(AuthExpired):
        log_in(workspace, REQUEST, transport=answering(REFUSED))
    with pytest.raises(BadParameter, match="was given here before"):
        log_in(workspace, REQUEST, transport=answering())


@pytest.mark.parametrize(
    ("status", "kind", "words"), [(400, "InputException", "Invalid `api_key`."), (403, "TokenException", "Invalid `checksum`.")]
)
def test_a_token_may_be_given_again_when_the_keys_were_wrong(workspace: Workspace, status: int, kind: str, words: str) -> None:
    refused = (status, {"status": "error", "message": words, "error_type": kind, "data": None})
    with pytest.raises(SourceError) as caught:
        log_in(workspace, REQUEST, transport=answering(refused))
    assert "Check KITE_API_KEY and KITE_API_SECRET" in caught.value.hint
    assert log_in(workspace, REQUEST, transport=answering(success(DATA))).state == "logged_in"


def test_a_token_may_be_given_again_when_the_broker_was_not_reached(workspace: Workspace) -> None:
    away = (503, {"status": "error", "message": "x", "error_type": "NetworkException"})
    with pytest.raises(SourceError):
        log_in(workspace, REQUEST, transport=answering(away))
    assert log_in(workspace, REQUEST, transport=answering(success(DATA))).state == "logged_in"


@pytest.mark.parametrize("login_time", ["2026-09-01 16:30:00", "2027-03-01 10:00:00"])
def test_a_session_of_a_broker_with_another_clock_lives_until_our_next_morning(workspace: Workspace, clock: Hands, login_time: str) -> None:
    status = log_in(workspace, REQUEST, transport=answering(success({**DATA, "login_time": login_time})))
    assert status.state == "logged_in"
    assert status.expires_at == datetime(2026, 11, 21, 6, 0, tzinfo=IST)
    clock.at = datetime(2026, 11, 21, 6, 0, tzinfo=IST)
    assert broker_status(workspace).state == "expired"


@pytest.mark.parametrize(("ours", "theirs"), [((5, 55), "2026-11-20 06:05:00"), ((8, 25), "2026-11-20 08:15:00")])
def test_clocks_that_differ_a_little_leave_the_morning_of_the_broker(
    workspace: Workspace, clock: Hands, ours: tuple[int, int], theirs: str
) -> None:
    clock.at = datetime(2026, 11, 20, *ours, tzinfo=IST)
    status = log_in(workspace, REQUEST, transport=answering(success({**DATA, "login_time": theirs})))
    assert status.expires_at == datetime(2026, 11, 21, 6, 0, tzinfo=IST)


def test_a_logout_forgets_the_session_even_if_the_broker_is_away(workspace: Workspace) -> None:
    log_in(workspace, REQUEST, transport=answering(success(DATA)))
    assert log_out(workspace, transport=answering(success(True))).state == "logged_out"
    log_in(workspace, f"{REQUEST}0", transport=answering(success(DATA)))
    with pytest.raises(SourceError):
        log_out(workspace, transport=answering((503, {"status": "error", "message": "x", "error_type": "NetworkException"})))
    assert broker_status(workspace).state == "logged_out"


def test_a_redirect_must_answer_our_own_question_once_and_soon(workspace: Workspace, clock: Hands) -> None:
    def state_of(address: str) -> str:
        return parse_qs(parse_qs(urlsplit(address).query)["redirect_params"][0])["state"][0]

    first, second = state_of(begin_login(workspace)), state_of(begin_login(workspace))
    with pytest.raises(InputError, match="not begun here"):
        finish_redirect(workspace, request_token=REQUEST, state=first, status="success")
    with pytest.raises(InputError, match="not begun here"):
        finish_redirect(workspace, request_token=REQUEST, state=second, status="success")
    third = state_of(begin_login(workspace))
    clock.at += timedelta(minutes=16)
    with pytest.raises(InputError, match="too long ago"):
        finish_redirect(workspace, request_token=REQUEST, state=third, status="success")
    with pytest.raises(InputError, match="cancelled"):
        finish_redirect(workspace, request_token="", state=state_of(begin_login(workspace)), status="cancelled")


def test_the_login_page_is_the_brokers_with_our_key(workspace: Workspace) -> None:
    address = urlsplit(begin_login(workspace))
    assert (address.netloc, parse_qs(address.query)["api_key"]) == ("kite.zerodha.com", [KEY])


@pytest.mark.parametrize("answer", ["", "two words", "http://127.0.0.1/?status=success", "abc", "request_token=", "<script>", "ä" * 8])
def test_what_holds_no_token_is_refused_without_repeating_it(answer: str) -> None:
    with pytest.raises(BadParameter) as caught:
        token_in(answer)
    assert "request_token" in caught.value.message
    assert caught.value.message == "request_token = '': none is in what was given."


@pytest.mark.parametrize(("api_key", "api_secret"), [("", SECRET), (KEY, "two words"), (KEY, "\n")])
def test_keys_that_are_none_are_refused_without_repeating_them(workspace: Workspace, api_key: str, api_secret: str) -> None:
    with pytest.raises(BadParameter) as caught:
        save_keys(workspace, api_key=api_key, api_secret=api_secret)
    assert "canary" not in str(caught.value)
    assert "two words" not in str(caught.value)


def test_no_secret_is_in_the_home_nor_in_what_is_shown(workspace: Workspace, tmp_path: Path) -> None:
    status = log_in(workspace, REQUEST, transport=answering(success(DATA)))
    shown = json.dumps([status.model_dump(mode="json"), repr(find_keys(workspace)), repr(workspace.settings)])
    assert "canary-secret" not in shown
    assert "canary-token" not in shown
    workspace.close()
    assert not any(b"canary" in file.read_bytes() for file in (tmp_path / "home").rglob("*") if file.is_file())


def test_the_key_file_may_not_lie_in_the_home(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="key_file"):
        load_settings(home=tmp_path, key_file=tmp_path / "secret.key")
