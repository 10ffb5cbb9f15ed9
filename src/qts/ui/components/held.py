"""What is held, series and strategies, read once per state of store and folder and shared by all pages and sessions."""

from __future__ import annotations

from typing import Final

import streamlit as st

from qts.app.catalog import SeriesDocument, list_series
from qts.app.strategies import StrategyDocument, list_strategies
from qts.ui.workspace import workspace

# States of stores whose series are counted already: those pages need not say that they wait.
_COUNTED: Final[set[tuple[str, str]]] = set()


def held_series() -> tuple[SeriesDocument, ...]:
    """Return every stored series as the store is now; a page that has to wait for the counting says so."""
    if _state() in _COUNTED:
        return count_series()
    with st.spinner("Counting the bars that are stored …"):
        return count_series()


def count_series() -> tuple[SeriesDocument, ...]:
    """Return every stored series as the store is now, also outside a page."""
    state = _state()
    found = _series(*state)
    _COUNTED.add(state)
    return found


def known_strategies() -> tuple[StrategyDocument, ...]:
    """Return every strategy as it is on disk now; the user's files are read again when one of them changes."""
    folder = workspace().settings.strategies_folder
    found = [(path.name, path.stat().st_mtime_ns, path.stat().st_size) for path in sorted(folder.glob("*.py"))]
    return _strategies(str(folder), tuple(found))


def _state() -> tuple[str, str]:
    ws = workspace()
    # Scores change without a commit: `qts quality` judges what is stored.
    return str(ws.settings.home), f"{ws.store.snapshot()} {ws.scores.latest()}"


@st.cache_resource(max_entries=4, show_spinner=False)
def _strategies(folder: str, files: tuple[tuple[str, int, int], ...]) -> tuple[StrategyDocument, ...]:
    del folder, files  # they only say when an answer is out of date
    return list_strategies(workspace())


@st.cache_resource(max_entries=4, show_spinner=False)
def _series(home: str, snapshot: str) -> tuple[SeriesDocument, ...]:
    del home, snapshot  # they only say when an answer is out of date
    return list_series(workspace())
