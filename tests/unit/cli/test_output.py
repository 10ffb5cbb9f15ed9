from __future__ import annotations

import io
import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from qts.app.progress import Progress
from qts.app.run_document import BenchmarkPart
from qts.cli import output
from qts.cli.output import OutputClosed, plain, progress_bars, say, write_bytes, write_json, write_table


class Closed(io.TextIOWrapper):
    """A pipe whose reader has left."""

    def __init__(self) -> None:
        super().__init__(io.BytesIO(), encoding="utf-8")

    def write(self, text: str) -> int:
        del text
        raise BrokenPipeError

    def flush(self) -> None:
        pass


def test_models_are_written_by_their_aliases() -> None:
    part = BenchmarkPart(title="x", total_return=None)
    assert plain({"a": [part], "b": (1,)}) == {"a": [{"title": "x", "total_return": None}], "b": [1]}


def test_a_document_is_one_line_without_nan(capsys: pytest.CaptureFixture[str]) -> None:
    write_json({"a": 1, "b": "₹"})
    assert json.loads(capsys.readouterr().out) == {"a": 1, "b": "₹"}
    with pytest.raises(ValueError, match="JSON"):
        write_json({"a": float("nan")})


def test_beyond_ascii_is_escaped_where_it_cannot_be_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", stream)
    write_json({"a": "₹"})
    stream.flush()
    assert json.loads(stream.buffer.getvalue()) == {"a": "₹"}


def test_a_table_in_a_pipe_is_plain_and_aligned(capsys: pytest.CaptureFixture[str]) -> None:
    write_table(("Name", "Value"), [("a", "1"), ("[bold]b", "1,000")], title="T", numeric=("Value",))
    assert capsys.readouterr().out == "T\nName     Value\n-------  -----\na            1\n[bold]b  1,000\n"


def test_a_reader_who_left_ends_the_writing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", Closed())
    with pytest.raises(OutputClosed):
        say("x")


def test_bytes_pass_as_they_are(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    write_bytes(b"\x00\xff")
    output.flush()
    assert capfdbinary.readouterr().out == b"\x00\xff"


def test_without_a_terminal_each_step_is_one_line_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_bars() as draw:
        for done in range(3):
            draw(Progress(step="One", done=done, total=3))
        draw(Progress(step="Two", done=0, total=0))
    captured = capsys.readouterr()
    assert captured.out == ""
    assert [line[:3] for line in captured.err.splitlines()] == ["One", "Two"]


def test_quiet_progress_is_silent(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_bars(quiet=True) as draw:
        draw(Progress(step="One", done=0, total=3))
    assert capsys.readouterr() == ("", "")


PROGRAM = """
from qts.app.progress import Progress
from qts.cli.output import progress_bars, write_table
with progress_bars() as draw:
    draw(Progress(step='Reading', done=1, total=2, detail='x'))
    draw(Progress(step='Reading', done=2, total=2))
    draw(Progress(step='Counting', done=5, total=0))
write_table(('Name', 'Value'), [('[bold]b', '1')], numeric=('Value',))
"""


def test_on_a_terminal_bars_and_tables_are_drawn(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100", "QTS_HOME": str(tmp_path)}
    child = subprocess.Popen([sys.executable, "-c", PROGRAM], stdout=theirs, stderr=theirs, stdin=theirs, env=environment)
    os.close(theirs)
    seen = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:
            break
        if not part:
            break
        seen += part
    os.close(ours)
    assert child.wait() == 0
    text = seen.decode()
    assert "Reading" in text
    assert "2/2" in text
    assert "5/" not in text
    assert "[bold]b" in text
    assert "─" in text
