from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Qts = Callable[..., Any]

ROWS = """date,open,high,low,close,volume
2024-01-15,10,11,9,10,5
2024-01-16,10,11,9,10,0
2024-01-17,10,9,9,10,5
2024-01-19,10,11,9,10,5
"""


@pytest.fixture
def stored(qts: Qts, home: Path) -> Qts:
    file = home / "INFY.csv"
    file.write_text(ROWS, encoding="utf-8")
    qts("import", file)
    return qts


def test_coverage_of_everything_is_a_table_and_a_document(stored: Qts) -> None:
    done = stored("coverage")
    assert done.code == 0
    assert "NSE:INFY" in done.out
    document = stored("coverage", "--json").document
    (one,) = document["series"]
    assert (one["from"], one["to"], one["counts"]["missing"], one["share"]) == ("2024-01-15", "2024-01-19", 2, 60.0)
    assert document["days"] == []


def test_coverage_of_one_shows_its_holes(stored: Qts) -> None:
    done = stored("coverage", "NSE:INFY", "--from", "2024-01-15", "--to", "2024-01-24")
    assert "2024-01-17" in done.out
    assert "2 holes" in done.out
    document = stored("coverage", "NSE:INFY", "--json").document
    assert [day["state"] for day in document["days"][0]] == ["complete", "complete", "missing", "missing", "complete"]
    assert document["series"][0]["holes"] == [{"first": "2024-01-17", "last": "2024-01-18", "sessions": 2, "bars": 2}]


def test_partial_days_show_their_missing_minutes(qts: Qts, home: Path) -> None:
    file = home / "INFY.csv"
    minutes = [f"2024-01-15 {9 + m // 60:02d}:{m % 60:02d},10,11,9,10,5" for m in range(15, 395) if m != 75]
    file.write_text("date,open,high,low,close,volume\n" + "\n".join(minutes), encoding="utf-8")
    qts("import", file, "--interval", "1m")
    done = qts("coverage", "NSE:INFY")
    assert "374 of 375" in done.out
    assert "10:15" in done.out


def test_quality_shows_the_score_with_its_working(stored: Qts) -> None:
    done = stored("quality", "NSE:INFY")
    assert done.code == 0
    assert "missing bars" in done.out
    assert "refused at import of file:INFY.csv" in done.out
    (one,) = stored("quality", "--json").document["series"]
    points = {part["kind"]: part["points"] for part in one["deductions"]}
    assert points == {"missing_bars": 40.0, "ohlc_breaks": 30.0, "zero_volume": pytest.approx(16.6667)}
    assert one["score"] == pytest.approx(13.33)


def test_the_catalogue_shows_the_score_once_it_is_known(stored: Qts) -> None:
    (before,) = stored("catalog", "--json").document["series"]
    stored("quality")
    (after,) = stored("catalog", "--json").document["series"]
    assert (before["quality"], before["is_judged"]) == (60.0, False)
    assert (after["quality"], after["is_judged"]) == (13.33, True)


def test_an_empty_store_and_an_unknown_name_say_the_next_step(qts: Qts, home: Path) -> None:
    assert home.exists()
    assert "qts import" in qts("coverage").out
    assert "qts import" in qts("quality").out
    failed = qts("quality", "NSE:INFY", "--json")
    assert (failed.code, failed.document["error"]["kind"]) == (2, "UnknownInstrument")
    assert qts("coverage", "NSE:INFY").code == 2


def test_a_sound_series_has_nothing_to_show(qts: Qts, home: Path) -> None:
    file = home / "INFY.csv"
    file.write_text("date,open,high,low,close,volume\n2024-01-15,10,11,9,10,5\n2024-01-16,10,11,9,10.5,5\n", encoding="utf-8")
    qts("import", file)
    assert "nothing found" in qts("quality", "NSE:INFY").out
