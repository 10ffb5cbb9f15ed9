from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from qts.data.storage import ParquetStore
from qts.data.storage.leases import pinned

AT = datetime(2026, 1, 5, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_a_lease_is_one_holders_until_it_ends_or_is_given_back(tmp_path: Path) -> None:
    store = ParquetStore.open(tmp_path)
    assert store.acquire("compact", "a", at=AT, until=AT + HOUR)
    assert not store.acquire("compact", "b", at=AT, until=AT + HOUR)
    assert store.acquire("other", "b", at=AT, until=AT + HOUR)
    assert store.acquire("compact", "a", at=AT, until=AT + 2 * HOUR), "its holder may renew it"
    assert not store.acquire("compact", "b", at=AT + HOUR, until=AT + 3 * HOUR)
    store.release("compact", "b")
    assert not store.acquire("compact", "b", at=AT + HOUR, until=AT + 3 * HOUR), "only its holder gives it back"
    store.release("compact", "a")
    assert store.acquire("compact", "b", at=AT, until=AT + HOUR)
    assert store.acquire("compact", "a", at=AT + HOUR, until=AT + 2 * HOUR), "a lease of the past is anybody's"
    store.close()


def test_a_pin_holds_as_long_as_its_lease(tmp_path: Path) -> None:
    store = ParquetStore.open(tmp_path)
    assert store.acquire("backup", "a", at=AT, until=AT + HOUR, pins=store.snapshot())
    assert store.acquire("compact", "a", at=AT, until=AT + HOUR)
    with store._manifest.reading() as ledger:  # noqa: SLF001 - what a collector asks
        assert pinned(ledger.connection, AT) == {0}
        assert pinned(ledger.connection, AT + HOUR) == set()
    store.close()
