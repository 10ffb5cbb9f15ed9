from __future__ import annotations

import errno
import hashlib
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from qts.core import Bars, InstrumentId, Interval, instant_of
from qts.core.errors import BadPath, DamagedFile, StoreFull
from qts.data.storage import ParquetStore, Provenance, SeriesBars, SeriesKey
from qts.data.storage.lookup import Span
from qts.data.storage.records import StoredFile
from qts.data.storage.vault import Vault, disk_faults, sha256_of

AT = datetime(2026, 1, 5, tzinfo=UTC)
CONTENT = pa.py_buffer(b"some bytes")
SHA256 = hashlib.sha256(b"some bytes").hexdigest()
ALWAYS = Span(start=None, end=None)


def stored(path: str, content: bytes) -> StoredFile:
    return StoredFile(
        id=1,
        label="1d/NSE/raw/*/2024",
        path=path,
        n_rows=1,
        n_bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        content="",
        ts_min=0,
        ts_max=0,
        year=2024,
        layer=0,
        number_min=1,
        number_max=1,
        n_over=0,
        net="",
        seal="",
        begin=1,
        end=None,
    )


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        pytest.param(errno.ENOSPC, StoreFull, id="no room"),
        pytest.param(errno.EDQUOT, StoreFull, id="quota used up"),
        pytest.param(errno.EFBIG, StoreFull, id="file too large"),
        pytest.param(errno.EACCES, BadPath, id="not permitted"),
        pytest.param(errno.EROFS, BadPath, id="read-only disk"),
        pytest.param(errno.EMFILE, BadPath, id="too many open files"),
    ],
)
def test_what_the_system_says_becomes_an_error_of_ours(number: int, expected: type[Exception], tmp_path: Path) -> None:
    with pytest.raises(expected), disk_faults(tmp_path):
        raise OSError(number, "as the system says", "somewhere")


def test_a_new_file_waits_beside_its_place_under_its_hash(tmp_path: Path) -> None:
    placed = Vault(tmp_path).place(CONTENT, folder="data/bars/1d/NSE/raw", stem="2024")
    assert placed.path == f"data/bars/1d/NSE/raw/2024-{SHA256[:8]}.parquet"
    assert placed.sha256 == SHA256
    assert placed.temporary is not None
    assert (tmp_path / placed.temporary).read_bytes() == b"some bytes"
    assert not (tmp_path / placed.path).exists()


def test_bytes_that_are_there_already_are_not_written_again(tmp_path: Path) -> None:
    vault = Vault(tmp_path)
    place = tmp_path / "bars" / f"2024-{SHA256[:8]}.parquet"
    place.parent.mkdir()
    place.write_bytes(b"some bytes")
    placed = vault.place(CONTENT, folder="bars", stem="2024")
    assert (placed.path, placed.temporary) == (f"bars/2024-{SHA256[:8]}.parquet", None)
    assert len(list(place.parent.iterdir())) == 1


def test_a_hash_is_of_all_bytes(tmp_path: Path) -> None:
    path = tmp_path / "large"
    path.write_bytes(bytes(range(256)) * 9_000)
    assert sha256_of(path) == hashlib.sha256(bytes(range(256)) * 9_000).hexdigest()


def test_whole_bytes_that_are_no_parquet_are_named(tmp_path: Path) -> None:
    (tmp_path / "file.parquet").write_bytes(b"no parquet at all")
    with pytest.raises(DamagedFile, match="cannot be read"):
        Vault(tmp_path).read(stored("file.parquet", b"no parquet at all"), number=None, span=ALWAYS)


def test_a_folder_in_the_place_of_a_file_is_damage(tmp_path: Path) -> None:
    (tmp_path / "file.parquet").mkdir()
    with pytest.raises(DamagedFile):
        Vault(tmp_path).read(stored("file.parquet", b"x"), number=None, span=ALWAYS)


@pytest.mark.parametrize(
    ("interval", "n_bars", "parts"),
    [
        pytest.param(Interval.MINUTE_1, 16_484, ((0, 5), (8_000, 8_500), (8_192, 8_193), (8_190, 16_484), (0, 16_484)), id="one to a file"),
        pytest.param(Interval.DAY, 700, ((0, 1), (300, 400), (365, 366), (0, 700)), id="several in a file"),
    ],
)
def test_every_part_of_a_file_reads_alike_the_first_time_and_again(
    tmp_path: Path, interval: Interval, n_bars: int, parts: tuple[tuple[int, int], ...]
) -> None:
    store = ParquetStore.open(tmp_path)
    rng = np.random.default_rng(1)
    ts = 1_704_080_700_000_000 + np.arange(n_bars, dtype=np.int64) * (60_000_000 if interval.is_intraday else 86_400_000_000)
    kept = {}
    for number in range(3):
        prices = np.round(rng.uniform(1, 1_000, n_bars), 2)
        volume = np.where(rng.random(n_bars) < 0.5, np.nan, np.floor(prices))
        instrument = InstrumentId(f"NSE:A{number}")
        bars = Bars(
            instrument=instrument,
            interval=interval,
            ts=ts,
            open=prices,
            high=prices + 1,
            low=prices,
            close=prices,
            volume=volume,
            oi=np.full(n_bars, np.nan),
        )
        kept[SeriesKey(instrument=instrument, interval=interval)] = bars
    store.upsert([SeriesBars(key=key, bars=bars) for key, bars in kept.items()], Provenance(source="x"), at=AT)
    for first, stop in parts:
        for key, bars in kept.items():
            for _ in range(2):
                found = store.read(key, start=instant_of(int(ts[first])), end=instant_of(int(ts[stop - 1]) + 1))
                for name in ("ts", "open", "high", "low", "close", "volume", "oi"):
                    np.testing.assert_array_equal(getattr(found, name), getattr(bars, name)[first:stop])
                found.close[:] = 0.0  # whoever writes into bars, against all contracts, harms nobody else
    store.close()
