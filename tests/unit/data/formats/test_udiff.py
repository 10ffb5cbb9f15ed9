from __future__ import annotations

from collections.abc import Callable

import pytest

from qts.core import InstrumentId, Interval
from qts.core.errors import BadFile
from qts.data.intake import Skip, Verdict
from qts.data.reports import FileReport
from qts.data.storage import SeriesKey
from qts.data.testing import MemoryStore

HEADER = (
    "TradDt,BizDt,Sgmt,Src,FinInstrmTp,FinInstrmId,ISIN,TckrSymb,SctySrs,XpryDt,FininstrmActlXpryDt,StrkPric,OptnTp,FinInstrmNm,OpnPric,"
    "HghPric,LwPric,ClsPric,LastPric,PrvsClsgPric,UndrlygPric,SttlmPric,OpnIntrst,ChngInOpnIntrst,TtlTradgVol,TtlTrfVal,TtlNbOfTxsExctd,"
    "SsnId,NewBrdLotQty,Rmks,Rsvd1,Rsvd2,Rsvd3,Rsvd4\n"
)


def row(
    symbol: str,
    *,
    name: str = "",
    segment: str = "CM",
    source: str = "NSE",
    series: str = "",
    prices: str = "100,102,99,101",
    volume: int = 3,
) -> str:
    return (
        f"2025-02-03,2025-02-03,{segment},{source},STK,1,INE0,{symbol},{series},,,,,{name},{prices},101,100,101,101,700,50,{volume},1000,2,F1,75,"
        ",,,,\n"
    )


def test_shares_are_named_by_ticker_and_chosen_by_series(bring: Callable[..., FileReport], store: MemoryStore) -> None:
    report = bring("x.csv", HEADER + row("ABC", series="EQ") + row("ABC", series="BE") + row("ABC", series="GB"))
    assert (report.format, report.stored, report.instruments) == ("udiff", 1, ("NSE:ABC",))
    assert report.skip_counts == {Skip.SERIES: 1, Skip.LESSER_SERIES: 1}
    assert store.read(SeriesKey(instrument=InstrumentId("NSE:ABC"), interval=Interval.DAY)).volume.tolist() == [3.0]


def test_contracts_are_named_in_full_with_volume_in_units_and_open_interest(bring: Callable[..., FileReport], store: MemoryStore) -> None:
    text = HEADER + row("NIFTY", name="NIFTY25FEBFUT", segment="FO") + row("NIFTY", name="NIFTY2520622500CE", segment="FO")
    report = bring("x.csv", text)
    assert report.instruments == ("NFO:NIFTY2520622500CE", "NFO:NIFTY25FEBFUT")
    bars = store.read(SeriesKey(instrument=InstrumentId("NFO:NIFTY25FEBFUT"), interval=Interval.DAY))
    assert (bars.volume[0], bars.oi[0], bars.close[0]) == (225.0, 700.0, 101.0)
    assert "Volume is in units" in report.notes[0]


def test_contracts_without_a_trade_are_skipped_and_odd_ones_refused(bring: Callable[..., FileReport]) -> None:
    idle = row("A", name="A25FEBFUT", segment="FO", prices="0.00,0.00,0.00,11.65", volume=0)
    odd = row("B", name="B25FEBFUT", segment="FO", prices="0.00,0.00,0.00,11.65", volume=1)
    report = bring("x.csv", HEADER + idle + odd)
    assert report.skip_counts == {Skip.NO_TRADE: 1}
    assert report.reject_counts == {Verdict.NOT_POSITIVE: 1}


@pytest.mark.parametrize(
    ("source", "segment", "expected"), [("BSE", "CM", "BSE:ABC"), ("BSE", "FO", "BFO:N1"), ("NSE", "CD", "CDS:N1"), ("BSE", "CD", "BCD:N1")]
)
def test_the_segment_gives_the_exchange(bring: Callable[..., FileReport], *, source: str, segment: str, expected: str) -> None:
    report = bring("x.csv", HEADER + row("ABC", name="N1", segment=segment, source=source, series="A"))
    assert report.instruments == (expected,)


def test_an_unknown_segment_and_a_file_without_rows_are_refused(bring: Callable[..., FileReport]) -> None:
    unknown = bring("x.csv", HEADER + row("ABC", segment="CO"))
    assert isinstance(unknown.error, BadFile)
    assert "segment 'CO' of 'NSE'" in unknown.error.message
    assert "no rows" in str(bring("x.csv", HEADER).error)
