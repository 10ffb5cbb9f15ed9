"""Which commands there are. Each imports what it needs when it runs, so that ``qts --help`` is quick."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

import qts
from qts.cli import (
    actions,
    archive,
    broker,
    chains,
    continuous,
    ingest,
    instruments,
    jobs,
    maintenance,
    market,
    quality,
    reconcile,
    research,
    schedule,
    servers,
    snapshots,
    sql,
    store,
    sweep,
    watching,
)
from qts.cli.output import say
from qts.cli.shell import run

app = typer.Typer(
    name="qts",
    help="Market data, honest backtests with Indian costs, and a web interface.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(*, wanted: bool) -> None:
    if wanted:
        say(f"qts {qts.__version__}")
        raise typer.Exit


@app.callback()
def _everywhere(
    context: typer.Context,
    *,
    home: Annotated[Path | None, typer.Option(help="Folder that holds all state; else QTS_HOME, else the user data folder.")] = None,
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.", is_eager=True, callback=_version)] = False,
) -> None:
    del version
    context.obj = {"home": home}


for _module in (
    store,
    archive,
    quality,
    sql,
    actions,
    instruments,
    chains,
    watching,
    continuous,
    market,
    reconcile,
    research,
    sweep,
    maintenance,
    snapshots,
    broker,
    ingest,
    jobs,
    schedule,
    servers,
):
    _module.register(app)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line of this process and end it with its exit code."""
    # Where colorama is installed the compiler colours its errors, even those it words when it loads: colorama then keeps what stands in for
    # stdout at that moment, a progress display say, asks it when the process ends, and its traceback is the last that is seen.
    os.environ.setdefault("NUMBA_DISABLE_ERROR_MESSAGE_HIGHLIGHTING", "1")
    sys.exit(run(typer.main.get_command(app), sys.argv[1:] if arguments is None else arguments))
