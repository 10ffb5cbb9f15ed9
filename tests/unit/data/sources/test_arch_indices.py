from __future__ import annotations

import csv
import gzip
import subprocess
import sys
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from qts.core import InstrumentId, Interval, instant_of, session_date_of
from qts.core.errors import SourceError, UnknownInstrument
from qts.data.sources.arch_indices import SOURCE, arch_indices, package_folder
from qts.data.storage import SeriesKey

SP500 = SeriesKey(instrument=InstrumentId("INDEX:SP500"), interval=Interval.DAY)
HEADER = "Date,Open,High,Low,Close,Adj Close,Volume\n"


def source_of(tmp_path: Path, content: bytes) -> Path:
    (tmp_path / "data" / "sp500").mkdir(parents=True)
    (tmp_path / "data" / "sp500" / "sp500.csv.gz").write_bytes(content)
    return tmp_path


@pytest.mark.parametrize(
    ("symbol", "first_close", "last_close"), [("SP500", 1228.099976, 2506.850098), ("NASDAQ", 2208.050049, 6635.279785)]
)
def test_the_series_run_from_1999_to_2018(symbol: str, first_close: float, last_close: float) -> None:
    bars = SOURCE.bars(SeriesKey(instrument=InstrumentId(f"INDEX:{symbol}"), interval=Interval.DAY))
    assert len(bars) == 5031
    assert (bars.close[0], bars.close[-1]) == (first_close, last_close)
    assert session_date_of(int(bars.ts[0])) == date(1999, 1, 4)
    assert session_date_of(int(bars.ts[-1])) == date(2018, 12, 31)
    assert np.all(np.isnan(bars.oi))


def test_every_row_of_the_file_is_there_as_it_stands() -> None:
    bars = SOURCE.bars(SP500)
    with gzip.open(package_folder("arch") / "data" / "sp500" / "sp500.csv.gz", "rt", encoding="utf-8") as file:
        rows = list(csv.reader(file))[1:]
    assert [float(row[4]) for row in rows] == bars.close.tolist()
    assert [float(row[6]) for row in rows] == bars.volume.tolist()
    assert [row[0] for row in rows] == [f"{on.month}/{on.day}/{on.year}" for on in map(session_date_of, bars.ts.tolist())]


def test_days_are_stamped_at_the_open_in_new_york() -> None:
    bars = SOURCE.bars(SP500)
    opened = {instant_of(stamp).astimezone(ZoneInfo("America/New_York")).time().isoformat() for stamp in bars.ts.tolist()}
    assert opened == {"09:30:00"}
    assert instant_of(int(bars.ts[0])) == datetime(1999, 1, 4, 9, 30, tzinfo=ZoneInfo("America/New_York"))


def test_neither_pandas_nor_arch_is_imported() -> None:
    code = (
        "import sys; from qts.data.sources.arch_indices import SOURCE; SOURCE.bars(SOURCE.series()[0]); "
        "print([name for name in ('pandas', 'arch', 'scipy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


def test_an_absent_package_is_named_with_the_way_out() -> None:
    with pytest.raises(SourceError, match="surely_not_installed is not installed") as caught:
        package_folder("surely_not_installed")
    assert "make setup" in caught.value.hint


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(b"plain text", "cannot be read", id="no gzip"),
        pytest.param(gzip.compress(HEADER.encode())[:-9], "cannot be read", id="cut short"),
        pytest.param(gzip.compress(b"\xff\xfe"), "cannot be read", id="no text"),
        pytest.param(gzip.compress(HEADER.encode()), "has not the columns", id="no rows"),
        pytest.param(gzip.compress(b"Day,Close\n1/4/1999,1\n"), "has not the columns", id="other columns"),
        pytest.param(gzip.compress(f"{HEADER}1/4/1999,1\n".encode()), "has not the columns", id="a short row"),
        pytest.param(gzip.compress(f"{HEADER}1/4/1999,1,1,1,one,1,1\n".encode()), "could not convert", id="a word for a price"),
        pytest.param(gzip.compress(f"{HEADER}1999-01-04,1,1,1,1,1,1\n".encode()), "values", id="another date format"),
    ],
)
def test_a_damaged_file_is_named(tmp_path: Path, content: bytes, words: str) -> None:
    folder = source_of(tmp_path, content)
    with pytest.raises(SourceError, match=words) as caught:
        arch_indices(lambda: folder).bars(SP500)
    assert "sp500.csv.gz" in caught.value.message
    assert caught.value.hint


def test_an_absent_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"sp500\.csv\.gz: cannot be read"):
        arch_indices(lambda: tmp_path).bars(SP500)


def test_a_series_it_has_not_is_refused() -> None:
    with pytest.raises(UnknownInstrument, match="INDEX:SP500 1m"):
        SOURCE.bars(SeriesKey(instrument=SP500.instrument, interval=Interval.MINUTE_1))
