from __future__ import annotations

from collections.abc import Callable

from qts.data.formats.csv import FORMAT
from qts.data.layout import Field, Fit, ImportOptions
from qts.data.reports import FileReport
from qts.data.tables import Container, Table


def table(container: Container) -> Table:
    columns = ("date", "series", "open", "high", "low", "close")
    return Table(label="x", name="x", container=container, columns=columns, sample=(), batches=lambda _names: iter(()))


def test_any_text_fits_and_nothing_else() -> None:
    assert [FORMAT.sniff(table(container)) for container in Container] == [Fit.GENERIC, Fit.NONE, Fit.NONE]


def test_a_series_column_of_an_unknown_table_is_not_read_as_the_exchanges_classes() -> None:
    assert Field.SERIES not in FORMAT.layout(table(Container.CSV), ImportOptions()).columns


def test_the_download_of_a_website_is_read(bring: Callable[..., FileReport]) -> None:
    names = [
        "Date ",
        "series ",
        "OPEN ",
        "HIGH ",
        "LOW ",
        "PREV. CLOSE ",
        "ltp ",
        "close ",
        "vwap ",
        "52W H",
        "52W L ",
        "VOLUME ",
        "VALUE ",
    ]
    row = [
        "02-Jan-2024",
        "EQ",
        "2,100.00",
        "2,120.50",
        "2,090.05",
        "2,095.00",
        "2,110.00",
        "2,111.25",
        "2,108.1",
        "2,500",
        "1,900",
        "12,34,567",
        "1",
    ]
    text = "".join(",".join(f'"{value}"' for value in values) + "\n" for values in (names, row))
    report = bring("RELIANCE.csv", text)
    assert (report.format, report.stored, report.rejected_count) == ("csv", 1, 0)
