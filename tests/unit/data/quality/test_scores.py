"""Scores are kept until what they depend on changes."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from qts.app.control import ControlDatabase
from qts.core import InstrumentId, Interval
from qts.data.quality import JudgedSeries, Scores, StoredScore
from qts.data.storage import SeriesKey

AT = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
KEY = SeriesKey(instrument=InstrumentId("NSE:INFY"), interval=Interval.DAY)
OTHER = SeriesKey(instrument=InstrumentId("NSE:INFY"), interval=Interval.MINUTE_1)


def test_the_last_score_is_found_by_its_fingerprint_only(tmp_path: Path) -> None:
    control = ControlDatabase.open(tmp_path / "control.sqlite")
    scores = Scores(control.database)
    assert scores.latest() == ""
    scores.put([JudgedSeries(key=KEY, fingerprint="a", score=98.5, document='{"score": 98.5}')], scored_at=AT)
    assert scores.latest() == AT.isoformat()
    assert scores.document(KEY, fingerprint="a") == '{"score": 98.5}'
    assert scores.document(KEY, fingerprint="b") is None
    others = [JudgedSeries(key=key, fingerprint="b", score=None, document="{}") for key in (KEY, OTHER)]
    scores.put(others, scored_at=AT)
    scores.put([], scored_at=AT)
    assert scores.all() == dict.fromkeys((KEY, OTHER), StoredScore(fingerprint="b", score=None))
    assert scores.document(KEY, fingerprint="a") is None
    control.close()
