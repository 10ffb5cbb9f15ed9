from __future__ import annotations

from qts.data.layout import Field, ImportOptions, Layout


def test_a_layout_reads_each_column_once() -> None:
    layout = Layout(columns={Field.DATE: "d", Field.OPEN: "c", Field.CLOSE: "c"}, symbol_columns=("s", "d"), lot_column="lot")
    assert layout.needed == ("d", "c", "s", "lot")
    assert Layout(columns={Field.DATE: "d"}).needed == ("d",)


def test_options_leave_everything_to_detection() -> None:
    options = ImportOptions()
    assert (options.format, options.interval, options.symbol, options.adjusted, dict(options.mapping)) == ("auto", None, None, None, {})
