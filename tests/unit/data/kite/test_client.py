from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from qts.app.control import ControlDatabase
from qts.core import InstrumentId, Interval
from qts.core.errors import AccessDenied, AuthExpired, BadParameter, BadReply, QtsError, RateLimited, RequestRefused, SourceDown
from qts.data.kite import CandleWindow
from qts.data.kite.client import Access, KiteClient, RetryPolicy, Timing
from qts.data.kite.pacing import Pacer

INFY = InstrumentId("NSE:INFY")
WINDOW = CandleWindow(first=date(2026, 1, 5), last=date(2026, 1, 5))
CANDLES = [["2026-01-05T09:15:00+0530", 100, 102, 99, 101, 5], ["2026-01-05T09:16:00+0530", 101, 103, 100, 102, 6]]
TOKEN, FRESH, REQUEST, ODD = "canary-token", "fresh", "rt", "tök"
NOON = {"date": "Mon, 05 Jan 2026 06:30:00 GMT"}
Answer = Callable[[httpx.Request], httpx.Response]


class Time:
    """A clock that goes on when somebody sleeps."""

    def __init__(self) -> None:
        self.at = datetime(2026, 1, 5, 6, 30, tzinfo=UTC)
        self.slept: list[float] = []

    def now(self) -> datetime:
        return self.at

    def seconds(self) -> float:
        return self.at.timestamp()

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += timedelta(seconds=seconds)


@pytest.fixture
def time_() -> Time:
    return Time()


@pytest.fixture
def make(tmp_path: Path, time_: Time) -> Iterator[Callable[..., KiteClient]]:
    control = ControlDatabase.open(tmp_path / "control.sqlite")

    def made(answers: Sequence[Answer], *, token: str | None = TOKEN, asked: list[httpx.Request] | None = None) -> KiteClient:
        left = iter(answers)

        def answer(request: httpx.Request) -> httpx.Response:
            if asked is not None:
                asked.append(request)
            return next(left)(request)

        timing = Timing(clock=time_, seconds=time_.seconds, sleep=time_.sleep, chance=lambda: 1.0)
        http = httpx.Client(base_url="https://broker.invalid", transport=httpx.MockTransport(answer))
        pacer = Pacer(control.database, "canary-key", clock=time_, sleep=time_.sleep)
        access = Access(api_key="canary-key", token=lambda: token)
        return KiteClient(http, access, pacer=pacer, timing=timing, policy=RetryPolicy(n_tries=4))

    yield made
    control.close()


def success(data: Any, headers: dict[str, str] | None = None) -> Answer:
    return lambda _: httpx.Response(200, json={"status": "success", "data": data}, headers=NOON if headers is None else headers)


def failure(status: int, kind: str | None, headers: dict[str, str] | None = None, *, message: str = "Words.") -> Answer:
    body = {"status": "error", "message": message, "error_type": kind, "data": None}
    return lambda _: httpx.Response(status, json=body, headers=headers)


def page(_: httpx.Request) -> httpx.Response:
    return httpx.Response(502, text="<html>")


def broken(request: httpx.Request) -> httpx.Response:
    raise httpx.ReadError("canary-token in the text", request=request)


def slow(request: httpx.Request) -> httpx.Response:
    raise httpx.ReadTimeout("slow", request=request)


def test_candles_are_asked_for_in_indias_time_and_come_as_bars(make: Callable[..., KiteClient]) -> None:
    asked: list[httpx.Request] = []
    client = make([success({"candles": CANDLES})], asked=asked)
    found = client.candles(408065, INFY, Interval.MINUTE_1, WINDOW)
    assert (found.bars.close.tolist(), found.n_forming, found.refused) == ([101.0, 102.0], 0, ())
    (request,) = asked
    assert request.url.path == "/instruments/historical/408065/minute"
    assert dict(request.url.params) == {"from": "2026-01-05 00:00:00", "to": "2026-01-05 23:59:59", "oi": "1"}
    assert (request.headers["x-kite-version"], request.headers["authorization"]) == ("3", "token canary-key:canary-token")


@pytest.mark.parametrize(
    "skew", [pytest.param(timedelta(minutes=10), id="our clock is ahead"), pytest.param(timedelta(minutes=-10), id="behind")]
)
def test_the_senders_clock_tells_which_candle_runs(make: Callable[..., KiteClient], time_: Time, skew: timedelta) -> None:
    time_.at = datetime(2026, 1, 5, 3, 46, 30, tzinfo=UTC) + skew
    client = make([success({"candles": CANDLES}, {"date": "Mon, 05 Jan 2026 03:46:30 GMT"})])
    found = client.candles(408065, INFY, Interval.MINUTE_1, WINDOW)
    assert (found.bars.close.tolist(), found.n_forming) == ([101.0], 1)


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(failure(503, "NetworkException"), id="their network"),
        pytest.param(failure(500, None), id="an error without a type"),
        pytest.param(page, id="a web page"),
        pytest.param(lambda _: httpx.Response(200, content=b""), id="nothing"),
        pytest.param(lambda _: httpx.Response(200, content=b'{"status": "success", "da'), id="cut"),
        pytest.param(success({"candles": 5}), id="no candles"),
        pytest.param(broken, id="a broken connection"),
        pytest.param(slow, id="a time-out"),
    ],
)
def test_what_may_pass_is_asked_again_with_longer_pauses(make: Callable[..., KiteClient], time_: Time, bad: Answer) -> None:
    client = make([bad, bad, bad, success({"candles": CANDLES})])
    assert len(client.candles(408065, INFY, Interval.MINUTE_1, WINDOW).bars) == 2
    assert [seconds for seconds in time_.slept if seconds >= 0.5] == [0.5, 1.0, 2.0]


def test_a_wish_to_wait_is_heard(make: Callable[..., KiteClient], time_: Time) -> None:
    client = make([failure(429, "NetworkException", {"retry-after": "7"}), failure(429, "NetworkException"), success([])])
    assert client.orders() == ()
    assert time_.slept == [7.0, 1.0]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        pytest.param(failure(403, "TokenException"), AuthExpired, id="a dead token"),
        pytest.param(failure(403, "PermissionException"), AccessDenied, id="the free plan"),
        pytest.param(failure(400, "InputException"), RequestRefused, id="bad input"),
    ],
)
def test_what_cannot_pass_is_asked_once(make: Callable[..., KiteClient], answer: Answer, error: type[QtsError]) -> None:
    asked: list[httpx.Request] = []
    with pytest.raises(error):
        make([answer], asked=asked).profile()
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        pytest.param(page, SourceDown, id="down"),
        pytest.param(failure(429, None), RateLimited, id="throttled"),
        pytest.param(success(5), BadReply, id="no sense"),
    ],
)
def test_after_the_last_try_the_error_is_told(make: Callable[..., KiteClient], answer: Answer, error: type[QtsError]) -> None:
    asked: list[httpx.Request] = []
    with pytest.raises(error):
        make([answer] * 9, asked=asked).orders()
    assert len(asked) == 4


def test_without_a_token_nothing_is_asked(make: Callable[..., KiteClient]) -> None:
    asked: list[httpx.Request] = []
    with pytest.raises(AuthExpired, match="nobody has logged in"):
        make([], token=None, asked=asked).profile()
    assert asked == []


def test_a_source_that_is_down_is_left_alone_after_a_while(make: Callable[..., KiteClient]) -> None:
    asked: list[httpx.Request] = []
    client = make([page] * 99, asked=asked)
    for _ in range(4):
        with pytest.raises(SourceDown):
            client.orders()
    assert len(asked) == 8


def test_a_reply_that_drips_is_given_up_at_the_deadline(make: Callable[..., KiteClient], time_: Time) -> None:
    def drip() -> Iterator[bytes]:
        for _ in range(1000):
            time_.at += timedelta(seconds=1)
            yield b" "

    client = make([lambda _: httpx.Response(200, content=drip())] * 4)
    before = time_.at
    with pytest.raises(SourceDown, match="not whole within 30 s"):
        client.orders()
    assert time_.at - before < timedelta(seconds=4 * 31 + 5)


def test_quotes_are_asked_for_in_as_many_requests_as_it_takes(make: Callable[..., KiteClient]) -> None:
    names = [InstrumentId(f"NSE:S{k}") for k in range(501)]
    asked: list[httpx.Request] = []

    def quotes(request: httpx.Request) -> httpx.Response:
        keys = request.url.params.get_list("i")
        return success({key: {"instrument_token": 1, "last_price": 5.0} for key in keys if key != "NSE:S7"})(request)

    found = make([quotes, quotes], asked=asked).quotes(names)
    assert ([len(request.url.params.get_list("i")) for request in asked], len(found), names[7] in found) == ([500, 1], 500, False)


def test_the_dump_is_unpacked_and_must_begin_with_its_header(make: Callable[..., KiteClient]) -> None:
    text = b"instrument_token,exchange_token\n1,2\n"
    packed = httpx.Response(200, content=gzip.compress(text), headers={"content-encoding": "gzip", "content-type": "text/csv"})
    client = make([lambda _: httpx.Response(200, text="<html>"), lambda _: packed])
    assert client.instruments("NSE") == text


def test_a_login_sends_the_proof_and_not_the_secret(make: Callable[..., KiteClient]) -> None:
    asked: list[httpx.Request] = []
    data = {"user_id": "AB1234", "user_name": "A B", "access_token": FRESH, "login_time": "2026-01-05 08:15:14"}
    session = make([success(data)], token=None, asked=asked).log_in(REQUEST, "canary-secret")
    assert session.access_token == FRESH
    assert b"canary-secret" not in asked[0].content
    assert dict(httpx.QueryParams(asked[0].content.decode()))["request_token"] == REQUEST


def test_a_login_is_tried_once_only(make: Callable[..., KiteClient]) -> None:
    asked: list[httpx.Request] = []
    with pytest.raises(SourceDown):
        make([page, page], asked=asked).log_in("rt", "secret")
    assert len(asked) == 1


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(failure(400, "InputException", message="Invalid `api_key`."), id="a key that nobody registered"),
        pytest.param(failure(403, "TokenException", message="Invalid `checksum`."), id="the secret of another application"),
    ],
)
def test_a_login_with_wrong_keys_names_the_settings_to_check(make: Callable[..., KiteClient], answer: Answer) -> None:
    with pytest.raises(RequestRefused, match="Invalid `") as caught:
        make([answer]).log_in(REQUEST, "canary-secret")
    assert ("KITE_API_KEY" in caught.value.hint, "interval" in caught.value.hint) == (True, False)


def test_a_login_with_a_used_token_asks_for_another(make: Callable[..., KiteClient]) -> None:
    with pytest.raises(AuthExpired, match="has expired") as caught:
        make([failure(403, "TokenException", message="Token is invalid or has expired.")]).log_in(REQUEST, "canary-secret")
    assert "qts login" in caught.value.hint


def test_a_session_that_has_ended_is_left_without_complaint(make: Callable[..., KiteClient]) -> None:
    make([failure(403, "TokenException")]).log_out()
    make([], token=None).log_out()


@pytest.mark.parametrize("answer", [broken, slow, page, failure(403, "TokenException"), success({"candles": [["canary-token"]]})])
def test_no_error_tells_a_secret(make: Callable[..., KiteClient], answer: Answer) -> None:
    with pytest.raises(QtsError) as caught:
        make([answer] * 4).profile()
    told = json.dumps([str(caught.value), caught.value.hint, repr(caught.value.__cause__)])
    assert "canary" not in told


def test_an_interval_that_the_broker_does_not_have_is_refused(make: Callable[..., KiteClient]) -> None:
    with pytest.raises(BadParameter):
        make([]).candles(1, INFY, Interval.WEEK, WINDOW)


def test_who_says_no_is_well_and_a_session_that_is_none_is_not_asked_with(make: Callable[..., KiteClient]) -> None:
    asked: list[httpx.Request] = []
    answers = [page, page, page, page, page, page, page, failure(400, "InputException"), page, success([])]
    client = make(answers, asked=asked)
    for kind in (SourceDown, RequestRefused):
        with pytest.raises(kind):
            client.orders()
    assert (client.orders(), len(asked)) == ((), 10)
    with pytest.raises(AuthExpired, match="characters"):
        make([], token=ODD).orders()


def test_the_log_of_the_connection_holds_no_token(make: Callable[..., KiteClient], caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG"):
        make([success(True)]).log_out()
    assert "/session/token" in caplog.text
    assert not any(secret in caplog.text for secret in (TOKEN, "canary-key"))
