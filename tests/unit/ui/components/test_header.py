from __future__ import annotations

from datetime import datetime

import pytest

from qts.app.calendar import SessionDocument, WindowDocument
from qts.app.catalog import SeriesDocument
from qts.core import IST
from qts.ui.components.header import freshness, market_state


def session(day: str, *, note: str = "") -> SessionDocument:
    def window(opens: str, closes: str, kind: str) -> WindowDocument:
        return WindowDocument(opens_at=f"{day}T{opens}:00+05:30", closes_at=f"{day}T{closes}:00+05:30", kind=kind)

    windows = (window("09:00", "09:08", "pre_open"), window("09:15", "15:30", "continuous"), window("15:40", "16:00", "post_close"))
    return SessionDocument(date=day, weekday="", windows=windows, note=note, source="", is_estimate=False)


SESSIONS = (session("2026-11-20"), session("2026-11-23", note="Muhurat trading"))


@pytest.mark.parametrize(
    ("at", "badge", "detail"),
    [
        pytest.param("2026-11-20T08:59", "NSE closed", "opens today 09:15", id="before everything"),
        pytest.param("2026-11-20T09:00", "NSE pre-open", "to 09:08", id="pre-open begins"),
        pytest.param("2026-11-20T09:10", "NSE closed", "opens today 09:15", id="between pre-open and open"),
        pytest.param("2026-11-20T09:15", "NSE open", "to 15:30", id="the opening itself"),
        pytest.param("2026-11-20T15:30", "NSE closed", "opens Mon 23 Nov 09:15 (Muhurat trading)", id="the closing itself"),
        pytest.param("2026-11-20T15:45", "NSE post-close", "to 16:00", id="after the close"),
        pytest.param("2026-11-23T10:00", "NSE open", "to 15:30 (Muhurat trading)", id="a special session says why"),
        pytest.param("2026-12-24T10:00", "NSE closed", "", id="nothing is known beyond"),
    ],
)
def test_what_the_market_does(at: str, badge: str, detail: str) -> None:
    state = market_state(datetime.fromisoformat(at).replace(tzinfo=IST), SESSIONS)
    assert badge in state.badge
    assert state.detail == detail


def test_a_long_note_does_not_fill_the_header() -> None:
    long = (session("2026-11-20", note="a note that goes on and on and would push the clock away"),)
    assert market_state(datetime(2026, 11, 20, 10, 0, tzinfo=IST), long).detail == "to 15:30"


def held(last: str, interval: str, *, simulated: bool) -> SeriesDocument:
    return SeriesDocument(
        instrument="NSE:X", interval=interval, prices="raw", first=last, last=last, bars=1, missing=0, quality=100.0,
        simulated=simulated, sources=(), last_close=1.0,
    )  # fmt: skip


def test_real_and_simulated_data_are_told_apart() -> None:
    real = held("2018-12-31T03:45:00+00:00", "1d", simulated=False)
    invented = held("2026-11-20T09:59:00+00:00", "1m", simulated=True)
    assert freshness([real, invented]) == "data to 2018-12-31 &nbsp;·&nbsp; :orange-badge[SIMULATED] data to 2026-11-20 15:29"
    assert freshness([]) == "no data yet"
