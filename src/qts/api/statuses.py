"""Which HTTP status an error is answered with: the one table."""

from __future__ import annotations

from typing import Final

from qts.app.chains import NoChain
from qts.app.jobs.job_store import UnknownJob
from qts.app.jobs.schedule_store import UnknownSchedule
from qts.core.errors import (
    CheckFailed,
    DataError,
    EmptySpan,
    InputError,
    OrderRejected,
    PluginError,
    QtsError,
    SourceError,
    StoreFull,
    StrategyFailed,
    UnknownInstrument,
    UnknownRun,
    UnknownStrategy,
)

INTERNAL: Final = 500

# The first class that fits decides.
STATUSES: Final[tuple[tuple[type[QtsError], int], ...]] = (
    (UnknownInstrument, 404),
    (UnknownStrategy, 404),
    (UnknownRun, 404),
    (UnknownJob, 404),
    (UnknownSchedule, 404),
    (NoChain, 404),
    (EmptySpan, 404),
    (InputError, 400),
    (PluginError, 422),
    (StrategyFailed, 422),
    (StoreFull, 507),
    (DataError, 422),
    (CheckFailed, 409),
    (OrderRejected, 409),
    (SourceError, 502),
)


def status_of(error: QtsError | None) -> int:
    """Return the status of an error; of one that nobody foresaw, 500."""
    return next((status for kind, status in STATUSES if isinstance(error, kind)), INTERNAL)
