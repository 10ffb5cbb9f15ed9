from __future__ import annotations

import os
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from qts.app.inbox import InboxPorts, take_in
from qts.app.ingest_document import InboxFile
from qts.app.settings import load_settings
from qts.app.workspace import Workspace, open_workspace
from qts.core import IST, FixedClock
from qts.core.errors import BadPath
from qts.data.sources.files import SETTLING

HEAD = "date,open,high,low,close,volume\n"
GOOD = HEAD + "2022-01-03,10,12,9,11,100\n2022-01-04,11,13,10,12,100\n"
# Far enough after the files of the tests were written that none of them is fresh.
LATER = datetime(2100, 1, 4, 20, tzinfo=IST)


@pytest.fixture
def inbox(workspace: Workspace) -> Callable[..., tuple[InboxFile, ...]]:
    later = replace(workspace, clock=FixedClock(LATER))
    later.settings.inbox_folder.mkdir()
    return lambda **options: take_in(later, **options)


def outcomes(files: tuple[InboxFile, ...]) -> dict[str, str]:
    return {file.path: file.outcome for file in files}


def test_a_new_file_is_taken_in_once_whatever_it_is_called(workspace: Workspace, inbox: Callable[..., tuple[InboxFile, ...]]) -> None:
    folder = workspace.settings.inbox_folder
    (folder / "INFY.csv").write_text(GOOD)
    assert outcomes(inbox(dry_run=True)) == {"INFY.csv": "new"}
    (first,) = inbox()
    assert (first.outcome, first.stored, first.prices, first.instruments, first.first, first.last) == (
        "taken",
        2,
        "raw",
        1,
        "2022-01-03",
        "2022-01-04",
    )
    (folder / "INFY.csv").rename(folder / "INFY-again.csv")
    (folder / "deep").mkdir()
    (folder / "deep" / "INFY.csv").write_text(GOOD)
    again = inbox()
    assert {file.path: (file.outcome, file.reason) for file in again} == {
        "INFY-again.csv": ("known", "holds what INFY.csv held"),
        "deep/INFY.csv": ("known", None),
    }
    assert (folder / "INFY-again.csv").read_text() == GOOD


def test_a_file_that_was_changed_is_taken_in_again(workspace: Workspace, inbox: Callable[..., tuple[InboxFile, ...]]) -> None:
    path = workspace.settings.inbox_folder / "INFY.csv"
    path.write_text(GOOD)
    inbox()
    path.write_text(GOOD.replace(",12,100", ",12.5,100") + "2022-01-05,12,13,10,12,100\n")
    (file,) = inbox()
    assert (file.outcome, file.stored, file.changed, file.unchanged) == ("taken", 2, 1, 1)


def test_a_refused_file_is_named_with_its_reason_and_stops_no_other(
    workspace: Workspace, inbox: Callable[..., tuple[InboxFile, ...]]
) -> None:
    folder = workspace.settings.inbox_folder
    (folder / "notes.txt").write_text("hello")
    (folder / "WIPRO.csv").write_text(HEAD + "2022-01-03,10,8,9,11,1\n")
    (folder / "INFY.csv").write_text(GOOD + "2022-01-05,5,4,3,4,1\n")
    with zipfile.ZipFile(folder / "cut.zip", "w") as packed:
        packed.writestr("TCS.csv", GOOD)
    whole = (folder / "cut.zip").read_bytes()
    (folder / "cut.zip").write_bytes(whole[: len(whole) // 2])
    found = {file.path: file for file in inbox()}
    assert {name: file.outcome for name, file in found.items()} == {
        "notes.txt": "refused",
        "WIPRO.csv": "refused",
        "cut.zip": "refused",
        "INFY.csv": "taken",
    }
    assert all(file.reason for file in found.values() if file.outcome == "refused")
    assert found["WIPRO.csv"].reason == "no row could be stored (high below open, low or close)"
    assert found["INFY.csv"].reject_counts == {"high below open, low or close": 1}
    before = {file.path: file for file in inbox()}
    assert {before[name].outcome for name in ("notes.txt", "WIPRO.csv", "cut.zip")} == {"refused_before"}
    assert before["WIPRO.csv"].reason == found["WIPRO.csv"].reason
    (folder / "cut.zip").write_bytes(whole)
    assert outcomes(inbox())["cut.zip"] == "taken"


def test_a_file_that_is_being_written_is_left_and_taken_when_it_is_whole(workspace: Workspace) -> None:
    now = replace(workspace, clock=FixedClock(datetime(2000, 1, 1, tzinfo=IST)))  # every file is fresh to this clock
    folder = workspace.settings.inbox_folder
    folder.mkdir()
    growing, whole = folder / "TCS.csv", folder / "INFY.csv"
    growing.write_text(HEAD + "2022-01-03,10,12,9,1")
    whole.write_text(GOOD)
    waited: list[float] = []

    def copied_meanwhile(seconds: float) -> None:
        waited.append(seconds)
        with growing.open("a") as file:
            file.write("1,100\n")

    ports = InboxPorts(sleep=copied_meanwhile)
    clock_then = replace(now, clock=FixedClock(datetime(2022, 2, 1, tzinfo=IST)))
    found = outcomes(take_in(clock_then, ports=ports))
    assert (found, waited) == ({"INFY.csv": "taken", "TCS.csv": "left"}, [SETTLING])
    assert outcomes(take_in(replace(now, clock=FixedClock(LATER)))) == {"INFY.csv": "known", "TCS.csv": "taken"}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_left_with_the_reason(workspace: Workspace, inbox: Callable[..., tuple[InboxFile, ...]]) -> None:
    path = workspace.settings.inbox_folder / "INFY.csv"
    path.write_text(GOOD)
    path.chmod(0)
    (file,) = inbox()
    assert (file.outcome, file.reason) == ("left", "may not be read")
    path.chmod(0o600)
    assert outcomes(inbox()) == {"INFY.csv": "taken"}


def test_the_folder_of_the_home_is_made_and_another_must_be_there(tmp_path: Path) -> None:
    with open_workspace(load_settings(home=tmp_path / "home")) as workspace:
        assert take_in(workspace) == ()
        assert (tmp_path / "home" / "inbox").is_dir()
    with (
        open_workspace(load_settings(home=tmp_path / "home", inbox=tmp_path / "absent")) as workspace,
        pytest.raises(BadPath, match="no such file"),
    ):
        take_in(workspace)
