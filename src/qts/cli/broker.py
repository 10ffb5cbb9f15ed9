"""``qts login``: the daily login with the broker, from the terminal."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from qts.cli.options import Json
from qts.cli.output import note, say, write_json
from qts.cli.shell import opened

if TYPE_CHECKING:
    from qts.app.broker import BrokerStatus
    from qts.app.workspace import Workspace

_STDIN = "-"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("login")(login)


def login(
    context: typer.Context,
    *,
    request_token: Annotated[
        str | None,
        typer.Option(help="Token of the address that the broker sent your browser to, or that whole address; - reads it from stdin."),
    ] = None,
    status: Annotated[bool, typer.Option("--status", help="Show the present session and ask nothing.")] = False,
    log_out: Annotated[bool, typer.Option("--log-out", help="End the session.")] = False,
    again: Annotated[bool, typer.Option("--again", help="Log in although a session holds; the old one may end by that.")] = False,
    save_keys: Annotated[
        bool, typer.Option("--save-keys", help="Ask for the application's key and secret, and keep them encrypted.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Log in to the broker for the day. No password is asked for: that is between you and the broker's page."""
    from qts.app import broker

    found: BrokerStatus | str
    with opened(context) as workspace:
        if save_keys:
            _save_keys(workspace)
        if status:
            found = broker.broker_status(workspace)
        elif log_out:
            found = broker.log_out(workspace)
        else:
            found = _logged_in(workspace, request_token, again=again, as_json=as_json)
    if isinstance(found, str):
        write_json({"login_url": found}) if as_json else say(f"Open {found}\nthen: qts login --request-token ADDRESS")
    else:
        write_json(found) if as_json else _draw(found)


def _logged_in(workspace: Workspace, request_token: str | None, *, again: bool, as_json: bool) -> BrokerStatus | str:
    """Return the session after a login, or the address of the login page where nobody can be asked to go there."""
    from qts.app import broker

    if request_token is not None:
        return broker.log_in(workspace, _from_stdin() if request_token == _STDIN else request_token)
    # With --again nobody asks for the present session: it may be damaged, and another one is the way out.
    present = None if again else broker.broker_status(workspace)
    if present is not None and present.state == "logged_in":
        note("A session holds already; --again makes another one.")
        return present
    address = broker.begin_login(workspace)
    if as_json or not sys.stdin.isatty():
        return address
    note(f"Open this page and log in:\n\n  {address}\n")
    note("Your browser is then sent to another address, which may not open. That is fine: copy it.")
    return broker.log_in(workspace, typer.prompt("Address, or its request_token", err=True))


def _from_stdin() -> str:
    return sys.stdin.readline()


def _save_keys(workspace: Workspace) -> None:
    from qts.app.broker import save_keys

    api_key = typer.prompt("api_key", err=True)
    api_secret = typer.prompt("api_secret (not shown)", hide_input=True, err=True)
    save_keys(workspace, api_key=api_key.strip(), api_secret=api_secret.strip())
    note("Kept, encrypted.")


def _draw(found: BrokerStatus) -> None:
    from qts.app import format as shown

    match found.state:
        case "not_configured":
            say("There are no keys for the broker. Set KITE_API_KEY and KITE_API_SECRET, or keep them with `qts login --save-keys`.")
        case "logged_out":
            say(f"Not logged in (key {found.api_key}). `qts login` begins.")
        case "expired":
            say(f"The session of {found.user_id} ended at {shown.ist(found.expires_at)}. `qts login` begins a new one.")
        case "logged_in" if found.expires_at is None:
            say(f"A token is set from outside (key {found.api_key}); the broker will tell whether it still holds.")
        case _:
            say(f"Logged in as {found.user_name} ({found.user_id}), key {found.api_key}, until about {shown.ist(found.expires_at)}.")
