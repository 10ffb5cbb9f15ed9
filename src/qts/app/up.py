"""From nothing to a finished backtest on screen: start the processes, bring the data, and say which page to open.

Without keys for a broker the market is a simulated one, but it comes as a real one would: an exchange answers, a worker asks it as a job,
and what arrives is stored, labelled SIMULATED. With keys nothing is invented: the pages come up and offer the login.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from qts.app.broker import BrokerStatus, broker_status
from qts.app.demo import has_own_prices, prepare_indices, run_featured, run_simulated, simulated_series
from qts.app.importing import ImportDocument, import_files
from qts.app.ingest_document import IngestRequest
from qts.app.jobs.asking import show_job, submit
from qts.app.jobs.document import ACTIVE, JobDocument, JobState
from qts.app.processes import sandbox_address, sandbox_server, web_server, worker_server
from qts.app.progress import OnProgress, Progress, ignore_progress
from qts.app.requests import ImportRequest, build
from qts.app.supervisor import Address, Server, Supervisor
from qts.app.workspace import Workspace
from qts.core.errors import QtsError
from qts.core.instrument import Exchange
from qts.core.interval import Interval
from qts.data.coverage import expected_days
from qts.data.fetching import FetchLedger, needed_days
from qts.data.sources import simulated_market
from qts.data.sources.simulation.market import MINUTE_SESSIONS, YEARS
from qts.market.sessions import sessions

LOGIN_PATH: Final = "/api/broker/kite/login"
CALLBACK_PATH: Final = "/api/broker/kite/callback"
SANDBOX: Final = "sandbox"
_LOOKS_EVERY: Final = 0.1
_EPOCH: Final = date(1970, 1, 1)


class NoMarket(QtsError):
    """The simulated market could not be downloaded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What to show: the run, None where there is none; with keys for a broker what is known of its session; the job that goes on."""

    run_id: str | None
    broker: BrokerStatus | None = None
    job: JobDocument | None = None

    def url(self, address: Address) -> str:
        """Return the page to open."""
        return f"{address.url}/" if self.run_id is None else f"{address.url}/backtest?run={self.run_id}"

    def login_url(self, address: Address) -> str | None:
        """Return where to log in to the broker, None where nobody has to."""
        return None if self.broker is None or self.broker.state == "logged_in" else f"{address.url}{LOGIN_PATH}"


def bring_up(workspace: Workspace, servers: Supervisor, *, allow_remote: bool, on_progress: OnProgress) -> Opening:
    """Start what belongs to a home, see that there is something to look at, and return it once the pages answer.

    Raises
    ------
    ServerFailed
        If a process does not come up.
    NoMarket
        If the simulated exchange gave nothing.
    """
    broker = broker_status(workspace)
    is_known, has_prices = broker.state != "not_configured", has_own_prices(workspace)
    sandbox = None if is_known or has_prices else sandbox_address()
    web = web_server(workspace.settings, allow_remote=allow_remote, sandbox=sandbox)
    if sandbox is not None:
        opening = _simulated(workspace, servers, web=web, address=sandbox, on_progress=on_progress)
    else:
        servers.start(worker_server(workspace.settings))
        servers.start(web)
        run_id = run_featured(workspace, on_progress) if has_prices else None
        opening = Opening(run_id=run_id, broker=broker if is_known else None)
    on_progress(Progress(step="Starting the web interface", done=0, total=1))
    servers.wait(web)
    on_progress(Progress(step="Starting the web interface", done=1, total=1))
    return opening


def import_folder(workspace: Workspace, folder: Path | str, on_progress: OnProgress = ignore_progress) -> ImportDocument:
    """Import a folder or file of prices before the start.

    Raises
    ------
    QtsError
        If nothing in it could be stored.
    """
    outcome = import_files(workspace, build(ImportRequest, paths=[folder]), on_progress)
    if outcome.failures:
        raise outcome.failures[0]
    return outcome.document


def market_request(interval: Interval) -> IngestRequest:
    """Return the download of the whole simulated market, days or minutes."""
    start, end = _span(interval)
    names = [key.instrument for key in simulated_series(interval)]
    return build(IngestRequest, instruments=names, interval=interval, start=start, end=end, source=SANDBOX)


def is_held(workspace: Workspace, interval: Interval) -> bool:
    """Return whether nothing of the simulated market would be asked for."""
    per_day, ledger = workspace.store.bars_per_day(), FetchLedger(workspace.control.database)
    first, last = ((on - _EPOCH).days for on in _span(interval))
    expected = expected_days(Exchange.SIM, interval, first, last)
    return expected is not None and not any(
        needed_days(expected.days, expected.at_least, held=per_day.get(key, {}), fetched=ledger.counts(key, SANDBOX))
        for key in simulated_series(interval)
    )


def _span(interval: Interval) -> tuple[date, date]:
    end = simulated_market.END
    start = date(end.year - YEARS, end.month, min(end.day, 28))
    return (start if interval is Interval.DAY else sessions(Exchange.SIM, start, end)[-MINUTE_SESSIONS].date), end


def _simulated(workspace: Workspace, servers: Supervisor, *, web: Server, address: Address, on_progress: OnProgress) -> Opening:
    has_days = is_held(workspace, Interval.DAY)
    exchange, worker = sandbox_server(workspace.settings, address), worker_server(workspace.settings, sandbox=address)
    # What the first page waits for comes first: the pages are started when the others have little to do.
    for server in (web, worker, exchange) if has_days else (exchange, worker):
        servers.start(server)
    prepare_indices(workspace, on_progress)
    if not has_days:
        on_progress(Progress(step="Starting the simulated exchange", done=0, total=1))
        servers.wait(exchange)
        on_progress(Progress(step="Starting the simulated exchange", done=1, total=1))
        job, _ = submit(workspace, "ingest", market_request(Interval.DAY))
        servers.start(web)
        _require(_followed(workspace, job, servers, on_progress))
    # The run needs the days only: the minutes may come while somebody reads it.
    run_id = run_simulated(workspace, on_progress)
    is_whole = is_held(workspace, Interval.MINUTE_1)
    return Opening(run_id=run_id, job=None if is_whole else submit(workspace, "ingest", market_request(Interval.MINUTE_1))[0])


def _followed(workspace: Workspace, job: JobDocument, servers: Supervisor, on_progress: OnProgress) -> JobDocument:
    """Return a job once nothing changes any more, telling meanwhile how far it has come."""
    step = "Downloading simulated prices"
    while True:
        servers.tend()
        job = show_job(workspace, job.id)
        is_over = job.state not in ACTIVE
        on_progress(Progress(step=step, done=job.done, total=job.total or 1, detail="" if is_over else job.detail))
        if is_over:
            return job
        time.sleep(_LOOKS_EVERY)


def _require(job: JobDocument) -> None:
    if job.state is JobState.DONE:
        return
    hint = f"`qts jobs show {job.id}` tells more; the next `qts up` goes on where it stopped."
    if job.errors:
        raise NoMarket(f"The simulated market could not be downloaded: {job.errors[0].message}", hint=job.errors[0].hint or hint)
    raise NoMarket(f"The download of the simulated market is {job.state.replace('_', ' ')}.", hint=hint)
