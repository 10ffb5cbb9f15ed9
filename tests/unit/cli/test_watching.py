"""``qts watchlist`` and ``qts index`` on the command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

Qts = Callable[..., Any]


def test_a_watchlist_is_made_shown_and_removed(home: Path, qts: Qts, tmp_path: Path) -> None:
    assert home.name
    assert qts("watchlist", "list").out == "There is no watchlist. `qts watchlist add NAME INSTRUMENT` makes one.\n"
    assert qts("watchlist", "add", "Mine", "nse:infy", "NSE:TCS", "--json").document["instruments"] == ["NSE:INFY", "NSE:TCS"]
    (tmp_path / "more.csv").write_text("instrument\nNSE:SBIN\n")
    assert qts("watchlist", "import", "mine", tmp_path / "more.csv").out.startswith("Mine: 3 instruments")
    assert qts("watchlist", "remove", "mine", "NSE:TCS", "--json").document["instruments"] == ["NSE:INFY", "NSE:SBIN"]
    assert "NSE:SBIN" in qts("watchlist", "show", "MINE").out
    assert [one["name"] for one in qts("watchlist", "list", "--json").document] == ["Mine"]
    assert qts("watchlist", "remove", "mine").out == "The watchlist mine is removed.\n"
    refused = qts("watchlist", "show", "mine")
    assert (refused.code, "there is none of this name" in refused.err) == (2, True)


def test_the_members_of_an_index_are_read_and_shown_by_date(home: Path, qts: Qts, tmp_path: Path) -> None:
    assert home.name
    assert "The members of no index are known" in qts("index", "list").out
    path = tmp_path / "members.csv"
    path.write_text("index,instrument,from,to,source\nNIFTY 50,NSE:A,2016-04-01,,circular\nNIFTY 50,NSE:B,2016-04-01,2019-03-28,circular\n")
    assert qts("index", "import", path, "--json").document["changed"] == 2
    assert "2 rows, 0 changed." in qts("index", "import", path).out
    assert qts("index", "members", "nifty50", "--on", "2018-01-01", "--json").document["members"] == ["NSE:A", "NSE:B"]
    shown = qts("index", "members", "NIFTY 50", "--on", "2010-01-01")
    assert "2 members (source: circular)" in shown.out
    assert "Warning: the members of NIFTY 50 on 2010-01-01 are not on record" in shown.err
    assert [one["index"] for one in qts("index", "list", "--json").document] == ["NIFTY 50"]
    assert qts("index", "members", "SENSEX").code == 2
