"""What is held, series and strategies, read once per state of store and folder and shared by all pages and sessions."""

from __future__ import annotations

import streamlit as st

from qts.app.catalog import SeriesDocument, list_series
from qts.app.strategies import StrategyDocument, list_strategies
from qts.ui.workspace import workspace


def held_series() -> tuple[SeriesDocument, ...]:
    """Return every stored series as the store is now."""
    ws = workspace()
    return _series(str(ws.settings.home), ws.store.snapshot())


def known_strategies() -> tuple[StrategyDocument, ...]:
    """Return every strategy as it is on disk now; the user's files are read again when one of them changes."""
    folder = workspace().settings.strategies_folder
    found = [(path.name, path.stat().st_mtime_ns, path.stat().st_size) for path in sorted(folder.glob("*.py"))]
    return _strategies(str(folder), tuple(found))


@st.cache_resource(max_entries=4, show_spinner=False)
def _strategies(folder: str, files: tuple[tuple[str, int, int], ...]) -> tuple[StrategyDocument, ...]:
    del folder, files  # they only say when an answer is out of date
    return list_strategies(workspace())


@st.cache_resource(max_entries=4, show_spinner="Counting the bars that are stored …")
def _series(home: str, snapshot: str) -> tuple[SeriesDocument, ...]:
    del home, snapshot  # they only say when an answer is out of date
    return list_series(workspace())
