"""The control database on a PostgreSQL server, started for the test; skips where the server or its driver is not installed."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from qts.app.control import CONTROL, ControlDatabase, RunSummary
from qts.core import ActionKind, InstrumentId
from qts.core.errors import BadPath, StoreBusy
from qts.data.actions import ActionRecord, ActionState, SqlActions, StatedAction
from qts.data.instruments import Dump, DumpRow, IndexMember, IndexMembership, InstrumentMaster, Watchlists
from qts.data.storage.database import Database

PLACES = [Path("/usr/lib/postgresql"), Path("/usr/local/bin"), Path("/usr/bin")]
RUN = RunSummary(
    run_id="a1",
    made_at=datetime(2026, 11, 20, 12, tzinfo=UTC),
    strategy="ema_cross",
    instruments=("NSE:A", "NSE:B"),
    interval="1d",
    first="2020-01-01",
    last="2021-01-01",
    simulated=False,
    final_equity=1.5,
    total_return=0.5,
    sharpe=None,
    max_drawdown=-0.1,
    n_trades=3,
)


def programs() -> Path | None:
    """Return the folder of the server's programs."""
    found = [
        path.parent for place in PLACES for path in (place.glob("*/bin/pg_ctl") if place.name == "postgresql" else place.glob("pg_ctl"))
    ]
    return next((folder for folder in found if (folder / "initdb").exists()), None)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    pytest.importorskip("psycopg")
    found = programs()
    if found is None:
        pytest.skip("no PostgreSQL server is installed")
    # The server refuses to run as root, and another user may not look into the folder of the tests.
    user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    if user and subprocess.run([*user, "true"], check=False, capture_output=True).returncode:
        pytest.skip("there is no user postgres to run the server")
    with tempfile.TemporaryDirectory(prefix="qts-postgresql-") as name:
        if user:
            shutil.chown(name, "postgres")
        with server(found, Path(name), user) as port:
            yield f"postgresql://qts@127.0.0.1:{port}/postgres"


@contextmanager
def server(programs: Path, folder: Path, user: list[str]) -> Iterator[int]:
    """Run a server in a folder; yield its port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])

    def call(program: str, *arguments: str) -> None:
        # The server inherits what we give: a pipe would keep us waiting for its end.
        command = [*user, str(programs / program), "-D", str(folder / "data"), *arguments]
        subprocess.run(command, check=True, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=120)

    call("initdb", "-A", "trust", "-U", "qts")
    options = f"-k {folder} -c listen_addresses=127.0.0.1 -c fsync=off -p {port}"
    call("pg_ctl", "-l", str(folder / "log"), "-o", options, "-w", "start")
    try:
        yield port
    finally:
        call("pg_ctl", "-m", "immediate", "-w", "stop")


def test_runs_are_kept_once_whoever_records_them(url: str) -> None:
    def record(number: int) -> None:
        control = ControlDatabase.open(url)
        control.record(RUN)
        control.record(replace(RUN, run_id=f"r{number:02}"))
        control.close()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(record, range(12)))
    control = ControlDatabase.open(url)
    assert sorted(run.run_id for run in control.runs()) == ["a1", *(f"r{number:02}" for number in range(12))]
    assert len(control.trials("ema_cross")) == 13
    control.close()


def test_a_corporate_action_has_one_record_that_holds_whoever_writes(url: str) -> None:
    def state(number: int) -> None:
        control = ControlDatabase.open(url)
        action = StatedAction(instrument=InstrumentId("NSE:A"), ex_date=date(2025, 3, 3), kind=ActionKind.SPLIT, ratio=Decimal(number + 2))
        record = ActionRecord(action=action, state=ActionState.CONFIRMED, source=f"file:{number}")
        SqlActions(control.database).record([record], at=RUN.made_at + timedelta(hours=number))
        control.close()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(state, range(12)))
    control = ControlDatabase.open(url)
    actions = SqlActions(control.database)
    assert len(actions.read()) == 1
    assert actions.is_kept()
    assert actions.read(known_at=RUN.made_at - timedelta(days=1)) == ()
    control.close()


def test_instruments_members_and_lists_are_kept_by_date(url: str) -> None:
    def dump(*ticks: int) -> Dump:
        rows = tuple(DumpRow("NSE", f"S{i}", i + 1, "A NAME", None, None, tick, 1, "EQ", "NSE") for i, tick in enumerate(ticks))
        return Dump(rows=rows, n_read=len(rows), n_rejected=0, rejected=(), sha256=str(ticks))

    control = ControlDatabase.open(url)
    master, one = InstrumentMaster(control.database), InstrumentId("NSE:S0")
    for day, ticks in ((2, (500, 500)), (6, (500, 500)), (4, (1000,))):
        master.load(dump(*ticks), on=date(2026, 11, day), source="dump", at=RUN.made_at)
    assert [str(listing.tick) for listing in master.listings(one)] == ["0.05", "0.1", "0.05"]
    assert master.listing(InstrumentId("NSE:S1"), date(2026, 11, 5)) is None
    assert master.load(dump(500, 500), on=date(2026, 11, 6), source="dump", at=RUN.made_at).unchanged
    member = IndexMember(index="NIFTY 50", instrument=one, start=date(2020, 1, 1), end=None, source="circular")
    indices, lists = IndexMembership(control.database), Watchlists(control.database)
    assert (indices.replace([member]), indices.replace([member])) == (1, 0)
    assert lists.add("Mine", [one], at=RUN.made_at).instruments == (one,)
    assert lists.remove("mine") is None
    control.close()


def test_a_reader_sees_one_state_and_a_writer_waits_for_another(url: str) -> None:
    left, right = (Database.open(url, migrations=CONTROL, wait_seconds=0.2) for _ in range(2))
    with left.reading() as connection:
        before = connection.execute(text("SELECT count(*) FROM trials")).scalar_one()
        with right.writing() as other:
            other.execute(text("INSERT INTO trials (idea, run_id, made_at, interval) VALUES ('idea', 'x', 'now', '1d')"))
        assert connection.execute(text("SELECT count(*) FROM trials")).scalar_one() == before
    with left.writing(), pytest.raises(StoreBusy), right.writing():
        pytest.fail("there were two writers at once")
    left.close()
    right.close()


def test_a_server_that_does_not_answer_is_named_without_the_password() -> None:
    pytest.importorskip("psycopg")
    with pytest.raises(BadPath, match="the server refuses") as caught:
        ControlDatabase.open("postgresql://qts:geheim@127.0.0.1:1/control")
    assert "geheim" not in caught.value.message


def test_a_later_schema_is_refused(url: str) -> None:
    database = Database.open(url, migrations=CONTROL)
    with database.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(BadPath, match="later release"):
        ControlDatabase.open(url)
    database.close()
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:  # as it was, for the other tests
        connection.execute(text("UPDATE alembic_version SET version_num = :head"), {"head": CONTROL.head})
    engine.dispose()
