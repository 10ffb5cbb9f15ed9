"""Tables whose cells read as our formatter writes them and still sort as numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import pandas as pd
import pyarrow as pa
import streamlit as st
from pandas.io.formats.style import Styler

from qts.app import format as written

# Beyond this many cells, writing them all costs more than it helps.
MAX_CELLS: Final = 20_000
ROW_HEIGHT: Final = 35
_LAKH: Final = 100_000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column: its values as they sort, and how one is written.

    ``write`` is exact and costs some microseconds a cell on the server; ``pattern`` (such as ``%,.2f``) is applied by the browser, which
    groups digits by thousands, as India does below a lakh. With neither, the cells are text already.
    """

    title: str
    cells: Sequence[object]
    write: Callable[[Any], str] | None = None
    pattern: str = ""
    help: str = ""


def prices(title: str, cells: Sequence[float]) -> Column:
    """Return a column of prices, written in the cheapest way that reads right."""
    if max(map(abs, cells), default=0.0) < _LAKH:
        return Column(title=title, cells=cells, pattern="%,.2f")
    return Column(title=title, cells=cells, write=written.number)


def content(columns: Sequence[Column]) -> Styler | pa.Table:
    """Return the table that Streamlit draws: plain values, or values below and our texts on top."""
    writers = {column.title: column.write for column in columns if column.write is not None}
    if not writers:
        return pa.table({column.title: pa.array(column.cells, from_pandas=True) for column in columns})
    frame = pd.DataFrame({column.title: list(column.cells) for column in columns})
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
        "data": content(kept),
        "hide_index": True,
        "height": "content" if n_rows <= rows_shown else ROW_HEIGHT * (rows_shown + 1),
        "column_config": {**{column.title: _config(column) for column in columns}, **(more or {})},
        "placeholder": written.ABSENT,
    }


def _first(column: Column, n_rows: int) -> Column:
    return replace(column, cells=column.cells[:n_rows])


def _config(column: Column) -> Any:  # noqa: ANN401 - Streamlit does not name the type in public
    text = column.help or None
    if column.pattern:
        return st.column_config.NumberColumn(column.title, help=text, format=column.pattern)
    return st.column_config.Column(column.title, help=text, alignment=None if column.write is None else "right")
