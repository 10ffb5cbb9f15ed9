"""When intraday positions are closed."""

from __future__ import annotations

from datetime import date

import pytest

from qts.core import Exchange
from qts.core.errors import BadParameter
from qts.market.sessions import square_off, square_off_at


@pytest.mark.parametrize(
    ("exchange", "on", "at", "is_estimate"),
    [
        pytest.param("NSE", "2024-07-03", "15:20", False, id="shares"),
        pytest.param("SIM", "2024-07-03", "15:20", False, id="simulated market"),
        pytest.param("NSE", "2026-07-31", "15:20", False, id="shares, last day before the auction"),
        pytest.param("NSE", "2026-08-03", "15:10", True, id="shares since the auction"),
        pytest.param("NFO", "2024-07-03", "15:25", False, id="derivatives"),
        pytest.param("NFO", "2026-08-03", "15:25", True, id="derivatives since the extension"),
        pytest.param("CDS", "2024-07-03", "16:45", False, id="currency"),
        pytest.param("MCX", "2024-07-03", "23:05", False, id="commodity in summer"),
        pytest.param("MCX", "2024-01-03", "23:30", False, id="commodity in winter"),
        pytest.param("NSE", "2025-10-21", "14:35", True, id="Muhurat in the afternoon"),
        pytest.param("NSE", "2024-05-18", "12:20", True, id="drill"),
        pytest.param("NSE", "2021-02-24", "16:50", True, id="outage"),
        pytest.param("NSE", "2025-02-01", "15:20", False, id="Budget Saturday"),
        pytest.param("NSE", "2024-07-06", "15:20", False, id="no session: the regular time"),
        pytest.param("NSE", "2005-07-06", "15:20", True, id="years of recalled hours"),
    ],
)
def test_square_off_of_the_day(exchange: str, on: str, at: str, is_estimate: bool) -> None:  # noqa: FBT001 - a column of the table
    day = date.fromisoformat(on)
    found = square_off(Exchange(exchange), day)
    assert f"{found.at:%H:%M}" == at
    assert found.at.date() == day
    assert found.is_estimate == is_estimate
    assert found.source
    assert square_off_at(Exchange(exchange), day) == found.at


def test_index_is_never_squared_off() -> None:
    with pytest.raises(BadParameter, match="INDEX"):
        square_off_at(Exchange.INDEX, date(2024, 7, 3))
