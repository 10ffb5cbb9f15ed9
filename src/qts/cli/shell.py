"""The outermost shell: runs a command and turns whatever goes wrong into a sentence or a document, and an exit code."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from types import FrameType
from typing import TYPE_CHECKING, Protocol

import typer
from typer.exceptions import TyperException

from qts.cli.exit_codes import DONE, INTERRUPTED, OUTSIDE, USAGE, exit_code_of
from qts.cli.output import AnswerLost, OutputClosed, flush, foreign_prints_apart, note, write_error, write_json

if TYPE_CHECKING:
    from qts.app import Settings, Workspace


class Command(Protocol):
    """The parsed command line, as Typer makes it."""

    def main(self, args: Sequence[str], prog_name: str, *, standalone_mode: bool) -> object:
        """Run with these arguments."""
        ...


def run(command: Command, arguments: Sequence[str]) -> int:
    """Run a command line and return its exit code; never raises, never shows a traceback."""
    as_json = "--json" in arguments
    _make_output_safe()
    try:
        return _finish(command.main(list(arguments), "qts", standalone_mode=False))
    except typer.Exit as end:
        return end.exit_code
    except (OutputClosed, AnswerLost) as error:
        return _unwritten(error)
    except (KeyboardInterrupt, typer.Abort):
        return _interrupted()
    except TyperException as error:
        _report("UsageError", error.format_message().rstrip(".") + ".", "`qts COMMAND --help` shows what it takes.", as_json=as_json)
        return USAGE
    except Exception as error:  # noqa: BLE001 - the outermost shell: a person never sees a traceback
        return _failed(error, as_json=as_json)


@contextmanager
def opened(context: typer.Context) -> Iterator[Workspace]:
    """Open the home folder for one command. Nothing is answered while it is open: what is printed then comes from strategies."""
    from qts.app.workspace import open_workspace

    with open_workspace(settings_of(context)) as workspace, foreign_prints_apart():
        yield workspace


def settings_of(context: typer.Context, **overrides: object) -> Settings:
    """Return the settings, with ``--home`` and these overrides on top."""
    from qts.app.settings import load_settings

    home = (context.obj or {}).get("home")
    return load_settings(home=home, **overrides)


@contextmanager
def stopped_by_signals() -> Iterator[None]:
    """Let SIGTERM end a command as Ctrl-C does, and Ctrl-C also where it was started in the background, which ignores it by default."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        del number, frame
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _finish(result: object) -> int:
    flush()
    # The parser turns Ctrl-C into this result by itself.
    return _interrupted() if result == INTERRUPTED else result if isinstance(result, int) else DONE


def _interrupted() -> int:
    note("Interrupted.")
    return INTERRUPTED


def _failed(error: Exception, *, as_json: bool) -> int:
    from qts.app.errors import describe, foreseen

    document = describe(error, _settings_or_none())
    if as_json:
        write_json({"error": document.model_dump(mode="json", exclude_none=True)})
    else:
        write_error(document.message, document.hint)
    return exit_code_of(foreseen(error))


def _report(kind: str, message: str, hint: str, *, as_json: bool) -> None:
    if as_json:
        write_json({"error": {"kind": kind, "message": message, "hint": hint}})
    else:
        write_error(message, hint)


def _settings_or_none() -> Settings | None:
    from qts.app.settings import load_settings
    from qts.core.errors import QtsError

    try:
        return load_settings()
    except QtsError:
        return None


def _unwritten(error: OutputClosed | AnswerLost) -> int:
    # What is left in the buffer must not raise again when Python ends.
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, sys.stdout.fileno())
    if isinstance(error, OutputClosed):  # as by `| head`, which has enough
        return DONE
    write_error(f"The answer could not be written: {error}.", "What was asked for is done; send the answer somewhere else.")
    return OUTSIDE


def _make_output_safe() -> None:
    # Whoever started us may have closed them; a database opened next would take their numbers and get what is printed.
    for name, number in (("stdin", 0), ("stdout", 1), ("stderr", 2)):
        if getattr(sys, name) is None:
            with suppress(OSError):
                os.close(number)
            setattr(sys, name, open(os.devnull, "r" if number == 0 else "w", encoding="utf-8"))  # noqa: PTH123, SIM115 - it stays open
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")
