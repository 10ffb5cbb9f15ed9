"""Which command has which verb, and the verbs of instruments, lists, kept chains, jobs and schedules."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from datetime import date, datetime, time
from pathlib import Path
from typing import Any, Final

import pytest
import typer

import qts
from qts.app import verbs
from qts.app.chain_document import ChainQuote
from qts.app.chain_files import ChainTaken, KeptChains
from qts.app.chains import NoChain
from qts.app.settings import load_settings
from qts.app.workspace import open_workspace
from qts.cli.main import app
from qts.core import IST
from qts.core.errors import BadParameter, InputError

VERB_OF = {
    "import": "import_files",
    "jobs submit": "submit_job",
    "jobs list": "jobs",
    "jobs show": "job",
    "schedule list": "schedules",
    "actions list": "actions",
    "actions suspected": "suspect_actions",
    "actions import": "import_actions",
    "actions confirm": "confirm_action",
    "actions reject": "reject_action",
    "instruments import": "import_instruments",
    "instruments search": "instruments",
    "instruments show": "instrument",
    "instruments token": "instrument_of_token",
    "instruments expiries": "expiries",
    "instruments chain": "chain",
    "instruments renames": "renames",
    "instruments dumps": "instrument_dumps",
    "watchlist list": "watchlists",
    "watchlist show": "watchlist",
    "watchlist add": "add_to_watchlist",
    "watchlist remove": "remove_from_watchlist",
    "watchlist import": "import_watchlist",
    "index list": "indices",
    "index members": "index_members",
    "index import": "import_index",
    "snapshots list": "snapshots",
    "snapshots compare": "compare_snapshots",
    "snapshots name": "name_snapshot",
    "snapshots forget": "forget_snapshot",
    "snapshots collect": "collect_snapshots",
} | {f"{group} {verb}": f"{verb}_{noun}" for group, noun in (("jobs", "job"), ("schedule", "schedule")) for verb in ("pause", "resume")}
VERB_OF |= {f"jobs {verb}": f"{verb}_job" for verb in ("cancel", "retry")}
VERB_OF |= {f"schedule {verb}": f"{verb}_schedule" for verb in ("add", "remove", "run")}
# They hold the terminal until they are ended, or send a person to a page.
OF_THE_TERMINAL: Final = {"login", "worker", "serve", "up", "sandbox", "jobs watch"}
MORE: Final = {"run", "kept_chain", "import_renames", "confirm_rename", "dismiss_rename"}
HEADER = "instrument_token,exchange_token,tradingsymbol,name,last_price,expiry,strike,tick_size,lot_size,instrument_type,segment,exchange"


def commands(group: Any, above: str = "") -> Iterator[str]:
    """Yield every command by its words."""
    if not hasattr(group, "commands"):
        yield above.strip()
        return
    for name, command in group.commands.items():
        yield from commands(command, f"{above} {name}")


def test_every_command_that_ends_by_itself_has_a_verb_and_every_verb_a_command() -> None:
    words = set(commands(typer.main.get_command(app))) - OF_THE_TERMINAL
    assert {VERB_OF.get(name, name) for name in words} | MORE == set(verbs.__all__)
    assert len(words) + len(MORE) == len(verbs.__all__)


def test_the_package_offers_every_verb_says_so_and_leads_to_it() -> None:
    package: Any = qts
    assert set(qts.__all__) == set(verbs.__all__) - {"backtest", "strategies"}
    for name in verbs.__all__:
        assert f"qts.{name}(" in (qts.__doc__ or ""), name
        assert inspect.isfunction(getattr(verbs, name)), name
        assert "home" in inspect.signature(getattr(verbs, name)).parameters or name in {"costs", "reconcile"}, name
    assert all(getattr(package, name) is getattr(verbs, name) for name in qts.__all__)


def test_the_verbs_of_groups_of_commands_stand_in_the_guide() -> None:
    guide = (Path(__file__).parents[3] / "docs" / "how-to" / "notebook.md").read_text(encoding="utf-8")
    assert [name for name in {*VERB_OF.values(), *MORE} if not re.search(rf"`(qts\.)?{name}`", guide)] == []


def dump(folder: Path, on: str, symbol: str) -> Path:
    rows = [f"5097729,1,{symbol},ETERNAL,0,,0,0.01,1,EQ,NSE,NSE", "1,1,NIFTY26NOVFUT,NIFTY,0,2026-11-24,0,0.1,65,FUT,NFO-FUT,NFO"]
    path = folder / f"kite_{on}.csv"
    path.write_text("\n".join([HEADER, *rows]))
    return path


def test_dumps_tokens_and_renames_are_looked_after_from_a_notebook(home: Path, tmp_path: Path) -> None:
    verbs.import_instruments(dump(tmp_path, "2026-11-16", "ZOMATO"))
    verbs.import_instruments(dump(tmp_path, "2026-11-17", "ETERNAL"))
    assert sorted({one.on for one in verbs.instrument_dumps()}) == ["2026-11-16", "2026-11-17"]
    assert verbs.instrument_of_token(5097729, on=date(2026, 11, 16)).instrument == "NSE:ZOMATO"
    assert [(one.old, one.new, one.state) for one in verbs.renames()] == [("NSE:ZOMATO", "NSE:ETERNAL", "proposed")]
    assert [one.state for one in verbs.confirm_rename("NSE:ZOMATO")] == ["confirmed"]
    with pytest.raises(BadParameter):
        verbs.dismiss_rename("NSE:INFY")
    (tmp_path / "renames.csv").write_text("old,new,on\nNSE:OLD,NSE:NEW,2020-01-01\n")
    assert [(one.old, one.state) for one in verbs.import_renames(str(tmp_path / "renames.csv"))] == [("NSE:OLD", "confirmed")]
    assert {one.old for one in verbs.renames(home=home)} == {"NSE:OLD", "NSE:ZOMATO"}


def test_a_proposed_rename_that_is_none_is_dismissed_from_a_notebook(home: Path, tmp_path: Path) -> None:
    for on, symbol in (("2026-11-16", "ZOMATO"), ("2026-11-17", "ETERNAL")):
        verbs.import_instruments(dump(tmp_path, on, symbol), home=home)
    assert [one.state for one in verbs.dismiss_rename("NSE:ZOMATO", home=home)] == ["dismissed"]


def test_lists_are_looked_after_from_a_notebook(home: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("NSE:INFY\nNSE:TCS\nNSE:SBIN\n")
    assert verbs.import_watchlist("mine", tmp_path / "mine.txt").instruments == ("NSE:INFY", "NSE:TCS", "NSE:SBIN")
    left = verbs.remove_from_watchlist("mine", "nse:tcs")
    assert left is not None
    assert (left.instruments, verbs.watchlist("mine").instruments) == (("NSE:INFY", "NSE:SBIN"), left.instruments)
    assert verbs.remove_from_watchlist("mine") is None
    assert verbs.watchlists(home=home) == ()
    assert verbs.indices() == ()
    (tmp_path / "index.csv").write_text("index,instrument,from,to,source\nNIFTY50,NSE:INFY,2020-01-01,,test\n")
    verbs.import_index(tmp_path / "index.csv")
    assert [(one.index, one.members) for one in verbs.indices()] == [("NIFTY50", 1)]


def test_kept_chains_are_listed_and_shown_from_a_notebook(home: Path) -> None:
    with open_workspace(load_settings(home=home, keep_free="0")) as workspace:
        store = KeptChains(home, workspace.control.database)
        early, late = (
            store.keep(
                ChainTaken(
                    underlying="NIFTY",
                    exchange="NFO",
                    asked_at=datetime(2026, 11, 20, hour, tzinfo=IST),
                    source="sandbox",
                    listed_on="2026-11-20",
                    expiries=("2026-11-24",),
                    quotes=(ChainQuote(instrument="NFO:NIFTY26NOV24500CE", side="call", quoted=True, last_price=61.5),),
                )
            )
            for hour in (12, 16)
        )
    assert verbs.chains() == (early, late)
    shown = verbs.kept_chain("nifty")
    assert (shown.record, shown.simulated, shown.contracts[0].last_price) == (late, True, 61.5)
    assert verbs.kept_chain("NIFTY", on="2026-11-20", at="15:45").record == early
    assert verbs.kept_chain("NIFTY", on=date(2026, 11, 20), at=time(16)).record == late
    with pytest.raises(NoChain, match="2026-11-19"):
        verbs.kept_chain("NIFTY", on="2026-11-19")
    for odd in ("15:45Z", 3600):
        with pytest.raises(BadParameter, match="another zone"):
            verbs.kept_chain("NIFTY", on="2026-11-20", at=odd)


def test_jobs_and_schedules_are_looked_after_from_a_notebook(home: Path) -> None:
    made = verbs.submit_job("backup", {"keep": 14})
    assert verbs.submit_job("backup", {"keep": 14}).id == made.id
    changes = (verbs.pause_job, verbs.resume_job, verbs.cancel_job, verbs.retry_job)
    assert [change(made.id).state for change in changes] == ["paused", "queued", "cancelled", "queued"]
    assert [one.id for one in verbs.jobs(home=home)] == [verbs.job(made.id).id]
    added = verbs.add_schedule("mine", {"everything": True}, kind="compact", when="daily@02:00")
    assert (added.name, added.state) == ("mine", "on")
    assert [verbs.pause_schedule("mine").state, verbs.resume_schedule("mine").state] == ["paused", "on"]
    assert verbs.run_schedule("mine").kind == "compact"
    assert verbs.remove_schedule("mine").name == "mine"
    assert {one.state for one in verbs.schedules()} == {"off"}
    with pytest.raises(InputError):
        verbs.job("nobody")


def test_a_name_is_taken_from_a_snapshot_from_a_notebook(home: Path, tmp_path: Path) -> None:
    (tmp_path / "INFY.csv").write_text("date,open,high,low,close,volume\n2022-01-03,1,2,1,2,10\n2022-01-04,1,2,1,2,10\n")
    verbs.import_files(tmp_path / "INFY.csv", home=home)
    named = verbs.name_snapshot("first")
    assert (verbs.forget_snapshot("first").names, verbs.snapshots()[0].id) == ((), named.id)
