from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qts.core import IST, Bars, Exchange, FixedClock, instant_of
from qts.core.errors import BadFile
from qts.data.ingestion import Importer, import_paths
from qts.data.testing import MemoryStore
from qts.market.sessions import is_session

HEAD = "date,open,high,low,close,volume\n"
CLOCK = FixedClock(datetime(2026, 11, 22, 12, 0, tzinfo=IST))
DAYS = [on for i in range(120) if is_session(Exchange.NSE, on := date(2024, 1, 1) + timedelta(days=i))]


def dates(bars: Bars) -> list[str]:
    return [instant_of(ts).date().isoformat() for ts in bars.ts.tolist()]


prices = st.integers(1, 10**7).map(lambda paise: paise / 100)


@st.composite
def some_bars(draw: st.DrawFn) -> list[tuple[str, str, float, float, float, float, int]]:
    keys = draw(st.lists(st.tuples(st.sampled_from(DAYS), st.sampled_from(["INFY", "M&M", "TCS"])), min_size=1, max_size=40, unique=True))
    rows = []
    for on, symbol in keys:
        four = sorted(draw(st.tuples(prices, prices, prices, prices)))
        rows.append((on.isoformat(), symbol, four[1], four[3], four[0], four[2], draw(st.integers(0, 10**9))))
    return rows


def _csv(rows: Sequence[tuple[object, ...]]) -> str:
    return "date,symbol,open,high,low,close,volume\n" + "".join(",".join(map(str, row)) + "\n" for row in rows)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(rows=some_bars(), random=st.randoms(use_true_random=False))
def test_what_is_imported_reads_back_equal_in_any_order_of_rows(tmp_path: Path, rows: list[tuple[Any, ...]], random: Any) -> None:
    shuffled = rows.copy()
    random.shuffle(shuffled)
    snapshots = set()
    for order in (rows, shuffled):
        store = MemoryStore()
        (tmp_path / "x.csv").write_text(_csv(order))
        (report,) = import_paths([tmp_path / "x.csv"], Importer(store=store, clock=CLOCK)).files
        assert (report.stored, report.rejected_count) == (len(rows), 0)
        snapshots.add(store.snapshot())
        read = [
            (date_, info.key.instrument.removeprefix("NSE:"), *values)
            for info in store.series()
            for bars in [store.read(info.key)]
            for date_, *values in zip(
                dates(bars), *(column.tolist() for column in (bars.open, bars.high, bars.low, bars.close, bars.volume)), strict=True
            )
        ]
        assert sorted(read) == sorted(rows)
    assert len(snapshots) == 1


garbage = st.one_of(
    st.sampled_from(
        ["", "-", "x", "0", "-1", "inf", "nan", "1", "2.5", '"1,000"', "2024-01-02", "2024-01-06", "01/02/2024", "1970-01-01", "a,b"]
    ),
    st.text(st.characters(codec="utf-8", exclude_characters="\r\n\x00"), max_size=6),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(rows=st.lists(st.lists(garbage, min_size=5, max_size=7), min_size=1, max_size=20))
def test_whatever_stands_in_a_file_the_counts_add_up(tmp_path: Path, rows: list[list[str]]) -> None:
    (tmp_path / "INFY.csv").write_text(HEAD + "".join(",".join(row) + "x\n" for row in rows) + "2024-01-03,1,1,1,1,1\n")
    (report,) = import_paths([tmp_path / "INFY.csv"], Importer(store=MemoryStore(), clock=CLOCK)).files
    if report.error is None:
        assert report.rows_read == report.stored + report.unchanged + report.rejected_count + report.skipped_count
        assert report.stored >= 1
        assert len(report.rejected) == report.rejected_count == sum(report.reject_counts.values())
    else:
        assert isinstance(report.error, BadFile)
