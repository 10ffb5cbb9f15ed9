"""Names of snapshots, and what lies between two of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from qts.core import micros_of
from qts.core.errors import BadParameter
from qts.data.storage.lookup import sort_key
from qts.data.storage.series import SeriesInfo, SeriesKey

if TYPE_CHECKING:  # a database library is imported when a store is opened
    from sqlalchemy import Connection

_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,63}")
_ID: Final = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesChange:
    """A series that two snapshots do not share: its bars in the earlier one and in the later one, 0 where it is not there."""

    key: SeriesKey
    bars_before: int
    bars_after: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What lies between two snapshots; each list is sorted like the series of the store."""

    added: tuple[SeriesChange, ...]
    removed: tuple[SeriesChange, ...]
    changed: tuple[SeriesChange, ...]


def compared(before: Mapping[SeriesKey, SeriesInfo], after: Mapping[SeriesKey, SeriesInfo]) -> Comparison:
    """Return what the series of two states do not share; a series has changed if one of its bars did."""
    infos = sorted({**before, **after}.values(), key=sort_key)
    added, removed, changed = [], [], []
    for key in (info.key for info in infos):
        old, new = before.get(key), after.get(key)
        change = SeriesChange(key=key, bars_before=0 if old is None else old.n_bars, bars_after=0 if new is None else new.n_bars)
        if old is None:
            added.append(change)
        elif new is None:
            removed.append(change)
        elif _said(old) != _said(new):
            changed.append(change)
    return Comparison(added=tuple(added), removed=tuple(removed), changed=tuple(changed))


def require_name(name: str) -> None:
    """Raise unless a snapshot can be called that.

    Raises
    ------
    BadParameter
        If it is no name, or could be taken for an id.
    """
    if _NAME.fullmatch(name) is None or _ID.fullmatch(name) is not None:
        reason = "a name starts with a letter, has up to 64 letters, digits, dots, dashes and underscores, and does not look like an id"
        raise BadParameter("name", name, reason, hint="Call it something like before-split.")


def name_taken(name: str, snapshot: str) -> BadParameter:
    """Return the error for a name that another snapshot has."""
    return BadParameter("name", name, f"snapshot {snapshot} is called that", hint="Choose another name, or take that one away first.")


def give_name(connection: Connection, seq: int, name: str, *, at: datetime) -> None:
    """Call a snapshot by a name; the same name for the same snapshot again is no change.

    Raises
    ------
    BadParameter
        If another snapshot has it.
    """
    from sqlalchemy import insert  # noqa: PLC0415 - a database library is imported when a store is opened

    from qts.data.storage.commit_log import commits_of, names_given  # noqa: PLC0415 - see above
    from qts.data.storage.row_seals import with_seal  # noqa: PLC0415 - see above
    from qts.data.storage.schema import SNAPSHOT_NAME  # noqa: PLC0415 - see above

    held = {row["name"]: row["snapshot"] for row in names_given(connection)}.get(name)
    if held is None:
        row = {"name": name, "snapshot": seq, "at_us": micros_of(at)}
        connection.execute(insert(SNAPSHOT_NAME).values(with_seal(SNAPSHOT_NAME, row)))
    elif held != seq:
        raise name_taken(name, commits_of(connection, [held])[held]["id"])


def take_name(connection: Connection, name: str) -> None:
    """Take a name away from whatever snapshot has it.

    Raises
    ------
    BadParameter
        If none has.
    """
    from sqlalchemy import delete  # noqa: PLC0415 - a database library is imported when a store is opened

    from qts.data.storage.commit_log import names_given  # noqa: PLC0415 - see above
    from qts.data.storage.schema import SNAPSHOT_NAME  # noqa: PLC0415 - see above

    names_given(connection)  # one that is not what was written may have been this one
    if connection.execute(delete(SNAPSHOT_NAME).where(SNAPSHOT_NAME.c.name == name)).rowcount == 0:
        raise no_name(name)


def no_name(name: str) -> BadParameter:
    """Return the error for a name that no snapshot has."""
    return BadParameter("name", name, "no snapshot is called that", hint="List the snapshots to see their names.")


def _said(info: SeriesInfo) -> tuple[object, ...]:
    # Series of the first format have no content to go by.
    return (info.content,) if info.content else (info.n_bars, info.first_ts, info.last_ts, info.last_close)
