"""The folder of the script that Streamlit runs, with its settings.

A folder of its own, because Streamlit takes a ``pages`` folder beside the script for its own pages until the first run is over.
"""

from __future__ import annotations

__all__: list[str] = []
