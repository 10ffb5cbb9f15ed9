"""``qts serve``, ``qts up``, ``qts demo`` and ``qts sandbox``: the web interface, something to see in it, and a simulated exchange."""

from __future__ import annotations

import webbrowser
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from qts.cli.options import Json
from qts.cli.output import flush, note, progress_bars, say, write_json
from qts.cli.shell import opened, settings_of, stopped_by_signals

if TYPE_CHECKING:
    from qts.app.settings import Settings
    from qts.app.supervisor import Address, Supervisor
    from qts.app.up import Opening

Host = Annotated[str | None, typer.Option(help="Address to listen on.")]
Port = Annotated[int | None, typer.Option(help="Port to listen on.", min=1, max=65535)]
AllowRemote = Annotated[bool, typer.Option("--allow-remote", help="Listen to other machines although there is no login yet.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("serve")(serve)
    app.command("up")(up)
    app.command("demo")(demo)
    app.command("sandbox")(sandbox)


def serve(
    context: typer.Context,
    *,
    host: Host = None,
    port: Port = None,
    allow_remote: AllowRemote = False,
    parent_pipe: Annotated[int | None, typer.Option(hidden=True)] = None,
    as_json: Json = False,
) -> None:
    """Serve the pages and the API until Ctrl-C."""
    from qts.app.listening import check_host
    from qts.app.logs import configure_logging
    from qts.app.supervisor import Address, check_port, end_with_parent
    from qts.web import serve as serve_web

    settings = settings_of(context, host=host, port=port)
    check_host(settings.host, allow_remote=allow_remote)
    if parent_pipe is not None:
        end_with_parent(parent_pipe)
    address = Address(host=settings.host, port=settings.port)
    check_port(address)
    configure_logging(settings.log_level)
    if as_json:
        write_json({"url": address.url})
    elif parent_pipe is None:
        say(f"Serving on {address.url} (Ctrl-C ends it)")
    flush()
    serve_web(settings)


def up(
    context: typer.Context,
    *,
    data: Annotated[str | None, typer.Option(help="Folder of price files to import first.")] = None,
    host: Host = None,
    port: Port = None,
    allow_remote: AllowRemote = False,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Do not open a browser.")] = False,
    as_json: Json = False,
) -> None:
    """Start the web interface, a worker and a simulated exchange, and open a finished backtest. Ctrl-C ends everything.

    With keys for a broker no exchange is simulated, and the login is offered instead.
    """
    from qts.app.listening import check_host, has_display
    from qts.app.supervisor import Address, Supervisor, check_port

    settings = settings_of(context, host=host, port=port)
    check_host(settings.host, allow_remote=allow_remote)
    address = Address(host=settings.host, port=settings.port)
    check_port(address)
    with stopped_by_signals(), Supervisor(note) as servers:
        opening = _brought_up(context, settings, servers, data=data, allow_remote=allow_remote)
        url = opening.url(address)
        if as_json:
            write_json({"url": url, "run_id": opening.run_id, "login_url": opening.login_url(address)})
        else:
            _announce(opening, address)
        flush()
        if not no_browser and has_display():
            webbrowser.open(url)
        servers.run()


def demo(context: typer.Context, *, as_json: Json = False) -> None:
    """Prepare the simulated market, the real index levels and a finished backtest on each."""
    from qts.app.demo import prepare_demo

    with stopped_by_signals(), opened(context) as workspace, progress_bars(quiet=as_json) as on_progress:
        report = prepare_demo(workspace, on_progress)
        home = workspace.settings.home
    if as_json:
        write_json({"home": str(home), "stored_series": report.stored_series, "runs": report.runs, "simulated": True})
        return
    say(f"The demo is in {home}: {report.stored_series} new series. Its simulated prices are invented.")
    say("Runs: " + ", ".join(report.runs))


def sandbox(
    context: typer.Context,
    *,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)] = 8511,
    at: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%dT%H:%M", "%Y-%m-%d"], help="Time in India at which it begins; the end of its prices when absent."),
    ] = None,
    speed: Annotated[float, typer.Option(help="How many of its seconds pass in one of ours; 0 stands still.")] = 1.0,
    faults: Annotated[float, typer.Option(help="Share of the replies that go wrong, as a fraction.")] = 0.0,
    seed: Annotated[int, typer.Option(help="Which replies go wrong; the same seed spoils the same ones.")] = 0,
    from_store: Annotated[bool, typer.Option("--from-store", help="Show the stored bars instead of the simulated market.")] = False,
    free_plan: Annotated[bool, typer.Option("--free-plan", help="Deny market data, as the broker's free plan does.")] = False,
    allow_remote: AllowRemote = False,
    parent_pipe: Annotated[int | None, typer.Option(hidden=True)] = None,
    as_json: Json = False,
) -> None:
    """Run a simulated exchange that speaks the broker's protocols, until Ctrl-C."""
    from qts.app.listening import check_host
    from qts.app.sandbox import KEY, SECRET, SandboxSettings, SimulatedPrices, StoredPrices, make_sandbox, serve_sandbox
    from qts.app.supervisor import Address, check_port, end_with_parent
    from qts.core import IST

    check_host(host, allow_remote=allow_remote)
    if parent_pipe is not None:
        end_with_parent(parent_pipe)
    address = Address(host=host, port=port)
    check_port(address)
    began_at = None if at is None else at.replace(tzinfo=IST)
    settings = SandboxSettings(began_at=began_at, speed=speed, fault_share=faults, seed=seed, has_data=not free_plan)
    if from_store:
        with opened(context) as workspace:
            exchange = make_sandbox(StoredPrices(workspace.store), settings)
    else:  # the simulated market needs no home
        exchange = make_sandbox(SimulatedPrices(), settings)
    n_listed = len(exchange.market.listings)
    if as_json:
        write_json({"url": address.url, "api_key": KEY, "api_secret": SECRET, "now": exchange.clock.now().isoformat(), "listed": n_listed})
    else:
        say(f"A simulated exchange with {n_listed} instruments on {address.url} (Ctrl-C ends it)")
        say(f"api_key {KEY}, api_secret {SECRET}; its clock shows {exchange.clock.now():%Y-%m-%d %H:%M} IST")
    flush()
    serve_sandbox(exchange, host=host, port=port)


def _brought_up(context: typer.Context, settings: Settings, servers: Supervisor, *, data: str | None, allow_remote: bool) -> Opening:
    from dataclasses import replace

    from qts.app.up import bring_up, import_folder

    with opened(context) as workspace, progress_bars() as on_progress:
        if data is not None:
            document = import_folder(workspace, data, on_progress)
            for file in document.files:
                if file.error is not None:
                    note(file.error.message)
            note(f"Imported {sum(file.stored for file in document.files)} new bars from {data}.")
        return bring_up(replace(workspace, settings=settings), servers, allow_remote=allow_remote, on_progress=on_progress)


def _announce(opening: Opening, address: Address) -> None:
    from qts.app.up import CALLBACK_PATH

    say(f"\nReady: {opening.url(address)}")
    login = opening.login_url(address)
    if login is not None:
        say(f"Log in to the broker: {login}")
        say(f"  The redirect URL of your application must be {address.url}{CALLBACK_PATH}")
    elif opening.broker is not None:
        say(f"Logged in to the broker as {opening.broker.user_id or 'the owner of the token'}.")
    if opening.job is not None:
        say(f"Prices of SIM are simulated; minutes still come in: qts jobs watch {opening.job.id}")
    say("Ctrl-C ends it.")
