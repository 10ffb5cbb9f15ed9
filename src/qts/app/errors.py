"""What went wrong, as one document for all shells; an unexpected error gets an id and its traceback goes to the log only."""

from __future__ import annotations

import errno
import secrets
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, ValidationError

from qts.core.errors import BadPath, PluginError, QtsError, StoreFull, StrategyFailed

if TYPE_CHECKING:  # the settings cost half a second to import, and only their folder is needed here
    from qts.app.settings import Settings


class ErrorDocument(BaseModel):
    """An error as a person reads it and a program branches on: ``kind`` is the class, ``hint`` the way out."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    kind: str
    message: str
    hint: str = ""
    line: int | None = None
    error_id: str | None = None
    log: str | None = None


def describe(error: BaseException, settings: Settings | None = None) -> ErrorDocument:
    """Return the document of any error; what nobody foresaw is logged under a fresh error id.

    Parameters
    ----------
    error : BaseException
        What was caught at the outermost shell.
    settings : Settings, optional
        Where the log file is; without it the traceback goes to stderr's log only.
    """
    known = foreseen(error)
    if known is not None:
        line = known.line if isinstance(known, (PluginError, StrategyFailed)) else None
        return ErrorDocument(kind=known.kind, message=known.message, hint=known.hint, line=line)
    return _unexpected(error, settings)


def foreseen(error: BaseException) -> QtsError | None:
    """Return the error in the words of the domain, or None if nobody foresaw it."""
    from qts.app.requests import bad_parameter  # noqa: PLC0415 - the requests are not needed until something went wrong

    if isinstance(error, QtsError):
        return error
    if isinstance(error, ValidationError):
        return bad_parameter(error)
    if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return StoreFull(str(error.filename or "the store"))
    if isinstance(error, (PermissionError, FileNotFoundError, IsADirectoryError, NotADirectoryError)) and error.filename is not None:
        return BadPath(str(error.filename), (error.strerror or "cannot be used").lower())
    return None


def _unexpected(error: BaseException, settings: Settings | None) -> ErrorDocument:
    from qts.app.logs import log_unexpected  # noqa: PLC0415 - structlog costs 0.3 s, and most commands never fail so

    error_id = secrets.token_hex(4)
    path = log_unexpected(error, error_id=error_id, folder=None if settings is None else settings.logs_folder)
    return ErrorDocument(
        kind="InternalError",
        message=f"Something went wrong that should not have (error id {error_id}).",
        hint=f"The details are in {path}; please report them." if path else "Please report it with what you did.",
        error_id=error_id,
        log=None if path is None else str(path),
    )
