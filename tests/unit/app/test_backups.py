from __future__ import annotations

from collections.abc import Iterator

import pytest

from qts.app.backups import back_up
from qts.app.settings import Settings
from qts.app.workspace import Workspace, open_workspace
from qts.core.errors import BadPath


@pytest.fixture
def opened(settings: Settings) -> Iterator[Workspace]:
    with open_workspace(settings) as workspace:
        yield workspace


@pytest.mark.parametrize("place", ["", "data/bars", "strategies", "backups/{name}", "backups/{name}/home"])
def test_backups_lie_neither_among_the_files_of_the_home_nor_in_one_another(opened: Workspace, place: str) -> None:
    home = opened.settings.home
    folder = home / place.format(name=back_up(opened).name)
    before = sorted(home.rglob("*"))
    with pytest.raises(BadPath, match="a backup itself" if "{" in place else "its own files"):
        back_up(opened, folder)
    assert sorted(home.rglob("*")) == before


def test_backups_elsewhere_in_the_home_are_not_backed_up(opened: Workspace) -> None:
    place = opened.settings.home / "kept" / "here"
    first = back_up(opened, place)
    assert back_up(opened).files == back_up(opened, place).files == first.files
