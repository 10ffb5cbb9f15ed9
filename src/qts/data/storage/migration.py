"""How a database comes to the tables of this release: revisions in one chain, each a file of its package, run in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import Column, Connection, MetaData, String, Table, select

from qts.core.errors import BadPath

if TYPE_CHECKING:  # imported where a database is not up to date, which is rare
    from alembic.runtime.migration import MigrationContext, MigrationStep

_FIRST: Final = "0001"
_VERSION: Final = Table("alembic_version", MetaData(), Column("version_num", String(32), primary_key=True))
_CURRENT: Final = select(_VERSION.c.version_num)


@dataclass(frozen=True, slots=True, kw_only=True)
class Migrations:
    """The revisions of one kind of database.

    ``folder`` holds them as ``r<number>_<what>.py``, each naming the one before as its ``down_revision``. ``first_version`` tells the
    version written into a database made before there were revisions (None: nothing is); ``mark`` writes the number of the present
    revision in that same place, so that releases from before refuse what they cannot know.
    """

    folder: Path
    first_version: Callable[[Connection], int | None]
    mark: Callable[[Connection, int], None]

    @property
    def known(self) -> tuple[str, ...]:
        """Return the revisions that this release knows, oldest first."""
        return _revisions_in(self.folder)

    @property
    def head(self) -> str:
        """Return the revision that this release works with."""
        return self.known[-1]

    def is_current(self, connection: Connection, place: str) -> bool:
        """Return whether the database is at the head.

        Raises
        ------
        BadPath
            If a later release made it.
        """
        found = self._revision(connection)
        if found is not None and found not in self.known:
            raise _made_later(place, found, self.head)
        if found is None and (version := self.first_version(connection)) not in {None, int(_FIRST)}:
            raise _made_later(place, str(version), self.head)
        return found == self.head

    def require_head(self, connection: Connection, place: str) -> None:
        """Raise unless a database that was at the head still is.

        Raises
        ------
        BadPath
            If a later release changed the tables meanwhile.
        """
        found = connection.execute(_CURRENT).scalars().first()
        if found != self.head:
            raise _made_later(place, str(found), self.head)

    def upgrade(self, connection: Connection) -> None:
        """Bring the database to the head within the transaction that the connection is in."""
        from alembic.operations import Operations  # noqa: PLC0415 - half a second, for a database that is not up to date only
        from alembic.runtime.migration import MigrationContext, MigrationStep  # noqa: PLC0415 - see above
        from alembic.script import ScriptDirectory  # noqa: PLC0415 - see above

        scripts = ScriptDirectory(self.folder, version_locations=[self.folder])

        def steps(heads: tuple[str, ...], _context: MigrationContext) -> Iterable[MigrationStep]:
            pending = reversed(list(scripts.iterate_revisions("head", heads or "base", implicit_base=True)))
            return [MigrationStep.upgrade_from_script(scripts.revision_map, script) for script in pending]

        context = MigrationContext.configure(connection, opts={"fn": steps})
        if self._revision(connection) is None and self.first_version(connection) is not None:
            # Its tables are those of the first revision: only the note of it is missing.
            context.stamp(scripts, _FIRST)
        with Operations.context(context):
            context.run_migrations()
        self.mark(connection, int(self.head))

    @staticmethod
    def _revision(connection: Connection) -> str | None:
        if not connection.dialect.has_table(connection, _VERSION.name):
            return None
        return connection.execute(_CURRENT).scalars().first()


@cache
def _revisions_in(folder: Path) -> tuple[str, ...]:
    return tuple(sorted(path.stem[1:5] for path in folder.glob("r[0-9][0-9][0-9][0-9]_*.py")))


def _made_later(place: str, found: str, head: str) -> BadPath:
    reason = f"it was made by a later release (schema {found}, this release knows up to {head})"
    return BadPath(place, reason, hint="Use that release, or restore a backup taken before it was installed; nothing was changed.")
