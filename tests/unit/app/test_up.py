from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from qts.app.broker import save_keys
from qts.app.jobs.asking import list_jobs
from qts.app.sandbox import SimulatedPrices
from qts.app.supervisor import Address, Server, Supervisor
from qts.app.up import Opening, bring_up, import_folder, market_request
from qts.app.workspace import Workspace
from qts.core import Bars, Exchange, Interval
from qts.core.errors import BadPath

HUSH = "hush"
ADDRESS = Address(host="127.0.0.1", port=8501)


class Started(Supervisor):
    """Notes what would be started."""

    def __init__(self) -> None:
        super().__init__(lambda _text: None)
        self.names: list[str] = []

    def start(self, server: Server) -> None:
        self.names.append(server.name)

    def wait(self, server: Server) -> None:
        assert server.name in self.names


def test_the_link_opens_the_run_or_the_first_page() -> None:
    assert Opening(run_id="abc").url(ADDRESS) == "http://127.0.0.1:8501/backtest?run=abc"
    assert Opening(run_id=None).url(ADDRESS) == "http://127.0.0.1:8501/"
    assert Opening(run_id=None).login_url(ADDRESS) is None


def test_a_folder_is_imported_and_one_that_gives_nothing_is_an_error(empty: Workspace, tmp_path: Path) -> None:
    (tmp_path / "INFY.csv").write_text("date,open,high,low,close\n2022-01-03,10,12,9,11\n2022-01-04,10,12,9,11\n")
    assert import_folder(empty, tmp_path).files[0].stored == 2
    with pytest.raises(BadPath):
        import_folder(empty, tmp_path / "absent")


def test_with_keys_for_a_broker_the_login_is_offered_and_nothing_is_invented(empty: Workspace) -> None:
    save_keys(empty, api_key="mykey", api_secret=HUSH)
    servers = Started()
    opening = bring_up(empty, servers, allow_remote=False, on_progress=lambda _progress: None)
    assert servers.names == ["worker", "web interface"]
    assert (opening.run_id, opening.login_url(ADDRESS)) == (None, "http://127.0.0.1:8501/api/broker/kite/login")
    assert empty.store.series() == ()
    assert list_jobs(empty) == ()


def test_with_prices_of_ones_own_those_are_run_without_an_exchange(
    empty: Workspace, make_bars: Callable[..., Bars], store_bars: Callable[..., None]
) -> None:
    store_bars(empty, make_bars("NSE:INFY", Exchange.NSE, seed=1, n_bars=280))
    servers = Started()
    opening = bring_up(empty, servers, allow_remote=False, on_progress=lambda _progress: None)
    assert servers.names == ["worker", "web interface"]
    assert opening.run_id is not None
    assert (opening.broker, opening.job) == (None, None)


def test_the_whole_simulated_market_is_asked_for() -> None:
    days, minutes = market_request(Interval.DAY), market_request(Interval.MINUTE_1)
    assert (len(days.instruments), days.end, days.source) == (20, date(2026, 11, 20), "sandbox")
    prices = SimulatedPrices()
    for request, bars in ((days, prices.days(prices.listings[0])), (minutes, prices.minutes(prices.listings[0]))):
        first = datetime.fromtimestamp(int(bars.ts[0]) / 1e6, UTC).date()
        assert request.start is not None
        assert 0 <= (first - request.start).days <= 3
