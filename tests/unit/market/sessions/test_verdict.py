"""The calendar's word on a bar's instant."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from qts.core import IST, Exchange, Interval
from qts.market.sessions import SessionVerdict, accepts

SESSION, PLAUSIBLE, NOT_A_SESSION = SessionVerdict


@pytest.mark.parametrize(
    ("exchange", "at", "interval", "verdict"),
    [
        pytest.param("NSE", "2024-07-03 09:15", "1m", SESSION, id="first minute"),
        pytest.param("NSE", "2024-07-03 15:29", "1m", SESSION, id="last minute"),
        pytest.param("NSE", "2024-07-03 09:07", "1m", SESSION, id="pre-open"),
        pytest.param("NSE", "2024-07-03 15:30", "1m", PLAUSIBLE, id="after the close"),
        pytest.param("NSE", "2024-11-01 18:30", "1m", SESSION, id="Muhurat"),
        pytest.param("NSE", "2024-01-20 18:16", "1m", PLAUSIBLE, id="after the close of a Saturday session"),
        pytest.param("NSE", "2024-01-22 10:00", "1m", NOT_A_SESSION, id="holiday"),
        pytest.param("NSE", "2024-07-06 10:00", "1m", NOT_A_SESSION, id="Saturday"),
        pytest.param("NSE", "2024-07-06 09:15", "1d", NOT_A_SESSION, id="daily bar of a Saturday"),
        pytest.param("NSE", "2024-11-01 09:15", "1d", SESSION, id="daily bar of Muhurat"),
        pytest.param("NSE", "2024-01-26 09:15", "1w", PLAUSIBLE, id="weekly bar stamped by a holiday"),
        pytest.param("NSE", "2026-08-03 15:20", "1m", SESSION, id="closing auction"),
        pytest.param("NSE", "2026-08-03 15:37", "1m", SESSION, id="an index future's last minutes"),
        pytest.param("NSE", "2027-01-04 10:00", "1m", SESSION, id="a weekday beyond the table"),
        pytest.param("INDEX", "2024-07-03 03:00", "1m", SESSION, id="index on a weekday"),
        pytest.param("INDEX", "2024-07-06 09:15", "1d", NOT_A_SESSION, id="index on a Saturday"),
    ],
)
def test_verdict_on_an_instant(exchange: str, at: str, interval: str, verdict: SessionVerdict) -> None:
    instant = datetime.fromisoformat(at).replace(tzinfo=IST)
    assert accepts(Exchange(exchange), instant, Interval(interval)) is verdict
    assert accepts(Exchange(exchange), instant.astimezone(UTC), Interval(interval)) is verdict
