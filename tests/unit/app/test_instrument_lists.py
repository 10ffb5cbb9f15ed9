from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest

from qts.app.backtests import run_backtest
from qts.app.instrument_lists import chosen_instruments, list_warnings
from qts.app.replays import replay
from qts.app.requests import BacktestRequest, build
from qts.app.workspace import Workspace
from qts.core import Bars, Exchange, InstrumentId
from qts.core.errors import BadParameter
from qts.data.instruments import IndexMember

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
START = date(2022, 1, 3)


def request(instruments: str = "@NIFTY50", **options: object) -> BacktestRequest:
    return build(BacktestRequest, **{"strategy": "buy_and_hold", "instruments": instruments, "start": START, "size": "shares:1", **options})


def member(symbol: str, start: date, end: date | None = None) -> IndexMember:
    return IndexMember(index="NIFTY 50", instrument=InstrumentId(f"NSE:{symbol}"), start=start, end=end, source="circular")


@pytest.fixture
def listed(workspace: Workspace, make_bars: Callable[..., Bars], store_bars: Callable[..., None]) -> Workspace:
    """Return a workspace where GAMMA left the index for DELTA, and nothing is stored of OMEGA."""
    for seed, symbol in enumerate(("GAMMA", "DELTA"), start=5):
        store_bars(workspace, make_bars(f"NSE:{symbol}", Exchange.NSE, seed=seed))
    workspace.indices.replace(
        [
            member("ALPHA", date(2016, 4, 1)),
            member("GAMMA", date(2016, 4, 1), date(2022, 9, 29)),
            member("DELTA", date(2022, 9, 30)),
            member("OMEGA", date(2020, 1, 1)),
        ]
    )
    return workspace


def test_an_index_stands_for_its_members_of_the_first_day_and_those_without_bars_are_told(listed: Workspace) -> None:
    chosen = chosen_instruments(listed, request("nse:delta,@nifty50,NSE:ALPHA"))
    assert chosen.instruments == ("NSE:DELTA", "NSE:ALPHA", "NSE:GAMMA")
    assert [(one.name, one.on, one.members, one.left_out, one.doubt) for one in chosen.lists] == [
        ("@NIFTY 50", "2022-01-03", 3, ("NSE:OMEGA",), "")
    ]
    assert "".join(list_warnings(chosen.lists, "1d")) == (
        "@NIFTY 50: 1 of its 3 members on 2022-01-03 have no 1d bars in the span (NSE:OMEGA): where they are the ones that did badly, "
        "the result is flattered."
    )


@pytest.mark.parametrize(
    ("start", "word"),
    [
        pytest.param(None, "without a first date its members are those of 2026-11-20", id="no first date"),
        pytest.param(date(2012, 1, 2), "the members of NIFTY 50 on 2012-01-02 are not on record", id="before the records"),
    ],
)
def test_members_that_are_not_those_of_the_first_day_are_labelled(listed: Workspace, start: date | None, word: str) -> None:
    document = run_backtest(listed, request(start=start))
    assert any(word in warning and warning.endswith("a result on them is survivorship-biased.") for warning in document.warnings)


def test_a_watchlist_is_always_labelled_and_its_run_is_repeated_after_the_list_changed(listed: Workspace) -> None:
    listed.watchlists.add("Mine", [InstrumentId("NSE:ALPHA"), InstrumentId("NSE:GAMMA")], at=NOW)
    document = run_backtest(listed, request("@mine"))
    assert document.data.instruments == ("NSE:ALPHA", "NSE:GAMMA")
    reason = "its instruments were chosen by 2026-11-20, in the knowledge of how they had done until then"
    warning = f"@Mine: {reason}: a result on them is survivorship-biased."
    assert warning in document.warnings
    listed.watchlists.remove("mine")
    assert replay(listed, document.run_id).identical
    by_name = run_backtest(listed, request("NSE:ALPHA,NSE:GAMMA"))
    assert by_name.run_id != document.run_id
    assert warning not in by_name.warnings


def test_a_name_of_both_kinds_is_refused_and_either_can_be_named(listed: Workspace) -> None:
    listed.watchlists.add("NIFTY50", [InstrumentId("NSE:DELTA")], at=NOW)
    with pytest.raises(BadParameter) as caught:
        chosen_instruments(listed, request())
    assert caught.value.hint == "Write @index:NIFTY50 or @list:NIFTY50."
    assert chosen_instruments(listed, request("@list:nifty50")).instruments == ("NSE:DELTA",)
    assert chosen_instruments(listed, request("@index:nifty 50")).instruments == ("NSE:ALPHA", "NSE:GAMMA")


def test_an_unknown_list_and_one_without_bars_are_refused(listed: Workspace) -> None:
    with pytest.raises(BadParameter, match="there is no index and no watchlist of this name") as caught:
        chosen_instruments(listed, request("@NIFTY500"))
    assert "@NIFTY50." in caught.value.hint
    with pytest.raises(BadParameter, match="none of its 3 members on 2022-01-03 has 15m bars in the span"):
        chosen_instruments(listed, request(interval="15m"))


@pytest.mark.parametrize("text", ["@", "@ ", "@a/b", "@x:y"])
def test_what_is_no_name_of_a_list_is_refused(text: str) -> None:
    with pytest.raises(BadParameter, match="no name of a list"):
        request(text)
