"""What is asked of the manifest inside one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    CompoundSelect,
    Connection,
    Integer,
    Row,
    RowMapping,
    Select,
    Table,
    and_,
    bindparam,
    func,
    insert,
    or_,
    select,
    union_all,
)

from qts.core import InstrumentId, exchange_of, instant_of, symbol_of
from qts.data.storage.commit_log import commits, commits_of, head_of, logged_commits, names_given, no_commit, states_called
from qts.data.storage.contents import Content, total
from qts.data.storage.coverage import Coverage, unsealed
from qts.data.storage.layout import Dataset, dataset_of
from qts.data.storage.lookup import no_deletion, no_snapshot
from qts.data.storage.recording import CHUNK, all_series_rows, named_series, record, series_rows
from qts.data.storage.records import Commit, StoredFile
from qts.data.storage.row_seals import with_seal
from qts.data.storage.schema import COVERAGE, FILE, INSTRUMENT, IS_HOT, SERIES, SNAPSHOT
from qts.data.storage.sealed import series_info, stored_file
from qts.data.storage.seals import moved, require_equal
from qts.data.storage.series import SeriesInfo, SeriesKey, Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """The live files that a commit stands on."""

    cold: Mapping[str, StoredFile]
    hot: Mapping[Dataset, tuple[StoredFile, ...]]


class PackedCoverage(NamedTuple):
    """The counts of days of one file. ``packed`` is None for files of the earlier format, which nobody has counted."""

    path: str
    interval: str
    basis: str
    number: int | None
    packed: bytes | None
    seal: str | None


class Ledger:
    """One transaction on the manifest."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @property
    def connection(self) -> Connection:
        """Return the connection, for what is asked by others in the same transaction."""
        return self._connection

    def snapshot(self) -> tuple[int, str]:
        """Return ``(seq, id)`` of the present state; 0 before the first commit."""
        row = head_of(self._connection)
        return (0, Content().state_id) if row is None else (row["seq"], row["id"])

    def seq_of(self, as_of: str | None) -> int | None:
        """Return the sequence number of a snapshot by id or name, None for the present.

        Raises
        ------
        BadParameter
            If there is no such snapshot, or it was collected.
        """
        if as_of is None:
            return None
        rows = states_called(self._connection, as_of)
        kept = [row["seq"] for row in rows if row["collected_us"] is None]
        if not rows and as_of == Content().state_id:
            return 0
        if not kept:
            raise no_commit(self._connection, no_snapshot(as_of, is_collected=bool(rows)))
        return int(max(kept))

    def deletion(self, snapshot: str) -> tuple[int, list[SeriesInfo]]:
        """Return the number of the last commit with this id that deleted bars, and the series as they were before.

        Raises
        ------
        BadParameter
            If there is none, or what was deleted is no longer kept.
        """
        rows = [row for row in commits(self._connection, SNAPSHOT.c.id == snapshot) if row["kind"] == "delete"]
        if not rows:
            raise no_commit(self._connection, no_deletion(snapshot))
        seq = rows[-1]["seq"]
        before = commits(self._connection, SNAPSHOT.c.seq == seq - 1)
        if not before or before[0]["collected_us"] is not None or rows[-1]["collected_us"] is not None:
            raise no_deletion(snapshot, is_collected=True)
        infos = {info.key: info for info in self.series(seq - 1)}
        after = {info.key: info for info in self.series(seq)}
        return seq, [info for key, info in infos.items() if after.get(key) != info]

    def snapshots(self) -> tuple[Snapshot, ...]:
        """Return every commit that was not collected, oldest first."""
        # Collected commits, too: what replaced a state does not change when its successor is collected.
        every = commits(self._connection)
        replaced = dict(zip((row["id"] for row in every), [*(instant_of(row["at_us"]) for row in every[1:]), None], strict=False))
        named: dict[int, list[str]] = {}
        for row in names_given(self._connection):
            named.setdefault(row["snapshot"], []).append(row["name"])
        return tuple(
            Snapshot(
                seq=row["seq"],
                id=row["id"],
                at=instant_of(row["at_us"]),
                kind=row["kind"],
                note=row["note"],
                names=tuple(named.get(row["seq"], ())),
                replaced_at=replaced[row["id"]],
            )
            for row in every
            if row["collected_us"] is None
        )

    def kept(self) -> list[int]:
        """Return the numbers of the commits that were not collected, in order, whatever else their rows say."""
        return list(
            self._connection.execute(select(SNAPSHOT.c.seq).where(SNAPSHOT.c.collected_us.is_(None)).order_by(SNAPSHOT.c.seq)).scalars()
        )

    def numbers(self, instruments: Iterable[InstrumentId]) -> dict[InstrumentId, int]:
        """Return the numbers of those of the instruments that have one."""
        wanted = set(instruments)
        # A handful is looked up, a crowd is read whole: the table is small.
        query = select(INSTRUMENT.c.id, INSTRUMENT.c.exchange, INSTRUMENT.c.symbol)
        if len(wanted) <= 8:
            query = query.where(INSTRUMENT.c.symbol.in_([symbol_of(instrument) for instrument in wanted]))
        found = {InstrumentId(f"{exchange}:{symbol}"): number for number, exchange, symbol in self._connection.execute(query)}
        return {instrument: found[instrument] for instrument in wanted if instrument in found}

    def add_instruments(self, instruments: Iterable[InstrumentId]) -> None:
        """Give numbers to the instruments that have none, in alphabetical order."""
        known = self.numbers(instruments)
        fresh = sorted(set(instruments) - known.keys())
        if fresh:
            rows = [{"exchange": str(exchange_of(instrument)), "symbol": symbol_of(instrument), "name": ""} for instrument in fresh]
            self._connection.execute(insert(INSTRUMENT), [with_seal(INSTRUMENT, row) for row in rows])

    def instruments(self) -> dict[int, InstrumentId]:
        """Return all instruments by number."""
        query = select(INSTRUMENT.c.id, INSTRUMENT.c.exchange, INSTRUMENT.c.symbol)
        return {number: InstrumentId(f"{exchange}:{symbol}") for number, exchange, symbol in self._connection.execute(query)}

    def base(self, labels: Iterable[str], datasets: Iterable[Dataset]) -> Base:
        """Return the live files that a commit stands on: those of its groups, and the hot ones of its datasets."""
        return Base(cold=self.live(labels), hot={dataset: self.hot(dataset) for dataset in datasets})

    def dataset_base(self, dataset: Dataset) -> Base:
        """Return all live files of a dataset."""
        same = (FILE.c.interval == dataset.interval, FILE.c.exchange == dataset.exchange, FILE.c.basis == dataset.basis)
        query = select(FILE).where(*same, FILE.c.layer == 0, FILE.c.end_snapshot.is_(None))
        return Base(cold={row.label: stored_file(row) for row in self._connection.execute(query)}, hot={dataset: self.hot(dataset)})

    def series_base(self, key: SeriesKey) -> Base:
        """Return all live files that may hold bars of a series."""
        _, files = self.files_of(key, None)
        hot = tuple(file for file in files if file.is_hot)
        return Base(cold={file.label: file for file in files if not file.is_hot}, hot={dataset_of(key): hot})

    def live(self, labels: Iterable[str]) -> dict[str, StoredFile]:
        """Return the live files of these groups, by label."""
        files: dict[str, StoredFile] = {}
        wanted = sorted(labels)
        for i_first in range(0, len(wanted), CHUNK):
            query = select(FILE).where(FILE.c.label.in_(wanted[i_first : i_first + CHUNK]), FILE.c.end_snapshot.is_(None))
            files |= {row.label: stored_file(row) for row in self._connection.execute(query)}
        return files

    def hot(self, dataset: Dataset) -> tuple[StoredFile, ...]:
        """Return the live hot files of a dataset, lowest layer first."""
        rows = self._connection.execute(_hot_query(), _given(dataset))
        return tuple(stored_file(row) for row in rows)

    def datasets(self) -> dict[Dataset, list[StoredFile]]:
        """Return the datasets that have hot files, and those, lowest layer first."""
        found: dict[Dataset, list[StoredFile]] = {}
        for row in self._connection.execute(select(FILE).where(IS_HOT, FILE.c.end_snapshot.is_(None)).order_by(FILE.c.layer)):
            file = stored_file(row)
            found.setdefault(file.dataset, []).append(file)
        return found

    def versions(self, label: str) -> list[StoredFile]:
        """Return all files that a group ever had, the newest first."""
        rows = self._connection.execute(select(FILE).where(FILE.c.label == label).order_by(FILE.c.begin_snapshot.desc()))
        return [stored_file(row) for row in rows]

    def files(self) -> list[StoredFile]:
        """Return all files of all snapshots."""
        return [stored_file(row) for row in self._connection.execute(select(FILE).order_by(FILE.c.path, FILE.c.begin_snapshot))]

    def live_files(self, seq: int | None) -> list[StoredFile]:
        """Return the files live at a snapshot, lowest layer first."""
        return [
            stored_file(row)
            for row in self._connection.execute(select(FILE).where(is_live(FILE, seq)).order_by(FILE.c.layer, FILE.c.label))
        ]

    def uncounted(self) -> list[StoredFile]:
        """Return the live files of the first format."""
        query = select(FILE).where(FILE.c.end_snapshot.is_(None), func.length(FILE.c.content) != len(str(Content())))
        return [stored_file(row) for row in self._connection.execute(query)]

    def files_of(self, key: SeriesKey, seq: int | None) -> tuple[int, list[StoredFile]]:
        """Return the number of a series' instrument (0: unknown) and the files that may hold its bars, lowest first."""
        query = _files_query(is_shared=not key.interval.is_intraday, is_past=seq is not None)
        given = {
            "exchange": str(exchange_of(key.instrument)),
            "symbol": symbol_of(key.instrument),
            "interval": str(key.interval),
            "basis": str(key.basis),
            "seq": seq,
        }
        rows = self._connection.execute(query, given).all()
        return (rows[0].number if rows else 0), [stored_file(row) for row in rows]

    def series(self, seq: int | None, instruments: Sequence[InstrumentId] | None = None) -> tuple[SeriesInfo, ...]:
        """Return the series of a snapshot, of all or of some instruments."""
        return tuple(series_info(row) for row in series_rows(self._connection, seq, instruments))

    def versions_of(self, key: SeriesKey) -> Sequence[Row[Any]]:
        """Return how a series was known from which commit to which, the oldest first, as far as it is kept."""
        query = (
            named_series()
            .where(INSTRUMENT.c.exchange == str(exchange_of(key.instrument)), INSTRUMENT.c.symbol == symbol_of(key.instrument))
            .where(SERIES.c.interval == str(key.interval), SERIES.c.basis == str(key.basis))
            .order_by(SERIES.c.begin_snapshot)
        )
        rows = self._connection.execute(query).all()
        for row in rows:
            series_info(row)
        return rows

    def commits_of(self, seqs: Iterable[int]) -> dict[int, RowMapping]:
        """Return commits by their numbers, collected or not."""
        return commits_of(self._connection, seqs)

    def logged_commits(self, seqs: Iterable[int]) -> dict[int, Mapping[str, Any]]:
        """Return commits by their numbers, collected or not, each with what the log says that it brought."""
        return logged_commits(self._connection, seqs)

    def first_collected(self) -> int | None:
        """Return the number of the first commit that was collected."""
        return self._connection.execute(select(func.min(SNAPSHOT.c.seq)).where(SNAPSHOT.c.collected_us.is_not(None))).scalar()

    def coverages(self, seq: int | None) -> list[PackedCoverage]:
        """Return the counts of days of all files live at a snapshot."""
        columns = (FILE.c.path, FILE.c.interval, FILE.c.basis, FILE.c.instrument_id, COVERAGE.c.packed, COVERAGE.c.seal)
        query = select(*columns).select_from(FILE.outerjoin(COVERAGE, COVERAGE.c.file_id == FILE.c.id)).where(is_live(FILE, seq))
        return [PackedCoverage(*row) for row in self._connection.execute(query)]

    def coverage(self, files: Sequence[StoredFile]) -> list[Coverage]:
        """Return the counts of days of some files."""
        query = select(COVERAGE).where(COVERAGE.c.file_id.in_([file.id for file in files]))
        return [unsealed(row.packed, row.seal, f"file {row.file_id}") for row in self._connection.execute(query)]

    def content_ids(self, seq: int | None) -> dict[SeriesKey, str]:
        """Return the contents of the series of a snapshot; of series of the first format the state in which they were last touched."""
        rows = series_rows(self._connection, seq, None)
        states = commits_of(self._connection, {row.begin_snapshot for row in rows if not row.content})
        return {series_info(row).key: row.content or states[row.begin_snapshot]["id"] for row in rows}

    def record(self, commit: Commit) -> str:
        """Write a commit and return the id of the state that it makes."""
        return record(self._connection, commit)

    def require_whole(self) -> None:
        """Raise unless the live rows are those of the last commit.

        Raises
        ------
        DamagedFile
            If the manifest was changed behind our back.
        """
        last = head_of(self._connection)
        if last is None:
            n_files = self._connection.execute(select(func.count()).select_from(FILE)).scalar_one()
            require_equal(str(n_files), "0", "the list of snapshots")
            return
        files = [stored_file(row) for row in self._connection.execute(select(FILE).where(is_live(FILE, None)))]
        series = series_rows(self._connection, None, None)
        for row in series:
            series_info(row)
        content = total(Content.parse(file.net) for file in files)
        require_equal(str(content), last["content"], "the list of files")
        if all(file.is_counted for file in files):
            require_equal(content.state_id, last["id"], "the list of files")
        require_equal(moved("", plus=(file.seal for file in files), minus=()), last["files_seal"], "the list of files")
        require_equal(moved("", plus=(row.seal for row in series), minus=()), last["series_seal"], "the list of series")

    def require_recorded(self) -> None:
        """Raise unless the rows of all series, also those of earlier snapshots, and the counts of days of all files are what was written.

        Raises
        ------
        DamagedFile
            Naming the first that is not.
        """
        for row in all_series_rows(self._connection):
            series_info(row)
        for row in self._connection.execute(select(COVERAGE)):
            unsealed(row.packed, row.seal, f"file {row.file_id}")


def is_live(table: Table, seq: int | BindParameter[int] | None) -> ColumnElement[bool]:
    """Return the condition that a row is of a snapshot (None: of the present)."""
    if seq is None:
        return table.c.end_snapshot.is_(None)
    return and_(table.c.begin_snapshot <= seq, or_(table.c.end_snapshot.is_(None), table.c.end_snapshot > seq))


@cache
def _hot_query() -> Select[Any]:
    return (
        select(FILE)
        .where(
            FILE.c.interval == bindparam("interval"),
            FILE.c.exchange == bindparam("exchange"),
            FILE.c.basis == bindparam("basis"),
            IS_HOT,
            FILE.c.end_snapshot.is_(None),
        )
        .order_by(FILE.c.layer)
    )


def _given(dataset: Dataset) -> dict[str, str]:
    return {"interval": str(dataset.interval), "exchange": str(dataset.exchange), "basis": str(dataset.basis)}


@cache
def _files_query(*, is_shared: bool, is_past: bool) -> CompoundSelect[Any]:
    # Built once: putting the statement together costs more than running it.
    both = INSTRUMENT.join(FILE, FILE.c.exchange == INSTRUMENT.c.exchange)
    query = (
        select(FILE, INSTRUMENT.c.id.label("number"))
        .select_from(both)
        .where(
            INSTRUMENT.c.exchange == bindparam("exchange"),
            INSTRUMENT.c.symbol == bindparam("symbol"),
            FILE.c.interval == bindparam("interval"),
            FILE.c.basis == bindparam("basis"),
            is_live(FILE, bindparam("seq", type_=Integer)) if is_past else is_live(FILE, None),
        )
    )
    cold = query.where(FILE.c.instrument_id.is_(None) if is_shared else FILE.c.instrument_id == INSTRUMENT.c.id, FILE.c.layer == 0)
    hot = query.where(IS_HOT, FILE.c.number_min <= INSTRUMENT.c.id, FILE.c.number_max >= INSTRUMENT.c.id)
    return union_all(cold, hot).order_by("layer", "ts_min")
