from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from qts.core.errors import BadPath, DamagedFile, StoreBusy
from qts.data.storage.database import Database
from qts.data.storage.manifest import MANIFEST
from qts.data.storage.schema import INSTRUMENT

OPEN = """
import sys
from pathlib import Path
from qts.data.storage.database import Database
from qts.data.storage.manifest import MANIFEST
Database.open(Path(sys.argv[1]), migrations=MANIFEST).close()
print([name for name in sys.modules if name.split(".")[0] in {"alembic", "mako"}])
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "manifest.sqlite"


def symbols(database: Database) -> list[str]:
    with database.reading() as connection:
        return sorted(connection.execute(select(INSTRUMENT.c.symbol)).scalars())


def add(database: Database, symbol: str) -> None:
    with database.writing() as connection:
        connection.execute(INSTRUMENT.insert().values(exchange="NSE", symbol=symbol))


def test_what_was_written_is_there_when_it_is_opened_again(path: Path) -> None:
    database = Database.open(path, migrations=MANIFEST)
    add(database, "AAA")
    database.close()
    again = Database.open(str(path), migrations=MANIFEST)
    assert symbols(again) == ["AAA"]
    assert again.path == path
    again.close()


def test_an_exception_undoes_what_was_written(path: Path) -> None:
    database = Database.open(path, migrations=MANIFEST)
    row = {"exchange": "NSE", "symbol": "AAA"}
    with pytest.raises(IntegrityError), database.writing() as connection:
        connection.execute(INSTRUMENT.insert(), [row, row])
    assert symbols(database) == []
    database.close()


def test_a_reader_sees_one_state_while_others_write(path: Path) -> None:
    database = Database.open(path, migrations=MANIFEST)
    with database.reading() as connection:
        assert connection.execute(select(INSTRUMENT.c.symbol)).all() == []
        add(database, "AAA")
        assert connection.execute(select(INSTRUMENT.c.symbol)).all() == []
    assert symbols(database) == ["AAA"]
    database.close()


def test_every_commit_is_flushed_and_references_are_kept(path: Path) -> None:
    database = Database.open(path, migrations=MANIFEST)
    with database.reading() as connection:
        found = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
    database.close()


def test_a_writer_that_waits_too_long_is_told_so(path: Path) -> None:
    database = Database.open(path, migrations=MANIFEST, wait_seconds=0.05)
    with database.writing(), pytest.raises(StoreBusy), database.writing():
        pytest.fail("there were two writers at once")
    database.close()


def test_many_who_open_a_new_one_at_once_all_get_it(path: Path) -> None:
    def use(number: int) -> None:
        database = Database.open(path, migrations=MANIFEST)
        add(database, f"S{number:02}")
        database.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(use, range(16)))
    database = Database.open(path, migrations=MANIFEST)
    assert symbols(database) == [f"S{number:02}" for number in range(16)]
    database.close()


def test_a_file_that_is_no_database_is_named(path: Path) -> None:
    path.write_bytes(b"this is not a database, whatever its name says " * 100)
    with pytest.raises(DamagedFile, match="manifest"):
        Database.open(path, migrations=MANIFEST)


def test_a_table_that_is_gone_is_damage(path: Path) -> None:
    database = Database.open(path, migrations=MANIFEST)
    with database.writing() as connection:
        connection.execute(text("DROP TABLE ingest_log"))
    with pytest.raises(DamagedFile, match="ingest_log"), database.reading() as connection:
        connection.execute(text("SELECT * FROM ingest_log"))
    database.close()


@pytest.mark.parametrize(
    ("place", "reason"),
    [
        pytest.param("nonsense://", "no PostgreSQL", id="another kind of database"),
        pytest.param("://", "no URL", id="no URL at all"),
    ],
)
def test_an_address_that_leads_nowhere_is_named(place: str, reason: str) -> None:
    with pytest.raises(BadPath, match=reason):
        Database.open(place, migrations=MANIFEST)


def test_a_database_that_is_up_to_date_is_opened_without_the_library_that_migrates(path: Path) -> None:
    Database.open(path, migrations=MANIFEST).close()
    done = subprocess.run([sys.executable, "-c", OPEN, str(path)], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
