"""A large file is read in parts: the memory that the import takes does not grow with the file."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = '''
import sys
from datetime import datetime
from pathlib import Path
from qts.core import IST, FixedClock
from qts.data.ingestion import Importer, import_paths
from qts.data.storage import UpsertReport

class Nowhere:
    """A store that keeps nothing, so that only the importer's own memory is measured."""
    def upsert(self, batches, provenance, *, at):
        return UpsertReport(stored=sum(len(part.bars) for part in batches), unchanged=0, changed=0, snapshot="", files_written=0)
    def snapshot(self):
        return ""
    def compact(self, *, at):
        return ()

def peak():
    return next(int(line.split()[1]) for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")) >> 10

small, large = (Path(name) for name in sys.argv[1:])
importer = Importer(store=Nowhere(), clock=FixedClock(datetime(2026, 1, 1, tzinfo=IST)), rows_per_commit=50_000)
import_paths([small], importer)
before = peak()
(report,) = import_paths([large], importer).files
print(before, peak(), report.stored, report.rows_read, report.error)
'''


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    head = "timestamp,symbol,open,high,low,close,volume\n"
    day = "".join(f"2024-01-02 {9 + i // 60:02d}:{i % 60:02d}:00,%s,1001.25,1002.50,1000.75,1001.80,12345\n" for i in range(15, 375))
    for name, n_instruments in (("small.csv", 300), ("large.csv", 4000)):
        with (tmp_path / name).open("w") as file:
            file.write(head)
            file.writelines(day.replace("%s", f"STOCK{i}") for i in range(n_instruments))
    assert (tmp_path / "large.csv").stat().st_size > 90 << 20
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path / "small.csv"), str(tmp_path / "large.csv")],
        capture_output=True,
        text=True,
        check=True,
        timeout=240,
    )
    before, after, stored, rows, error = done.stdout.split()
    assert (stored, rows, error) == ("1440000", "1440000", "None")
    assert int(after) - int(before) < 120, f"{before} MiB after the small file, {after} MiB after the large one"
