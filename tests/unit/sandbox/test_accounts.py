from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from qts.core import IST
from qts.sandbox import Accounts, App
from qts.sandbox.refusal import Refusal

HUSH = "secret"
APP = App(api_key="key", api_secret=HUSH)


def checksum_of(app: App, request_token: str) -> str:
    return hashlib.sha256(f"{app.api_key}{request_token}{app.api_secret}".encode()).hexdigest()


class Hands:
    """A clock that is put forward by hand."""

    def __init__(self) -> None:
        self.at = datetime(2026, 1, 5, 8, 0, tzinfo=IST)

    def now(self) -> datetime:
        return self.at


def logged_in(accounts: Accounts) -> str:
    request = accounts.log_in(APP)
    return accounts.exchange(api_key="key", request_token=request, checksum=checksum_of(APP, request))


def test_a_session_ends_at_six_in_the_morning() -> None:
    clock = Hands()
    accounts = Accounts([APP], clock)
    token = logged_in(accounts)
    clock.at = datetime(2026, 1, 6, 5, 59, tzinfo=IST)
    assert accounts.is_valid("key", token)
    clock.at = datetime(2026, 1, 6, 6, 0, tzinfo=IST)
    assert not accounts.is_valid("key", token)


def test_a_request_token_works_once_and_soon() -> None:
    clock = Hands()
    accounts = Accounts([APP], clock)
    request = accounts.log_in(APP)
    checksum = checksum_of(APP, request)
    assert accounts.exchange(api_key="key", request_token=request, checksum=checksum)
    with pytest.raises(Refusal, match="invalid or has expired"):
        accounts.exchange(api_key="key", request_token=request, checksum=checksum)
    late = accounts.log_in(APP)
    clock.at += timedelta(minutes=3)
    with pytest.raises(Refusal, match="invalid or has expired"):
        accounts.exchange(api_key="key", request_token=late, checksum=checksum_of(APP, late))


@pytest.mark.parametrize("checksum", ["", "0" * 64, "ä"])
def test_a_wrong_checksum_opens_nothing_and_leaves_the_token_as_it_was(checksum: str) -> None:
    accounts = Accounts([APP], Hands())
    request = accounts.log_in(APP)
    with pytest.raises(Refusal, match="Invalid `checksum`"):
        accounts.exchange(api_key="key", request_token=request, checksum=checksum)
    assert accounts.exchange(api_key="key", request_token=request, checksum=checksum_of(APP, request))


@pytest.mark.parametrize("key", ["other", "nobody"])
def test_the_token_of_another_application_opens_nothing_and_stays_good(key: str) -> None:
    other = replace(APP, api_key="other")
    accounts = Accounts([APP, other], Hands())
    request = accounts.log_in(APP)
    with pytest.raises(Refusal, match="invalid or has expired"):
        accounts.exchange(api_key=key, request_token=request, checksum=checksum_of(other, request))
    assert accounts.exchange(api_key="key", request_token=request, checksum=checksum_of(APP, request))


def test_sessions_are_ended_one_by_one_and_all_at_once() -> None:
    accounts = Accounts([APP], Hands())
    tokens = [logged_in(accounts) for _ in range(3)]
    accounts.log_out(tokens[0])
    assert [accounts.is_valid("key", token) for token in tokens] == [False, True, True]
    assert not accounts.is_valid("other", tokens[1])
    accounts.end_all()
    assert not any(accounts.is_valid("key", token) for token in tokens)
