from __future__ import annotations

import gzip
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from qts.core import IST, Bars, Exchange, FixedClock, InstrumentId, Interval, instant_of
from qts.core.errors import BadFile, BadParameter, NotPrices
from qts.data.ingestion import formats
from qts.data.intake import Skip, Verdict
from qts.data.layout import Fit
from qts.data.reports import FileReport
from qts.data.storage import PriceBasis, SeriesKey
from qts.data.testing import MemoryStore
from qts.market.sessions import is_session

Bring = Callable[..., FileReport]
HEAD = "date,open,high,low,close,volume\n"
INFY = InstrumentId("NSE:INFY")
CLOCK = FixedClock(datetime(2026, 11, 22, 12, 0, tzinfo=IST))
DAYS = [on for i in range(120) if is_session(Exchange.NSE, on := date(2024, 1, 1) + timedelta(days=i))]


def days_of(store: MemoryStore, instrument: str = INFY, *, interval: Interval = Interval.DAY, basis: PriceBasis = PriceBasis.RAW) -> Bars:
    return store.read(SeriesKey(instrument=InstrumentId(instrument), interval=interval, basis=basis))


def dates(bars: Bars) -> list[str]:
    return [instant_of(ts).date().isoformat() for ts in bars.ts.tolist()]


def minutes(on: str, times: Sequence[str], *, head: str = HEAD) -> str:
    return head + "".join(f"{on} {time},100,101,99,100.5,10\n" for time in times)


def reasons(report: FileReport) -> dict[int, str]:
    return {rejection.row: rejection.reason for rejection in report.rejected}


def test_days_are_stored_at_the_nominal_open_with_volume(bring: Bring, store: MemoryStore) -> None:
    report = bring("INFY.csv", f"{HEAD}2024-01-02,100,102,99.5,101.25,5000\n2024-01-03,101,101,100,100,0\n")
    assert (report.format, report.interval, report.basis) == ("csv", Interval.DAY, PriceBasis.RAW)
    assert (report.rows_read, report.stored, report.rejected_count) == (2, 2, 0)
    assert (report.instruments, report.first, report.last) == (("NSE:INFY",), "2024-01-02", "2024-01-03")
    bars = days_of(store)
    assert [instant_of(ts).isoformat() for ts in bars.ts.tolist()] == ["2024-01-02T09:15:00+05:30", "2024-01-03T09:15:00+05:30"]
    assert bars.close.tolist() == [101.25, 100.0]
    assert bars.volume.tolist() == [5000.0, 0.0]
    assert np.isnan(bars.oi).all()


def test_without_a_volume_column_volume_is_absent_and_so_is_a_null(bring: Bring, store: MemoryStore) -> None:
    bring("INFY.csv", "date,open,high,low,close\n2024-01-02,1,1,1,1\n")
    assert np.isnan(days_of(store).volume).all()
    bring("TCS.csv", f"{HEAD}2024-01-02,1,1,1,1,null\n2024-01-03,1,1,1,1,7\n")
    assert np.isnan(days_of(store, "NSE:TCS").volume).tolist() == [True, False]


BAD_ROWS = [
    pytest.param("2024-01-02,,2,1,1,5", Verdict.NO_VALUE, "", id="a price is missing"),
    pytest.param(",1,1,1,1,5", Verdict.NO_VALUE, "", id="the date is missing"),
    pytest.param("2024-01-02,1,2,abc,1,5", Verdict.BAD_NUMBER, "low is 'abc'", id="a price is text"),
    pytest.param("2024-01-02,1,2,1,1,many", Verdict.BAD_NUMBER, "volume is 'many'", id="the volume is text"),
    pytest.param("2024-02-30,1,2,1,1,5", Verdict.BAD_DATE, "date is '2024-02-30'", id="there is no such date"),
    pytest.param("1970-01-01,1,2,1,1,5", Verdict.TOO_OLD, "1970-01-01", id="1970"),
    pytest.param("2026-11-23,1,2,1,1,5", Verdict.FUTURE, "2026-11-23", id="tomorrow"),
    pytest.param("2024-01-02,inf,inf,1,1,5", Verdict.NOT_FINITE, "open inf", id="infinite"),
    pytest.param("2024-01-02,0,2,0,1,5", Verdict.NOT_POSITIVE, "open 0", id="zero"),
    pytest.param("2024-01-02,-1,2,-1,1,5", Verdict.NOT_POSITIVE, "open -1", id="negative"),
    pytest.param("2024-01-02,1,1e300,1,1,5", Verdict.TOO_LARGE, "high 1e+300", id="beyond all prices"),
    pytest.param("2024-01-02,1,2,1,1,-5", Verdict.BAD_VOLUME, "volume -5", id="negative volume"),
    pytest.param("2024-01-02,1,1.5,1,2,5", Verdict.HIGH, "high 1.5", id="close above high"),
    pytest.param("2024-01-02,1,2,1.5,2,5", Verdict.LOW, "low 1.5", id="open below low"),
    pytest.param("2024-01-02,1,1,2,1,5", Verdict.HIGH, "low 2", id="low above high"),
    pytest.param("2024-01-06,1,2,1,1,5", Verdict.NO_SESSION, "2024-01-06", id="a Saturday"),
    pytest.param("2024-01-26,1,2,1,1,5", Verdict.NO_SESSION, "2024-01-26", id="Republic Day"),
    pytest.param("2024-01-02,1,2,1", Verdict.MISFIT, "4 fields where the header has 6", id="a short row"),
    pytest.param("2024-01-04,1,2,1,1,5", Verdict.DUPLICATE, "NSE:INFY 2024-01-04", id="the same again"),
    pytest.param("2024-01-04,1,2,1,2,5", Verdict.CONFLICT, "close 2", id="another bar of the same day"),
]


@pytest.mark.parametrize(("row", "verdict", "detail"), BAD_ROWS)
def test_a_bad_row_is_refused_with_number_and_reason_and_the_rest_stored(
    bring: Bring, store: MemoryStore, *, row: str, verdict: Verdict, detail: str
) -> None:
    report = bring("INFY.csv", f"{HEAD}2024-01-04,1,2,1,1,5\n{row}\n2024-01-05,1,2,1,1,5\n")
    assert reasons(report) == {3: verdict}
    assert detail in report.rejected[0].detail
    assert report.reject_counts == {verdict: 1}
    assert (report.rows_read, report.stored) == (3, 2)
    assert dates(days_of(store)) == ["2024-01-04", "2024-01-05"]


def test_float_noise_is_no_breach_and_is_not_repaired(bring: Bring, store: MemoryStore) -> None:
    report = bring("INFY.csv", f"{HEAD}2024-01-04,1,100.00000000001,1,100.00000000002,5\n", adjusted=False)
    assert report.stored == 1
    assert days_of(store).high.tolist() == [100.00000000001]


def test_a_row_with_a_bad_symbol_is_refused(bring: Bring) -> None:
    report = bring("x.csv", "date,symbol,open,high,low,close\n2024-01-04,INFY,1,1,1,1\n2024-01-04,§,1,1,1,1\n2024-01-04,XYZ:A,1,1,1,1\n")
    assert reasons(report) == {3: Verdict.BAD_SYMBOL, 4: Verdict.BAD_SYMBOL}


@pytest.mark.parametrize(
    ("on", "stored"),
    [("2024-11-01", True), ("2025-02-01", True), ("2019-10-27", True), ("2024-01-20", True), ("2024-10-02", False)],
)
def test_special_sessions_are_sessions_and_holidays_are_not(bring: Bring, *, on: str, stored: bool) -> None:
    assert bring("INFY.csv", f"{HEAD}{on},1,1,1,1,5\n").stored == int(stored)


def test_a_day_unknown_to_the_calendar_is_accepted_when_several_instruments_trade(bring: Bring) -> None:
    rows = "".join(f"2023-01-07,{name},1,2,1,1,{volume}\n" for name, volume in [("A", 5), ("B", 5), ("C", 5), ("D", 0)])
    report = bring("x.csv", f"date,symbol,open,high,low,close,volume\n{rows}")
    assert report.stored == 4
    assert "2023-01-07" in report.notes[-1]
    dead = rows.replace(",5\n", ",0\n").replace("2023-01-07", "2023-01-08")
    assert bring("y.csv", f"date,symbol,open,high,low,close,volume\n{dead}").reject_counts == {Verdict.NO_SESSION: 4}


def test_a_weekend_with_many_minutes_is_accepted_and_with_few_refused(bring: Bring) -> None:
    assert bring("INFY.csv", minutes("2023-01-07", [f"10:{i:02d}" for i in range(20)])).stored == 20
    few = minutes("2023-01-08", [f"10:{i:02d}" for i in range(19)])
    assert bring("INFY.csv", few).reject_counts == {Verdict.NO_SESSION: 19}


def test_minutes_outside_the_hours_or_between_bars_are_refused(bring: Bring, store: MemoryStore) -> None:
    report = bring("INFY.csv", minutes("2024-01-02", ["09:07", "09:14", "09:15", "09:16", "09:16:30", "09:17", "15:29", "15:30", "18:16"]))
    assert report.interval is Interval.MINUTE_1
    assert reasons(report) == {
        2: Verdict.OFF_HOURS,
        3: Verdict.OFF_HOURS,
        6: Verdict.OFF_GRID,
        9: Verdict.OFF_HOURS,
        10: Verdict.OFF_HOURS,
    }
    assert len(days_of(store, interval=Interval.MINUTE_1)) == 4


def test_longer_bars_stand_on_the_grid_from_the_open(bring: Bring) -> None:
    report = bring("INFY.csv", minutes("2024-01-02", ["09:15", "09:30", "09:45", "10:01", "10:15"]), interval=Interval.MINUTE_15)
    assert reasons(report) == {5: Verdict.OFF_GRID}
    report = bring("TCS.csv", minutes("2024-01-02", ["09:15", "10:15", "11:00", "11:15", "12:15", "15:15"]))
    assert report.interval is Interval.MINUTE_60
    assert reasons(report) == {4: Verdict.OFF_GRID}


def test_muhurat_bars_and_the_second_session_of_a_drill_are_kept(bring: Bring) -> None:
    muhurat = bring("INFY.csv", minutes("2024-11-01", ["18:00", "18:15", "18:30", "18:45", "19:00"]), interval=Interval.MINUTE_15)
    assert reasons(muhurat) == {6: Verdict.OFF_HOURS}
    drill = bring("TCS.csv", minutes("2024-03-02", ["09:15", "09:59", "10:00", "11:29", "11:30", "12:29"]), interval=Interval.MINUTE_1)
    assert set(reasons(drill)) == {4, 5}


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        pytest.param(["2024-01-02", "2024-01-03"], Interval.DAY, id="dates"),
        pytest.param(["2024-01-02"], Interval.DAY, id="one date"),
        pytest.param(["2024-01-02 15:30", "2024-01-03 15:30"], Interval.DAY, id="one bar a day, stamped at its close"),
        pytest.param(["2024-01-05", "2024-01-12", "2024-01-19", "2024-01-25"], Interval.WEEK, id="weeks"),
        pytest.param(["2024-01-31", "2024-02-29", "2024-03-28", "2024-04-30"], Interval.MONTH, id="months"),
        pytest.param(["2024-01-02 09:15", "2024-01-02 09:20", "2024-01-02 09:30"], Interval.MINUTE_5, id="5 minutes with a gap"),
        pytest.param(["2024-01-02T03:45:00Z", "2024-01-02T03:48:00Z"], Interval.MINUTE_3, id="3 minutes in UTC"),
        pytest.param(["2024-01-02 00:00:00+00:00", "2024-01-03 00:00:00+00:00"], Interval.DAY, id="midnight UTC"),
        pytest.param(["2024-01-02T00:00:00+0530", "2024-01-03T00:00:00+0530"], Interval.DAY, id="Kite days"),
    ],
)
def test_the_bar_length_is_seen_in_the_stamps(bring: Bring, store: MemoryStore, *, rows: list[str], expected: Interval) -> None:
    report = bring("INFY.csv", HEAD + "".join(f"{row},1,2,1,1,{i}\n" for i, row in enumerate(rows)))
    assert (report.interval, report.stored) == (expected, len(rows))
    assert dates(days_of(store, interval=expected)) == sorted(row[:10] for row in rows)


def test_one_instant_alone_does_not_tell_the_bar_length(bring: Bring) -> None:
    report = bring("INFY.csv", minutes("2024-01-02", ["09:15"]))
    assert isinstance(report.error, BadFile)
    assert "--interval" in report.error.hint
    assert bring("INFY.csv", minutes("2024-01-02", ["09:15"]), interval=Interval.MINUTE_5).stored == 1


def test_rows_seconds_apart_are_no_bars_and_a_wrong_interval_is_contradicted(bring: Bring) -> None:
    seconds = bring("INFY.csv", minutes("2024-01-02", ["09:15:00", "09:15:10", "09:15:20"]))
    assert isinstance(seconds.error, NotPrices)
    wrong = bring("INFY.csv", minutes("2024-01-02", ["09:15", "09:16", "09:17"]), interval=Interval.DAY)
    assert isinstance(wrong.error, BadFile)
    assert "bars of 1m, not of 1d" in wrong.error.message


def test_three_date_formats_in_one_file_are_all_read(bring: Bring, store: MemoryStore) -> None:
    report = bring(
        "INFY.csv", f"{HEAD}2024-01-02,1,2,1,1,5\n03-Jan-2024,1,2,1,1,5\n15/01/2024,1,2,1,1,5\n20240116,1,2,1,1,5\nsoon,1,2,1,1,5\n"
    )
    assert reasons(report) == {6: Verdict.BAD_DATE}
    assert dates(days_of(store)) == ["2024-01-02", "2024-01-03", "2024-01-15", "2024-01-16"]


@pytest.mark.parametrize(
    ("rows", "expected", "note"),
    [
        (["01/02/2024", "02/02/2024"], ["2024-02-01", "2024-02-02"], "read day first"),
        (["01/02/2024", "15/02/2024"], ["2024-02-01", "2024-02-15"], ""),
        (["02/01/2024", "02/15/2024"], ["2024-02-01", "2024-02-15"], "month first"),
        (["01/02/2024", "02/15/2024", "16/02/2024"], ["2024-02-15", "2024-02-16"], "day first in some rows and month first in others"),
    ],
)
def test_day_and_month_are_told_apart_over_the_file(
    bring: Bring, store: MemoryStore, *, rows: list[str], expected: list[str], note: str
) -> None:
    report = bring("INFY.csv", HEAD + "".join(f"{row},1,2,1,1,5\n" for row in rows))
    assert dates(days_of(store)) == expected
    assert note in " ".join(report.notes)
    assert report.reject_counts.get(Verdict.AMBIGUOUS_DATE, 0) == len(rows) - len(expected)


def test_prices_between_paise_are_adjusted_ones_unless_the_user_says_so(bring: Bring, store: MemoryStore) -> None:
    text = f"{HEAD}2024-01-02,1.00123,1.2,1,1.1,5\n"
    report = bring("INFY.csv", text)
    assert report.basis is PriceBasis.ADJUSTED
    assert "between two paise" in " ".join(report.notes)
    assert bring("INFY.csv", text, adjusted=False).basis is PriceBasis.RAW
    assert bring("TCS.csv", f"{HEAD}2024-01-02,1,1.2,1,1.1,5\n", adjusted=True).basis is PriceBasis.ADJUSTED
    assert bring("SP500.csv", text, exchange=Exchange.INDEX).basis is PriceBasis.RAW
    assert bring("USDINR24JANFUT.csv", f"{HEAD}2024-01-02,83.0025,83.1,83,83.0025,5\n", exchange=Exchange.CDS).basis is PriceBasis.RAW
    assert len(store.series()) == 5


def test_a_stacked_file_is_split_by_symbol_and_knows_exchanges(bring: Bring, store: MemoryStore) -> None:
    text = "symbol,date,open,high,low,close\ninfy,2024-01-02,1,1,1,1\nNSE:INFY,2024-01-03,1,1,1,1\nBSE:INFY,2024-01-03,1,1,1,1\n"
    report = bring("x.csv", text, symbol="TCS")
    assert report.instruments == ("BSE:INFY", "NSE:INFY")
    assert len(days_of(store)) == 2
    assert "--symbol was not used" in report.notes[0]


def test_the_instrument_comes_from_the_option_or_the_file_name_or_is_asked_for(bring: Bring) -> None:
    assert bring("data.csv", f"{HEAD}2024-01-02,1,1,1,1,1\n", symbol="m&m").instruments == ("NSE:M&M",)
    assert bring("gold.csv", f"{HEAD}2024-01-02,1,1,1,1,1\n", exchange=Exchange.MCX).instruments == ("MCX:GOLD",)
    nameless = bring("data.csv", f"{HEAD}2024-01-02,1,1,1,1,1\n")
    assert isinstance(nameless.error, BadFile)
    assert "--symbol" in nameless.error.hint
    assert isinstance(bring("data.csv", f"{HEAD}2024-01-02,1,1,1,1,1\n", symbol="§").error, BadParameter)


def test_prices_in_indian_grouping_are_read(bring: Bring, store: MemoryStore) -> None:
    bring("MRF.csv", f'{HEAD}02-01-2024,"1,23,456.50","1,24,000.00","1,23,000","₹1,23,999.95","1,234"\n')
    bars = days_of(store, "NSE:MRF")
    assert (bars.open[0], bars.close[0], bars.volume[0]) == (123456.5, 123999.95, 1234.0)


def test_columns_can_be_mapped(bring: Bring, store: MemoryStore) -> None:
    text = "when;start;top;bottom;end\n2024-01-02;1;3;1;2\n"
    report = bring("INFY.csv", text, mapping={"date": "when", "open": "start", "high": "top", "low": "bottom", "end": "close"})
    assert (report.format, report.stored) == ("csv", 1)
    assert days_of(store).close.tolist() == [2.0]


def test_date_and_time_in_two_columns(bring: Bring, store: MemoryStore) -> None:
    text = "Date,Time,Open,High,Low,Close\n02/01/2024,09:15,1,1,1,1\n02/01/2024,09:16,1,1,1,1\n02/01/2024,noon,1,1,1,1\n"
    report = bring("INFY.csv", text)
    assert reasons(report) == {4: Verdict.BAD_DATE}
    assert instant_of(int(days_of(store, interval=Interval.MINUTE_1).ts[1])) == datetime(2024, 1, 2, 9, 16, tzinfo=IST)


@pytest.mark.parametrize(
    ("content", "kind", "message"),
    [
        pytest.param(b"", BadFile, "is empty", id="empty"),
        pytest.param(HEAD, BadFile, "header but no rows", id="header only"),
        pytest.param(bytes(range(256)) * 20, NotPrices, "neither text nor Parquet", id="rubbish"),
        pytest.param("a,b\n1,2\n", NotPrices, "has the columns a, b, but none for date, open", id="wrong columns"),
        pytest.param(gzip.compress(HEAD.encode() * 99)[:40], BadFile, "cut short", id="cut gzip"),
        pytest.param(b"PK\x03\x04rubbish", BadFile, "zip that cannot be opened", id="broken zip"),
        pytest.param("{}", NotPrices, "holds no candles", id="JSON of something else"),
    ],
)
def test_a_bad_file_gives_one_sentence_with_a_way_out_and_stores_nothing(
    bring: Bring, store: MemoryStore, *, content: str | bytes, kind: type[BadFile], message: str
) -> None:
    before = store.snapshot()
    report = bring("INFY.csv", content)
    assert type(report.error) is kind
    assert message in report.error.message
    assert report.error.hint
    assert (report.stored, store.snapshot()) == (0, before)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "latin-1"])
def test_any_encoding_gives_the_same_bars(bring: Bring, store: MemoryStore, encoding: str) -> None:
    bring("INFY.csv", f"{HEAD}2024-01-02,1,1,1,1,1\n".encode(encoding))
    assert dates(days_of(store)) == ["2024-01-02"]


def test_a_format_can_be_named_and_is_checked(bring: Bring) -> None:
    text = f"{HEAD}2024-01-02,1,1,1,1,1\n"
    assert bring("INFY.csv", text, format="CSV").format == "csv"
    wrong = bring("INFY.csv", text, format="sec-full")
    assert isinstance(wrong.error, BadFile)
    assert "is not NSE sec_bhavdata_full" in wrong.error.message
    with pytest.raises(BadParameter, match="there is no such format") as caught:
        bring("INFY.csv", text, format="excel")
    assert "sec-full" in caught.value.hint


def test_every_format_is_found_and_none_claims_another_ones_table() -> None:
    assert sorted(formats()) == ["bhavcopy", "csv", "fo_report", "kite", "parquet", "sec_full", "udiff"]
    assert all(found.title for found in formats().values())
    assert Fit.EXACT > Fit.GENERIC > Fit.NONE


def test_the_same_file_again_changes_nothing_and_a_correction_replaces(bring: Bring, store: MemoryStore) -> None:
    text = f"{HEAD}2024-01-02,1,1,1,1,1\n2024-01-03,1,1,1,1,1\n"
    assert bring("INFY.csv", text).stored == 2
    before = store.snapshot()
    again = bring("INFY.csv", text)
    assert (again.stored, again.unchanged, store.snapshot()) == (0, 2, before)
    corrected = bring("INFY.csv", text.replace("03,1,1,1,1,1", "03,1,1,1,1,2"))
    assert (corrected.stored, corrected.changed, corrected.unchanged) == (1, 1, 1)


def test_only_a_thousand_refused_rows_are_listed_and_all_are_counted(bring: Bring) -> None:
    report = bring("INFY.csv", HEAD + "never,1,1,1,1,1\n" * 1500 + "2024-01-02,1,1,1,1,1\n")
    assert (report.rejected_count, len(report.rejected), report.stored) == (1500, 1000, 1)
    assert [rejection.row for rejection in report.rejected] == list(range(2, 1002))


def test_a_file_of_only_bad_rows_stores_nothing_and_reports_them(bring: Bring, store: MemoryStore) -> None:
    report = bring("INFY.csv", f"{HEAD}never,1,1,1,1,1\n1970-01-01,1,1,1,1,1\n")
    assert (report.error, report.stored, report.rejected_count, store.series()) == (None, 0, 2, ())


def test_a_large_file_is_stored_in_parts_with_the_first_of_duplicates_kept(bring: Bring, store: MemoryStore, monkeypatch: Any) -> None:
    monkeypatch.setattr("qts.data.unpack.BLOCK", 200)
    rows = [f"{on},{i + 1},{i + 1},{i + 1},{i + 1},1\n" for i, on in enumerate(DAYS)]
    text = HEAD + "".join(rows) + rows[0] + rows[1].replace(",1\n", ",9\n")
    report = bring("INFY.csv", text, rows_per_commit=10)
    assert len(store.snapshots()) > 5
    assert report.reject_counts == {Verdict.DUPLICATE: 2}
    assert days_of(store).open.tolist() == [float(i + 1) for i in range(len(DAYS))]
    assert days_of(store).volume[1] == 1.0


def test_what_is_imported_under_sim_is_marked_simulated(bring: Bring, store: MemoryStore) -> None:
    bring("INFY.csv", f"{HEAD}2024-01-02,1,1,1,1,1\n")
    bring("MADEUP.csv", f"{HEAD}2024-01-02,1,1,1,1,1\n", exchange=Exchange.SIM)
    assert [(info.key.instrument, info.simulated) for info in store.series()] == [("NSE:INFY", False), ("SIM:MADEUP", True)]


def test_bars_stamped_at_their_end_are_pointed_out(bring: Bring) -> None:
    times = [f"{m // 60:02d}:{m % 60:02d}" for m in range(9 * 60 + 20, 15 * 60 + 31, 5)]
    report = bring("INFY.csv", minutes("2024-01-02", times))
    assert reasons(report) == {len(times) + 1: Verdict.OFF_HOURS}
    assert "ends of bars" in report.notes[-1]


def test_reasons_and_skips_are_distinct_words() -> None:
    assert len({*Verdict, *Skip}) == len(Verdict) + len(Skip)
