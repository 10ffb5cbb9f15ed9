from __future__ import annotations

from collections.abc import Callable

import pytest

from qts.app.backtests import list_runs, load_run
from qts.app.demo import has_own_prices, prepare_demo, prepare_indices, run_featured, run_index, run_simulated
from qts.app.jobs.asking import list_jobs
from qts.app.progress import Progress
from qts.app.supervisor import Server, Supervisor
from qts.app.up import bring_up
from qts.app.workspace import Workspace
from qts.core import Bars, Exchange
from qts.core.errors import UnknownInstrument


class NotedServers(Supervisor):
    """Notes what would be started."""

    def __init__(self) -> None:
        super().__init__(lambda _text: None)
        self.names: list[str] = []

    def start(self, server: Server) -> None:
        self.names.append(server.name)

    def wait(self, server: Server) -> None:
        assert server.name in self.names


def test_the_demo_is_prepared_once_with_a_simulated_and_a_real_run(
    empty: Workspace, make_bars: Callable[..., Bars], store_bars: Callable[..., None]
) -> None:
    seen: list[Progress] = []
    report = prepare_demo(empty, seen.append)
    simulated, index = (load_run(empty, run_id).document for run_id in report.runs)
    assert simulated.simulated
    assert simulated.settings.costs == "zerodha"
    assert simulated.costs.stt > 0
    assert not index.simulated
    assert index.data.instruments == ("INDEX:SP500",)
    assert index.settings.costs == "percent:0.0005"
    assert report.stored_series > 20
    assert seen[-1].step.startswith("Running")

    seen.clear()
    snapshot = empty.store.snapshot()
    again = prepare_demo(empty, seen.append)
    assert (again.stored_series, again.runs, seen) == (0, report.runs, [])
    assert empty.store.snapshot() == snapshot
    assert len(list_runs(empty)) == 2
    assert not has_own_prices(empty)
    assert run_simulated(empty) == report.runs[0]
    prepare_indices(empty, seen.append)
    assert seen == []

    # What is held is not asked for: no job is made, and the pages come first.
    servers = NotedServers()
    opening = bring_up(empty, servers, allow_remote=False, on_progress=lambda _progress: None)
    assert (opening.run_id, opening.job, list_jobs(empty)) == (report.runs[0], None, ())
    assert servers.names == ["web interface", "worker", "simulated exchange"]

    # Nor is a run made again because something else has come.
    store_bars(empty, make_bars("SIM:X", Exchange.SIM, seed=1), simulated=True)
    assert empty.store.snapshot() != snapshot
    assert (run_simulated(empty), run_index(empty)) == report.runs
    assert len(list_runs(empty)) == 2


def test_with_prices_of_ones_own_those_are_run(empty: Workspace, make_bars: Callable[..., Bars], store_bars: Callable[..., None]) -> None:
    for name, n_bars in (("NSE:SMALL", 300), ("NSE:INFY", 280), ("NSE:LONG", 400)):
        store_bars(empty, make_bars(name, Exchange.NSE, seed=1, n_bars=n_bars))
    store_bars(empty, make_bars("SIM:X", Exchange.SIM, seed=1), simulated=True)
    assert has_own_prices(empty)
    assert load_run(empty, run_featured(empty)).document.data.instruments == ("NSE:INFY",)


def test_without_a_well_known_name_the_longest_is_run(
    empty: Workspace, make_bars: Callable[..., Bars], store_bars: Callable[..., None]
) -> None:
    store_bars(empty, make_bars("NSE:SMALL", Exchange.NSE, seed=1, n_bars=300))
    store_bars(empty, make_bars("NSE:LONG", Exchange.NSE, seed=1, n_bars=400))
    assert load_run(empty, run_featured(empty)).document.data.instruments == ("NSE:LONG",)


def test_without_any_prices_there_is_nothing_to_run(empty: Workspace) -> None:
    with pytest.raises(UnknownInstrument):
        run_featured(empty)
