"""Which reader does a file need? JSON replies begin with a brace or a bracket; all else is a table."""

from __future__ import annotations

from datetime import date

from qts.app.notes.lines import text_of
from qts.app.notes.replies import read_reply
from qts.app.notes.tables import read_table
from qts.market.reconciliation import Statement


def read_statement(name: str, content: bytes, *, today: date, on: date | None = None) -> Statement:
    """Return what a file says.

    Parameters
    ----------
    name : str
        The file's name, for messages.
    content : bytes
        The file.
    today : date
        No trade is later.
    on : date, optional
        The date of trades that carry none.

    Raises
    ------
    BadFile
        If it is neither a table of trades nor a reply with charges.
    """
    text = text_of(name, content).lstrip("\ufeff")
    if text.lstrip()[:1] in {"{", "["}:
        return read_reply(name, text)
    return read_table(name, text, today=today, on=on)
