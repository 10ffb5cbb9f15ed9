from __future__ import annotations

import pyarrow as pa
from pandas.io.formats.style import Styler

from qts.app import format as written
from qts.ui.components.tables import Column, content, prices


def test_a_written_cell_reads_as_ours_and_sorts_as_a_number() -> None:
    table = content([Column(title="P&L", cells=[1_234_567.5, -3.0], write=written.inr)])
    assert isinstance(table, Styler)
    assert table.data["P&L"].tolist() == [1_234_567.5, -3.0]
    assert "₹12,34,567.50" in table.to_html()


def test_without_writing_the_table_stays_in_arrow() -> None:
    table = content([Column(title="Volume", cells=[1.5, float("nan")], pattern="%,.2f"), Column(title="Name", cells=["a", "b"])])
    assert isinstance(table, pa.Table)
    assert table["Volume"].to_pylist() == [1.5, None]


def test_prices_of_a_lakh_and_more_are_grouped_by_us() -> None:
    assert prices("Close", [99_999.0]).write is None
    assert prices("Close", [1.0, 123_456.0]).write is written.number
