from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

from qts.core import IST, FixedClock, InstrumentId, Interval, instant_of
from qts.core.errors import BadFile
from qts.data.formats.fo_report import FORMAT
from qts.data.ingestion import Importer, import_paths
from qts.data.intake import Verdict
from qts.data.reports import FileReport
from qts.data.storage import SeriesKey
from qts.data.testing import MemoryStore

FUTURES = """INSTRUMENT,SYMBOL    ,EXP_DATE  ,OPEN_PRICE ,HI_PRICE   ,LO_PRICE   ,CLOSE_PRICE,OPEN_INT*      ,TRD_VAL           ,TRD_QTY          ,NO_OF_CONT       ,NO_OF_TRADE      
FUTIDX    ,NIFTY     ,25/11/2025,00058384.00,00058690.00,00058300.20,00058644.40,000000001713110,    55421082206.00,           946715,            27049,            18524
FUTSTK    ,M&M       ,30/12/2025,00000100.00,00000101.00,00000099.95,00000100.05,000000000000100,           1000.00,              10,                1,                1
FUTSTK    ,M&M       ,31/02/2026,00000100.00,00000101.00,00000099.95,00000100.05,000000000000100,           1000.00,              10,                1,                1
* - OPEN_INT as available at the end of trading hours.                                            
"""  # noqa: E501, W291 - padded as the exchange writes it
OPTIONS = """INSTRUMENT,SYMBOL    ,EXP_DATE  ,STR_PRICE  ,OPT_TYPE,OPEN_PRICE ,HI_PRICE   ,LO_PRICE   ,CLOSE_PRICE,OPEN_INT*      ,TRD_QTY          ,NO_OF_CONT       ,NO_OF_TRADE      ,NOTION_VAL        ,PR_VAL            
OPTIDX    ,NIFTY     ,25/11/2025,00046500.00,PE      ,00000003.95,00000005.20,00000003.30,00000003.50,000000000074795,            13965,              399,              135,      649427357.25,          54857.25
OPTIDX    ,NIFTY     ,18/11/2025,00046500.00,CE      ,00000003.95,00000005.20,00000003.30,00000003.50,000000000074795,            13965,              399,              135,      649427357.25,          54857.25
OPTSTK    ,M&M       ,25/11/2025,00000182.50,CE      ,00000003.95,00000005.20,00000003.30,00000003.50,000000000074795,            13965,              399,              135,      649427357.25,          54857.25
"""  # noqa: E501, W291 - padded as the exchange writes it
NOW = FixedClock(instant_of(1_790_000_000_000_000).astimezone(IST))


def test_padded_futures_are_named_dated_by_the_file_and_counted_in_units(bring: Callable[..., FileReport], store: MemoryStore) -> None:
    report = bring("fo14112025.csv", FUTURES)
    assert (report.format, report.rows_read, report.stored) == ("fo_report", 3, 2)
    assert report.instruments == ("NFO:M&M25DECFUT", "NFO:NIFTY25NOVFUT")
    assert report.reject_counts == {Verdict.BAD_SYMBOL: 1}
    bars = store.read(SeriesKey(instrument=InstrumentId("NFO:NIFTY25NOVFUT"), interval=Interval.DAY))
    assert instant_of(int(bars.ts[0])).isoformat() == "2025-11-14T09:15:00+05:30"
    assert (bars.open[0], bars.low[0], bars.volume[0], bars.oi[0]) == (58384.0, 58300.2, 946715.0, 1713110.0)


def test_options_are_named_monthly_or_weekly_with_their_strike(bring: Callable[..., FileReport]) -> None:
    report = bring("op14112025.csv", OPTIONS)
    assert report.instruments == ("NFO:M&M25NOV182.5CE", "NFO:NIFTY25N1846500CE", "NFO:NIFTY25NOV46500PE")


def test_the_whole_zip_gives_futures_and_options_and_skips_summaries(tmp_path: Path, store: MemoryStore) -> None:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        archive.writestr("fo_14112025.csv", "Total volume summary of Futures and Options by product type:\nProduct,No of Contracts\n")
        archive.writestr("fo14112025.csv", FUTURES)
        archive.writestr("op14112025.csv", OPTIONS)
    (tmp_path / "fo14112025.zip").write_bytes(sink.getvalue())
    files = import_paths([tmp_path / "fo14112025.zip"], Importer(store=store, clock=NOW)).files
    assert [(file.stored, file.skipped) for file in files] == [(0, True), (2, False), (3, False)]
    assert len(store.series()) == 5


def test_without_a_date_in_the_name_the_report_is_refused(bring: Callable[..., FileReport]) -> None:
    for name in ("futures.csv", "fo99999999.csv"):
        report = bring(name, FUTURES)
        assert isinstance(report.error, BadFile)
        assert "Name it as NSE does" in report.error.hint
    assert FORMAT.title == "NSE daily F&O report"
