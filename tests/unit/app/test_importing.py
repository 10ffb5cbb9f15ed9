from __future__ import annotations

from pathlib import Path

import pytest

from qts.app.importing import import_files
from qts.app.progress import Progress
from qts.app.requests import ImportRequest, build
from qts.app.workspace import Workspace
from qts.core.errors import BadFile, BadParameter, BadPath, NotPrices

GOOD = "date,open,high,low,close,volume\n2022-01-03,10,12,9,11,100\n2022-01-04,11,13,10,12,200\n"


def test_a_sound_file_is_stored_and_reported(empty: Workspace, tmp_path: Path) -> None:
    (tmp_path / "INFY.csv").write_text(GOOD + "2022-01-05,5,4,3,4,1\n")
    seen: list[Progress] = []
    outcome = import_files(empty, build(ImportRequest, paths=[tmp_path / "INFY.csv"]), seen.append)
    (file,) = outcome.document.files
    assert (file.rows_read, file.stored, file.unchanged, file.rejected_count) == (3, 2, 0, 1)
    assert (file.format, file.interval, file.prices, file.instruments) == ("csv", "1d", "raw", ("NSE:INFY",))
    assert (file.first, file.last, file.rejected[0].row) == ("2022-01-03", "2022-01-04", 4)
    assert outcome.failures == ()
    assert outcome.document.snapshot == empty.store.snapshot()
    assert seen[-1].step == "Importing INFY.csv"


def test_the_second_time_everything_is_unchanged(empty: Workspace, tmp_path: Path) -> None:
    (tmp_path / "INFY.csv").write_text(GOOD)
    request = build(ImportRequest, paths=[tmp_path])
    before = import_files(empty, request).document
    after = import_files(empty, request).document
    assert (after.files[0].stored, after.files[0].unchanged, after.snapshot) == (0, 2, before.snapshot)


def test_a_path_of_which_nothing_could_be_stored_is_a_failure(empty: Workspace, tmp_path: Path) -> None:
    (tmp_path / "INFY.csv").write_text(GOOD)
    (tmp_path / "TCS.csv").write_text("date,open,high,low,close\n2022-01-03,10,8,9,11\n")
    (tmp_path / "rubbish.csv").write_bytes(bytes(range(256)) * 20)
    names = ("INFY.csv", "TCS.csv", "rubbish.csv", "absent.csv")
    outcome = import_files(empty, build(ImportRequest, paths=[tmp_path / name for name in names]))
    assert [type(error) for error in outcome.failures] == [BadFile, NotPrices, BadPath]
    assert "no row could be stored" in outcome.failures[0].message
    assert len(empty.store.series()) == 1


def test_a_folder_with_one_sound_file_is_no_failure(empty: Workspace, tmp_path: Path) -> None:
    folder = tmp_path / "mixed"
    folder.mkdir()
    (folder / "INFY.csv").write_text(GOOD)
    (folder / "notes.txt").write_text("hello")
    (folder / "rubbish.csv").write_bytes(b"\x00\x01\x02" * 50)
    outcome = import_files(empty, build(ImportRequest, paths=[folder]))
    assert outcome.failures == ()
    assert sum(file.stored for file in outcome.document.files) == 2


@pytest.mark.parametrize(("name", "value"), [("format", "papyrus"), ("exchange", "NYSE")])
def test_an_option_that_makes_no_sense_is_named(empty: Workspace, tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(BadParameter, match=name):
        import_files(empty, build(ImportRequest, paths=[tmp_path], **{name: value}))


def test_what_was_refused_is_remembered_by_series_and_forgotten_with_a_better_file(workspace: Workspace, tmp_path: Path) -> None:
    file = tmp_path / "INFY.csv"
    rows = ["date,open,high,low,close,volume", "2024-07-01,10,11,9,10,5", "2024-07-02,10,9,9,10,5", "2024-07-03,10,11,9,10,5"]
    file.write_text("\n".join(rows), encoding="utf-8")
    import_files(workspace, build(ImportRequest, paths=[file]))
    key = next(info.key for info in workspace.store.series() if info.key.instrument == "NSE:INFY")
    (refusal,) = workspace.refusals.of(key)
    assert (refusal.source, refusal.count) == ("file:INFY.csv", 1)
    assert "high below" in refusal.reason
    file.write_text("\n".join(rows).replace("10,9,9,10", "10,12,9,10"), encoding="utf-8")
    import_files(workspace, build(ImportRequest, paths=[file]))
    assert workspace.refusals.of(key) == ()
