"""Returns by calendar month and year, as the table under an equity curve shows them."""

from __future__ import annotations

from dataclasses import dataclass

from qts.core import Floats, Ints, session_date_of


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodReturn:
    """The net return within a calendar month in India, or within a whole year where ``month`` is None."""

    year: int
    month: int | None
    value: float


def monthly_returns(ts: Ints, equity: Floats, capital: float) -> tuple[PeriodReturn, ...]:
    """Return the return of each month that has bars, oldest first.

    A month runs from the last equity before it (the capital, for the first) to its own last. The table ends where the equity
    reaches zero or less, as nothing can be earned on it.
    """
    return _returns([(on.year, on.month) for on in map(session_date_of, ts.tolist())], equity, capital)


def yearly_returns(ts: Ints, equity: Floats, capital: float) -> tuple[PeriodReturn, ...]:
    """Return the return of each calendar year that has bars, oldest first; see :func:`monthly_returns`."""
    return _returns([(session_date_of(micros).year, None) for micros in ts.tolist()], equity, capital)


def _returns(periods: list[tuple[int, int | None]], equity: Floats, capital: float) -> tuple[PeriodReturn, ...]:
    ends = [i_bar for i_bar, period in enumerate(periods) if i_bar + 1 == len(periods) or periods[i_bar + 1] != period]
    found: list[PeriodReturn] = []
    before = capital
    for i_bar in ends:
        if before <= 0.0:
            break
        year, month = periods[i_bar]
        found.append(PeriodReturn(year=year, month=month, value=float(equity[i_bar]) / before - 1.0))
        before = float(equity[i_bar])
    return tuple(found)
