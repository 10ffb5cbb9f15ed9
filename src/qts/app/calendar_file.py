"""The user's own corrections of the calendar: ``calendar.toml`` in the home folder."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from qts.core.errors import BadFile, BadPath
from qts.market.sessions import OverlayKind, UserCalendar, is_session, parse_user_calendar, use_calendar

CALENDAR_NAME: Final = "calendar.toml"


def load_calendar(home: Path) -> UserCalendar:
    """Return the corrections of a home folder; none where it has no such file.

    Raises
    ------
    BadFile
        If the file is not what it must be; the message names the line.
    BadPath
        If it may not be read.
    """
    path = home / CALENDAR_NAME
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return UserCalendar()
    except UnicodeDecodeError as error:
        raise BadFile(str(path), "is not text in UTF-8", hint="Save it as UTF-8.") from error
    except OSError as error:
        raise BadPath(str(path), (error.strerror or "cannot be read").lower()) from error
    return parse_user_calendar(text, origin=str(path))


def use_calendar_of(home: Path) -> UserCalendar:
    """Let the corrections of a home folder hold in this process, and return them.

    Raises
    ------
    BadFile
        If the file is not what it must be, or alters a day on which no session is held: then the shipped calendar holds.
    BadPath
        If it may not be read.
    """
    corrections = load_calendar(home)
    use_calendar(corrections)
    for row in corrections.sessions:
        if row.kind is OverlayKind.ALTER and not any(is_session(exchange, row.date) for exchange in row.exchanges):
            use_calendar(UserCalendar())
            reason = f"alters {row.date}, a {row.date:%A} on which there is no session"
            raise BadFile(str(home / CALENDAR_NAME), reason, hint='Write kind = "add" for a session held on such a day.')
    return corrections
