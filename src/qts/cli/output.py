"""How answers are written: one JSON document for programs, tables and progress bars for people."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from typing import TYPE_CHECKING, Final, TextIO

if TYPE_CHECKING:
    from pydantic import BaseModel
    from rich.console import Console

    from qts.app.progress import OnProgress, Progress


_STDOUT: Final = 1
_STDERR: Final = 2


class OutputClosed(Exception):
    """Whoever read our output has gone, as ``head`` does when it has enough."""


class AnswerLost(Exception):
    """The answer cannot be written to where stdout leads: its disk is full, say."""


def say(text: str = "") -> None:
    """Write a line for people to stdout."""
    with _reader_may_leave():
        print(text)


def note(text: str) -> None:
    """Write a line for people to stderr, where it never mixes with an answer."""
    print(text, file=sys.stderr)


def write_json(document: BaseModel | Sequence[BaseModel] | object) -> None:
    """Write one JSON document to stdout. Letters beyond ASCII are escaped where the terminal cannot show them."""
    say(json.dumps(plain(document), ensure_ascii=not _is_unicode(sys.stdout), allow_nan=False, separators=(", ", ": ")))


def plain(document: object) -> object:
    """Return models as plain JSON values, by their aliases."""
    if isinstance(document, (list, tuple)):
        return [plain(part) for part in document]
    if isinstance(document, dict):
        return {name: plain(part) for name, part in document.items()}
    dump = getattr(document, "model_dump", None)
    return document if dump is None else dump(mode="json", by_alias=True)


def write_bytes(content: bytes) -> None:
    """Write a file's content to stdout as it is."""
    with _reader_may_leave():
        sys.stdout.flush()
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()


def flush() -> None:
    """Hand over what was written so far."""
    with _reader_may_leave():
        sys.stdout.flush()


def write_table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, title: str = "", numeric: Sequence[str] = ()) -> None:
    """Write a table, with lines and colours on a terminal only; columns named in ``numeric`` are aligned to the right."""
    if title:
        say(title)
    texts = [list(row) for row in rows]
    if sys.stdout.isatty():
        _write_rich(columns, texts, numeric)
    else:
        _write_plain(columns, texts, numeric)


def write_error(message: str, hint: str) -> None:
    """Write what went wrong and the way out to stderr."""
    note(f"Error: {message}")
    if hint:
        note(f"  {hint}")


@contextmanager
def foreign_prints_apart() -> Iterator[None]:
    """Send to stderr what strategies print to stdout, by whatever means, so that it never mixes with the answer."""
    flush()
    try:
        kept, aside = os.dup(_STDOUT), os.dup(_STDERR)
    except OSError:  # one of the two is closed: there is nothing to keep apart
        yield
        return
    try:
        os.dup2(_STDERR, _STDOUT)
        # A stream of its own, which a strategy may even close.
        with os.fdopen(aside, "w", encoding="utf-8", errors="replace", buffering=1) as stream, redirect_stdout(stream):
            yield
    finally:
        os.dup2(kept, _STDOUT)
        os.close(kept)


@contextmanager
def progress_bars(*, quiet: bool = False) -> Iterator[OnProgress]:
    """Draw progress on stderr: bars on a terminal, otherwise a line where a step begins; nothing when ``quiet``."""
    if quiet:
        yield _nothing
    elif sys.stderr.isatty():
        with _bars() as draw:
            yield draw
    else:
        yield _Lines()


def _write_plain(columns: Sequence[str], rows: Sequence[Sequence[str]], numeric: Sequence[str]) -> None:
    widths = [max(len(row[i]) for row in (columns, *rows)) for i in range(len(columns))]
    for row in (columns, ["-" * width for width in widths], *rows):
        cells = (
            text.rjust(width) if name in numeric else text.ljust(width) for text, width, name in zip(row, widths, columns, strict=True)
        )
        say("  ".join(cells).rstrip())


def _write_rich(columns: Sequence[str], rows: Sequence[Sequence[str]], numeric: Sequence[str]) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, justify="right" if column in numeric else "left", overflow="fold")
    for row in rows:
        # Texts from files and people are not markup.
        table.add_row(*(Text(text) for text in row))
    with _reader_may_leave():
        console(sys.stdout).print(table)


@contextmanager
def _reader_may_leave() -> Iterator[None]:
    # Not an OSError any more, which the parser of the command line would take for its own and end with 1.
    try:
        yield
    except BrokenPipeError as error:
        raise OutputClosed from error
    except OSError as error:
        raise AnswerLost(error.strerror or str(error)) from error


class _Lines:
    def __init__(self) -> None:
        self._step = ""

    def __call__(self, progress: Progress) -> None:
        if progress.step != self._step:
            self._step = progress.step
            note(f"{progress.step} …" if _is_unicode(sys.stderr) else f"{progress.step} ...")


def _nothing(progress: Progress) -> None:
    del progress


@contextmanager
def _bars() -> Iterator[Callable[[Progress], None]]:
    from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn
    from rich.text import Text

    class Count(ProgressColumn):
        """Says how many units are done, and of how many where that is known."""

        def render(self, task: Task) -> Text:
            of = f"/{task.total:.0f}" if task.total else ""
            return Text(f"{task.completed:.0f}{of}", style="progress.download")

    class TimeLeft(ProgressColumn):
        """Says how long a step still takes; nothing where that is not known or no longer of interest."""

        def render(self, task: Task) -> Text:
            seconds = task.time_remaining
            return Text("" if task.finished or seconds is None else f"{seconds:.0f} s left")

    tasks = {}
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        Count(),
        TimeLeft(),
        TextColumn("{task.fields[detail]}"),
    )
    with Progress(*columns, console=console(sys.stderr), transient=False) as bars:

        def draw(progress: object) -> None:
            step = getattr(progress, "step", "")
            if step not in tasks:
                tasks[step] = bars.add_task(step, total=None, detail="")
            bars.update(
                tasks[step],
                completed=getattr(progress, "done", 0),
                total=getattr(progress, "total", None),
                detail=getattr(progress, "detail", ""),
            )

        yield draw


def console(stream: TextIO) -> Console:
    """Return what draws on a stream, and takes no text for markup."""
    from rich.console import Console

    return Console(file=stream, highlight=False, emoji=False, markup=False)


def _is_unicode(stream: TextIO) -> bool:
    return (stream.encoding or "").lower().replace("-", "").startswith("utf")
