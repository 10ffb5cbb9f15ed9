from __future__ import annotations

import json

import pytest

from qts.core.errors import AccessDenied, AuthExpired, BadReply, RateLimited, RequestRefused, SourceDown
from qts.data.kite import Reply, data_of


def failure(status: int, kind: object, message: str = "Some words.") -> Reply:
    body = json.dumps({"status": "error", "message": message, "error_type": kind, "data": None}).encode()
    return Reply(status=status, body=body, headers={"content-type": "application/json"})


def test_the_data_of_a_success_is_returned() -> None:
    assert data_of(Reply(status=200, body=b'{"status": "success", "data": {"a": [1]}}')) == {"a": [1]}


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        pytest.param(failure(403, "TokenException"), AuthExpired, id="a dead token"),
        pytest.param(failure(403, "PermissionException"), AccessDenied, id="the free plan"),
        pytest.param(failure(403, None), AccessDenied, id="forbidden without a type"),
        pytest.param(failure(400, "InputException"), RequestRefused, id="bad input"),
        pytest.param(failure(400, "MarginException"), RequestRefused, id="no margin"),
        pytest.param(failure(503, "NetworkException"), SourceDown, id="their network"),
        pytest.param(failure(502, "DataException"), SourceDown, id="their back office"),
        pytest.param(failure(500, "GeneralException"), SourceDown, id="unknown to them"),
        pytest.param(failure(500, None), SourceDown, id="no type"),
        pytest.param(failure(418, "NewException"), RequestRefused, id="a type of the future"),
        pytest.param(failure(429, "NetworkException"), RateLimited, id="throttled"),
        pytest.param(Reply(status=429, body=b""), RateLimited, id="throttled without words"),
        pytest.param(Reply(status=502, body=b"<html>Bad gateway</html>"), SourceDown, id="a web page of a gateway"),
        pytest.param(Reply(status=200, body=b"<html>Hello</html>"), BadReply, id="a web page instead of data"),
        pytest.param(Reply(status=200, body=b""), BadReply, id="nothing"),
        pytest.param(Reply(status=200, body=b'{"status": "success", "data": {"candles": [['), BadReply, id="cut"),
        pytest.param(Reply(status=200, body=b"[1, 2]"), BadReply, id="a list"),
        pytest.param(Reply(status=200, body=b"{}"), BadReply, id="an empty object"),
        pytest.param(Reply(status=200, body=b'{"status": "success"}'), BadReply, id="success without data"),
        pytest.param(Reply(status=500, body=b'{"status": "success", "data": 1}'), BadReply, id="success with an error's status"),
        pytest.param(Reply(status=200, body=b'{"status": "error", "message": 5}'), BadReply, id="an error with a success's status"),
        pytest.param(Reply(status=200, body=b"\xff\xfe"), BadReply, id="no Unicode"),
        pytest.param(Reply(status=200, body=b"[" * 100_000), BadReply, id="nested without end"),
    ],
)
def test_every_other_reply_is_an_error_of_its_kind(reply: Reply, error: type[Exception]) -> None:
    with pytest.raises(error):
        data_of(reply)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        pytest.param("7", 7.0, id="seconds"),
        pytest.param("99999", 3600.0, id="bounded"),
        pytest.param("Wed, 21 Oct 2026 07:28:00 GMT", None, id="a date"),
        pytest.param("-3", None, id="negative"),
        pytest.param("²", None, id="a digit of another kind"),
        pytest.param("", None, id="empty"),
    ],
)
def test_when_to_ask_again_is_read(text: str, seconds: float | None) -> None:
    with pytest.raises(RateLimited) as caught:
        data_of(Reply(status=429, body=b"", headers={"retry-after": text}))
    assert caught.value.retry_after == seconds


def test_a_long_message_is_shortened_and_lines_are_joined() -> None:
    with pytest.raises(RequestRefused) as caught:
        data_of(failure(400, "InputException", "too\nmany " + "x" * 500))
    assert caught.value.reason.startswith("too many xxx")
    assert len(caught.value.reason) == 160
