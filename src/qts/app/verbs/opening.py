"""How the verbs of a notebook open the home folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from qts.app.settings import load_settings
from qts.app.workspace import Workspace, open_workspace

Home = Path | str | None


@contextmanager
def opened(home: Home) -> Iterator[Workspace]:
    """Yield the workspace of this home, or of the one that ``QTS_HOME`` names."""
    with open_workspace(load_settings(home=home)) as workspace:
        yield workspace
