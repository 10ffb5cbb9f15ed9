from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from qts.app.backup_document import CONTENT
from qts.app.backups import back_up
from qts.app.call_hooks import NO_HOOKS
from qts.app.chain_files import METADATA
from qts.app.chains import NoChain, list_chains, show_chain
from qts.app.clock import SystemClock
from qts.app.jobs.kind import JobOutcome, kind_named
from qts.app.sandbox import KEY, SECRET
from qts.app.settings import load_settings
from qts.app.verification import verify_home
from qts.app.workspace import Workspace, open_workspace
from qts.core import IST, Bars, InstrumentId, Interval, micros_of
from qts.core.errors import BadParameter, DamagedFile
from qts.sandbox import Accounts, App, Meter, Sandbox, VirtualClock
from qts.sandbox.listing import Listed

ASKED = datetime(2026, 11, 20, 16, 5, tzinfo=IST)
LAST = {"NIFTY 50": 24512.4, "NIFTY26NOV24500CE": 61.5, "NIFTY26NOV24500PE": 48.25, "NIFTY26DEC24500CE": 402.0}
NEVER_TRADED = "NIFTY26DEC24500PE"


def option(token: int, symbol: str, *, kind: str, expiry: date, strike: int = 24500, name: str = "NIFTY", exchange: str = "NFO") -> Listed:
    about: dict[str, Any] = {"name": name, "segment": f"{exchange}-OPT", "strike": Decimal(strike), "lot_size": 65}
    return Listed(token=token, symbol=symbol, exchange=exchange, kind=kind, expiry=expiry, **about)


class Market:
    """An index, a future and four options, one of which was never traded; each has one day, with its last price in :data:`LAST`."""

    def __init__(self) -> None:
        november, december, january = date(2026, 11, 24), date(2026, 12, 29), date(2027, 1, 26)
        self.listings: Sequence[Listed] = (
            Listed(token=256265, symbol="NIFTY 50", exchange="NSE", name="NIFTY 50", segment="INDICES", tick_size=Decimal(0), lot_size=0),
            option(1 << 8, "NIFTY26NOV24500CE", kind="CE", expiry=november),
            option(2 << 8, "NIFTY26NOV24500PE", kind="PE", expiry=november),
            option(3 << 8, "NIFTY26DEC24500CE", kind="CE", expiry=december),
            option(4 << 8, NEVER_TRADED, kind="PE", expiry=december),
            option(5 << 8, "NIFTY27JAN24500CE", kind="CE", expiry=january),
            option(6 << 8, "GOLDEN26NOV500CE", kind="CE", expiry=november, strike=500, name="GOLDEN"),
            option(7 << 8, "GOLDEN26NOV500CE", kind="CE", expiry=november, strike=500, name="GOLDEN", exchange="BFO"),
        )

    def days(self, listed: Listed) -> Bars:
        """Return one day, or none."""
        return self._bars(listed, Interval.DAY)

    def minutes(self, listed: Listed) -> Bars:
        """Return one minute, or none."""
        return self._bars(listed, Interval.MINUTE_1)

    def _bars(self, listed: Listed, interval: Interval) -> Bars:
        last = LAST.get(listed.symbol)
        opens = [] if last is None else [micros_of(datetime(2026, 11, 20, 9, 15, tzinfo=IST).astimezone(UTC))]
        n = len(opens)
        price = {name: np.full(n, last or 0.0) for name in ("open", "high", "low", "close")}
        about = {"volume": np.full(n, 1300.0), "oi": np.full(n, 65_000.0)}
        return Bars(instrument=InstrumentId(listed.key), interval=interval, ts=np.array(opens, np.int64), **price, **about)


@pytest.fixture
def workspace(tmp_path: Path, serve: Callable[[Sandbox], str]) -> Iterator[Workspace]:
    clock = VirtualClock(SystemClock(), began_at=ASKED.astimezone(UTC))
    sandbox = Sandbox(Market(), Accounts([App(api_key=KEY, api_secret=SECRET)], clock), clock=clock, meter=Meter(time.monotonic))
    settings = load_settings(home=tmp_path / "home", keep_free="0", sandbox_root=f"http://{serve(sandbox)}")
    with open_workspace(settings, clock=clock) as opened:
        assert do(opened, "instruments", exchanges="NSE,NFO,BFO").errors == ()
        yield opened


def do(workspace: Workspace, name: str, **given: object) -> JobOutcome:
    work: Any = SimpleNamespace(
        workspace=workspace, hooks=NO_HOOKS, check=lambda: None, advance=lambda *_told: None, step=lambda _name, step: step()
    )
    kind = kind_named(name)
    request = kind.request.model_validate({"source": "sandbox", **given})
    kind.check(workspace, request)
    return kind.run(work, request)


def test_a_chain_is_kept_as_it_was_quoted_and_what_had_no_quote_has_no_price(workspace: Workspace) -> None:
    outcome = do(workspace, "chain", underlying="nifty")
    assert (outcome.errors, outcome.result["n_contracts"], outcome.result["n_quoted"]) == ((), 4, 3)
    found = show_chain(workspace, "Nifty", on=date(2026, 11, 20))
    assert found.simulated
    assert (found.record.exchange, found.record.listed_on, found.record.expiries) == ("NFO", "2026-11-20", ("2026-11-24", "2026-12-29"))
    asked_at = datetime.fromisoformat(found.record.asked_at)
    assert timedelta(0) <= asked_at - ASKED < timedelta(minutes=5)
    assert found.spot is not None
    assert (found.spot.instrument, found.spot.last_price, found.spot.bid) == ("NSE:NIFTY 50", 24512.4, None)
    by_name = {one.instrument.removeprefix("NFO:"): one for one in found.contracts}
    assert {name: one.last_price for name, one in by_name.items()} == {
        "NIFTY26NOV24500CE": 61.5, "NIFTY26NOV24500PE": 48.25, "NIFTY26DEC24500CE": 402.0, NEVER_TRADED: None
    }  # fmt: skip
    call = by_name["NIFTY26NOV24500CE"]
    assert (call.side, call.expiry, call.strike, call.lot, call.quoted) == ("call", "2026-11-24", 24500.0, 65, True)
    assert (call.bid, call.bid_quantity, call.ask, call.ask_quantity) == (61.45, 6500, 61.55, 6500)
    assert (call.open, call.high, call.low, call.close, call.volume, call.oi) == (61.5, 61.5, 61.5, 61.5, 1300, 65_000)
    assert (call.traded_at, call.at is not None) == ("2026-11-20T09:15:00+05:30", True)
    absent = by_name[NEVER_TRADED]
    told = absent.model_dump(exclude={"instrument", "side", "expiry", "strike", "lot", "quoted"})
    assert (absent.quoted, absent.side, set(told.values())) == (False, "put", {None})
    path = workspace.settings.home / found.record.path
    assert path.parent == workspace.settings.home / "data" / "chains" / "NFO" / "NIFTY"
    labels = pq.read_schema(path).metadata
    assert (labels[b"asked_at"].decode(), labels[b"simulated"]) == (found.record.asked_at, b"true")


def test_a_second_chain_of_a_day_is_kept_beside_the_first(workspace: Workspace) -> None:
    first = do(workspace, "chain", underlying="NIFTY", expiries=1).result
    workspace.clock.advance(timedelta(minutes=20))  # type: ignore[attr-defined]
    second = do(workspace, "chain", underlying="NIFTY", expiries=3).result
    assert [one.path for one in list_chains(workspace)] == [first["path"], second["path"]]
    assert first["expiries"] == ["2026-11-24"]
    assert second["expiries"] == ["2026-11-24", "2026-12-29", "2027-01-26"]
    last = show_chain(workspace, "NIFTY")
    assert (last.record.path, last.same_day) == (second["path"], (first["asked_at"], second["asked_at"]))
    assert show_chain(workspace, "NIFTY", on=date(2026, 11, 20), until=_second_of(first)).record.path == first["path"]


def test_a_damaged_chain_is_named_never_shown_and_taken_from_a_backup(workspace: Workspace) -> None:
    kept = do(workspace, "chain", underlying="NIFTY").result
    workspace.clock.advance(timedelta(minutes=20))  # type: ignore[attr-defined]
    lost = do(workspace, "chain", underlying="NIFTY", expiries=1).result
    home = workspace.settings.home
    good = (home / kept["path"]).read_bytes()
    backup = back_up(workspace)
    assert backup.missing == ()
    assert (home / "backups" / backup.name / CONTENT / kept["path"]).read_bytes() == good
    assert verify_home(workspace.settings).model_dump(include={"sound", "chains"}) == {"sound": True, "chains": 2}
    (home / lost["path"]).unlink()
    # The file is changed beside itself: a backup may share it.
    for harmed in (good[:-1], good[:-9] + bytes([good[-9] ^ 1]) + good[-8:]):
        (home / kept["path"]).unlink()
        (home / kept["path"]).write_bytes(harmed)
        with pytest.raises(DamagedFile, match=kept["path"]):
            show_chain(workspace, "NIFTY", on=date(2026, 11, 20), until=_second_of(kept))
        looked = verify_home(workspace.settings, look_only=True)
        assert {one.path: (one.state, one.put_back) for one in looked.damage} == {
            kept["path"]: ("damaged", False), lost["path"]: ("missing", False)
        }  # fmt: skip
    assert {one.path for one in verify_home(workspace.settings, quick=True, look_only=True).damage} == {lost["path"]}
    assert set(back_up(workspace, workspace.settings.home.parent / "elsewhere").missing) == {kept["path"], lost["path"]}
    assert [one.put_back for one in verify_home(workspace.settings).damage] == [True, True]
    assert (home / kept["path"]).read_bytes() == good
    assert verify_home(workspace.settings).sound


def _second_of(kept: dict[str, Any]) -> Any:
    return datetime.fromisoformat(kept["asked_at"]).astimezone(IST).time().replace(microsecond=0)


@pytest.mark.parametrize(
    ("given", "kind", "way_out"),
    [
        pytest.param({"underlying": "NOSUCH"}, "NotListed", "qts jobs submit instruments source=sandbox", id="not listed"),
        pytest.param({"underlying": "GOLDEN"}, "BadParameter", "exchange=BFO", id="at two exchanges"),
    ],
)
def test_what_cannot_be_asked_for_is_told_with_the_way_out(workspace: Workspace, given: dict[str, str], kind: str, way_out: str) -> None:
    outcome = do(workspace, "chain", **given)
    assert ([error.kind for error in outcome.errors], outcome.result) == ([kind], {})
    assert way_out in outcome.errors[0].hint
    assert list_chains(workspace) == ()


def test_an_underlying_that_is_not_listed_has_no_price_unless_it_is_named(workspace: Workspace) -> None:
    do(workspace, "chain", underlying="GOLDEN", exchange="BFO")
    assert show_chain(workspace, "GOLDEN").spot is None
    do(workspace, "chain", underlying="GOLDEN", exchange="BFO", spot="NSE:NIFTY 50")
    found = show_chain(workspace, "GOLDEN")
    assert (found.spot is not None and found.spot.last_price, found.record.n_contracts, found.record.n_quoted) == (24512.4, 1, 0)


def test_what_is_not_kept_is_told_with_the_command_that_keeps_it(workspace: Workspace) -> None:
    with pytest.raises(NoChain, match="No option chain of NIFTY is kept") as none:
        show_chain(workspace, "nifty")
    assert 'qts jobs submit chain "underlying=NIFTY"' in none.value.hint
    do(workspace, "chain", underlying="NIFTY", expiries=1)
    with pytest.raises(NoChain, match="2026-11-19") as other:
        show_chain(workspace, "NIFTY", on=date(2026, 11, 19))
    assert "2026-11-20" in other.value.hint
    with pytest.raises(BadParameter, match="at"):
        show_chain(workspace, "NIFTY", until=ASKED.time())


def test_the_table_is_what_the_revisions_make(workspace: Workspace) -> None:
    with workspace.control.database.reading() as connection:
        context = MigrationContext.configure(
            connection, opts={"include_name": lambda name, kind, _parents: kind != "table" or name in METADATA.tables}
        )
        assert compare_metadata(context, METADATA) == []
