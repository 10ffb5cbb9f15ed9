"""Import of a small file, written on the spot, into a store in memory."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from qts.core import IST, FixedClock
from qts.data.ingestion import Importer, import_paths
from qts.data.layout import ImportOptions
from qts.data.reports import FileReport
from qts.data.testing import MemoryStore

NOW = FixedClock(datetime(2026, 11, 22, 12, 0, tzinfo=IST))


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def bring(tmp_path: Path, store: MemoryStore) -> Callable[..., FileReport]:
    """Return a function that writes a file and imports it: ``bring("infy.csv", text, interval=…)``. Counts are always checked."""

    def bring_one(name: str, content: str | bytes, *, rows_per_commit: int = 500_000, **options: Any) -> FileReport:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        importer = Importer(store=store, clock=NOW, options=ImportOptions(**options), rows_per_commit=rows_per_commit)
        (report,) = import_paths([path], importer).files
        assert report.error is not None or report.rows_read == (
            report.stored + report.unchanged + report.rejected_count + report.skipped_count
        )
        return report

    return bring_one
