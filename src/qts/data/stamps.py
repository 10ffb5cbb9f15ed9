"""Dates and times as price files write them, read as instants.

Stamps without a zone are India's. Spellings may be mixed within a file; ``02/03/2024`` keeps both readings until the whole file
has been seen (:func:`settle`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from qts.core import Bools, Ints

SECOND: Final = 1_000_000
MINUTE: Final = 60 * SECOND
DAY: Final = 86_400 * SECOND
IST_OFFSET: Final = 330 * MINUTE
NO_STAMP: Final = np.iinfo(np.int64).min

_TIME: Final = (
    r"(?:[T ,]+(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,](?P<fraction>\d{1,9}))?)?\s*(?P<half>AM|PM)?)?"
    r"\s*(?P<zone>Z|UTC|GMT|IST|[+-]\d{2}:?\d{2}|[+-]\d{2})?$"
)
_NAMED_MONTH: Final = r"(?P<month>JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC)[A-Z]*\.?"
_SPELLINGS: Final = (
    r"^(?P<year>\d{4})[-/.](?P<month>\d{1,2})[-/.](?P<day>\d{1,2})" + _TIME,
    r"^(?P<day>\d{1,2})[-/. ]+" + _NAMED_MONTH + r"[-/., ]+(?P<year>\d{4}|\d{2})" + _TIME,
    r"^" + _NAMED_MONTH + r" +(?P<day>\d{1,2}),? +(?P<year>\d{4})" + _TIME,
    r"^(?P<year>(?:19|20)\d{2})(?P<month>0[1-9]|1[0-2])(?P<day>[0-3]\d)" + _TIME,
    r"^(?P<year>(?:19|20)\d{2})(?P<month>0[1-9]|1[0-2])(?P<day>[0-3]\d)(?P<hour>[0-2]\d)(?P<minute>[0-5]\d)(?P<second>[0-5]\d)?$",
)
_SLASHED: Final = r"^(?P<day>\d{1,2})[-/.](?P<month>\d{1,2})[-/.](?P<year>\d{4}|\d{2})" + _TIME
_EPOCH: Final = r"^\d{1,19}(\.\d+)?$"
# Below these an epoch counts seconds, milliseconds, microseconds; above the last one nanoseconds. 1e11 s is the year 5138.
_EPOCH_LIMITS: Final = (1e11, 1e14, 1e17)
_MONTHS: Final = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_ABSENT: Final = pa.array(["", "-", "NA", "N/A", "NAN", "NAT", "NULL", "NONE"])
_CLOCK: Final = r"^(?P<hour>\d{1,2}):?(?P<minute>\d{2})(?::?(?P<second>\d{2})(?:\.(?P<fraction>\d{1,9}))?)?\s*(?P<half>AM|PM)?$"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamps:
    """Parsed stamps, microseconds UTC, shape ``(n,)``; ``NO_STAMP`` where a reading is impossible.

    ``ts`` reads a slashed date day first, ``month_first`` the other way; they are equal wherever there is one reading.
    """

    ts: Ints
    month_first: Ints
    is_absent: Bools


@dataclass(frozen=True, slots=True, kw_only=True)
class DateOrder:
    """What the slashed dates of a file show: how many can only be read one way, and how many both ways."""

    day_first: int = 0
    month_first: int = 0
    either: int = 0


def parse_stamps(column: pa.Array, times: pa.Array | None = None) -> Stamps:
    """Return the instants of a column of dates, optionally with their times of day in a second column."""
    stamps = _parsed(column)
    if times is None:
        return stamps
    clock = _times_of_day(times)
    return Stamps(
        ts=_at_time(stamps.ts, clock), month_first=_at_time(stamps.month_first, clock), is_absent=stamps.is_absent | _is_absent(times)
    )


def date_order(stamps: Stamps) -> DateOrder:
    """Return what these stamps tell about the order of day and month."""
    has_day, has_month = stamps.ts != NO_STAMP, stamps.month_first != NO_STAMP
    return DateOrder(
        day_first=int(np.count_nonzero(has_day & ~has_month)),
        month_first=int(np.count_nonzero(has_month & ~has_day)),
        either=int(np.count_nonzero(has_day & has_month & (stamps.ts != stamps.month_first))),
    )


def settle(ts: Ints, month_first: Ints, order: DateOrder) -> tuple[Ints, Bools]:
    """Return the one reading of each stamp and where there is none because both are possible.

    Day first is India's way and holds unless the file shows month-first dates; if it shows both, dates that can be read both
    ways are ambiguous.
    """
    is_open = (ts != NO_STAMP) & (month_first != NO_STAMP) & (ts != month_first)
    if order.month_first == 0:
        return ts, np.zeros(len(ts), np.bool_)
    if order.day_first == 0:
        return month_first, np.zeros(len(ts), np.bool_)
    settled = np.where(ts == NO_STAMP, month_first, ts)
    return np.where(is_open, NO_STAMP, settled), is_open


def ist_day(ts: Ints) -> Ints:
    """Return days since the epoch of the date in India."""
    return (ts + IST_OFFSET) // DAY


def ist_time(ts: Ints) -> Ints:
    """Return microseconds since midnight in India."""
    return (ts + IST_OFFSET) % DAY


def is_date_only(ts: Ints) -> Bools:
    """Return where a stamp names a date: midnight in India, or midnight UTC as vendors abroad write it."""
    time = ist_time(ts)
    return np.asarray((time == 0) | (time == IST_OFFSET))


def _parsed(column: pa.Array) -> Stamps:
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    kind = column.type
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        return _from_typed(column)
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        column = pc.cast(column, pa.float64())
        whole = pc.cast(
            pc.if_else(pc.is_finite(column), pc.round(column, ndigits=0), pa.scalar(None, pa.float64())), pa.int64(), safe=False
        )
        column = pc.cast(whole, pa.string())
    encoded = pc.cast(column, pa.string()).dictionary_encode()
    unique = _from_text(encoded.dictionary)
    index = np.asarray(pc.fill_null(encoded.indices, -1))
    is_null = index < 0
    ts = np.append(unique.ts, NO_STAMP)[index]
    month_first = np.append(unique.month_first, NO_STAMP)[index]
    return Stamps(ts=ts, month_first=month_first, is_absent=np.append(unique.is_absent, np.True_)[index] | is_null)


def _from_typed(column: pa.Array) -> Stamps:
    zone = column.type.tz if pa.types.is_timestamp(column.type) else None
    plain = pc.cast(pc.cast(column, pa.timestamp("us", tz=zone), safe=False), pa.int64())
    ts = np.array(pc.fill_null(plain, NO_STAMP), dtype=np.int64)
    is_absent = ts == NO_STAMP
    if zone is None:
        ts = np.where(is_absent, NO_STAMP, ts - IST_OFFSET)
    return Stamps(ts=ts, month_first=ts, is_absent=is_absent)


def _from_text(texts: pa.Array) -> Stamps:
    upper = pc.utf8_upper(pc.utf8_trim_whitespace(texts))
    ts = np.full(len(texts), NO_STAMP, np.int64)
    is_open = np.ones(len(texts), np.bool_)
    for pattern in _SPELLINGS:
        _fill(ts, is_open, upper, pattern)
        if not is_open.any():
            break
    _fill_epoch(ts, is_open, upper)
    month_first = ts.copy()
    found = np.flatnonzero(is_open)
    if len(found):
        parts = _groups(upper.take(pa.array(found)), _SLASHED)
        ts[found] = _instants(parts)
        month_first[found] = _instants({**parts, "day": parts["month"], "month": parts["day"]})
    return Stamps(ts=ts, month_first=month_first, is_absent=np.asarray(pc.is_in(upper, value_set=_ABSENT)))


def _fill(ts: Ints, is_open: Bools, texts: pa.Array, pattern: str) -> None:
    index = np.flatnonzero(is_open)
    parts = _groups(texts.take(pa.array(index)), pattern)
    is_match = parts["is_match"].astype(np.bool_)
    ts[index[is_match]] = _instants({name: values[is_match] for name, values in parts.items()})
    is_open[index[is_match]] = False


def _fill_epoch(ts: Ints, is_open: Bools, texts: pa.Array) -> None:
    index = np.flatnonzero(is_open)
    chosen = texts.take(pa.array(index))
    is_match = np.asarray(pc.match_substring_regex(chosen, pattern=_EPOCH))
    index = index[is_match]
    if len(index) == 0:
        return
    numbers = np.asarray(pc.cast(chosen.filter(pa.array(is_match)), pa.float64()))
    scale = np.select([numbers < limit for limit in _EPOCH_LIMITS], [1e6, 1e3, 1.0], 1e-3)
    ts[index] = np.round(numbers * scale).astype(np.int64)
    is_open[index] = False


def _groups(texts: pa.Array, pattern: str) -> dict[str, Ints]:
    """Return each named part as an integer, 0 where absent; ``zone`` in microseconds, ``IST_OFFSET`` where absent."""
    struct = pc.extract_regex(texts, pattern=pattern)
    parts: dict[str, Ints] = {"is_match": np.asarray(struct.is_valid()).astype(np.int64)}
    for field in struct.type:
        values = pc.fill_null(struct.field(field.name), "")
        parts[field.name] = _PART.get(field.name, _integers)(values)
    return parts


def _integers(values: pa.Array) -> Ints:
    filled = pc.if_else(pc.equal(values, ""), "0", values)
    number = pc.match_substring_regex(filled, pattern=r"^\d+$")
    if not pc.all(number).as_py():
        return _months(values)
    return np.asarray(pc.cast(pc.utf8_ltrim(filled, characters=" "), pa.int64()))


def _months(values: pa.Array) -> Ints:
    return np.asarray(pc.fill_null(pc.index_in(values, value_set=pa.array(_MONTHS)), -1)).astype(np.int64) + 1


def _years(values: pa.Array) -> Ints:
    years = _integers(values)
    is_short = np.asarray(pc.less(pc.utf8_length(values), 4))
    return np.where(is_short, years + np.where(years < 70, 2000, 1900), years)


def _fractions(values: pa.Array) -> Ints:
    return _integers(pc.utf8_slice_codeunits(pc.utf8_rpad(values, 6, "0"), 0, 6))


def _halves(values: pa.Array) -> Ints:
    return np.asarray(pc.fill_null(pc.index_in(values, value_set=pa.array(["AM", "PM"])), -1)).astype(np.int64) + 1


def _zones(values: pa.Array) -> Ints:
    encoded = values.dictionary_encode()
    offsets = np.array([_offset(text) for text in encoded.dictionary.to_pylist()], dtype=np.int64)
    return offsets[np.asarray(encoded.indices)] if len(values) else np.zeros(0, np.int64)


def _offset(text: str) -> int:
    if text in {"", "IST"}:
        return IST_OFFSET
    if text in {"Z", "UTC", "GMT"}:
        return 0
    digits = text[1:].replace(":", "").ljust(4, "0")
    minutes = int(digits[:2]) * 60 + int(digits[2:])
    return (-minutes if text[0] == "-" else minutes) * MINUTE


_PART: Final = {"year": _years, "fraction": _fractions, "half": _halves, "zone": _zones}


def _instants(parts: dict[str, Ints]) -> Ints:
    zero = np.zeros_like(parts["year"])
    year, month, day = parts["year"], parts["month"], parts["day"]
    time = _time_micros(parts, zero)
    days = _days_since_epoch(year, month, day)
    is_good = (parts["is_match"] != 0) & (days != NO_STAMP) & (time != NO_STAMP)
    zone = parts.get("zone", zero + IST_OFFSET)
    return np.where(is_good, np.where(is_good, days, 0) * DAY + time - zone, NO_STAMP)


def _time_micros(parts: dict[str, Ints], zero: Ints) -> Ints:
    hour, minute, second = (parts.get(name, zero) for name in ("hour", "minute", "second"))
    half = parts.get("half", zero)
    is_good = (minute < 60) & (second < 60) & np.where(half > 0, (hour >= 1) & (hour <= 12), hour < 24)
    hour = np.where(half == 0, hour, hour % 12 + np.where(half == 2, 12, 0))
    time = hour * 60 * MINUTE + minute * MINUTE + second * SECOND + parts.get("fraction", zero)
    return np.where(is_good, time, NO_STAMP)


def _days_since_epoch(year: Ints, month: Ints, day: Ints) -> Ints:
    is_good = (year >= 1600) & (year <= 2262) & (month >= 1) & (month <= 12) & (day >= 1) & (day <= 31)
    months = np.where(is_good, (year - 1970) * 12 + month - 1, 0)
    first = months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    following = (months + 1).astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    is_good &= day <= following - first
    return np.where(is_good, first + day - 1, NO_STAMP)


def _times_of_day(column: pa.Array) -> Ints:
    if pa.types.is_time(column.type):
        return np.array(pc.fill_null(pc.cast(pc.cast(column, pa.time64("us")), pa.int64()), NO_STAMP), dtype=np.int64)
    text = pc.utf8_upper(pc.utf8_trim_whitespace(pc.fill_null(pc.cast(column, pa.string()), "")))
    # 915 and 91500 stand for 09:15 and 09:15:00.
    padded = pc.replace_substring_regex(text, pattern=r"^(\d{3}|\d{5})$", replacement=r"0\1")
    parts = _groups(padded, _CLOCK)
    zero = np.zeros(len(text), np.int64)
    return np.where(parts["is_match"] != 0, _time_micros(parts, zero), NO_STAMP)


def _at_time(ts: Ints, clock: Ints) -> Ints:
    is_good = (ts != NO_STAMP) & (clock != NO_STAMP)
    return np.where(is_good, ist_day(np.where(is_good, ts, 0)) * DAY - IST_OFFSET + np.where(is_good, clock, 0), NO_STAMP)


def _is_absent(column: pa.Array) -> Bools:
    text = pc.fill_null(pc.cast(column, pa.string()), "")
    return np.asarray(pc.is_in(pc.utf8_upper(pc.utf8_trim_whitespace(text)), value_set=_ABSENT))
