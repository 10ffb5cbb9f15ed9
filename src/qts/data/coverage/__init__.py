"""Coverage: what the calendar promises beside what is stored, day by day, and the days of which it is known that there is nothing."""

from qts.data.coverage.days import COUNTED, Coverage, DayState, Hole, PartialDay, Tally, arrays_of, cover
from qts.data.coverage.expectation import Expectation, expected_days, key_of_day
from qts.data.coverage.known_empty import EmptyDay, EmptyReason, KnownEmpty
from qts.data.coverage.minutes import Stretch, missing_stretches
from qts.data.coverage.peers import days_without_trade

__all__ = [
    "COUNTED",
    "Coverage",
    "DayState",
    "EmptyDay",
    "EmptyReason",
    "Expectation",
    "Hole",
    "KnownEmpty",
    "PartialDay",
    "Stretch",
    "Tally",
    "arrays_of",
    "cover",
    "days_without_trade",
    "expected_days",
    "key_of_day",
    "missing_stretches",
]
