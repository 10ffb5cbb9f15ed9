from __future__ import annotations

from datetime import date

import pytest

from qts.app.requests import BacktestRequest, BarsRequest, CalendarRequest, ImportRequest, build
from qts.core.errors import BadParameter


def test_instruments_are_read_from_a_text_once_each_and_upper_cased() -> None:
    request = build(BacktestRequest, strategy="x", instruments="nse:infy, NSE:TCS,NSE:INFY,")
    assert request.instruments == ("NSE:INFY", "NSE:TCS")


def test_dates_are_taken_under_both_names() -> None:
    assert build(BarsRequest, **{"instrument": "NSE:INFY", "from": "2020-01-02"}).start == date(2020, 1, 2)
    assert build(BarsRequest, instrument="NSE:INFY", start=date(2020, 1, 2)).start == date(2020, 1, 2)


@pytest.mark.parametrize(
    ("values", "named"),
    [
        pytest.param({"strategy": "x", "instruments": "INFY"}, "instrument", id="no exchange"),
        pytest.param({"strategy": "x", "instruments": ""}, "instruments", id="no instrument"),
        pytest.param({"strategy": "x", "instruments": 7}, "instruments", id="not a text"),
        pytest.param({"strategy": "x", "instruments": [[]]}, "instruments", id="a list in the list"),
        pytest.param({"strategy": "x", "instruments": "NSE:A", "interval": "7m"}, "interval", id="no such interval"),
        pytest.param({"strategy": "x", "instruments": "NSE:A", "capital": "-1"}, "capital", id="negative capital"),
        pytest.param({"strategy": "x", "instruments": "NSE:A", "fill": "best"}, "fill", id="no such fill"),
        pytest.param({"strategy": "x", "instruments": "NSE:A", "colour": "red"}, "colour", id="unknown field"),
        pytest.param({"strategy": "", "instruments": "NSE:A"}, "strategy", id="no strategy"),
    ],
)
def test_what_does_not_fit_is_named(values: dict[str, object], named: str) -> None:
    with pytest.raises(BadParameter) as caught:
        build(BacktestRequest, **values)
    assert named in caught.value.name


def test_what_is_not_given_is_named_without_all_the_rest() -> None:
    with pytest.raises(BadParameter) as caught:
        build(BacktestRequest, instruments="NSE:A")
    assert caught.value.message == "strategy = '': is needed, and was not given."


def test_an_import_needs_a_path() -> None:
    with pytest.raises(BadParameter, match="paths"):
        build(ImportRequest, paths=[])


def test_a_segment_that_is_none_is_refused() -> None:
    with pytest.raises(BadParameter, match="segment"):
        build(CalendarRequest, segment="moon")
