"""Files of the first format counted as those of today are: once, before the first commit after the release was installed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import insert, select, update

from qts.core import InstrumentId, micros_of
from qts.core.errors import DamagedFile
from qts.data.storage.commit_log import head_of
from qts.data.storage.contents import Content, content_of, row_hashes, total
from qts.data.storage.coverage import coverage_of, seal_of
from qts.data.storage.lookup import Span
from qts.data.storage.recording import series_rows
from qts.data.storage.records import StoredFile
from qts.data.storage.row_seals import with_seal
from qts.data.storage.schema import COVERAGE, FILE, SERIES, SNAPSHOT
from qts.data.storage.sealed import seal_of_file, seal_of_series, series_info
from qts.data.storage.seals import moved
from qts.data.storage.series import SeriesKey
from qts.data.storage.vault import Vault

if TYPE_CHECKING:  # a database library is imported when a store is opened
    from sqlalchemy import Connection

    from qts.data.storage.manifest import Manifest


@dataclass(frozen=True, slots=True, kw_only=True)
class _Counted:
    file: StoredFile
    contents: Mapping[SeriesKey, Content]
    packed: bytes

    @property
    def content(self) -> Content:
        return total(self.contents.values())


def renew(manifest: Manifest, vault: Vault, *, at: datetime) -> None:
    """Count the live files of the first format; a damaged one is left for when it is mended or rewritten.

    The bars stay as they are. As their id is now that of the present format, the state gets a snapshot of its own, of kind ``format``;
    ids of earlier snapshots go on working.
    """
    with manifest.reading() as ledger:
        files, names = ledger.uncounted(), ledger.instruments()
    counted = [one for file in files if (one := _count(vault, file, names)) is not None]
    if not counted:
        return
    with manifest.writing() as ledger:
        live = {file.id for file in ledger.uncounted()}
        _record(ledger.connection, [one for one in counted if one.file.id in live], at=at)


def _count(vault: Vault, file: StoredFile, names: Mapping[int, InstrumentId]) -> _Counted | None:
    try:
        rows = vault.read(file, number=None, span=Span(start=None, end=None))
    except DamagedFile:
        return None
    dataset = file.dataset
    hashes = row_hashes(rows, names, interval=dataset.interval, basis=dataset.basis)
    contents = {dataset.key(names[number]): content_of(hashes[:, start:stop]) for number, start, stop in rows.parts()}
    return _Counted(file=file, contents=contents, packed=coverage_of(rows.numbers, rows.ts).pack())


def _record(connection: Connection, counted: Iterable[_Counted], *, at: datetime) -> None:
    head = head_of(connection)
    assert head is not None  # noqa: S101 - there are files, and a commit brought them
    content, files_seal = Content.parse(head["content"]), head["files_seal"]
    contents: dict[SeriesKey, Content] = {}
    n_counted = 0
    for one in counted:
        n_counted += 1
        row = dict(connection.execute(select(FILE).where(FILE.c.id == one.file.id)).one()._mapping)  # noqa: SLF001 - SQLAlchemy's name
        row |= {"content": str(one.content), "net": str(one.content)}
        seal = seal_of_file(row)
        connection.execute(update(FILE).where(FILE.c.id == one.file.id).values(content=str(one.content), net=str(one.content), seal=seal))
        connection.execute(insert(COVERAGE).values(file_id=one.file.id, packed=one.packed, seal=seal_of(one.packed)))
        content += one.content - Content.parse(one.file.net)
        files_seal = moved(files_seal, plus=[seal], minus=[one.file.seal])
        for key, added in one.contents.items():
            contents[key] = contents.get(key, Content()) + added
    if n_counted == 0:
        return
    sums = {"content": str(content), "files_seal": files_seal, "series_seal": _name_series(connection, contents, head["series_seal"])}
    note = f"{n_counted} files counted anew; no bar changed"
    row = {"seq": head["seq"] + 1, "id": content.state_id, "at_us": micros_of(at), "kind": "format", "note": note}
    connection.execute(insert(SNAPSHOT), with_seal(SNAPSHOT, row | sums))


def _name_series(connection: Connection, contents: Mapping[SeriesKey, Content], seal: str) -> str:
    for row in series_rows(connection, None, None):
        info = series_info(row)
        if info.key not in contents:
            continue
        content = (Content.parse(info.content) if info.content else Content()) + contents[info.key]
        held = dict(row._mapping) | {"content": str(content)}  # noqa: SLF001 - SQLAlchemy's name for the row as a mapping
        fresh = seal_of_series(info.key.instrument, held, row.names)
        connection.execute(update(SERIES).where(SERIES.c.id == row.id).values(content=str(content), seal=fresh))
        seal = moved(seal, plus=[fresh], minus=[row.seal])
    return seal
