from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime

import numpy as np
import pytest

from qts.app.continuous import ContinuousRequest, continuous_bars, continuous_csv
from qts.app.requests import build
from qts.app.workspace import Workspace
from qts.core import Bars, Exchange, InstrumentId, Interval, micros_of
from qts.core.errors import BadParameter
from qts.data.instruments import Dump, DumpRow
from qts.market.sessions import daily_stamp, sessions

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
JAN, FEB = "NFO:NIFTY26JANFUT", "NFO:NIFTY26FEBFUT"
DAYS = [session.date for session in sessions(Exchange.NFO, date(2026, 1, 19), date(2026, 2, 6))]
EXPIRY = date(2026, 1, 27)


def bars_of(name: str, days: list[date], *, price: float, interest: float) -> Bars:
    close = price + np.arange(len(days), dtype=np.float64)
    return Bars(
        instrument=InstrumentId(name),
        interval=Interval.DAY,
        ts=np.array([micros_of(daily_stamp(Exchange.NFO, day)) for day in days], np.int64),
        open=close - 1.0,
        high=close + 2.0,
        low=close - 2.0,
        close=close,
        volume=np.full(len(days), 1000.0),
        oi=interest * np.arange(1, len(days) + 1, dtype=np.float64),
    )


def request(**options: object) -> ContinuousRequest:
    return build(ContinuousRequest, **{"underlying": "nfo:nifty", **options})


@pytest.fixture
def stored(workspace: Workspace, store_bars: Callable[..., None]) -> Workspace:
    """Return a workspace with two contracts, the second of which is a hundred rupees dearer, an option and another underlying."""
    store_bars(workspace, bars_of(JAN, [day for day in DAYS if day <= EXPIRY], price=1000.0, interest=90.0))
    store_bars(workspace, bars_of(FEB, DAYS, price=1100.0, interest=30.0))
    store_bars(workspace, bars_of("NFO:NIFTY26JAN24500CE", DAYS, price=10.0, interest=1.0))
    store_bars(workspace, bars_of("NFO:NIFTYNXT5026JANFUT", DAYS, price=70.0, interest=1.0))
    rows = (
        DumpRow("NFO", "NIFTY26JANFUT", 1, "NIFTY", EXPIRY, None, 1000, 65, "FUT", "NFO-FUT"),
        DumpRow("NFO", "NIFTY26FEBFUT", 2, "NIFTY", date(2026, 2, 24), None, 1000, 65, "FUT", "NFO-FUT"),
    )
    dump = Dump(rows=rows, n_read=2, n_rejected=0, rejected=(), sha256="x")
    workspace.instruments.load(dump, on=date(2026, 1, 2), source="kite.csv", at=NOW)
    return workspace


def test_each_bar_is_of_the_contract_in_turn_at_its_own_price(stored: Workspace) -> None:
    document = continuous_bars(stored, request())
    assert [(leg.contract, leg.start, leg.expiry, leg.expiry_is_estimate) for leg in document.legs] == [
        (JAN, "2026-01-19", "2026-01-27", False),
        (FEB, "2026-01-28", "2026-02-24", False),
    ]
    assert [str(bar["ts"])[:10] for bar in document.bars] == [str(day) for day in DAYS]
    turn = DAYS.index(EXPIRY)
    assert [bar["contract"] for bar in document.bars] == [JAN] * (turn + 1) + [FEB] * (len(DAYS) - turn - 1)
    assert [bar["close"] for bar in document.bars][turn : turn + 2] == [1000 + turn, 1100 + turn + 1]
    assert (document.underlying, document.warnings) == ("NFO:NIFTY", ())


@pytest.mark.parametrize("adjust", ["difference", "ratio"])
def test_adjusted_prices_are_level_at_the_roll(stored: Workspace, adjust: str) -> None:
    document = continuous_bars(stored, request(adjust=adjust))
    turn = DAYS.index(EXPIRY)
    closes = [float(str(bar["close"])) for bar in document.bars]
    assert closes[turn] == pytest.approx(1100 + turn)
    assert closes[turn + 1] == 1100 + turn + 1
    assert closes[0] == pytest.approx(1100.0 if adjust == "difference" else 1000.0 * (1100 + turn) / (1000 + turn))
    assert document.bars[0]["volume"] == 1000


def test_rolls_by_sessions_before_the_end_and_by_open_interest(stored: Workspace) -> None:
    early = continuous_bars(stored, request(roll="days:2"))
    assert early.legs[0].end == str(DAYS[DAYS.index(EXPIRY) - 2])
    # The first contract has three times the open interest of the second on every day.
    never = continuous_bars(stored, request(roll="open-interest"))
    assert (never.legs[0].end, never.warnings) == (
        "2026-01-27",
        (f"Open interest never crossed, or is not stored, for {JAN}: rolled on the last day.",),
    )


def test_a_span_is_cut_after_the_rolls_were_found(stored: Workspace) -> None:
    document = continuous_bars(stored, request(start=date(2026, 1, 29), end=date(2026, 2, 2), adjust="ratio"))
    assert {bar["contract"] for bar in document.bars} == {FEB}
    assert [leg.contract for leg in document.legs] == [FEB]
    with pytest.raises(BadParameter, match="no bars of NFO:NIFTY are in the span"):
        continuous_bars(stored, request(start=date(2027, 1, 1)))


def test_an_expiry_that_is_only_computed_and_sessions_without_bars_are_told(workspace: Workspace, store_bars: Callable[..., None]) -> None:
    store_bars(workspace, bars_of(JAN, [day for day in DAYS if day <= EXPIRY and day != DAYS[2]], price=1000.0, interest=1.0))
    store_bars(workspace, bars_of(FEB, DAYS, price=1100.0, interest=1.0))
    document = continuous_bars(workspace, request())
    assert document.warnings == (
        f"The day of expiry of {JAN}, {FEB} is an estimate: no dump of instruments lists it.",
        f"No bar of the contract in turn is stored for 1 sessions: {DAYS[2]}.",
    )


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"underlying": "NSE:NIFTY"}, "NSE lists no futures"),
        ({"underlying": "NFO:BANKNIFTY"}, "no 1d bars of futures on it are stored"),
        ({"interval": "15m"}, "no 15m bars of futures on it are stored"),
    ],
)
def test_what_cannot_be_joined_is_refused(stored: Workspace, options: dict[str, object], reason: str) -> None:
    with pytest.raises(BadParameter, match=reason):
        continuous_bars(stored, request(**options))
    with pytest.raises(BadParameter, match="roll = sometimes"):
        request(roll="sometimes")


def test_a_contract_whose_expiry_no_rule_tells_is_refused(workspace: Workspace, store_bars: Callable[..., None]) -> None:
    gold = bars_of("MCX:GOLD26FEBFUT", DAYS, price=1.0, interest=1.0)
    store_bars(workspace, gold)
    with pytest.raises(BadParameter, match="its day of expiry is not on record"):
        continuous_bars(workspace, request(underlying="MCX:GOLD"))


def test_a_csv_has_the_contract_of_each_bar(stored: Workspace) -> None:
    lines = continuous_csv(continuous_bars(stored, request())).decode().splitlines()
    assert lines[0] == "ts,open,high,low,close,volume,oi,simulated,contract"
    assert lines[1].endswith(f",{JAN}")
    assert len(lines) == len(DAYS) + 1
