from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from qts.cli.output import OutputClosed
from qts.cli.shell import run, stopped_by_signals
from qts.core.errors import CheckFailed


class Fails:
    """A command that ends with this error."""

    def __init__(self, error: BaseException) -> None:
        self._error = error

    def main(self, args: Sequence[str], prog_name: str, *, standalone_mode: bool) -> object:
        del args, prog_name, standalone_mode
        raise self._error


class Returns:
    """A command that returns this."""

    def __init__(self, value: object) -> None:
        self._value = value

    def main(self, args: Sequence[str], prog_name: str, *, standalone_mode: bool) -> object:
        del args, prog_name, standalone_mode
        return self._value


def test_a_command_ends_with_what_it_returns() -> None:
    assert [run(Returns(value), []) for value in (None, 0, 5)] == [0, 0, 5]


def test_an_error_is_a_sentence_and_its_way_out(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(Fails(CheckFailed("It differs.", hint="Look again.")), []) == 5
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "Error: It differs.\n  Look again.\n")


def test_under_json_an_error_is_the_document(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(Fails(CheckFailed("It differs.", hint="Look again.")), ["--json"]) == 5
    assert json.loads(capsys.readouterr().out) == {"error": {"kind": "CheckFailed", "message": "It differs.", "hint": "Look again."}}


def test_what_nobody_foresaw_has_an_id_and_a_log_and_no_traceback(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(Fails(ZeroDivisionError("inside")), ["--json"]) == 1
    captured = capsys.readouterr()
    error = json.loads(captured.out)["error"]
    assert error["log"] == str(home / "logs" / "qts.log")
    assert error["error_id"] in Path(error["log"]).read_text()
    assert "Traceback" not in captured.out + captured.err
    assert "inside" not in captured.out + captured.err


def test_broken_settings_do_not_hide_an_unexpected_error(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "qts.toml").write_text("= broken")
    assert run(Fails(ZeroDivisionError("inside")), []) == 1
    assert "error id" in capsys.readouterr().err


def test_ctrl_c_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(Fails(KeyboardInterrupt()), []) == 130
    assert capsys.readouterr().err == "Interrupted.\n"


def test_a_reader_who_left_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    pointed: list[int] = []
    monkeypatch.setattr(os, "dup2", lambda _source, target: pointed.append(target))
    monkeypatch.setattr("sys.stdout.fileno", lambda: 1, raising=False)
    assert run(Fails(OutputClosed()), []) == 0
    assert pointed == [1]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_a_signal_interrupts_inside_even_where_it_was_ignored_before(number: signal.Signals) -> None:
    before = signal.signal(number, signal.SIG_IGN)

    def send() -> None:
        with stopped_by_signals():
            os.kill(os.getpid(), number)
            signal.pause()

    with pytest.raises(KeyboardInterrupt):
        send()
    assert signal.signal(number, before) == signal.SIG_IGN


@pytest.mark.parametrize("words", [["nosuch"], ["backtest"], ["costs", "--nosuch"], ["calendar", "--from", "soon"]])
def test_a_usage_error_is_a_document_too(qts: Callable[..., Any], words: list[str]) -> None:
    done = qts(*words, "--json")
    assert done.code == 2
    assert done.document["error"]["kind"] == "UsageError"
    plain = qts(*words)
    assert plain.code == 2
    assert plain.err.startswith("Error: ")
