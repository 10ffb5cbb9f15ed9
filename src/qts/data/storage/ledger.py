"""What is asked of the manifest inside one transaction, and how a commit is written into it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any, Final

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Integer,
    Row,
    Select,
    Table,
    and_,
    bindparam,
    func,
    insert,
    or_,
    select,
    update,
)

from qts.core import InstrumentId, Interval, exchange_of, instant_of, micros_of, symbol_of
from qts.data.storage.lookup import Growth, Span, grown, no_snapshot
from qts.data.storage.records import Commit, Draft, StoredFile
from qts.data.storage.rows import state_id
from qts.data.storage.schema import FILE, INGEST_LOG, INSTRUMENT, SERIES, SNAPSHOT, SOURCES
from qts.data.storage.seals import require_equal, seal, seal_of_all
from qts.data.storage.series import PriceBasis, SeriesInfo, SeriesKey, Snapshot

_EMPTY_ID: Final = state_id(())
_CHUNK: Final = 5_000
_LATEST: Final = 2**63 - 1
_UNSEALED: Final = frozenset({"id", "end_snapshot", "seal"})
_FILE_SEALED: Final = tuple(column.name for column in FILE.c if column.name not in _UNSEALED)
_SERIES_SEALED: Final = tuple(column.name for column in SERIES.c if column.name not in _UNSEALED)


class Ledger:
    """One transaction on the manifest."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def snapshot(self) -> tuple[int, str]:
        """Return ``(seq, id)`` of the present state; 0 before the first commit."""
        row = self._connection.execute(select(SNAPSHOT.c.seq, SNAPSHOT.c.id).order_by(SNAPSHOT.c.seq.desc()).limit(1)).first()
        return (0, _EMPTY_ID) if row is None else (row.seq, row.id)

    def seq_of(self, as_of: str | None) -> int | None:
        """Return the sequence number of a snapshot, None for the present.

        Raises
        ------
        BadParameter
            If there is no such snapshot.
        """
        if as_of is None:
            return None
        seq = self._connection.execute(select(func.max(SNAPSHOT.c.seq)).where(SNAPSHOT.c.id == as_of)).scalar_one()
        if seq is None and as_of == _EMPTY_ID:
            return 0
        if seq is None:
            raise no_snapshot(as_of)
        return int(seq)

    def snapshots(self) -> tuple[Snapshot, ...]:
        """Return every commit, oldest first."""
        rows = self._connection.execute(select(SNAPSHOT).order_by(SNAPSHOT.c.seq))
        return tuple(Snapshot(seq=row.seq, id=row.id, at=instant_of(row.at_us), kind=row.kind, note=row.note) for row in rows)

    def numbers(self, instruments: Iterable[InstrumentId]) -> dict[InstrumentId, int]:
        """Return the numbers of those of the instruments that have one."""
        wanted = set(instruments)
        # A handful is looked up, a crowd is read whole: the table is small.
        query = select(INSTRUMENT.c.id, INSTRUMENT.c.exchange, INSTRUMENT.c.symbol)
        if len(wanted) <= 8:
            query = query.where(INSTRUMENT.c.symbol.in_([symbol_of(instrument) for instrument in wanted]))
        found = {InstrumentId(f"{row.exchange}:{row.symbol}"): row.id for row in self._connection.execute(query)}
        return {instrument: found[instrument] for instrument in wanted if instrument in found}

    def add_instruments(self, instruments: Iterable[InstrumentId]) -> None:
        """Give numbers to the instruments that have none, in alphabetical order."""
        known = self.numbers(instruments)
        fresh = sorted(set(instruments) - known.keys())
        if fresh:
            rows = [{"exchange": str(exchange_of(instrument)), "symbol": symbol_of(instrument)} for instrument in fresh]
            self._connection.execute(insert(INSTRUMENT), rows)

    def instruments(self) -> dict[int, InstrumentId]:
        """Return all instruments by number."""
        return {row.id: InstrumentId(f"{row.exchange}:{row.symbol}") for row in self._connection.execute(select(INSTRUMENT))}

    def live(self, labels: Iterable[str]) -> dict[str, StoredFile]:
        """Return the live files of these groups, by label."""
        files: dict[str, StoredFile] = {}
        wanted = sorted(labels)
        for i_first in range(0, len(wanted), _CHUNK):
            query = select(FILE).where(FILE.c.label.in_(wanted[i_first : i_first + _CHUNK]), FILE.c.end_snapshot.is_(None))
            files |= {row.label: _file(row) for row in self._connection.execute(query)}
        return files

    def versions(self, label: str) -> list[StoredFile]:
        """Return all files that a group ever had, the newest first."""
        rows = self._connection.execute(select(FILE).where(FILE.c.label == label).order_by(FILE.c.begin_snapshot.desc()))
        return [_file(row) for row in rows]

    def files(self) -> list[StoredFile]:
        """Return all files of all snapshots."""
        return [_file(row) for row in self._connection.execute(select(FILE).order_by(FILE.c.path, FILE.c.begin_snapshot))]

    def live_series_files(self, seq: int | None) -> list[tuple[StoredFile, Interval, PriceBasis]]:
        """Return the files live at a snapshot with the interval and basis of their bars, by label."""
        rows = self._connection.execute(select(FILE).where(_is_live(FILE, seq)).order_by(FILE.c.label))
        return [(_file(row), Interval(row.interval), PriceBasis(row.basis)) for row in rows]

    def files_of(self, key: SeriesKey, span: Span, seq: int | None) -> tuple[int, list[StoredFile]]:
        """Return the number of a series' instrument (0: unknown) and the files that may hold its bars in the span, oldest first."""
        query = _files_query(is_shared=not key.interval.is_intraday, is_past=seq is not None)
        given = {
            "exchange": str(exchange_of(key.instrument)),
            "symbol": symbol_of(key.instrument),
            "interval": str(key.interval),
            "basis": str(key.basis),
            "start": -_LATEST if span.start is None else span.start,
            "end": _LATEST if span.end is None else span.end,
            "seq": seq,
        }
        rows = self._connection.execute(query, given).all()
        return (rows[0].number if rows else 0), [_file(row) for row in rows]

    def series(self, seq: int | None, instruments: Sequence[InstrumentId] | None = None) -> tuple[SeriesInfo, ...]:
        """Return the series of a snapshot, of all or of some instruments."""
        return tuple(_info(row) for row in self._series_rows(seq, instruments))

    def content_ids(self, seq: int | None) -> dict[SeriesKey, str]:
        """Return for each series of a snapshot the state in which its bars were last touched."""
        states = {row.seq: row.id for row in self._connection.execute(select(SNAPSHOT.c.seq, SNAPSHOT.c.id))}
        return {_info(row).key: states[row.begin_snapshot] for row in self._series_rows(seq, None)}

    def record(self, commit: Commit) -> str:
        """Write a commit and return the id of the state that it makes."""
        seq = self.snapshot()[0] + 1
        note = commit.provenance.note or commit.provenance.source
        snapshot = {
            "seq": seq,
            "at_us": micros_of(commit.at),
            "kind": "import",
            "note": note,
            "id": "",
            "files_seal": "",
            "series_seal": "",
        }
        self._connection.execute(insert(SNAPSHOT), snapshot)
        superseded = [draft.supersedes.id for draft in commit.drafts if draft.supersedes is not None]
        self._end(FILE, superseded, seq)
        self._connection.execute(insert(FILE), [_file_row(draft, seq) for draft in commit.drafts])
        self._record_series(commit, seq)
        self._connection.execute(
            insert(INGEST_LOG).values(
                snapshot=seq,
                source=commit.provenance.source,
                simulated=commit.provenance.simulated,
                note=commit.provenance.note,
                at_us=micros_of(commit.at),
                n_stored=commit.n_stored,
                n_changed=commit.n_changed,
                n_unchanged=commit.n_unchanged,
            )
        )
        state, files_seal = self._files_state()
        self._connection.execute(
            update(SNAPSHOT).where(SNAPSHOT.c.seq == seq).values(id=state, files_seal=files_seal, series_seal=self._series_state())
        )
        return state

    def require_whole(self) -> None:
        """Raise unless the live rows are those of the last commit.

        Raises
        ------
        DamagedFile
            If the manifest was changed behind our back.
        """
        last = self._connection.execute(select(SNAPSHOT).order_by(SNAPSHOT.c.seq.desc()).limit(1)).first()
        if last is None:
            n_files = self._connection.execute(select(func.count()).select_from(FILE)).scalar_one()
            require_equal(str(n_files), "0", "the list of snapshots")
            return
        for row in self._connection.execute(select(FILE).where(_is_live(FILE, None))):
            _file(row)
        series = self._series_rows(None, None)
        for row in series:
            _info(row)
        state, files_seal = self._files_state()
        require_equal(state, last.id, "the list of files")
        require_equal(files_seal, last.files_seal, "the list of files")
        require_equal(seal_of_all(row.seal for row in series), last.series_seal, "the list of series")

    def _files_state(self) -> tuple[str, str]:
        rows = self._connection.execute(select(FILE.c.label, FILE.c.content, FILE.c.seal).where(_is_live(FILE, None))).all()
        return state_id((row.label, row.content) for row in rows), seal_of_all(row.seal for row in rows)

    def _series_state(self) -> str:
        return seal_of_all(self._connection.execute(select(SERIES.c.seal).where(_is_live(SERIES, None))).scalars())

    def _record_series(self, commit: Commit, seq: int) -> None:
        growth = _total_growth(commit.drafts)
        before = {(info := _info(row)).key: (row.id, info) for row in self._series_rows(None, sorted({key.instrument for key in growth}))}
        self._end(SERIES, [before[key][0] for key in growth if key in before], seq)
        infos = [grown(before[key][1] if key in before else None, key, growth[key], commit.provenance) for key in growth]
        texts = {_names(info.sources) for info in infos}
        sources = self._sources(texts)
        if fresh := sorted(texts - sources.keys()):
            self._connection.execute(insert(SOURCES), [{"names": text} for text in fresh])
            sources |= self._sources(fresh)
        self._connection.execute(insert(SERIES), [_series_row(info, commit.numbers, sources[_names(info.sources)], seq) for info in infos])

    def _series_rows(self, seq: int | None, instruments: Sequence[InstrumentId] | None) -> Sequence[Row[Any]]:
        query = (
            select(SERIES, INSTRUMENT.c.exchange, INSTRUMENT.c.symbol, SOURCES.c.names)
            .join(INSTRUMENT, SERIES.c.instrument_id == INSTRUMENT.c.id)
            .join(SOURCES, SERIES.c.sources_id == SOURCES.c.id)
            .where(_is_live(SERIES, seq))
        )
        if instruments is not None and len(instruments) <= _CHUNK:
            query = query.where(INSTRUMENT.c.symbol.in_([symbol_of(instrument) for instrument in instruments]))
        return self._connection.execute(query).all()

    def _sources(self, texts: Iterable[str]) -> dict[str, int]:
        """Return the numbers of those of the lists of sources that have one."""
        found: dict[str, int] = {}
        wanted = sorted(texts)
        for i_first in range(0, len(wanted), _CHUNK):
            query = select(SOURCES.c.names, SOURCES.c.id).where(SOURCES.c.names.in_(wanted[i_first : i_first + _CHUNK]))
            found |= {row.names: int(row.id) for row in self._connection.execute(query)}
        return found

    def _end(self, table: Table, ids: Sequence[int], seq: int) -> None:
        for i_first in range(0, len(ids), _CHUNK):
            self._connection.execute(update(table).where(table.c.id.in_(ids[i_first : i_first + _CHUNK])).values(end_snapshot=seq))


@cache
def _files_query(*, is_shared: bool, is_past: bool) -> Select[Any]:
    # Built once: putting the statement together costs more than running it.
    both = INSTRUMENT.join(FILE, FILE.c.exchange == INSTRUMENT.c.exchange)
    return (
        select(FILE, INSTRUMENT.c.id.label("number"))
        .select_from(both)
        .where(
            INSTRUMENT.c.exchange == bindparam("exchange"),
            INSTRUMENT.c.symbol == bindparam("symbol"),
            FILE.c.interval == bindparam("interval"),
            FILE.c.basis == bindparam("basis"),
            FILE.c.instrument_id.is_(None) if is_shared else FILE.c.instrument_id == INSTRUMENT.c.id,
            FILE.c.ts_max >= bindparam("start"),
            FILE.c.ts_min < bindparam("end"),
            _is_live(FILE, bindparam("seq", type_=Integer)) if is_past else _is_live(FILE, None),
        )
        .order_by(FILE.c.year)
    )


def _is_live(table: Table, seq: int | BindParameter[int] | None) -> ColumnElement[bool]:
    if seq is None:
        return table.c.end_snapshot.is_(None)
    return and_(table.c.begin_snapshot <= seq, or_(table.c.end_snapshot.is_(None), table.c.end_snapshot > seq))


def _total_growth(drafts: Iterable[Draft]) -> dict[SeriesKey, Growth]:
    total: dict[SeriesKey, Growth] = {}
    for draft in drafts:
        for key, growth in draft.growth.items():
            total[key] = total[key].plus(growth) if key in total else growth
    return total


def _file(row: Row[Any]) -> StoredFile:
    require_equal(seal(getattr(row, name) for name in _FILE_SEALED), row.seal, f"the record of {row.path}")
    return StoredFile(
        id=row.id,
        label=row.label,
        path=row.path,
        n_rows=row.n_rows,
        n_bytes=row.n_bytes,
        sha256=row.sha256,
        content=row.content,
        ts_min=row.ts_min,
        ts_max=row.ts_max,
        begin=row.begin_snapshot,
        end=row.end_snapshot,
    )


def _file_row(draft: Draft, seq: int) -> dict[str, object]:
    group = draft.group
    row: dict[str, object] = {
        "label": group.label,
        "interval": str(group.interval),
        "exchange": str(group.exchange),
        "basis": str(group.basis),
        "instrument_id": draft.number,
        "year": group.year,
        "path": draft.path,
        "n_rows": draft.n_rows,
        "n_bytes": draft.n_bytes,
        "sha256": draft.sha256,
        "content": draft.content,
        "ts_min": draft.ts_min,
        "ts_max": draft.ts_max,
        "begin_snapshot": seq,
    }
    return row | {"seal": seal(row[name] for name in _FILE_SEALED)}


def _info(row: Row[Any]) -> SeriesInfo:
    instrument = InstrumentId(f"{row.exchange}:{row.symbol}")
    sealed = (getattr(row, name) for name in _SERIES_SEALED)
    require_equal(seal((instrument, *sealed, row.names)), row.seal, f"the record of {instrument} {row.interval}")
    return SeriesInfo(
        key=SeriesKey(instrument=instrument, interval=Interval(row.interval), basis=PriceBasis(row.basis)),
        first_ts=row.first_ts,
        last_ts=row.last_ts,
        last_close=row.last_close,
        n_bars=row.n_rows,
        simulated=row.simulated,
        sources=tuple(json.loads(row.names)),
    )


def _series_row(info: SeriesInfo, numbers: Mapping[InstrumentId, int], sources: int, seq: int) -> dict[str, object]:
    row: dict[str, object] = {
        "instrument_id": numbers[info.key.instrument],
        "interval": str(info.key.interval),
        "basis": str(info.key.basis),
        "first_ts": info.first_ts,
        "last_ts": info.last_ts,
        "last_close": info.last_close,
        "n_rows": info.n_bars,
        "simulated": info.simulated,
        "sources_id": sources,
        "begin_snapshot": seq,
    }
    sealed = (row[name] for name in _SERIES_SEALED)
    return row | {"seal": seal((str(info.key.instrument), *sealed, _names(info.sources)))}


def _names(sources: tuple[str, ...]) -> str:
    return json.dumps(sources, ensure_ascii=False)
