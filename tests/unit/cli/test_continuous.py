"""``qts continuous`` on the command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

Qts = Callable[..., Any]


def test_two_contracts_are_joined_and_written_as_table_csv_and_json(home: Path, qts: Qts, tmp_path: Path) -> None:
    assert home.name
    for name, days, price in (("JAN", (22, 23, 27), 100), ("FEB", (22, 23, 27, 28, 29), 110)):
        lines = [f"2026-01-{day},{price},{price + 2},{price - 2},{price + 1},10,5" for day in days]
        path = tmp_path / f"NIFTY26{name}FUT.csv"
        path.write_text("\n".join(["date,open,high,low,close,volume,oi", *lines]) + "\n")
        qts("import", path, "--exchange", "NFO", "--no-adjusted", "--json")
    document = qts("continuous", "nfo:nifty", "--adjust", "difference", "--json").document
    assert [(leg["contract"], leg["from"], leg["to"], leg["offset"]) for leg in document["legs"]] == [
        ("NFO:NIFTY26JANFUT", "2026-01-22", "2026-01-27", 10.0),
        ("NFO:NIFTY26FEBFUT", "2026-01-28", "2026-01-29", 0.0),
    ]
    assert [bar["close"] for bar in document["bars"]] == [111, 111, 111, 111, 111]
    lines = qts("continuous", "NFO:NIFTY", "--format", "csv").out.splitlines()
    assert (len(lines), lines[3].rsplit(",", 1)[1], lines[4].rsplit(",", 1)[1]) == (6, "NFO:NIFTY26JANFUT", "NFO:NIFTY26FEBFUT")
    shown = qts("continuous", "NFO:NIFTY")
    assert "rolled by last-day, adjusted by none: 5 bars" in shown.out
    assert "Note: The day of expiry of NFO:NIFTY26JANFUT, NFO:NIFTY26FEBFUT is an estimate" in shown.err
    refused = qts("continuous", "NFO:NIFTY", "--roll", "often")
    assert (refused.code, "roll = often" in refused.err) == (2, True)
