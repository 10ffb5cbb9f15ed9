"""Which exit code an error ends the process with: the one table."""

from __future__ import annotations

from typing import Final

from qts.core.errors import (
    CheckFailed,
    DataError,
    EmptySpan,
    InputError,
    OrderRejected,
    PluginError,
    QtsError,
    SourceError,
    StrategyFailed,
)

DONE: Final = 0
UNEXPECTED: Final = 1
USAGE: Final = 2
DATA: Final = 3
OUTSIDE: Final = 4
FOUND: Final = 5
INTERRUPTED: Final = 130

# The first class that fits decides.
EXIT_CODES: Final[tuple[tuple[type[QtsError], int], ...]] = (
    (EmptySpan, DATA),
    (InputError, USAGE),
    (PluginError, USAGE),
    (StrategyFailed, USAGE),
    (DataError, DATA),
    (SourceError, OUTSIDE),
    (OrderRejected, OUTSIDE),
    (CheckFailed, FOUND),
)


def exit_code_of(error: QtsError | None) -> int:
    """Return the exit code of an error; of one that nobody foresaw, 1."""
    return next((code for kind, code in EXIT_CODES if isinstance(error, kind)), UNEXPECTED)
