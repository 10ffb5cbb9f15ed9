"""``qts instruments`` on the command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Qts = Callable[..., Any]
HEADER = "instrument_token,exchange_token,tradingsymbol,name,last_price,expiry,strike,tick_size,lot_size,instrument_type,segment,exchange"
LINES = [
    "5097729,1,ZOMATO,ETERNAL,0,,0,0.01,1,EQ,NSE,NSE",
    "1,1,NIFTY26NOVFUT,NIFTY,0,2026-11-24,0,0.1,65,FUT,NFO-FUT,NFO",
    "3,1,NIFTY26NOV24500CE,NIFTY,0,2026-11-24,24500,0.05,65,CE,NFO-OPT,NFO",
    "torn",
]


@pytest.fixture
def dump(home: Path, qts: Qts, tmp_path: Path) -> Path:
    """Read a dump of 2025-04-08 and return its path."""
    assert home.name
    path = tmp_path / "kite_2025-04-08.csv"
    path.write_text("\n".join([HEADER, *LINES]), encoding="utf-8")
    out = qts("instruments", "import", path).out
    assert "4 rows read; NFO 2, NSE 1." in out
    assert "3 listings are new, 0 have ended." in out
    return path


def test_what_a_dump_lists_is_found_shown_and_told_as_json(dump: Path, qts: Qts) -> None:
    again = qts("instruments", "import", dump, "--json").document
    assert (again["unchanged"], again["on"]) == (True, "2025-04-08")
    assert again["rejected"] == [{"row": 5, "reason": "it has 1 fields where the header has 12"}]
    assert [hit["instrument"] for hit in qts("instruments", "search", "nifty", "24500", "--json").document] == ["NFO:NIFTY26NOV24500CE"]
    assert "NFO:NIFTY26NOVFUT" in qts("instruments", "search", "nifty").out
    shown = qts("instruments", "show", "NFO:NIFTY26NOVFUT", "--on", "2025-04-09", "--json").document
    assert {name: shown["listing"][name] for name in ("lot", "tick", "expiry", "token", "from", "until")} == {
        "lot": 65,
        "tick": 0.1,
        "expiry": "2026-11-24",
        "token": 1,
        "from": "2025-04-08",
        "until": None,
    }
    assert qts("instruments", "token", "1", "--on", "2025-04-09", "--json").document["instrument"] == "NFO:NIFTY26NOVFUT"
    assert "It was not listed on that date." in qts("instruments", "show", "NSE:ZOMATO", "--on", "2025-04-01").out
    assert qts("instruments", "expiries", "NIFTY", "--on", "2025-04-09", "--json").document["expiries"] == ["2026-11-24"]
    assert "NFO:NIFTY26NOV24500CE  24,500.00" in qts("instruments", "chain", "NIFTY", "--on", "2025-04-09").out
    assert [one["exchange"] for one in qts("instruments", "dumps", "--json").document] == ["NFO", "NSE"]


def test_price_bands_of_a_dump_are_shown(home: Path, qts: Qts, tmp_path: Path) -> None:
    assert home.name
    header = "instrument_token,tradingsymbol,name,expiry,strike,tick_size,lot_size,instrument_type,segment,exchange,price_band"
    for on, band in (("2025-04-08", "0.05"), ("2025-04-09", "no band"), ("2025-04-10", "")):
        path = tmp_path / f"dump_{on}.csv"
        path.write_text(f"{header}\n9,BANDED,BANDED LTD,,0,0.05,1,EQ,NSE,NSE,{band}\n", encoding="utf-8")
        assert qts("instruments", "import", path).code == 0
    shown = qts("instruments", "show", "NSE:BANDED", "--on", "2025-04-10")
    assert "Price band from 2025-04-08: 0.05 of the previous close." in shown.out
    assert "Price band from 2025-04-09: none." in shown.out
    assert "Price band from 2025-04-10" not in shown.out
    history = qts("instruments", "show", "NSE:BANDED", "--on", "2025-04-10", "--json").document["history"]
    assert sorted(str(one["price_band"]) for one in history) == ["0.0", "0.05", "None"]


def test_a_changed_symbol_is_proposed_confirmed_and_followed(dump: Path, qts: Qts, tmp_path: Path) -> None:
    later = tmp_path / "kite_2025-04-09.csv"
    later.write_text(dump.read_text(encoding="utf-8").replace("ZOMATO", "ETERNAL"), encoding="utf-8")
    assert "NSE:ZOMATO" in qts("instruments", "import", later).out
    [proposed] = qts("instruments", "renames", "--json").document
    assert (proposed["old"], proposed["new"], proposed["state"]) == ("NSE:ZOMATO", "NSE:ETERNAL", "proposed")
    assert "confirmed" in qts("instruments", "renames", "--confirm", "nse:zomato").out
    assert "Names: NSE:ZOMATO until 2025-04-09; NSE:ETERNAL" in qts("instruments", "show", "NSE:ETERNAL").out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("show", "NFO:NIFTY26NOVFU"), "NFO:NIFTY26NOVFU is not listed"),
        (("expiries", "NIFTI", "--on", "2025-04-09"), "A contract on NIFTI is not listed on 2025-04-09"),
        (("chain", "NIFTY", "--expiry", "2026-01-01", "--on", "2025-04-09"), "has no options of this expiry"),
        (("import", "nowhere_2025-04-08.csv"), "no such file or directory"),
        (("renames", "--confirm", "NSE:INFY"), "no change of it is proposed"),
    ],
)
def test_what_is_not_there_is_refused_with_a_sentence(dump: Path, qts: Qts, words: tuple[str, ...], message: str) -> None:
    assert dump.exists()
    answer = qts("instruments", *words)
    assert (answer.code, message in answer.err) == (2, True), answer.err
