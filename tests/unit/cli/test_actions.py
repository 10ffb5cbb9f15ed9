"""``qts actions`` on the command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Qts = Callable[..., Any]


@pytest.fixture
def prices(home: Path, qts: Qts, tmp_path: Path) -> Path:
    """Import twenty days of NSE:ACME, which halves on the eleventh, and return the home."""
    days = [3, 4, 5, 6, 7, 10, 11, 12, 13, 14, 17, 18, 19, 20, 21, 24, 25, 27, 28, 31]
    rows = [
        f"2022-01-{day:02d},{price},{price + 2},{price - 2},{price + 1},1000"
        for i, day in enumerate(days)
        for price in [400 if i < 10 else 200]
    ]
    (tmp_path / "ACME.csv").write_text("\n".join(["date,open,high,low,close,volume", *rows]) + "\n")
    qts("import", tmp_path / "ACME.csv", "--json")
    return home


def test_actions_are_suspected_confirmed_and_listed(prices: Path, qts: Qts) -> None:
    assert prices.exists()
    [found] = qts("actions", "suspected", "--json").document
    assert {name: found[name] for name in ("instrument", "ex_date", "kind", "factor", "state")} == {
        "instrument": "NSE:ACME",
        "ex_date": "2022-01-17",
        "kind": "split",
        "factor": 0.5,
        "state": "suspected",
    }
    assert found["evidence"]["open"] == 200.0
    assert "NSE:ACME/2022-01-17/split" in qts("actions", "suspected").out
    [confirmed] = qts("actions", "confirm", found["id"], "--kind", "bonus", "--json").document
    assert (confirmed["id"], confirmed["state"]) == ("NSE:ACME/2022-01-17/bonus", "confirmed")
    assert qts("actions", "suspected", "--json").document == []
    assert "2 shares for one" in qts("actions", "list", "NSE:ACME").out
    assert qts("actions", "reject", confirmed["id"], "--json").document[0]["state"] == "rejected"
    assert (
        qts("actions", "list", "--state", "confirmed").out
        == "No corporate action is known. `qts actions import FILE` reads a list of them.\n"
    )


def test_a_file_is_imported_with_its_refused_rows(home: Path, qts: Qts, tmp_path: Path) -> None:
    assert home.exists()
    file = tmp_path / "actions.csv"
    file.write_text("symbol,ex_date,kind,ratio,cash\nINFY,2018-09-04,bonus,1:1,\nITC,2016-05-30,dividend,,8.5\nX,2016-05-30,split,1:5,\n")
    document = qts("actions", "import", file, "--json").document
    assert (document["new"], document["rejected_count"], document["rejected"][0]["row"]) == (2, 1, 4)
    shown = qts("actions", "import", file)
    assert "2 known already" in shown.out
    assert "Row 4 refused" in shown.err
    listed = qts("actions", "list").out
    assert "8.5 rupees a share" in listed


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["confirm", "NSE:NONE/2020-01-01/split"], 2, "There is no corporate action"),
        (["confirm", "nonsense"], 2, "is not of the form"),
        (["confirm", "NSE:A/2020-01-01/rights", "--ratio", "1:5"], 2, "not both stated"),
        (["list", "--state", "perhaps"], 2, "state"),
        (["import", "nowhere.csv"], 2, "nowhere.csv"),
    ],
)
def test_what_makes_no_sense_is_told(  # noqa: PLR0917 - the columns of the table
    home: Path, qts: Qts, words: list[str], code: int, said: str
) -> None:
    assert home.exists()
    done = qts("actions", *words)
    assert (done.code, said in done.err) == (code, True)
