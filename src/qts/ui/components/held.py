"""What is held, read once per state of the store and shared by all pages and sessions."""

from __future__ import annotations

import streamlit as st

from qts.app.catalog import SeriesDocument, list_series
from qts.ui.workspace import workspace


def held_series() -> tuple[SeriesDocument, ...]:
    """Return every stored series as the store is now."""
    ws = workspace()
    return _series(str(ws.settings.home), ws.store.snapshot())


@st.cache_resource(max_entries=4, show_spinner=False)
def _series(home: str, snapshot: str) -> tuple[SeriesDocument, ...]:
    del home, snapshot  # they only say when an answer is out of date
    return list_series(workspace())
