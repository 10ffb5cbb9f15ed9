from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from qts.app.jobs.offers import OFFERS

Qts = Callable[..., Any]


@pytest.mark.usefixtures("home")
def test_a_schedule_is_turned_on_seen_run_paused_resumed_and_removed(qts: Qts) -> None:
    listed = qts("schedule", "list")
    assert (listed.code, all(name in listed.out for name in OFFERS), "qts worker" in listed.err) == (0, True, False)
    assert "qts schedule add backup" in listed.err
    added = qts("schedule", "add", "backup", "keep=3")
    assert (added.code, "backup is on" in added.out, "every day at 02:00 IST" in added.out) == (0, True, True)
    assert ("Next: " in added.out, "qts worker" in added.err) == (True, True)
    job = qts("schedule", "run", "backup", "--json").document
    assert (job["state"], job["schedule"], "nothing was queued" in qts("schedule", "run", "backup").out) == ("queued", "backup", True)
    seen = qts("schedule", "list")
    assert f"its job {job['id']} is queued; what falls due meanwhile is done once after it." in seen.err
    assert "qts schedule add backup" not in seen.err
    assert qts("schedule", "pause", "backup", "--json").document["state"] == "paused"
    assert f"its job {job['id']} is queued.\n" in qts("schedule", "list").err
    assert "backup is on" in qts("schedule", "resume", "backup").out
    found = {one["name"]: one for one in qts("schedule", "list", "--json").document}
    assert (found["backup"]["state"], found["backup"]["request"], found["compact"]["state"]) == ("on", {"keep": 3}, "off")
    assert "is removed" in qts("schedule", "remove", "backup").out


@pytest.mark.usefixtures("home")
def test_a_schedule_of_ones_own_has_a_kind_and_a_time(qts: Qts) -> None:
    words = ("instruments=SIM:ZORVINBANK", "from=2024-01-01", "source=sandbox", "interval=1m")
    added = qts("schedule", "add", "minutes", *words, "--kind", "ingest", "--when", "close+60", "--json").document
    assert (added["request"]["interval"], added["when"], added["exchange"]) == ("1m", "close+60", "NSE")


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("words", [("add", "mine"), ("add", "backup", "keep"), ("add", "compact", "--when", "noon"), ("run", "backup")])
def test_what_cannot_be_is_refused_with_a_way_out(qts: Qts, words: tuple[str, ...]) -> None:
    refused = qts("schedule", *words, "--json")
    assert (refused.code, bool(refused.document["error"]["hint"])) == (2, True)


def test_a_damaged_schedule_is_listed_as_such_and_can_be_removed(qts: Qts, home: Path) -> None:
    qts("schedule", "add", "backup")
    with closing(sqlite3.connect(home / "control.sqlite")) as connection, connection:
        connection.execute("UPDATE schedules SET timing = 'daily@03:00'")
    seen = qts("schedule", "list")
    assert (seen.code, "damaged" in seen.out, "qts schedule remove backup" in seen.err) == (0, True, True)
    assert "differs from what was written" in qts("schedule", "run", "backup").err
    assert "backup is removed" in qts("schedule", "remove", "backup").out
    assert qts("schedule", "add", "backup").code == 0
