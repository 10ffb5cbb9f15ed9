from __future__ import annotations

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from qts.data.instruments.tables import METADATA
from qts.data.storage.database import Database


def test_the_tables_are_those_that_the_revisions_make(database: Database) -> None:
    with database.reading() as connection:
        context = MigrationContext.configure(
            connection, opts={"include_name": lambda name, kind, _parents: kind != "table" or name in METADATA.tables}
        )
        assert compare_metadata(context, METADATA) == []
