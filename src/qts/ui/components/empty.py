"""What a page shows where there is nothing yet: why, and the one thing to do."""

from __future__ import annotations

import streamlit as st

from qts.app.demo import prepare_demo
from qts.app.progress import Progress
from qts.ui import page
from qts.ui.errors import shown
from qts.ui.workspace import workspace


def no_data() -> None:
    """Say that the store is empty, and offer to fill it."""
    with st.container(border=True):
        st.markdown("#### :material/database: No prices are stored yet")
        st.markdown(
            "Load the sample market to try everything out: invented prices, labelled **SIMULATED**, and two real index series. "
            "Your own files come in with `qts import FILE…` in a terminal, at any time."
        )
        if st.button("Load the sample market", type="primary", icon=":material/download:", key="load_demo"):
            _load()


def no_run() -> None:
    """Say that no run was chosen, and lead to making one."""
    with st.container(border=True):
        st.markdown("#### :material/finance: No backtest to show yet")
        st.markdown("Choose a strategy, an instrument and a span; the result opens here.")
        page.link("strategies", "Choose a strategy", icon=":material/play_arrow:")


def _load() -> None:
    with shown(), st.status("Loading the sample market …", expanded=True) as status:
        line = st.progress(0.0)

        def on_progress(progress: Progress) -> None:
            share = progress.done / progress.total if progress.total else 0.0
            line.progress(min(share, 1.0), text=f"{progress.step} {progress.detail}".strip())

        prepare_demo(workspace(), on_progress)
        status.update(label="The sample market is loaded.", state="complete")
        st.rerun()
