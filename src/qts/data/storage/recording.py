"""How a commit is written into the manifest: what ends, what begins, and the sums that follow from both."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Result, Row, Select, Table, and_, insert, or_, select, update

from qts.core import InstrumentId, micros_of, symbol_of
from qts.data.storage.commit_log import head_of
from qts.data.storage.contents import Content, total
from qts.data.storage.coverage import seal_of
from qts.data.storage.lookup import Growth, grown, returning
from qts.data.storage.records import Commit
from qts.data.storage.row_seals import with_seal
from qts.data.storage.schema import COVERAGE, FILE, INGEST_LOG, INSTRUMENT, SERIES, SNAPSHOT, SOURCES
from qts.data.storage.sealed import file_row, names_of, series_info, series_row
from qts.data.storage.seals import moved
from qts.data.storage.series import Provenance, SeriesInfo, SeriesKey

CHUNK: Final = 5_000


def record(connection: Connection, commit: Commit) -> str:
    """Write a commit and return the id of the state that it makes."""
    head = head_of(connection)
    seq = 1 if head is None else head["seq"] + 1
    row = {"seq": seq, "at_us": micros_of(commit.at), "kind": commit.kind, "note": commit.note, "id": "", "content": ""}
    connection.execute(insert(SNAPSHOT), row | {"files_seal": "", "series_seal": ""})
    ended = [*commit.ended, *(file for draft in commit.drafts for file in draft.supersedes)]
    end(connection, FILE, [file.id for file in ended], seq)
    rows = [file_row(draft, seq) for draft in commit.drafts]
    if rows:
        connection.execute(insert(FILE), rows)
        _record_coverage(connection, commit, rows, seq)
    series_seal = _record_series(connection, commit, seq, "" if head is None else head["series_seal"])
    if commit.provenance is not None:
        connection.execute(insert(INGEST_LOG).values(with_seal(INGEST_LOG, _log_row(commit, commit.provenance, seq))))
    content = Content() if head is None else Content.parse(head["content"])
    content += total(draft.net for draft in commit.drafts) - total(Content.parse(file.net) for file in ended)
    files_seal = moved(
        "" if head is None else head["files_seal"], plus=(str(row["seal"]) for row in rows), minus=(file.seal for file in ended)
    )
    sums = {"id": content.state_id, "content": str(content), "files_seal": files_seal, "series_seal": series_seal}
    connection.execute(update(SNAPSHOT).where(SNAPSHOT.c.seq == seq).values(with_seal(SNAPSHOT, row | sums)))
    return content.state_id


def series_rows(connection: Connection, seq: int | None, instruments: Sequence[InstrumentId] | None) -> Sequence[Row[Any]]:
    """Return the rows of the series of a snapshot (None: the present), of all or of some instruments."""
    is_live: ColumnElement[bool] = SERIES.c.end_snapshot.is_(None)
    if seq is not None:
        is_live = and_(SERIES.c.begin_snapshot <= seq, or_(is_live, SERIES.c.end_snapshot > seq))
    query = named_series().where(is_live)
    if instruments is not None and len(instruments) <= CHUNK:
        query = query.where(INSTRUMENT.c.symbol.in_([symbol_of(instrument) for instrument in instruments]))
    return connection.execute(query).all()


def all_series_rows(connection: Connection) -> Result[Any]:
    """Return the rows of the series of all snapshots."""
    return connection.execute(named_series())


def named_series() -> Select[Any]:
    """Return the query of the rows of all series, with what they are called and where they came from."""
    return (
        select(SERIES, INSTRUMENT.c.exchange, INSTRUMENT.c.symbol, SOURCES.c.names)
        .join(INSTRUMENT, SERIES.c.instrument_id == INSTRUMENT.c.id)
        .join(SOURCES, SERIES.c.sources_id == SOURCES.c.id)
    )


def end(connection: Connection, table: Table, ids: Sequence[int], seq: int) -> None:
    """Mark rows as no longer live from a snapshot on."""
    for i_first in range(0, len(ids), CHUNK):
        connection.execute(update(table).where(table.c.id.in_(ids[i_first : i_first + CHUNK])).values(end_snapshot=seq))


def _record_coverage(connection: Connection, commit: Commit, rows: Sequence[Mapping[str, object]], seq: int) -> None:
    found = connection.execute(select(FILE.c.label, FILE.c.id).where(FILE.c.begin_snapshot == seq))
    ids: dict[str, int] = {row.label: row.id for row in found}
    packed = [(ids[str(row["label"])], draft.counts) for draft, row in zip(commit.drafts, rows, strict=True)]
    connection.execute(insert(COVERAGE), [{"file_id": number, "packed": counts, "seal": seal_of(counts)} for number, counts in packed])


def _record_series(connection: Connection, commit: Commit, seq: int, seal: str) -> str:
    touched = commit.growth if commit.growth is not None else (commit.infos or {})
    if not touched:
        return seal
    rows = series_rows(connection, None, sorted({key.instrument for key in touched}))
    before = {info.key: (row, info) for row, info in ((row, series_info(row)) for row in rows)}
    infos = _infos(commit, {key: info for key, (_, info) in before.items()})
    ended = [before[key][0] for key in touched if key in before]
    end(connection, SERIES, [row.id for row in ended], seq)
    sources = _sources(connection, {names_of(info.sources) for info in infos})
    numbers = {} if commit.numbers is None else commit.numbers
    fresh = [series_row(info, numbers[info.key.instrument], sources[names_of(info.sources)], seq) for info in infos]
    if fresh:
        connection.execute(insert(SERIES), fresh)
    return moved(seal, plus=(str(row["seal"]) for row in fresh), minus=(row.seal for row in ended))


def _infos(commit: Commit, before: Mapping[SeriesKey, SeriesInfo]) -> list[SeriesInfo]:
    if commit.growth is None:
        return [info for info in (commit.infos or {}).values() if info is not None]
    growth: Mapping[SeriesKey, Growth] = commit.growth
    provenance = commit.provenance
    assert provenance is not None  # noqa: S101 - what grows comes from somewhere
    return [grown(before.get(key) or returning(commit.restored, key, one), key, one, provenance) for key, one in growth.items()]


def _sources(connection: Connection, texts: set[str]) -> dict[str, int]:
    """Return the numbers of lists of sources; those that are new get one."""
    known = _known_sources(connection, texts)
    if fresh := sorted(texts - known.keys()):
        connection.execute(insert(SOURCES), [{"names": text} for text in fresh])
        known |= _known_sources(connection, fresh)
    return known


def _known_sources(connection: Connection, texts: Iterable[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    wanted = sorted(texts)
    for i_first in range(0, len(wanted), CHUNK):
        query = select(SOURCES.c.names, SOURCES.c.id).where(SOURCES.c.names.in_(wanted[i_first : i_first + CHUNK]))
        found |= {row.names: int(row.id) for row in connection.execute(query)}
    return found


def _log_row(commit: Commit, provenance: Provenance, seq: int) -> dict[str, object]:
    return {
        "snapshot": seq,
        "source": provenance.source,
        "simulated": provenance.simulated,
        "note": provenance.note,
        "at_us": micros_of(commit.at),
        "n_stored": commit.n_stored,
        "n_changed": commit.n_changed,
        "n_unchanged": commit.n_unchanged,
    }
