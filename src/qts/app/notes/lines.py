"""How does a file become lines of cells? Whatever its encoding and separator; what is no table at all is refused with a reason."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from qts.core.errors import BadFile

MAX_BYTES: Final = 20_000_000
_SEPARATORS: Final = (",", ";", "\t", "|")
_BOMS: Final = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_SIGNATURES: Final = (
    (b"PK\x03\x04", "is an Excel workbook or a zip archive", "Save the sheet as CSV, or unpack the archive."),
    (b"\xd0\xcf\x11\xe0", "is an old Excel workbook", "Save the sheet as CSV."),
    (b"%PDF", "is a PDF", "Export the tradebook from Console as CSV, or type the note's trades and charges into a CSV file."),
    (
        b"<",
        "is a web page or XML, not a table",
        "Export the tradebook from Console as CSV; a page that asks to log in is often saved instead.",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a file; ``flaw`` says why its cells could not be told apart."""

    number: int
    cells: tuple[str, ...]
    flaw: str = ""


def unreadable(name: str, reason: str, hint: str) -> BadFile:
    """Return the error for a file that is not what it should be."""
    return BadFile(name, reason, hint=hint)


def text_of(name: str, content: bytes) -> str:
    """Return a file's text.

    Raises
    ------
    BadFile
        If it is empty, too large, or no text.
    """
    if len(content) > MAX_BYTES:
        raise unreadable(name, "is larger than 20 MB", "Export a shorter span of dates.")
    if not content.strip(b"\xef\xbb\xbf \t\r\n\0"):
        raise unreadable(name, "is empty", "Export it again; the broker's page may not have finished.")
    encoding = next((encoding for bom, encoding in _BOMS if content.startswith(bom)), "utf-8")
    start = content.lstrip(b"\xef\xbb\xbf \t\r\n")
    for signature, reason, hint in _SIGNATURES:
        if start.startswith(signature):
            raise unreadable(name, reason, hint)
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        text = content.decode("cp1252", errors="replace")
    if "\0" in text:
        raise unreadable(name, "is not text", "Give a CSV file, or the JSON reply of the broker's API.")
    return text


def split_lines(text: str, *, separator: str) -> tuple[Line, ...]:
    """Return the lines of a table; each is split by itself, so that a quote left open loses one line and not the rest of the file."""
    return tuple(_split(number, line, separator) for number, line in enumerate(text.splitlines(), start=1))


def separators_of(text: str) -> Sequence[str]:
    """Return the separators a text may use, the most frequent first."""
    return sorted(_SEPARATORS, key=text.count, reverse=True)


def _split(number: int, line: str, separator: str) -> Line:
    try:
        cells = next(csv.reader([line], delimiter=separator, strict=True, skipinitialspace=True), [])
    except csv.Error:
        return Line(number=number, cells=tuple(line.split(separator)), flaw="a quote is not closed, or stands inside a value")
    return Line(number=number, cells=tuple(cell.strip() for cell in cells))
