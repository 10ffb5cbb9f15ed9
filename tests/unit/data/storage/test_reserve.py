from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from qts.core.errors import StoreFull
from qts.data.storage.reserve import Reserve


def test_a_disk_with_room_is_written_to(tmp_path: Path) -> None:
    Reserve(n_bytes=0).require(tmp_path)
    Reserve(n_bytes=shutil.disk_usage(tmp_path).total * 2, share=1e-9).require(tmp_path)


def test_a_disk_whose_reserve_is_touched_is_refused_with_both_figures(tmp_path: Path) -> None:
    total = shutil.disk_usage(tmp_path).total
    with pytest.raises(StoreFull, match=rf"free, and {total * 2 / 2**20:,.0f} MiB are kept free") as caught:
        Reserve(n_bytes=total * 2, share=2.0).require(tmp_path)
    assert "keep_free" in caught.value.hint
