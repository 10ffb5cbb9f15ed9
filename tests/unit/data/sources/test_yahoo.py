from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.conformance.yahoo_server import Yahoo, yahoo_server

from qts.app.clock import SystemClock
from qts.app.ingest_document import IngestDocument, IngestRequest
from qts.app.ingesting import ingest
from qts.app.settings import load_settings
from qts.app.workspace import open_workspace
from qts.core import IST, Bars, Exchange, FixedClock, InstrumentId, Interval, micros_of, session_date_of
from qts.core.errors import BadReply, RateLimited, RequestRefused, SourceDown, SourceError
from qts.data.sources.yahoo import DELAY, Web, YahooBars
from qts.data.storage import PriceBasis, SeriesKey
from qts.market.sessions import daily_stamp, sessions
from qts.sandbox import VirtualClock

INFY = InstrumentId("NSE:INFY")
KEY = SeriesKey(instrument=INFY, interval=Interval.DAY, basis=PriceBasis.ADJUSTED)
NOW = datetime(2024, 6, 28, 20, tzinfo=IST)
DAYS = [session.date for session in sessions(Exchange.NSE, date(2024, 5, 2), date(2024, 6, 28))]
FIRST, LAST = DAYS[0], DAYS[-1]


def prices(factor: float = 1.0) -> Bars:
    close = (1000.0 + np.arange(len(DAYS), dtype=np.float64)) * factor
    return Bars(
        instrument=INFY,
        interval=Interval.DAY,
        ts=np.array([micros_of(daily_stamp(Exchange.NSE, on)) for on in DAYS], dtype=np.int64),
        open=close,
        high=close + factor,
        low=close - factor,
        close=close,
        volume=np.full(len(DAYS), 500.0),
        oi=np.full(len(DAYS), np.nan),
    )


@pytest.fixture
def yahoo() -> Iterator[Yahoo]:
    with yahoo_server(Yahoo(now=NOW, days={"INFY.NS": prices()})) as server:
        yield server


@pytest.fixture
def source(yahoo: Yahoo, tmp_path: Path) -> Iterator[YahooBars]:
    opened = YahooBars(Web(root=yahoo.address), folder=tmp_path / "cache", clock=FixedClock(NOW))
    yield opened
    opened.close()


def fetched(source: YahooBars, name: str = "NSE:INFY", first: date = FIRST, last: date = LAST) -> Any:
    listed = source.find(InstrumentId(name))
    assert listed is not None
    return source.bars(listed, Interval.DAY, first=first, last=last)


@pytest.mark.parametrize(
    ("instrument", "name", "basis"),
    [
        ("NSE:INFY", "INFY.NS", PriceBasis.ADJUSTED),
        ("NSE:M&M", "M&M.NS", PriceBasis.ADJUSTED),
        ("BSE:INFY", "INFY.BO", PriceBasis.ADJUSTED),
        ("NSE:NIFTY 50", "^NSEI", PriceBasis.RAW),
        ("NFO:NIFTY26NOVFUT", None, None),
        ("SIM:ZORVINBANK", None, None),
    ],
)
def test_each_exchange_has_its_name_for_a_share(source: YahooBars, instrument: str, name: str | None, basis: PriceBasis | None) -> None:
    found = source.find(InstrumentId(instrument))
    assert (found and found.name, found and found.basis) == (name, basis)


def test_days_come_without_the_noise_of_single_precision(source: YahooBars) -> None:
    found = fetched(source)
    assert found.at == NOW - DELAY
    np.testing.assert_array_equal(found.bars.ts, prices().ts)
    for name in ("open", "high", "low", "close", "volume"):
        np.testing.assert_array_equal(getattr(found.bars, name), getattr(prices(), name))
    part = fetched(source, first=DAYS[3], last=DAYS[5])
    assert [session_date_of(int(at)) for at in part.bars.ts] == DAYS[3:6]


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        pytest.param((429, "Too Many Requests"), (RateLimited, "too many requests"), id="asked too fast"),
        pytest.param((500, "<html>oops</html>"), (SourceDown, "HTTP 500"), id="out of order"),
        pytest.param((200, "<html>hello</html>"), (BadReply, "text/html, 18 bytes that are no prices"), id="a web page"),
        pytest.param((200, ""), (BadReply, "0 bytes"), id="nothing at all"),
        pytest.param((200, '{"chart": {"resu'), (BadReply, "no prices"), id="cut"),
        pytest.param((200, '{"chart": {"result": [], "error": null}}'), (BadReply, "without prices"), id="no result"),
        pytest.param((200, '{"chart": {"result": [{"meta": {"currency": "USD"}}], "error": null}}'), (BadReply, "in USD"), id="dollars"),
        pytest.param(
            (401, '{"chart": {"result": null, "error": {"description": "Invalid Crumb"}}}'), (RequestRefused, "Crumb"), id="denied"
        ),
    ],
)
def test_what_is_no_answer_is_an_error_in_words(
    yahoo: Yahoo, source: YahooBars, fault: tuple[int, str], expected: tuple[type[SourceError], str]
) -> None:
    yahoo.fault = fault
    error, words = expected
    with pytest.raises(error, match=words) as caught:
        fetched(source)
    assert caught.value.hint
    yahoo.fault = None
    assert len(fetched(source).bars) == len(DAYS)  # nothing of it was remembered


def test_an_unknown_symbol_is_refused_by_name(source: YahooBars) -> None:
    with pytest.raises(RequestRefused, match=r"ZORVIN\.NS: No data found, symbol may be delisted"):
        fetched(source, "NSE:ZORVIN")


def test_dates_before_the_first_are_empty_and_no_error(source: YahooBars) -> None:
    assert len(fetched(source, first=date(2020, 1, 1), last=date(2020, 3, 31)).bars) == 0


def test_a_server_that_is_not_there_is_told(tmp_path: Path) -> None:
    gone = YahooBars(Web(root="http://127.0.0.1:1"), folder=tmp_path, clock=FixedClock(NOW))
    with pytest.raises(SourceDown, match="connection failed"):
        fetched(gone)
    gone.close()


def test_rows_that_cannot_be_are_refused_and_those_without_prices_are_left_out(yahoo: Yahoo, source: YahooBars) -> None:
    yahoo.spoil = {"high": [1.0], "open": [1000.0, None], "low": [999.0, None], "close": [1000.0, None]}
    yahoo.spoil["high"] = [1.0, None]
    found = fetched(source)
    assert (found.refused, found.spoiled) == (
        ((0, "has a price that is none, or a high or low that does not hold the others"),),
        frozenset({DAYS[0]}),
    )
    assert [session_date_of(int(at)) for at in found.bars.ts] == DAYS[2:]


def test_every_request_for_prices_waits_for_its_turn(yahoo: Yahoo, tmp_path: Path) -> None:
    turns: list[int] = []

    @contextmanager
    def turn() -> Iterator[None]:
        turns.append(len(yahoo.asked))
        yield

    source = YahooBars(Web(root=yahoo.address, turn=turn), folder=tmp_path, clock=FixedClock(NOW))
    fetched(source)
    fetched(source)
    source.close()
    # Before each of the two; the zone of a symbol is asked for beforehand where it is not known yet.
    assert turns[-1] == 1
    assert turns.count(0) in {1, 2}


def run(yahoo: Yahoo, home: Path, now: datetime = NOW, **options: Any) -> IngestDocument:
    yahoo.now = now
    settings = load_settings(home=home, keep_free="0", yahoo_root=yahoo.address)
    with open_workspace(settings, clock=VirtualClock(SystemClock(), began_at=now)) as workspace:
        request = IngestRequest(**({"instruments": (INFY,), "source": "yahoo", "start": FIRST} | options))
        return ingest(workspace, request)


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qts.data.sources.yahoo.SPACING", 0.01)


@pytest.mark.usefixtures("at_once")
def test_a_past_that_was_adjusted_is_seen_and_fetched_anew_by_the_same_process(yahoo: Yahoo, tmp_path: Path) -> None:
    before = run(yahoo, tmp_path, datetime(2024, 6, 20, 20, tzinfo=IST))
    yahoo.days["INFY.NS"] = prices(0.5)
    after = run(yahoo, tmp_path)
    assert (before.complete, after.complete, after.series[0].rewritten) == (True, True, "rewritten")
    with open_workspace(load_settings(home=tmp_path), clock=FixedClock(NOW)) as workspace:
        held = workspace.store.read(KEY)
        old = workspace.store.read(KEY, as_of=before.snapshot)
    np.testing.assert_array_equal(held.close, prices(0.5).close)
    np.testing.assert_array_equal(old.close, 2 * held.close[: len(old)])


@pytest.mark.usefixtures("at_once")
def test_one_symbol_that_is_refused_stops_no_other_and_too_many_requests_stop_all(yahoo: Yahoo, tmp_path: Path) -> None:
    names = (InstrumentId("NSE:ZORVIN"), INFY)
    found = run(yahoo, tmp_path, instruments=names)
    assert [(one.kind, one.stored) for one in found.series] == [("RequestRefused", 0), (None, len(DAYS))]
    yahoo.fault, yahoo.asked = (429, "Too Many Requests"), []
    limited = run(yahoo, tmp_path, instruments=(InstrumentId("NSE:A"), InstrumentId("NSE:B")))
    assert [(one.kind, one.requests) for one in limited.series] == [("RateLimited", 0), ("RateLimited", 0)]


def test_without_the_library_the_way_to_install_it_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "yfinance", None)
    with pytest.raises(SourceError, match="yfinance, which is not installed") as caught:
        YahooBars(Web(), folder=tmp_path, clock=FixedClock(NOW))
    assert "make setup YAHOO=1" in caught.value.hint


def test_the_list_of_sources_does_not_load_the_library() -> None:
    code = "import sys; from qts.data.source import asked_sources; assert 'yahoo' in asked_sources(); "
    code += "print([name for name in ('yfinance', 'pandas', 'curl_cffi') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert find_spec("yfinance") is not None


def test_a_price_that_moves_in_the_last_digit_of_single_precision_is_the_same(source: YahooBars, yahoo: Yahoo) -> None:
    yahoo.days["INFY.NS"] = replace(prices(), close=prices().close + 3e-5)
    np.testing.assert_array_equal(fetched(source).bars.close, prices().close)
