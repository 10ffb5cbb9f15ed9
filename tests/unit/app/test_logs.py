from __future__ import annotations

import json
from pathlib import Path

import pytest
import structlog

from qts.app.logs import configure_logging, log_unexpected


def test_events_are_json_lines_where_no_person_reads(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("warning")
    try:
        structlog.get_logger().info("too_small")
        structlog.get_logger().warning("bars_stored", rows=3)
        captured = capsys.readouterr()
    finally:
        structlog.reset_defaults()
    record = json.loads(captured.err)
    assert (record["event"], record["rows"], record["level"]) == ("bars_stored", 3, "warning")
    assert captured.out == ""


def test_a_log_that_has_grown_too_large_starts_anew(tmp_path: Path) -> None:
    (tmp_path / "qts.log").write_bytes(b"x" * 10_000_001)
    path = log_unexpected(ValueError("y"), error_id="1", folder=tmp_path)
    assert path == tmp_path / "qts.log"
    assert path.stat().st_size < 10_000
    assert (tmp_path / "qts.log.1").stat().st_size == 10_000_001
