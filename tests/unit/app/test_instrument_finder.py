from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime

from qts.app.workspace import Workspace
from qts.core import Bars, Exchange
from qts.data.instruments import Dump, DumpRow

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
TODAY = date(2026, 11, 20)


def test_the_index_is_built_anew_only_when_an_instrument_came(
    workspace: Workspace, make_bars: Callable[..., Bars], store_bars: Callable[..., None]
) -> None:
    def built(on: date = TODAY) -> object:
        return workspace.finder.index(workspace.instruments, workspace.store, on)

    first = built()
    assert built() is first
    more = make_bars("NSE:ALPHA", Exchange.NSE, seed=9, n_bars=420)
    store_bars(workspace, more)
    assert built() is first  # only bars of what was known
    store_bars(workspace, make_bars("NSE:GAMMA", Exchange.NSE, seed=2))
    second = built()
    assert second is not first
    rows = (DumpRow("NSE", "INFY", 1, "INFOSYS", None, None, 500, 1, "EQ", "NSE"),)
    dump = Dump(rows=rows, n_read=1, n_rejected=0, rejected=(), sha256="x")
    workspace.instruments.load(dump, on=date(2026, 11, 19), source="dump", at=NOW)
    third = built()
    assert third is not second
    assert [hit.instrument for hit in workspace.finder.index(workspace.instruments, workspace.store, TODAY).find("inf")] == ["NSE:INFY"]
    assert len(workspace.finder.index(workspace.instruments, workspace.store, date(2026, 11, 1))) == 3
    assert built() is not third  # the index of another date took its place
