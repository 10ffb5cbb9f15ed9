from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from itertools import product
from pathlib import Path

import pytest

from qts.app.backtests import load_run, run_backtest, run_states
from qts.app.requests import BacktestRequest, build
from qts.app.run_files import LIST_NAME, NAMES, RunState, harms, list_files, mend_run, seal_of
from qts.app.workspace import Workspace
from qts.core.errors import DamagedFile


@pytest.fixture
def kept(workspace: Workspace) -> Path:
    """Return the folder of a run that is kept."""
    request = build(BacktestRequest, strategy="ema_cross", instruments="NSE:ALPHA", params={"fast": 5, "slow": 20})
    return workspace.settings.runs_folder / run_backtest(workspace, request).run_id


def seal(workspace: Workspace, kept: Path) -> str | None:
    return workspace.control.seal_of(kept.name)


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def empty(path: Path) -> None:
    path.write_bytes(b"")


HARMS: tuple[Callable[[Path], None], ...] = (flip, cut, empty, Path.unlink)


def test_any_harm_to_any_file_is_named_and_mended_from_a_copy(workspace: Workspace, kept: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(kept, copy)
    sealed = seal(workspace, kept)
    assert list(harms(kept, kept.name, sealed)) == []
    for name, harm in product((*NAMES, LIST_NAME), HARMS):
        harm(kept / name)
        assert [found.path for found in harms(kept, kept.name, sealed)] == [f"data/runs/{kept.name}/{name}"], harm
        if harm is not flip or name == LIST_NAME:
            assert run_states(workspace)[kept.name] is RunState.DAMAGED, "sizes and the list tell without reading the files"
        mend_run(kept, kept.name, sealed, [copy])
        assert list(harms(kept, kept.name, sealed)) == []
        assert {path.name: path.read_bytes() for path in kept.iterdir()} == {path.name: path.read_bytes() for path in copy.iterdir()}


def test_a_list_that_is_lost_is_made_of_the_files_that_it_told_of(workspace: Workspace, kept: Path) -> None:
    listed = (kept / LIST_NAME).read_bytes()
    (kept / LIST_NAME).unlink()
    mend_run(kept, kept.name, seal(workspace, kept), [])
    assert (kept / LIST_NAME).read_bytes() == listed
    (kept / LIST_NAME).unlink()
    flip(kept / "fills.parquet")
    mend_run(kept, kept.name, seal(workspace, kept), [])
    assert not (kept / LIST_NAME).exists(), "of other files no list is made"


def test_a_lost_run_comes_back_from_a_copy_and_from_no_other_run(workspace: Workspace, kept: Path, tmp_path: Path) -> None:
    copy, other = tmp_path / "copy", tmp_path / "other"
    shutil.copytree(kept, copy)
    shutil.copytree(kept, other)
    flip(other / "run.json")
    (other / LIST_NAME).unlink()
    (other / LIST_NAME).write_bytes(list_files(other, kept.name))
    shutil.rmtree(kept)
    assert run_states(workspace)[kept.name] is RunState.MISSING
    mend_run(kept, kept.name, seal(workspace, kept), [other])
    assert not kept.exists()
    mend_run(kept, kept.name, seal(workspace, kept), [other, copy])
    assert list(harms(kept, kept.name, seal(workspace, kept))) == []


def test_a_run_in_the_place_of_another_is_named(workspace: Workspace, kept: Path) -> None:
    request = build(BacktestRequest, strategy="ema_cross", instruments="NSE:ALPHA", params={"fast": 6, "slow": 20})
    other = kept.parent / run_backtest(workspace, request).run_id
    shutil.rmtree(other)
    shutil.copytree(kept, other)
    assert run_states(workspace)[other.name] is RunState.DAMAGED
    with pytest.raises(DamagedFile):
        load_run(workspace, other.name)


def test_a_whole_run_with_other_files_does_not_pass_for_the_one_that_was_kept(workspace: Workspace, kept: Path) -> None:
    document = json.loads((kept / "run.json").read_bytes())
    document["metrics"]["final_equity"] += 1.0
    (kept / "run.json").write_text(json.dumps(document))
    (kept / LIST_NAME).write_bytes(list_files(kept, kept.name))
    assert seal_of((kept / LIST_NAME).read_bytes()) != seal(workspace, kept)
    with pytest.raises(DamagedFile, match=r"files\.json") as caught:
        load_run(workspace, kept.name)
    assert f"qts replay {kept.name}" in caught.value.hint
