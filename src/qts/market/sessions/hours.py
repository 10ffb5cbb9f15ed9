"""Regular hours: when a market trades on an ordinary session of a date.

The hours are data, not code: ``hours.toml`` beside this file holds one dated row per change, with its source.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Final

_SUNDAY: Final = 6
_US_RULE_OF_2007: Final = 2007
_FIELDS: Final = frozenset(
    {
        "market", "valid_from", "continuous", "pre_open", "closing_auction", "post_close", "summer_close",
        "square_off", "square_off_lead", "square_off_estimate", "estimate", "confidence", "source",
    }
)  # fmt: skip


class Market(StrEnum):
    """A set of instruments that trade at the same hours."""

    CASH = "cash"
    CASH_WITH_DERIVATIVES = "cash_with_derivatives"
    FO = "fo"
    CURRENCY = "currency"
    COMMODITY = "commodity"


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a day in India time, ``[opens, closes)``."""

    opens: time
    closes: time

    def __str__(self) -> str:
        """Return it as it is written."""
        return f"{self.opens:%H:%M}-{self.closes:%H:%M}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RegularHours:
    """Hours of one market, valid from a date to the next row of the market.

    ``square_off`` is when the broker closes intraday positions; where it is None it is ``square_off_lead`` minutes before the close.
    """

    market: Market
    valid_from: date
    continuous: Span
    pre_open: Span | None
    closing_auction: Span | None
    post_close: Span | None
    summer_close: time | None
    square_off: time | None
    square_off_lead: int
    is_square_off_estimate: bool
    is_estimate: bool
    source: str


def parse_span(text: str) -> Span:
    """Return the span written like ``09:15-15:30``.

    Raises
    ------
    ValueError
        If it is not two times in order.

    >>> parse_span("09:15-15:30")
    Span(opens=datetime.time(9, 15), closes=datetime.time(15, 30))
    """
    opens, _, closes = text.partition("-")
    span = Span(time.fromisoformat(opens.strip()), time.fromisoformat(closes.strip()))
    if span.opens >= span.closes:
        raise ValueError(f"the window {text} ends before it begins")
    return span


def optional_span(raw: Mapping[str, object], name: str) -> Span | None:
    """Return the span of a field that may be absent."""
    return parse_span(str(raw[name])) if name in raw else None


def require_apart(pre_open: Span | None, windows: Iterable[Span]) -> None:
    """Raise where a pre-open lies within continuous trading.

    Raises
    ------
    ValueError
        If they overlap.
    """
    for window in windows:
        if pre_open is not None and pre_open.opens < window.closes and window.opens < pre_open.closes:
            raise ValueError(f"the pre_open {pre_open} overlaps the continuous trading of {window}: it ends by the time that begins")


def flag(raw: Mapping[str, object], name: str) -> bool:
    """Return a field that is true or false, and false where it is absent.

    Raises
    ------
    TypeError
        If it is anything else: ``"false"`` in quotes would count as true.
    """
    value = raw.get(name, False)
    if not isinstance(value, bool):
        raise TypeError(f"{name} is {value!r} and not true or false without quotes")
    return value


def hours_on(market: Market, on: date, extra: Sequence[RegularHours] = ()) -> RegularHours | None:
    """Return the market's row in force on a date, or None where it has none yet.

    A row of ``extra`` takes the place of the shipped one of its market and first day, or stands between them.
    """
    rows = [row for row in _rows() if row.market is market]
    if extra:
        dated = {row.valid_from: row for row in rows} | {row.valid_from: row for row in extra if row.market is market}
        rows = [dated[day] for day in sorted(dated)]
    valid = [row for row in rows if row.valid_from <= on]
    if valid:
        return valid[-1]
    return None if market is Market.CASH_WITH_DERIVATIVES else rows[0]


def is_us_summer(on: date) -> bool:
    """Return whether New York is on daylight-saving time on this date, by the rules of 1987 and 2007."""
    if on.year >= _US_RULE_OF_2007:
        return _sunday(on.year, 3, 8) <= on < _sunday(on.year, 11, 1)
    return _sunday(on.year, 4, 1) <= on < _sunday(on.year, 10, 25)


def good_friday(year: int) -> date:
    """Return Good Friday of a year of the Gregorian calendar (Meeus, "Astronomical Algorithms", chapter 8)."""
    century, year_of_century = divmod(year, 100)
    moon = (19 * (year % 19) + century - century // 4 - (century - (century + 8) // 25 + 1) // 3 + 15) % 30
    weekday = (32 + 2 * (century % 4) + 2 * (year_of_century // 4) - moon - year_of_century % 4) % 7
    shift = (year % 19 + 11 * moon + 22 * weekday) // 451
    month, day = divmod(moon + weekday - 7 * shift + 114, 31)
    return date(year, month, day + 1) - timedelta(days=2)


def _sunday(year: int, month: int, not_before: int) -> date:
    day = date(year, month, not_before)
    return day + timedelta(days=_SUNDAY - day.weekday())


@cache
def _rows() -> tuple[RegularHours, ...]:
    text = Path(__file__).with_name("hours.toml").read_text(encoding="utf-8")
    return tuple(sorted((hours_row(raw) for raw in tomllib.loads(text)["hours"]), key=lambda row: (row.market, row.valid_from)))


def hours_row(raw: Mapping[str, object]) -> RegularHours:
    """Return one row from its fields.

    Raises
    ------
    KeyError, TypeError, ValueError
        If a field is missing, not known, or does not fit.
    """
    valid_from, lead = raw["valid_from"], raw.get("square_off_lead", 10)
    if type(valid_from) is not date or type(lead) is not int:
        raise TypeError(f"valid_from and square_off_lead of {raw['market']} are not a date and a number")
    unknown = sorted(raw.keys() - _FIELDS)
    if unknown:
        raise ValueError(f"has a field that is not known: {unknown[0]}")
    continuous, pre_open = parse_span(str(raw["continuous"])), optional_span(raw, "pre_open")
    require_apart(pre_open, [continuous])
    summer_close, square_off = raw.get("summer_close"), raw.get("square_off")
    return RegularHours(
        market=Market(str(raw["market"])),
        valid_from=valid_from,
        continuous=continuous,
        pre_open=pre_open,
        closing_auction=optional_span(raw, "closing_auction"),
        post_close=optional_span(raw, "post_close"),
        summer_close=None if summer_close is None else time.fromisoformat(str(summer_close)),
        square_off=None if square_off is None else time.fromisoformat(str(square_off)),
        square_off_lead=lead,
        is_square_off_estimate=flag(raw, "square_off_estimate"),
        is_estimate=flag(raw, "estimate"),
        source=str(raw["source"]),
    )
