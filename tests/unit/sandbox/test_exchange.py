from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np
import pytest

from qts.core import InstrumentId, Interval
from qts.core.errors import SourceError
from qts.data.kite import CandleBatch, Reply, data_of, read_candles, read_quotes, read_session
from qts.sandbox import App, Fault, FaultPlan, Sandbox
from qts.sandbox.asked import Asked
from qts.sandbox.exchange import Answer

Make = Callable[..., Sandbox]
Ask = Callable[..., Asked]
SPAN = (("from", "2026-01-05 09:15:00"), ("to", "2026-01-07 15:29:59"))
MINUTES = "/instruments/historical/408065/minute"
HUSH = "hush"
FREE = App(api_key="free", api_secret=HUSH, has_data=False)


def error_of(answer: Answer) -> tuple[int, Any]:
    return answer.status, json.loads(answer.body)["error_type"]


def batch(answer: Answer, interval: Interval = Interval.MINUTE_1) -> CandleBatch:
    data = data_of(Reply(status=answer.status, body=answer.body, headers=answer.headers))
    return read_candles(data, instrument=InstrumentId("NSE:INFY"), interval=interval)


def test_the_adapter_reads_what_the_market_has(make: Make, ask: Ask) -> None:
    sandbox = make()
    found = batch(sandbox.answer(ask(sandbox, MINUTES, *SPAN)))
    true = sandbox.market.minutes(sandbox.market.listings[0])
    assert found.refused == ()
    for name in ("ts", "open", "high", "low", "close", "volume"):
        np.testing.assert_array_equal(getattr(found.bars, name), getattr(true, name))


def test_nothing_of_the_future_is_shown_and_the_minute_that_runs_is_a_part(make: Make, ask: Ask) -> None:
    sandbox = make("2026-01-06T09:16:30+05:30")
    found = batch(sandbox.answer(ask(sandbox, MINUTES, *SPAN)))
    true = sandbox.market.minutes(sandbox.market.listings[0])
    assert len(found.bars) == 375 + 2
    assert (found.bars.close[-2], found.bars.volume[-1]) == (true.close[375], 50.0)
    assert found.bars.close[-1] == pytest.approx((true.open[376] + true.close[376]) / 2, abs=0.01)


@pytest.mark.parametrize(
    ("interval", "to", "n_candles", "last_volume"),
    [
        pytest.param("5minute", "2026-01-05 09:45:00", 7, 100, id="a span that ends within a candle gives a part of it"),
        pytest.param("5minute", "2026-01-05 09:44:59", 6, 500, id="a span that ends before gives whole ones"),
        pytest.param("60minute", "2026-01-05 15:29:59", 7, 1500, id="the last hour has fifteen minutes"),
        pytest.param("day", "2026-01-06 00:00:00", 2, 37500, id="days by their date"),
    ],
)
def test_longer_candles_begin_at_a_quarter_past_nine(  # noqa: PLR0917 - fixtures and a row of the table
    make: Make, ask: Ask, interval: str, to: str, n_candles: int, last_volume: int
) -> None:
    sandbox = make()
    asked = ask(sandbox, f"/instruments/historical/408065/{interval}", ("from", "2026-01-05 00:00:00"), ("to", to))
    rows = json.loads(sandbox.answer(asked).body)["data"]["candles"]
    assert (len(rows), rows[-1][5], rows[0][0]) == (
        n_candles,
        last_volume,
        "2026-01-05T00:00:00+0530" if interval == "day" else "2026-01-05T09:15:00+0530",
    )


def test_the_day_that_runs_is_grouped_from_its_minutes(make: Make, ask: Ask) -> None:
    sandbox = make("2026-01-06T10:15:00+05:30")
    asked = ask(sandbox, "/instruments/historical/408065/day", ("from", "2026-01-05"), ("to", "2026-01-06"))
    first, second = json.loads(sandbox.answer(asked).body)["data"]["candles"]
    assert (first[5], second[5]) == (37_500, 6_000)


def test_a_minute_without_trade_has_no_candle_and_interest_comes_when_asked(make: Make, ask: Ask) -> None:
    sandbox = make()
    rows = json.loads(sandbox.answer(ask(sandbox, f"/instruments/historical/{0x2001}/minute", *SPAN, ("oi", "1"))).body)["data"]["candles"]
    assert (rows[1][0], len(rows[1])) == ("2026-01-05T09:17:00+0530", 7)


@pytest.mark.parametrize(
    ("path", "query", "app", "expected"),
    [
        pytest.param(
            MINUTES, (("from", "2025-11-06 00:00:00"), ("to", "2026-01-07 00:00:00")), None, (400, "InputException"), id="62 days"
        ),
        pytest.param("/instruments/historical/408065/2minute", SPAN, None, (400, "InputException"), id="an interval that is none"),
        pytest.param("/instruments/historical/408065/30 minute", SPAN, None, (400, "InputException"), id="a spelling of nothing"),
        pytest.param("/instruments/historical/5/minute", SPAN, None, (400, "InputException"), id="a token that is none"),
        pytest.param(MINUTES, (("from", "yesterday"), ("to", "2026-01-07")), None, (400, "InputException"), id="a date in words"),
        pytest.param(MINUTES, (("from", "2026-01-07"), ("to", "2026-01-05")), None, (400, "InputException"), id="turned round"),
        pytest.param(MINUTES, SPAN, FREE, (403, "PermissionException"), id="candles on the free plan"),
        pytest.param("/quote", (("i", "NSE:INFY"),), FREE, (403, "PermissionException"), id="quotes on the free plan"),
        pytest.param("/quote", (("i", "NSE:INFY"),) * 501, None, (400, "InputException"), id="501 quotes"),
        pytest.param("/nowhere", (), None, (404, "GeneralException"), id="no such route"),
    ],
)
def test_what_the_broker_refuses_is_refused(  # noqa: PLR0917 - fixtures and a row of the table
    make: Make, ask: Ask, path: str, query: tuple[tuple[str, str], ...], app: App | None, expected: tuple[int, str]
) -> None:
    sandbox = make()
    asked = ask(sandbox, path, *query) if app is None else ask(sandbox, path, *query, app=app)
    assert error_of(sandbox.answer(asked)) == expected


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"authorization": "token paid:wrong", "x-kite-version": "3"}, id="a wrong token"),
        pytest.param({"authorization": "token nobody:token1", "x-kite-version": "3"}, id="a wrong key"),
        pytest.param({"x-kite-version": "3"}, id="no token"),
    ],
)
def test_without_a_session_nothing_is_told(make: Make, headers: dict[str, str]) -> None:
    answer = make().answer(Asked(method="GET", path="/user/profile", headers=headers))
    assert error_of(answer) == (403, "TokenException")


def test_the_version_must_be_named(make: Make) -> None:
    assert error_of(make().answer(Asked(method="GET", path="/user/profile")))[0] == 400


def test_a_login_gives_a_session_that_ends_when_it_is_left(make: Make) -> None:

    sandbox = make()
    paid = sandbox.accounts.app("paid")
    assert paid is not None
    request = sandbox.accounts.log_in(paid)
    form = {"api_key": "paid", "request_token": request, "checksum": hashlib.sha256(f"paid{request}hush".encode()).hexdigest()}
    version = {"x-kite-version": "3"}
    answer = sandbox.answer(Asked(method="POST", path="/session/token", form=form, headers=version))
    session = read_session(json.loads(answer.body)["data"])
    assert session.expires_at == datetime.fromisoformat("2026-01-08T06:00:00+05:30")
    known = version | {"authorization": f"token paid:{session.access_token}"}
    assert sandbox.answer(Asked(method="GET", path="/user/profile", headers=known)).status == 200
    left = Asked(method="DELETE", path="/session/token", query=(("access_token", session.access_token),), headers=version)
    assert json.loads(sandbox.answer(left).body)["data"] is True
    assert sandbox.answer(Asked(method="GET", path="/user/profile", headers=known)).status == 403
    again = sandbox.answer(Asked(method="POST", path="/session/token", form=form, headers=version))
    assert error_of(again) == (403, "TokenException")


@pytest.mark.parametrize(
    ("change", "status", "kind", "message"),
    [
        pytest.param({"api_key": ""}, 400, "InputException", "Missing or empty field `api_key`", id="no key"),
        pytest.param({"api_key": "foreign"}, 400, "InputException", "Invalid `api_key`.", id="a key that is not registered"),
        pytest.param({"checksum": "0" * 64}, 403, "TokenException", "Invalid `checksum`.", id="another secret"),
        pytest.param({"request_token": "other"}, 403, "TokenException", "Token is invalid or has expired.", id="another token"),
    ],
)
def test_an_exchange_that_is_refused_says_why_and_leaves_the_token_good(
    make: Make, change: dict[str, str], *, status: int, kind: str, message: str
) -> None:
    sandbox = make()
    paid = sandbox.accounts.app("paid")
    assert paid is not None
    request = sandbox.accounts.log_in(paid)
    form = {"api_key": "paid", "request_token": request, "checksum": hashlib.sha256(f"paid{request}hush".encode()).hexdigest()}
    asked = Asked(method="POST", path="/session/token", form=form, headers={"x-kite-version": "3"})
    refused = sandbox.answer(replace(asked, form=form | change))
    assert (*error_of(refused), json.loads(refused.body)["message"]) == (status, kind, message)
    assert sandbox.answer(asked).status == 200


def test_the_dump_is_packed_csv(make: Make, ask: Ask) -> None:
    sandbox = make()
    answer = sandbox.answer(ask(sandbox, "/instruments/NSE"))
    rows = list(csv.DictReader(io.StringIO(gzip.decompress(answer.body).decode())))
    assert answer.headers["content-encoding"] == "gzip"
    assert [(row["tradingsymbol"], row["exchange_token"]) for row in rows] == [("INFY", "1594"), ("QUIET", "32"), ("NIFTY 50", "1001")]
    assert rows[1]["name"] == 'A "quoted", name'
    assert gzip.decompress(sandbox.answer(ask(sandbox, "/instruments/BSE")).body).decode().count("\n") == 1


def test_quotes_are_those_of_the_present(make: Make, ask: Ask) -> None:
    sandbox = make("2026-01-06T09:20:00+05:30")
    true = sandbox.market.minutes(sandbox.market.listings[0])
    asked = ask(sandbox, "/quote", ("i", "NSE:INFY"), ("i", "NSE:UNKNOWN"), ("i", "256265"))
    quotes = read_quotes(json.loads(sandbox.answer(asked).body)["data"])
    assert set(quotes) == {"NSE:INFY", "256265"}
    infy = quotes[InstrumentId("NSE:INFY")]
    assert (infy.open, infy.close, infy.volume) == (true.open[375], true.close[374], 500)
    assert infy.bids[0].price < infy.last_price < infy.asks[0].price


def test_too_many_requests_are_turned_away_and_logged(make: Make, ask: Ask) -> None:
    sandbox = make(step=0.1)
    asked = ask(sandbox, MINUTES, *SPAN)
    assert [sandbox.answer(asked).status for _ in range(5)] == [200, 200, 200, 429, 429]
    assert [arrival.status for arrival in sandbox.meter.arrivals] == [200, 200, 200, 429, 429]


@pytest.mark.parametrize("fault", [Fault.DUPLICATES, Fault.OVERLAP, Fault.UNSORTED])
def test_some_faults_leave_the_bars_as_they_are(make: Make, ask: Ask, fault: Fault) -> None:
    sandbox = make(faults=FaultPlan(at={0: fault}))
    asked = ask(sandbox, MINUTES, *SPAN)
    spoiled, sound = (batch(sandbox.answer(asked)).bars for _ in range(2))
    np.testing.assert_array_equal(spoiled.close, sound.close)
    np.testing.assert_array_equal(spoiled.ts, sound.ts)


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        (Fault.TOO_MANY, 429),
        (Fault.TOO_MANY_WAIT, 429),
        (Fault.SERVER_ERROR, 503),
        (Fault.NO_ERROR_TYPE, 500),
        (Fault.WEB_PAGE, 502),
        (Fault.EMPTY, 200),
        (Fault.CUT_JSON, 200),
        (Fault.DEAD_TOKEN, 403),
    ],
)
def test_other_faults_make_a_reply_useless_and_are_logged(make: Make, ask: Ask, fault: Fault, status: int) -> None:

    sandbox = make(faults=FaultPlan(at={0: fault}))
    answer = sandbox.answer(ask(sandbox, MINUTES, *SPAN))
    assert answer.status == status
    with pytest.raises(SourceError):
        batch(answer)
    assert sandbox.meter.arrivals[0].fault == fault


@pytest.mark.parametrize("fault", [Fault.REVISED, Fault.FORMING])
def test_two_faults_change_the_last_candles(make: Make, ask: Ask, fault: Fault) -> None:
    sandbox = make(faults=FaultPlan(at={0: fault}))
    asked = ask(sandbox, MINUTES, *SPAN)
    spoiled, sound = (batch(sandbox.answer(asked)).bars for _ in range(2))
    assert len(spoiled) - len(sound) == (fault is Fault.FORMING)
    assert spoiled.volume[len(sound) - 1] - sound.volume[-1] == (fault is Fault.REVISED)
