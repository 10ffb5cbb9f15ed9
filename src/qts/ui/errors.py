"""What a page shows when something went wrong: one box per class of error, never a trace."""

from __future__ import annotations

from types import TracebackType
from typing import Final

import streamlit as st
from pydantic import ValidationError

from qts.app.errors import ErrorDocument, describe, foreseen
from qts.core.errors import DataError, InputError, QtsError
from qts.ui.workspace import workspace

# The first class that fits names the box's icon and its heading.
_TABLE: Final = (
    (InputError, ":material/edit:", "This cannot be done as asked"),
    (DataError, ":material/database_off:", "The data does not allow it"),
    (QtsError, ":material/error:", "It did not work"),
)
_UNFORESEEN: Final = (":material/bug_report:", "Something unexpected happened")


def show(error: BaseException) -> None:
    """Draw the red box of an error: what happened, the way out and, for what nobody foresaw, the id under which it was logged."""
    document = describe(error, workspace().settings)
    known = foreseen(error)
    icon, heading = next(((icon, heading) for kind, icon, heading in _TABLE if isinstance(known, kind)), _UNFORESEEN)
    st.error(_text(document, heading), icon=icon)


class Shown:
    """A block whose foreseen errors become boxes; the rest of the page still draws."""

    def __enter__(self) -> None:
        """Begin the block."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> bool:
        """Draw the box of a foreseen error and go on."""
        if not isinstance(error, (QtsError, ValidationError, OSError)):
            return False
        show(error)
        return True


def shown() -> Shown:
    """Return the block for whatever may go wrong in drawing a part of a page."""
    return Shown()


def on_script_error(error: Exception) -> bool:
    """Show what no page foresaw, and tell Streamlit that it was shown."""
    show(error)
    return True


def _text(document: ErrorDocument, heading: str) -> str:
    lines = [f"**{heading}.** {escaped(document.message)}", escaped(document.hint)]
    if document.error_id:
        lines.append(f"Error id: `{document.error_id}`. The log has the details.")
    return "\n\n".join(line for line in lines if line)


def escaped(text: str) -> str:
    """Return text that Markdown leaves alone: a name or a value from outside must not format the page."""
    return "".join(f"\\{letter}" if letter in _MARKDOWN else letter for letter in text)


_MARKDOWN: Final = frozenset("\\*_[]$#:<>~")
