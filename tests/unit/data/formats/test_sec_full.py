from __future__ import annotations

from collections.abc import Callable

from qts.core import InstrumentId, Interval
from qts.data.intake import Skip
from qts.data.reports import FileReport
from qts.data.storage import SeriesKey
from qts.data.testing import MemoryStore

TEXT = """SYMBOL, SERIES, DATE1, PREV_CLOSE, OPEN_PRICE, HIGH_PRICE, LOW_PRICE, LAST_PRICE, CLOSE_PRICE, AVG_PRICE, TTL_TRD_QNTY, TURNOVER_LACS, NO_OF_TRADES, DELIV_QTY, DELIV_PER
ABC, EQ, 02-Jan-2025, 100.00, 101.00, 103.50, 100.50, 102.00, 102.25, 102.10, 8200, 8.37, 67, 400, 4.88
XYZ, BE, 02-Jan-2025, 9.50, 9.40, 9.95, 9.10, 9.60, 9.55, 9.50, 1860, 0.18, 65, -, -
BOND, GS, 02-Jan-2025, 112.00, 113.00, 113.00, 110.50, 110.50, 110.50, 110.79, 1200, 1.33, 4, 1200, 100.00
"""  # noqa: E501 - as wide as the exchange writes it


def test_blanks_after_commas_and_dashes_without_delivery_are_no_hindrance(bring: Callable[..., FileReport], store: MemoryStore) -> None:
    report = bring("cm02012025bhav.csv", TEXT)
    assert (report.format, report.rows_read, report.stored) == ("sec_full", 3, 2)
    assert report.skip_counts == {Skip.SERIES: 1}
    assert (report.first, report.last) == ("2025-01-02", "2025-01-02")
    bars = store.read(SeriesKey(instrument=InstrumentId("NSE:XYZ"), interval=Interval.DAY))
    assert (bars.open[0], bars.high[0], bars.low[0], bars.close[0], bars.volume[0]) == (9.4, 9.95, 9.1, 9.55, 1860.0)
