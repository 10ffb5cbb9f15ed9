"""Tables whose cells read as our formatter writes them and still sort as numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd
import streamlit as st
from pandas.io.formats.style import Styler

from qts.app import format as written

# Beyond this many cells, writing them all costs more than it helps.
MAX_CELLS: Final = 20_000
ROW_HEIGHT: Final = 35


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column: its values as they sort, and how one is written; without ``write`` it is text already."""

    title: str
    cells: Sequence[object]
    write: Callable[[Any], str] | None = None
    help: str = ""


def styled(columns: Sequence[Column]) -> Styler:
    """Return the table that Streamlit draws: values below, our texts on top."""
    frame = pd.DataFrame({column.title: list(column.cells) for column in columns})
    writers = {column.title: column.write for column in columns if column.write is not None}
    return frame.style.format(writers)


def draw(columns: Sequence[Column], *, key: str, alt: str, rows_shown: int = 10, more: Mapping[str, Any] | None = None) -> None:
    """Draw a table of at most ``rows_shown`` visible rows; ``more`` adds or replaces settings of single columns."""
    st.dataframe(**_settings(columns, rows_shown, more), key=key, alt=alt)


def draw_choice(columns: Sequence[Column], *, key: str, alt: str, rows_shown: int, chosen: int | None) -> None:
    """Draw a table of which one row can be ticked; ``chosen`` is ticked at first. The state under ``key`` has what is ticked."""
    settings = _settings(columns, rows_shown, None)
    if chosen is not None:
        settings["selection_default"] = {"selection": {"rows": [chosen]}}
    st.dataframe(**settings, key=key, alt=alt, on_select="rerun", selection_mode="single-row")


def draw_static(columns: Sequence[Column], *, alt: str) -> None:
    """Draw a small table whose cells may hold Markdown and wrap."""
    st.table(pd.DataFrame({column.title: list(column.cells) for column in columns}), hide_index=True, border="horizontal", alt=alt)


def _settings(columns: Sequence[Column], rows_shown: int, more: Mapping[str, Any] | None) -> dict[str, Any]:
    n_rows = len(columns[0].cells) if columns else 0
    kept = columns if n_rows * len(columns) <= MAX_CELLS else [_first(column, MAX_CELLS // len(columns)) for column in columns]
    return {
        "data": styled(kept),
        "hide_index": True,
        "height": "content" if n_rows <= rows_shown else ROW_HEIGHT * (rows_shown + 1),
        "column_config": {**{column.title: _config(column) for column in columns}, **(more or {})},
        "placeholder": written.ABSENT,
    }


def _first(column: Column, n_rows: int) -> Column:
    return Column(title=column.title, cells=column.cells[:n_rows], write=column.write, help=column.help)


def _config(column: Column) -> Any:  # noqa: ANN401 - Streamlit does not name the type in public
    if column.write is None:
        return st.column_config.TextColumn(column.title, help=column.help or None)
    return st.column_config.Column(column.title, help=column.help or None, alignment="right")
