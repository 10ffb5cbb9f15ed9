"""One value that changed by itself in any table whose rows carry hashes is found, and nothing else is called damage."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from qts.app.chain_files import CHAINS, ChainTaken, KeptChains
from qts.app.control import ControlDatabase
from qts.core import ActionKind, InstrumentId, Interval
from qts.core.errors import DamagedFile
from qts.data.actions import ActionRecord, ActionState, SqlActions, StatedAction
from qts.data.actions.database import TABLE as ACTIONS
from qts.data.coverage import EmptyReason, KnownEmpty
from qts.data.coverage.known_empty import TABLE as KNOWN_EMPTY
from qts.data.fetching import FetchLedger
from qts.data.fetching.ledger import TABLE as FETCHED
from qts.data.instruments import Dump, DumpRow, IndexMember, IndexMembership, InstrumentMaster, SymbolChange, SymbolChanges, Watchlists
from qts.data.instruments.renames import ChangeState
from qts.data.instruments.tables import DUMPS, INDEX_MEMBERS, LISTINGS, SYMBOL_CHANGES, WATCHLIST_ITEMS, WATCHLISTS
from qts.data.quality import JudgedSeries, Refusal, Refusals, Scores
from qts.data.quality.refusals import TABLE as REFUSED_ROWS
from qts.data.quality.scores import TABLE as SCORES
from qts.data.storage import SeriesKey
from qts.data.storage.database import Database
from qts.data.storage.row_seals import row_harms

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
TODAY = date(2026, 11, 20)
ONE, TWO = InstrumentId("NSE:ONE"), InstrumentId("NSE:TWO")
OF_LISTS = (ACTIONS, INDEX_MEMBERS, WATCHLISTS, WATCHLIST_ITEMS, SYMBOL_CHANGES, DUMPS, CHAINS, LISTINGS)
TABLES = (*OF_LISTS, KNOWN_EMPTY, FETCHED, REFUSED_ROWS, SCORES)
KEY, OTHER = (SeriesKey(instrument=name, interval=Interval.DAY) for name in (ONE, TWO))
DAY = (date(2024, 1, 3) - date(1970, 1, 1)).days


def fill(home: Path, database: Database) -> None:
    action = StatedAction(instrument=ONE, ex_date=date(2025, 3, 3), kind=ActionKind.SPLIT, ratio=Decimal(2))
    record = ActionRecord(action=action, state=ActionState.SUSPECTED, source="detected:jump", confidence=0.5)
    SqlActions(database).record([record], at=NOW)
    member = IndexMember(index="NIFTY 50", instrument=ONE, start=date(2020, 1, 1), end=None, source="circular")
    IndexMembership(database).replace([member, IndexMember(index="OTHER", instrument=TWO, start=date(2020, 1, 1), end=None, source="x")])
    Watchlists(database).add("Mine", [ONE, TWO], at=NOW)
    change = SymbolChange(old=ONE, new=TWO, on=date(2025, 4, 9), state=ChangeState.CONFIRMED, evidence="stated by a file", source="a.csv")
    SymbolChanges(database).put([change])
    rows = (DumpRow("NSE", "ONE", 1, "A COMPANY", None, None, 500, 1, "EQ", "NSE"),)
    InstrumentMaster(database).load(
        Dump(rows=rows, n_read=1, n_rejected=0, rejected=(), sha256="ab"), on=date(2026, 11, 2), source="dump", at=NOW
    )
    taken = ChainTaken(
        underlying="NIFTY", exchange="NFO", asked_at=NOW, source="sandbox", listed_on="2026-11-20", expiries=("2026-11-26",), quotes=()
    )
    KeptChains(home, database).keep(taken)
    KnownEmpty(database).add(KEY, [date(2024, 1, 3), date(2024, 1, 4)], source="kite", asked_at=NOW)
    KnownEmpty(database).add(KEY, [date(2024, 1, 3)], source="yahoo", asked_at=NOW, reason=EmptyReason.NO_TRADE)
    FetchLedger(database).record(KEY, "kite", {DAY: 0, DAY + 1: 375, DAY + 800: 7}, asked_at=NOW)
    refusal = Refusal(key=KEY, source="file:a.csv", reason="duplicate", days={DAY: 2}, examples=((DAY, "row 4"),))
    Refusals(database).replace("file:a.csv", [KEY], [refusal], seen_at=NOW)
    judged = [JudgedSeries(key=key, fingerprint="f", score=98.5, document='{"score": 98.5}') for key in (KEY, OTHER)]
    Scores(database).put(judged, scored_at=NOW)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a database with a row in every table, closed."""
    folder = tmp_path_factory.mktemp("made")
    control = ControlDatabase.open(folder / "control.sqlite")
    fill(folder, control.database)
    control.close()
    return folder / "control.sqlite"


@pytest.fixture
def path(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copyfile(made, tmp_path / "control.sqlite"))


@pytest.fixture
def database(path: Path) -> Iterator[Database]:
    control = ControlDatabase.open(path)
    yield control.database
    control.close()


def run(path: Path, *statements: str) -> None:
    with sqlite3.connect(path) as connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


def found(database: Database) -> list[str]:
    with database.reading() as connection:
        return [error.reason for error in row_harms(connection, TABLES)]


def changed(column: sa.Column[Any], value: Any) -> Any:
    if isinstance(column.type, sa.Date):
        return "1999-12-31"
    if isinstance(value, bytes):
        return value[:-1]
    return "x" if value is None else value + 1 if isinstance(value, int | float) else f"{value[:-1]}~"


@pytest.mark.parametrize("table", TABLES, ids=str)
def test_every_value_of_every_table_is_under_the_hash_of_its_row(path: Path, database: Database, table: sa.Table) -> None:
    assert found(database) == []
    given = [column for column in table.primary_key if isinstance(column.type, sa.Integer) and len(table.primary_key) == 1]
    connection = sqlite3.connect(path, isolation_level=None)
    for column in (column for column in table.c if column not in given):
        (rowid, value), *_ = connection.execute(f"SELECT rowid, {column.name} FROM {table.name}").fetchall()  # noqa: S608 - our own names
        write = f"UPDATE {table.name} SET {column.name} = ? WHERE rowid = ?"  # noqa: S608 - our own names
        for wrong in (changed(column, value), None if column.nullable and value is not None else changed(column, value)):
            connection.execute(write, (wrong, rowid))
            (reason,) = found(database)
            assert f"in {table.name} differs from what was written" in reason, column.name
            connection.execute(write, (value, rowid))
            assert found(database) == []
    connection.close()


@pytest.mark.parametrize(
    ("change", "read"),
    [
        (
            "index_members SET index_key = 'NIFTY51' WHERE index_key = 'NIFTY50'",
            lambda db, _: IndexMembership(db).members("NIFTY 50", TODAY),
        ),
        ("index_members SET instrument = 'NSE:OND' WHERE index_key = 'NIFTY50'", lambda db, _: IndexMembership(db).indices()),
        ("index_members SET member_to = '2021-99-99'", lambda db, _: IndexMembership(db).indices()),
        ("watchlists SET name = 'Mind'", lambda db, _: Watchlists(db).get("Mine")),
        ("watchlist_items SET instrument = 'NSE:OND' WHERE place = 1", lambda db, _: Watchlists(db).all()),
        ("symbol_changes SET changed_on = '2025-04-08'", lambda db, _: SymbolChanges(db).names(TWO)),
        ("instrument_dumps SET n_rows = 3", lambda db, _: InstrumentMaster(db).dumps()),
        ("instrument_listings SET lot = 75", lambda db, _: InstrumentMaster(db).listing(ONE, TODAY)),
        ("instrument_listings SET tick = 5", lambda db, _: InstrumentMaster(db).by_token(1, TODAY)),
        ("instrument_listings SET valid_to = '2026-99-99'", lambda db, _: InstrumentMaster(db).listings(ONE)),
        ("instrument_listings SET symbol = 'OND'", lambda db, _: InstrumentMaster(db).rows(TODAY)),
        ("instrument_listings SET band = '10 %'", lambda db, _: InstrumentMaster(db).rows(TODAY)),
        ("option_chains SET underlying = 'NIFTX'", lambda db, home: KeptChains(home, db).records("NIFTY")),
        ("option_chains SET n_bytes = 'many'", lambda db, home: KeptChains(home, db).records()),
        ("known_empty SET day = '2024-01-13' WHERE day = '2024-01-03'", lambda db, _: KnownEmpty(db).days(KEY)),
        ("known_empty SET day = '2024-99-99' WHERE day = '2024-01-04'", lambda db, _: KnownEmpty(db).contains(KEY, TODAY)),
        ("known_empty SET instrument = 'NSE:OND' WHERE source = 'yahoo'", lambda db, _: KnownEmpty(db).days(KEY, source="kite")),
        ("known_empty SET reason = 'emptx' WHERE source = 'kite'", lambda db, _: dict(KnownEmpty(db).all_days(EmptyReason.EMPTY))),
        ("known_empty SET basis = 'rax' WHERE source = 'kite'", lambda db, _: KnownEmpty(db).all_days().get(KEY)),
        ("known_empty SET source = CAST(x'6bff' AS TEXT) WHERE source = 'kite'", lambda db, _: len(KnownEmpty(db).all_days())),
        ("fetched SET counts = x'789c'", lambda db, _: FetchLedger(db).counts(KEY, "kite")),
        ("fetched SET year = year - 8", lambda db, _: FetchLedger(db).empty_once(KEY, "kite", before=NOW)),
        ("fetched SET source = 'kits'", lambda db, _: FetchLedger(db).empty(KEY, "kite")),
        ("fetched SET asked_at = '2026-99-20T12:00:00+00:00'", lambda db, _: FetchLedger(db).asked(KEY)),
        ("fetched SET asked_at = '2026'", lambda db, _: FetchLedger(db).record(KEY, "kite", {DAY + 2: 1}, asked_at=NOW)),
        ("refused_rows SET days = 'no json'", lambda db, _: Refusals(db).of(KEY)),
        ("refused_rows SET instrument = 'NSE:OND'", lambda db, _: Refusals(db).of(KEY)),
        ("refused_rows SET interval = '1f'", lambda db, _: Refusals(db).all().get(KEY)),
        ("refused_rows SET days = '[[19725, 1]]'", lambda db, _: dict(Refusals(db).all())),
    ],
)
def test_who_would_use_a_row_that_was_changed_behind_our_back_is_told(
    path: Path, database: Database, change: str, read: Callable[[Database, Path], object]
) -> None:
    read(database, path.parent)
    run(path, f"UPDATE {change}")
    table = change.partition(" ")[0]
    with pytest.raises(DamagedFile, match=table) as caught:
        read(database, path.parent)
    assert "restore BACKUP" in caught.value.hint


def test_the_members_of_other_indices_and_other_chains_go_on_serving(path: Path, database: Database) -> None:
    run(path, "UPDATE index_members SET instrument = 'NSE:OND' WHERE index_key = 'NIFTY50'", "UPDATE option_chains SET n_bytes = 3")
    other = IndexMembership(database).members("OTHER", date(2026, 1, 1))
    assert other is not None
    assert other.instruments == (TWO,)
    kept = KeptChains(path.parent, database)
    assert (kept.records("BANKNIFTY"), kept.sound_records()) == ((), ())


def test_other_series_go_on_serving_beside_one_with_a_damaged_row(path: Path, database: Database) -> None:
    known, ledger, refusals, scores = KnownEmpty(database), FetchLedger(database), Refusals(database), Scores(database)
    run(
        path,
        "UPDATE fetched SET instrument = CAST(x'4eff' AS TEXT) WHERE year = 2024",
        "UPDATE refused_rows SET instrument = CAST(x'4eff' AS TEXT)",
        "UPDATE known_empty SET day = CAST(x'31ff' AS TEXT) WHERE source = 'yahoo'",
        "UPDATE quality_scores SET document = CAST(x'7bff' AS TEXT) WHERE rowid = 1",
    )
    assert (known.days(OTHER), known.all_days().get(OTHER)) == ((), None)
    assert (ledger.asked(OTHER), refusals.of(OTHER), refusals.all().get(OTHER)) == ((), (), None)
    assert scores.all().keys() == {OTHER}
    assert (scores.document(KEY, fingerprint="f"), scores.document(OTHER, fingerprint="f")) == (None, '{"score": 98.5}')
    reads: tuple[Callable[[], object], ...] = (
        lambda: known.days(KEY),
        lambda: ledger.asked(KEY),
        lambda: refusals.of(KEY),
        lambda: refusals.all().get(KEY),
    )
    for read in reads:
        with pytest.raises(DamagedFile, match="differs from what was written"):
            read()


@pytest.mark.parametrize(
    "change",
    [
        "instrument = 'NSE:OND'",
        "fingerprint = 'g'",
        "score = 100.0",
        "score = 'x'",
        "document = '{}'",
        "scored_at = '9026'",
        "row_seal = NULL",
    ],
)
def test_a_score_that_was_changed_is_as_one_never_computed_and_computing_it_puts_it_right(
    path: Path, database: Database, change: str
) -> None:
    scores = Scores(database)
    run(path, f"UPDATE quality_scores SET {change} WHERE instrument = 'NSE:ONE'")  # noqa: S608 - our own changes
    assert (len(found(database)), scores.document(KEY, fingerprint="f"), scores.document(KEY, fingerprint="g")) == (1, None, None)
    assert (set(scores.all()), scores.latest()) == ({OTHER}, NOW.isoformat())
    scores.put([JudgedSeries(key=KEY, fingerprint="f", score=97.0, document="{}")], scored_at=NOW)
    assert (found(database), scores.document(KEY, fingerprint="f"), scores.all()[KEY].score) == ([], "{}", 97.0)


@pytest.mark.parametrize("change", ["instrument = 'NSE:OND'", "source = 'file:b.csv'", "reason = 'duplicats'", "days = '[]'"])
def test_refused_rows_that_were_changed_are_put_right_by_importing_their_source_again(path: Path, database: Database, change: str) -> None:
    run(path, f"UPDATE refused_rows SET {change}")  # noqa: S608 - our own changes
    refusals = Refusals(database)
    refusals.replace("file:b.csv", [OTHER], [], seen_at=NOW)
    assert len(found(database)) == 1
    refusals.replace("file:a.csv", [KEY], [], seen_at=NOW)
    assert (found(database), refusals.of(KEY)) == ([], ())


def test_what_a_source_says_anew_of_a_day_puts_its_row_right(path: Path, database: Database) -> None:
    run(path, "UPDATE known_empty SET asked_at = 'x' WHERE source = 'kite'")
    KnownEmpty(database).add(KEY, [date(2024, 1, 3), date(2024, 1, 4)], source="kite", asked_at=NOW)
    assert (found(database), len(KnownEmpty(database).days(KEY))) == ([], 3)


def test_a_row_of_the_ledger_under_another_name_is_missed_by_its_own_series(path: Path, database: Database) -> None:
    run(path, "UPDATE fetched SET instrument = 'NSE:TWO' WHERE year = 2024")
    with pytest.raises(DamagedFile, match="NSE:TWO 1d raw kite 2024 in fetched"):
        FetchLedger(database).counts(KEY, "kite")
    assert FetchLedger(database).counts(SeriesKey(instrument=InstrumentId("NSE:SIX"), interval=Interval.DAY), "kite") == {}


def test_what_is_done_in_the_normal_course_leaves_no_row_without_its_hash(database: Database, tmp_path: Path) -> None:
    fill(tmp_path, database)
    lists = Watchlists(database)
    lists.add("mine", [InstrumentId("NSE:THREE")], at=NOW)
    lists.remove("MINE", [ONE])
    lists.add("Two", [ONE], at=NOW)
    lists.remove("two")
    SymbolChanges(database).put(
        [SymbolChange(old=ONE, new=TWO, on=date(2025, 4, 9), state=ChangeState.PROPOSED, evidence="the token 1 goes on")]
    )
    SymbolChanges(database).decide(ONE, ChangeState.DISMISSED)
    member = IndexMember(index="NIFTY 50", instrument=TWO, start=date(2020, 1, 1), end=date(2021, 1, 1), source="circular")
    assert IndexMembership(database).replace([member]) == 2
    master, one = InstrumentMaster(database), DumpRow("NSE", "ONE", 1, "A COMPANY", None, None, 500, 1, "EQ", "NSE")
    for on, row in ((9, one._replace(tick=1000)), (5, one._replace(expiry=TODAY, lot=None, strike=7, kind="FUT")), (4, one), (9, one)):
        dump = Dump(rows=(row,), n_read=1, n_rejected=0, rejected=(), sha256=f"{on}{row.tick}")
        master.load(dump, on=date(2026, 11, on), source="dump", at=NOW)
    assert len(master.listings(ONE)) == 3
    FetchLedger(database).record(KEY, "kite", {DAY: 0, DAY + 2: 4}, asked_at=NOW)
    assert KnownEmpty(database).forget(KEY, [date(2024, 1, 4)]) == 1
    assert found(database) == []


def before_the_seals(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        tables = connection.execute(
            "SELECT m.name, c.name FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table'"
        ).fetchall()
    connection.close()
    seals = [(table, column) for table, column in tables if column in {"row_seal", "row_crc"} and table not in {"runs", "trials"}]
    assert {table for table, _ in seals} >= {table.name for table in TABLES}
    drops = (f"ALTER TABLE {table} DROP COLUMN {column}" for table, column in seals)
    run(path, *drops, "UPDATE alembic_version SET version_num = '0014'", "PRAGMA user_version = 14")


def test_rows_of_an_earlier_release_are_sealed_as_they_are_found(path: Path) -> None:
    before_the_seals(path)
    control = ControlDatabase.open(path)
    assert found(control.database) == []
    assert [str(record.action.ratio) for record in SqlActions(control.database).read()] == ["2"]
    fill(path.parent, control.database)
    assert found(control.database) == []
    run(path, "UPDATE corporate_actions SET ratio = '6'")
    assert found(control.database) == ["the record of NSE:ONE/2025-03-03/split in corporate_actions differs from what was written"]
    control.close()


def test_a_database_of_an_earlier_release_that_is_damaged_already_opens_and_says_so(path: Path) -> None:
    before_the_seals(path)
    run(path, "UPDATE corporate_actions SET confidence = 'high'", "UPDATE instrument_dumps SET dumped_on = '2026-13-02'")
    control = ControlDatabase.open(path)
    reasons = found(control.database)
    assert [reason.partition(" in ")[2].partition(" ")[0] for reason in reasons[:1]] == ["corporate_actions"]
    assert reasons[1].startswith("a row of instrument_dumps differs from what was written")
    assert Watchlists(control.database).get("Mine").instruments == (ONE, TWO)
    control.close()
