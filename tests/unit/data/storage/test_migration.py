from __future__ import annotations

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from qts.app.control import CONTROL
from qts.core.errors import BadPath, DamagedFile
from qts.data.storage.database import Database
from qts.data.storage.manifest import MANIFEST
from qts.data.storage.migration import Migrations
from qts.data.storage.schema import METADATA

FIRST = """
from alembic import op
import sqlalchemy as sa
revision, down_revision = "0001", None

def upgrade():
    op.create_table("thing", sa.Column("name", sa.Text, primary_key=True))
"""
SECOND = """
from alembic import op
import sqlalchemy as sa
revision, down_revision = "0002", "0001"

def upgrade():
    op.add_column("thing", sa.Column("price", sa.Integer, nullable=False, server_default="7"))
"""
FAILING = f"{SECOND}    op.drop_table('nowhere')\n"


def migrations(tmp_path: Path, *revisions: str) -> Migrations:
    """Return the revisions, written into a folder of their own."""
    folder = tmp_path / f"revisions_{abs(hash(revisions))}"
    folder.mkdir(exist_ok=True)
    for number, revision in enumerate(revisions, 1):
        (folder / f"r{number:04}_step.py").write_text(revision)
    return Migrations(folder=folder, first_version=version, mark=mark)


def version(connection: Connection) -> int | None:
    return connection.exec_driver_sql("PRAGMA user_version").scalar_one() or None


def mark(connection: Connection, number: int) -> None:
    connection.exec_driver_sql(f"PRAGMA user_version = {number}")


def test_an_older_database_is_brought_up_to_date_with_its_rows(tmp_path: Path) -> None:
    old = Database.open(tmp_path / "a.sqlite", migrations=migrations(tmp_path, FIRST))
    with old.writing() as connection:
        connection.execute(text("INSERT INTO thing VALUES ('pen')"))
    old.close()
    new = Database.open(tmp_path / "a.sqlite", migrations=migrations(tmp_path, FIRST, SECOND))
    with new.reading() as connection:
        assert connection.execute(text("SELECT name, price FROM thing")).all() == [("pen", 7)]
        assert version(connection) == 2, "releases from before revisions look here"
    assert new.revision == "0002"
    new.close()


def test_a_later_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    Database.open(path, migrations=migrations(tmp_path, FIRST, SECOND)).close()
    before = path.read_bytes()
    with pytest.raises(BadPath, match=r"later release \(schema 0002, this release knows up to 0001\)"):
        Database.open(path, migrations=migrations(tmp_path, FIRST))
    assert path.read_bytes() == before


def test_a_database_that_grew_while_it_was_open_is_written_no_more(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    running = Database.open(path, migrations=migrations(tmp_path, FIRST))
    Database.open(path, migrations=migrations(tmp_path, FIRST, SECOND)).close()
    with pytest.raises(BadPath, match="later release"), running.writing():
        pytest.fail("a writer that does not know the tables was let in")
    running.close()


def test_a_revision_that_fails_leaves_the_older_database(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    Database.open(path, migrations=migrations(tmp_path, FIRST)).close()
    with pytest.raises(DamagedFile, match="nowhere"):
        Database.open(path, migrations=migrations(tmp_path, FIRST, FAILING))
    old = Database.open(path, migrations=migrations(tmp_path, FIRST))
    with old.reading() as connection:
        assert [row.name for row in connection.execute(text("PRAGMA table_info(thing)"))] == ["name"]
    old.close()


@pytest.mark.parametrize("chain", [MANIFEST, CONTROL], ids=["manifest", "control"])
def test_the_revisions_are_one_chain_numbered_as_their_files_are(chain: Migrations) -> None:
    scripts = list(ScriptDirectory(chain.folder, version_locations=[chain.folder]).walk_revisions())
    assert [script.revision for script in reversed(scripts)] == list(chain.known)
    assert [Path(script.path).stem[1:5] for script in scripts] == [script.revision for script in scripts]
    assert [script.down_revision for script in reversed(scripts)] == [None, *chain.known[:-1]]


def test_the_revisions_make_the_tables_that_the_manifest_is_written_with(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "manifest.sqlite", migrations=MANIFEST)
    with database.reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), METADATA) == []
    database.close()
