"""The whole service on a port of its own, filled with a little data, and pages that note every complaint."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import httpx
import pytest

from qts.app.backtests import run_backtest
from qts.app.requests import BacktestRequest, build
from qts.app.settings import load_settings
from qts.app.workspace import open_workspace
from qts.core import Interval
from qts.data.sources import simulated_market
from qts.data.storage import SeriesBars

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Page, Request

START_SECONDS = 60
# At a deep link Streamlit first asks beside the page, then at the root: these two answers are no complaint.
PROBES = ("/_stcore/health", "/_stcore/host-config")
# Secrets with a mark, which nothing that comes to the browser may hold.
CANARIES = {f"KITE_{name}": f"canary{name.lower().replace('_', '')}0123456789" for name in ("API_KEY", "API_SECRET", "ACCESS_TOKEN")}
SERVE = "import sys; from pathlib import Path; from qts.app.settings import load_settings; from qts.web import serve; "
SERVE += "serve(load_settings(home=Path(sys.argv[1]), port=int(sys.argv[2])))"


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """The running service: its address, an instrument it holds, a run of it."""

    url: str
    instrument: str
    run: str


@dataclass(frozen=True, slots=True)
class Watched:
    """A page, with what the browser complained about and what it asked for outside this machine."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)

    def open(self, url: str) -> Page:
        """Open an address and wait until the pages' script has run."""
        self.page.goto(url)
        self.settle()
        return self.page

    def settle(self) -> None:
        """Wait until the script has run."""
        self.page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]", timeout=30_000)


@pytest.fixture(scope="session")
def service(chromium: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Return the service, started as people start it and stopped afterwards."""
    del chromium  # without a browser nothing needs to start
    home = tmp_path_factory.mktemp("service")
    instrument, run = _fill(home)
    port = _free_port()
    process = subprocess.Popen([sys.executable, "-c", SERVE, str(home), str(port)], cwd=home, env=os.environ | CANARIES)
    try:
        url = f"http://127.0.0.1:{port}"
        _wait(url, process)
        yield Service(url=url, instrument=instrument, run=run)
    finally:
        process.terminate()
        process.wait(timeout=20)


@pytest.fixture
def watch(browser: Browser) -> Iterator[Callable[..., Watched]]:
    """Return what opens a fresh, watched page; after the test nothing may have been complained about."""
    opened: list[Watched] = []

    def watching(scheme: Literal["light", "dark"] = "light", width: int = 1440) -> Watched:
        context = browser.new_context(
            viewport={"width": width, "height": 1000}, color_scheme=scheme, locale="en-US", timezone_id="America/New_York"
        )
        watched = Watched(context.new_page())
        watched.page.on("console", lambda message: _note(watched, message))
        watched.page.on("pageerror", lambda error: watched.complaints.append(str(error)))
        watched.page.on("request", lambda request: _trace(watched, request))
        opened.append(watched)
        return watched

    yield watching
    for each in opened:
        each.page.context.close()
    assert [each.complaints for each in opened if each.complaints] == []
    assert [each.outside for each in opened if each.outside] == []


def _note(watched: Watched, message: ConsoleMessage) -> None:
    place = str(message.location.get("url", ""))
    if message.type == "error" and not place.endswith(PROBES):
        watched.complaints.append(f"{message.text} ({place})")


def _trace(watched: Watched, request: Request) -> None:
    if not request.url.startswith(("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:")):
        watched.outside.append(request.url)


def _fill(home: Path) -> tuple[str, str]:
    market: Any = simulated_market.SOURCE
    keys = [key for key in market.series() if key.interval is Interval.DAY][:2]
    with open_workspace(load_settings(home=home)) as workspace:
        batches = [SeriesBars(key=key, bars=market.bars(key)) for key in keys]
        workspace.store.upsert(batches, market.provenance("simulated_market"), at=workspace.clock.now())
        instrument = str(keys[0].instrument)
        run = run_backtest(workspace, build(BacktestRequest, strategy="ema_cross", instruments=[instrument]))
    return instrument, run.run_id


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            if httpx.get(f"{url}/health/ready").status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            time.sleep(0.2)
    pytest.fail("the service did not start")
