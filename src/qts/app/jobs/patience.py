"""A step that asks a source: tried again while it cannot be reached, put off until there is a session, and otherwise told in words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from qts.app.jobs.document import JobError
from qts.app.jobs.work import Work
from qts.core.errors import AuthExpired, QtsError, RateLimited, SourceDown

T = TypeVar("T")
# Seconds to wait when the source cannot be reached; a laptop that was closed has its network back by then.
PAUSES: Final = (2, 5, 15, 60, 300, 300)


def ask_source(work: Work, step: Callable[[], T], *, about: str, can_log_in: bool) -> T | JobError:
    """Return what a step gives, or in words why it gives nothing.

    Parameters
    ----------
    work : Work
        The job at work. Where the session has ended it is left here, and waits for a login.
    step : callable
        Asks the source.
    about : str
        What the step concerns, as the error names it.
    can_log_in : bool
        Whether the next start makes a session by itself.
    """
    for pause in (*PAUSES, None):
        try:
            return step()
        except AuthExpired as error:
            work.wait_for_login(error, can_log_in=can_log_in)
        except (SourceDown, RateLimited) as error:
            if pause is None:
                return JobError.of(error, about)
            work.tell(f"{error.message} Trying again in {pause} s.")
            work.sleep(pause)
        except QtsError as error:
            return JobError.of(error, about)
    raise AssertionError  # the last pause is None
