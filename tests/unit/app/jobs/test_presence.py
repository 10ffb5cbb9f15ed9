from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from qts.app.jobs.presence import Presence, has_worker, is_alive

HOLD = """
import sys
from pathlib import Path
from qts.app.jobs.presence import Presence
print(Presence(Path(sys.argv[1])).id, flush=True)
input()
"""


def test_a_worker_is_alive_until_it_leaves(tmp_path: Path) -> None:
    worker = Presence(tmp_path)
    assert (is_alive(tmp_path, worker.id), has_worker(tmp_path)) == (True, True)
    worker.leave()
    assert (is_alive(tmp_path, worker.id), has_worker(tmp_path), is_alive(tmp_path, "nobody")) == (False, False, False)


def test_one_that_was_killed_is_seen_to_be_dead_at_once(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        worker = process.stdout.readline().strip()
        assert is_alive(tmp_path, worker)
        process.kill()
        process.wait()
        assert (is_alive(tmp_path, worker), has_worker(tmp_path)) == (False, False)
