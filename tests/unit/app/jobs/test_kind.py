from __future__ import annotations

import subprocess
import sys

import pytest

from qts.app.jobs.kind import job_kinds

KINDS = job_kinds()
NEEDED = {"ingest": {"instruments": ("SIM:ZORVINBANK",), "from": "2026-01-01"}, "chain": {"underlying": "NIFTY"}}


def test_the_kinds_are_found() -> None:
    assert {"ingest", "backup", "compact", "verify"} <= set(KINDS)


@pytest.mark.parametrize("name", sorted(KINDS))
def test_a_request_comes_back_from_its_text(name: str) -> None:
    kind = KINDS[name]
    request = kind.request.model_validate(NEEDED.get(name, {}))
    assert kind.request.model_validate_json(request.model_dump_json(by_alias=False)) == request
    assert kind.describe(request)
    assert kind.title


def test_only_a_worker_pays_for_the_engine() -> None:
    script = "import sys, qts.app.jobs.asking, qts.app.jobs.kinds.ingest, qts.cli.main; sys.exit('dbos' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
