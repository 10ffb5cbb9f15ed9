"""The workspace that all pages of this process share."""

from __future__ import annotations

import streamlit as st

from qts.app.settings import load_settings
from qts.app.workspace import Workspace, open_workspace

_given: list[Workspace] = []


def share(given: Workspace) -> None:
    """Hand the process's workspace to the pages, in place of one that they would open themselves."""
    _given[:] = [given]
    workspace.clear()


@st.cache_resource(show_spinner=False)
def workspace() -> Workspace:
    """Return the one workspace: what the server was started with, or the machine's own settings."""
    return _given[0] if _given else open_workspace(load_settings())
