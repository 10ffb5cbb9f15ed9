"""An empty control database, and rows of dumps to fill it with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from qts.app.control import ControlDatabase
from qts.data.instruments import Dump, DumpRow
from qts.data.storage.database import Database

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def share(symbol: str, token: int, *, name: str = "A COMPANY", tick: int = 500, lot: int = 1) -> DumpRow:
    """Return a share as a dump of NSE lists it."""
    return DumpRow("NSE", symbol, token, name, None, None, tick, lot, "EQ", "NSE")


def dump_of(*rows: DumpRow, tag: str = "") -> Dump:
    """Return a dump of these rows; ``tag`` tells two dumps of the same rows apart."""
    return Dump(rows=rows, n_read=len(rows), n_rejected=0, rejected=(), sha256=f"{hash((rows, tag)):x}")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    control = ControlDatabase.open(tmp_path / "control.sqlite")
    yield control.database
    control.close()


@pytest.fixture
def make_share() -> Callable[..., DumpRow]:
    return share


@pytest.fixture
def make_dump() -> Callable[..., Dump]:
    return dump_of


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture
def days() -> tuple[date, ...]:
    return tuple(date(2026, 11, day) for day in range(2, 12))
