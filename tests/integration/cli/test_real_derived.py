"""Real prices seen otherwise than they are stored: raw ones adjusted for a list of actions, minutes put together."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

Qts = Callable[..., Any]
pytestmark = pytest.mark.realdata


def test_a_list_of_actions_adjusts_the_raw_prices_of_the_store(home: Path, realdata: Path, qts: Qts) -> None:
    assert home.exists()
    qts("import", realdata / "nse_daily_raw_2017_2022.parquet", "--json")
    found = {one["id"]: one for one in qts("actions", "suspected", "--json").document}
    assert len(found) == 11
    assert {one["state"] for one in found.values()} == {"suspected"}
    document = qts("actions", "import", realdata / "truth" / "corporate_actions_a.json", "--json").document
    assert (document["new"] + document["changed"], document["rejected_count"]) == (8, 0)
    left = {one["id"] for one in qts("actions", "suspected", "--json").document}
    assert left == {"NSE:ICICIBANK/2017-06-20/split", "NSE:NTPC/2019-03-19/split", "NSE:WIPRO/2019-03-06/split"}
    truth = json.loads((realdata / "truth" / "corporate_actions_a.json").read_text())
    for action in truth["actions"]:
        words = ["--prices", "adjusted", "--adjusted-to", action["ex_date"], "--from", f"{action['ex_date'][:4]}-01-01"]
        rows = qts("bars", f"NSE:{action['symbol']}", *words, "--to", action["ex_date"], "--json").document
        at = next(i for i, row in enumerate(rows) if row["ts"].startswith(action["ex_date"]))
        assert rows[at - 1]["close"] == pytest.approx(action["prev_close"] * action["factor"], rel=1e-12)
        assert rows[at]["close"] == action["close"]
        assert rows[at]["derived"] is True


def test_minutes_put_together_are_those_of_an_independent_sum(home: Path, realdata: Path, qts: Qts) -> None:
    assert home.exists()
    path = realdata / "nifty50_1min_2024_jan_aug.parquet"
    qts("import", path, "--symbol", "NIFTY 50", "--json")
    minutes = {row["ts"] for row in qts("bars", "NSE:NIFTY 50", "--interval", "1m", "--json").document}
    rows = qts("bars", "NSE:NIFTY 50", "--interval", "15m", "--json").document
    ours = {row["ts"]: (row["open"], row["high"], row["low"], row["close"]) for row in rows}
    theirs = _quarters(path, minutes)
    assert len(ours) > 3_700
    assert ours == theirs
    assert "15m bars made of 1m ones" in qts("bars", "NSE:NIFTY 50", "--interval", "15m", "--from", "2024-01-01", "--to", "2024-01-02").out


def _quarters(path: Path, stored: set[str]) -> dict[str, tuple[float, float, float, float]]:
    """Return the quarters of an hour from 09:15 of the minutes that were stored, made of the file in plain Python."""
    table = pq.read_table(path)
    # Zoned stamps come as UTC; India is five and a half hours ahead.
    stamps = table["ts"].to_numpy().astype("datetime64[m]") + np.timedelta64(330, "m")
    columns = {column: table[column].to_numpy() for column in table.column_names}
    found: dict[str, list[tuple[float, float, float, float]]] = {}
    for i in np.argsort(stamps, kind="stable").tolist():
        text = f"{stamps[i]}:00+05:30"
        if text not in stored:
            continue
        of_day = int((stamps[i] - stamps[i].astype("datetime64[D]")).astype(int))
        begins = stamps[i] - np.timedelta64((of_day - 555) % 15, "m")
        found.setdefault(f"{begins}:00+05:30", []).append(
            (float(columns["open"][i]), float(columns["high"][i]), float(columns["low"][i]), float(columns["close"][i]))
        )
    return {
        begins: (parts[0][0], max(part[1] for part in parts), min(part[2] for part in parts), parts[-1][3])
        for begins, parts in found.items()
    }
