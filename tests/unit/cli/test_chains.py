from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from qts.app.chain_document import ChainQuote, ChainRecord
from qts.app.chain_files import ChainTaken, KeptChains
from qts.app.settings import load_settings
from qts.app.workspace import open_workspace
from qts.core import IST

Qts = Callable[..., Any]
CALL = {"instrument": "NFO:NIFTY26NOV24500CE", "side": "call", "expiry": "2026-11-24", "strike": 24500.0, "lot": 65}
QUOTES = (
    ChainQuote(instrument="NSE:NIFTY 50", side="underlying", quoted=True, last_price=24512.4),
    ChainQuote(**CALL, quoted=True, last_price=61.5, bid=61.45, ask=61.55, oi=123456),
    ChainQuote(**{**CALL, "instrument": "NFO:NIFTY26NOV24500PE", "side": "put"}, quoted=False),
)


@pytest.fixture
def keep(home: Path) -> Callable[..., ChainRecord]:
    def put(hour: int, *, source: str = "kite") -> ChainRecord:
        with open_workspace(load_settings(home=home, keep_free="0")) as workspace:
            return KeptChains(home, workspace.control.database).keep(
                ChainTaken(
                    underlying="NIFTY",
                    exchange="NFO",
                    asked_at=datetime(2026, 11, 20, hour, tzinfo=IST),
                    source=source,
                    listed_on="2026-11-20",
                    expiries=("2026-11-24",),
                    quotes=QUOTES,
                )
            )

    return put


def test_without_a_chain_the_command_that_keeps_one_is_told(qts: Qts, home: Path) -> None:
    assert "qts jobs submit chain" in qts("chains").out
    done = qts("chains", "NIFTY")
    assert (done.code, "qts jobs submit chain" in done.err) == (2, True)
    assert (home / "control.sqlite").exists()


def test_kept_chains_are_listed_and_shown_as_a_table_and_as_json(qts: Qts, keep: Callable[..., ChainRecord]) -> None:
    early, late = keep(12), keep(16)
    listed = qts("chains")
    assert ("1 of 2" in listed.out, "2026-11-24" in listed.out) == (True, True)
    assert [one["path"] for one in qts("chains", "--json").document] == [early.path, late.path]
    shown = qts("chains", "nifty", "--on", "2026-11-20")
    assert all(text in shown.out for text in ("24,512.40", "61.45", "1,23,456", "24,500.00"))
    assert "1 of 2 contracts had no quote" in shown.err
    assert "12:00:00, 16:00:00" in shown.err
    assert "SIMULATED" not in shown.out
    document = qts("chains", "NIFTY", "--on", "2026-11-20", "--at", "12:00", "--json").document
    assert (document["record"]["path"], document["spot"]["last_price"]) == (early.path, 24512.4)
    assert [(one["quoted"], one["last_price"]) for one in document["contracts"]] == [(True, 61.5), (False, None)]


def test_simulated_prices_are_said_to_be_so(qts: Qts, keep: Callable[..., ChainRecord]) -> None:
    keep(16, source="sandbox")
    assert "SIMULATED" in qts("chains", "NIFTY").out


def test_a_damaged_chain_ends_with_its_name_and_a_check_counts_it(qts: Qts, home: Path, keep: Callable[..., ChainRecord]) -> None:
    record = keep(16)
    assert "1 option chains" in qts("verify").out
    (home / record.path).write_bytes(b"x" * record.n_bytes)
    done = qts("chains", "NIFTY")
    assert (done.code != 0, record.path in done.err, done.out) == (True, True, "")
    checked = qts("verify", "--json").document
    assert (checked["sound"], [one["path"] for one in checked["damage"]]) == (False, [record.path])


def test_no_name_of_an_underlying_leads_out_of_the_folder(home: Path) -> None:
    with open_workspace(load_settings(home=home, keep_free="0")) as workspace:
        kept = KeptChains(home, workspace.control.database)
        for name in ("../../X", "..", "M&M", "A/B"):
            taken = ChainTaken(
                underlying=name,
                exchange="NFO",
                asked_at=datetime(2026, 11, 20, 16, tzinfo=IST),
                source="kite",
                listed_on="2026-11-20",
                expiries=("2026-11-24",),
                quotes=QUOTES,
            )
            path = (home / kept.keep(taken).path).resolve()
            assert path.parent.parent == (home / "data" / "chains" / "NFO").resolve()
            assert kept.quotes(kept.records(name)[0]) == QUOTES
