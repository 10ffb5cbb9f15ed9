from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from qts.app.requests import build
from qts.app.watching import (
    WatchlistRequest,
    add_to_watchlist,
    import_members,
    import_watchlist,
    index_members,
    list_indices,
    list_watchlists,
    remove_from_watchlist,
    show_watchlist,
)
from qts.app.workspace import Workspace
from qts.core import InstrumentId
from qts.core.errors import BadFile, BadParameter, BadPath

MEMBERS = "index,instrument,from,to,source\nNIFTY 50,NSE:A,2016-04-01,,circular\nNIFTY 50,NSE:B,2016-04-01,2019-03-28,circular\n"


def put(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_a_watchlist_is_made_shown_cut_and_removed(workspace: Workspace) -> None:
    add_to_watchlist(workspace, build(WatchlistRequest, name="@Mine", instruments="nse:alpha,SIM:BETA"))
    assert show_watchlist(workspace, "@mine").instruments == ("NSE:ALPHA", "SIM:BETA")
    left = remove_from_watchlist(workspace, "mine", (InstrumentId("SIM:BETA"),))
    assert left is not None
    assert left.instruments == ("NSE:ALPHA",)
    assert [one.name for one in list_watchlists(workspace)] == ["Mine"]
    assert remove_from_watchlist(workspace, "MINE", None) is None
    assert list_watchlists(workspace) == ()


@pytest.mark.parametrize("text", ["NSE:A\nNSE:B\n", "instrument,why\nNSE:A,a bank\n\nnse:b,\n"])
def test_a_file_of_instruments_becomes_a_watchlist(workspace: Workspace, tmp_path: Path, text: str) -> None:
    assert import_watchlist(workspace, "mine", put(tmp_path / "a.csv", text)).instruments == ("NSE:A", "NSE:B")


@pytest.mark.parametrize(("text", "reason"), [("NSE:A\nINFY", "row 2: instrument = INFY"), ("instrument\n", "it names no instrument")])
def test_a_file_that_names_no_instruments_is_refused(workspace: Workspace, tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(BadFile, match=reason):
        import_watchlist(workspace, "mine", put(tmp_path / "a.csv", text))
    with pytest.raises(BadPath):
        import_watchlist(workspace, "mine", tmp_path / "none.csv")


def test_members_are_read_and_told_by_date(workspace: Workspace, tmp_path: Path) -> None:
    document = import_members(workspace, put(tmp_path / "m.csv", MEMBERS))
    assert (document.rows, document.changed) == (2, 2)
    assert import_members(workspace, put(tmp_path / "m.csv", MEMBERS)).changed == 0
    assert [(one.index, one.members, one.first) for one in list_indices(workspace)] == [("NIFTY 50", 1, "2016-04-01")]
    then, now = index_members(workspace, "nifty50", date(2018, 1, 1)), index_members(workspace, "@NIFTY 50", None)
    assert (then.members, then.warning, now.members) == (("NSE:A", "NSE:B"), None, ("NSE:A",))
    early = index_members(workspace, "nifty50", date(2010, 1, 1)).warning
    assert early is not None
    assert "not on record" in early


def test_an_index_that_is_not_known_is_refused_with_those_that_are(workspace: Workspace, tmp_path: Path) -> None:
    with pytest.raises(BadParameter, match="its members are not known") as caught:
        index_members(workspace, "SENSEX", None)
    assert "qts index import" in caught.value.hint
    import_members(workspace, put(tmp_path / "m.csv", MEMBERS))
    with pytest.raises(BadParameter) as caught:
        index_members(workspace, "SENSEX", None)
    assert caught.value.hint == "Known are NIFTY 50."
    with pytest.raises(BadFile, match="it has no row"):
        import_members(workspace, put(tmp_path / "m.csv", "index,instrument,from,to\n"))


def test_a_watchlist_and_an_index_never_have_one_name(workspace: Workspace, tmp_path: Path) -> None:
    add_to_watchlist(workspace, build(WatchlistRequest, name="NIFTY50", instruments="NSE:A"))
    with pytest.raises(BadParameter, match="is the name of a watchlist"):
        import_members(workspace, put(tmp_path / "m.csv", MEMBERS))
    remove_from_watchlist(workspace, "nifty50", None)
    import_members(workspace, put(tmp_path / "m.csv", MEMBERS))
    with pytest.raises(BadParameter, match="is the name of an index"):
        add_to_watchlist(workspace, build(WatchlistRequest, name="nifty-50", instruments="NSE:A"))
