"""How stored and new bars of several instruments are merged and counted, and what names their content."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from qts.core import Bars, Bools, Floats, InstrumentId, Interval, Ints, instant_of, micros_of
from qts.core.errors import DataError, DuplicateBar

PRICES: Final = ("open", "high", "low", "close")
VALUES: Final = (*PRICES, "volume", "oi")
CLOSE: Final = VALUES.index("close")
_AT_ONCE: Final = 32_768
_FIRST_TS: Final = micros_of(datetime(1900, 1, 1, tzinfo=UTC))
_LAST_TS: Final = micros_of(datetime(2200, 1, 1, tzinfo=UTC))


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Bars of several instruments, sorted by ``(number, ts)``, each pair once.

    ``numbers`` are the store's own instrument numbers, int64 of shape ``(n,)``; ``ts`` microseconds UTC; ``values`` float64 of shape
    ``(6, n)`` in the order of ``VALUES``, volume and open interest NaN where absent.
    """

    numbers: Ints
    ts: Ints
    values: Floats

    def __len__(self) -> int:
        return len(self.ts)

    @property
    def is_sorted(self) -> bool:
        """Return whether the rows are sorted by ``(number, ts)``, each pair once, as they must be."""
        is_later = self.ts[1:] > self.ts[:-1]
        is_same = self.numbers[1:] == self.numbers[:-1]
        if is_same.all():
            return bool(is_later.all())
        return bool(((self.numbers[1:] > self.numbers[:-1]) | (is_same & is_later)).all())

    def take(self, chosen: Bools | Ints) -> Rows:
        """Return some of the rows, by a mask or by position."""
        # Whole rows of numbers, one after the other: indexing with a slice and a list goes the slow way, and has to be put in order again.
        places = np.flatnonzero(chosen) if chosen.dtype == np.bool_ else chosen
        return Rows(numbers=self.numbers[places], ts=self.ts[places], values=np.take(self.values, places, axis=1))

    def part(self, start: int, stop: int) -> Rows:
        """Return rows ``start..stop-1`` as views."""
        return Rows(numbers=self.numbers[start:stop], ts=self.ts[start:stop], values=self.values[:, start:stop])

    def copy(self) -> Rows:
        """Return the same rows in arrays of their own."""
        return Rows(numbers=self.numbers.copy(), ts=self.ts.copy(), values=self.values.copy())

    def write(self, values: Floats) -> None:
        """Write the values into an array of shape ``(6, n)``."""
        values[:] = self.values

    def parts(self) -> Iterator[tuple[int, int, int]]:
        """Yield ``(number, start, stop)`` of each instrument."""
        if len(self.ts) == 0:
            return
        if self.numbers[0] == self.numbers[-1]:  # sorted, so that all between are the same
            yield int(self.numbers[0]), 0, len(self.ts)
            return
        starts = [0, *(np.flatnonzero(np.diff(self.numbers)) + 1).tolist(), len(self.ts)]
        for start, stop in pairwise(starts):
            yield int(self.numbers[start]), start, stop

    def bars(self, *, instrument: InstrumentId, interval: Interval) -> Bars:
        """Return the rows as the columns of one instrument."""
        values = dict(zip(VALUES, self.values, strict=True))
        return Bars(instrument=instrument, interval=interval, ts=self.ts, **values)


class Part(Protocol):
    """Rows, or what becomes rows once it is known where their values go."""

    @property
    def ts(self) -> Ints:
        """Return the instants."""
        ...

    def __len__(self) -> int: ...

    def copy(self) -> Rows:
        """Return them in arrays of their own."""
        ...

    def write(self, values: Floats) -> None:
        """Write the values into an array of shape ``(6, n)``."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """Old and new rows together.

    ``is_new`` marks which of the new rows were absent before, ``is_changed`` which of them replaced a different bar; ``replaced``
    are those bars, in the order of the new ones.
    """

    rows: Rows
    is_new: Bools
    is_changed: Bools
    replaced: Rows

    @property
    def is_stored(self) -> Bools:
        """Return which of the new rows are new or differ from what was there."""
        return self.is_new | self.is_changed


def rows_of(parts: Sequence[tuple[int, Bars]]) -> Rows:
    """Return the bars of numbered instruments as sorted rows; of bars with the same instant the one given last stays."""
    numbers = np.repeat(np.array([number for number, _ in parts], dtype=np.int64), [len(bars) for _, bars in parts])
    ts = np.concatenate([np.asarray(bars.ts, dtype=np.int64) for _, bars in parts])
    values = np.empty((len(VALUES), len(ts)), dtype=np.float64)
    # -0.0 becomes 0.0, and there is one NaN: what is equal would otherwise have several contents.
    for row, name in zip(values, VALUES, strict=True):
        if len(parts) == 1:
            np.add(getattr(parts[0][1], name), 0.0, out=row)
        else:
            np.concatenate([getattr(bars, name) for _, bars in parts], out=row)
            np.add(row, 0.0, out=row)
    counts = values[len(PRICES) :]
    np.copyto(counts, np.nan, where=np.isnan(counts))
    return _last_per_key(Rows(numbers=numbers, ts=ts, values=values))


def join(parts: Sequence[Rows]) -> Rows:
    """Return rows that follow one another as one."""
    if len(parts) == 1:
        return parts[0]
    return Rows(
        numbers=np.concatenate([part.numbers for part in parts]),
        ts=np.concatenate([part.ts for part in parts]),
        values=np.concatenate([part.values for part in parts], axis=1),
    )


def gather(parts: Sequence[Part], number: int) -> Rows:
    """Return parts of one instrument that follow one another as one, in arrays of their own; at least one part."""
    if len(parts) == 1:
        return parts[0].copy()
    ts = np.concatenate([part.ts for part in parts])
    # Each part writes straight to its place: what is joined afterwards is written twice, and memory that is new to the process is dear.
    values = np.empty((len(VALUES), len(ts)), dtype=np.float64)
    start = 0
    for part in parts:
        part.write(values[:, start : start + len(part)])
        start += len(part)
    return Rows(numbers=np.broadcast_to(np.int64(number), len(ts)), ts=ts, values=values)


def merge(old: Rows | None, new: Rows) -> Merge:
    """Return old rows overlaid by new ones.

    Notes
    -----
    O(n log n) in general, O(n) where the new rows follow the old ones.
    """
    is_all, is_none = np.ones(len(new), dtype=np.bool_), np.zeros(len(new), dtype=np.bool_)
    if old is None or len(old) == 0:
        return Merge(rows=new, is_new=is_all, is_changed=is_none, replaced=new.take(is_none))
    if len(new) == 0:
        return Merge(rows=old, is_new=is_all, is_changed=is_none, replaced=new)
    if _follows(old, new):
        return Merge(rows=join([old, new]), is_new=is_all, is_changed=is_none, replaced=new.take(is_none))
    if len(old) == len(new) and np.array_equal(old.ts, new.ts) and np.array_equal(old.numbers, new.numbers):
        is_changed = _differ(old.values, new.values)
        return Merge(rows=new, is_new=is_none, is_changed=is_changed, replaced=old.take(is_changed))
    both = join([old, new])
    order = np.lexsort((both.ts, both.numbers))
    numbers, ts = both.numbers[order], both.ts[order]
    is_repeated = (numbers[1:] == numbers[:-1]) & (ts[1:] == ts[:-1])
    # lexsort is stable and old rows come first: of a pair, the first is the old one.
    pairs = np.flatnonzero(is_repeated)
    i_old, i_new = order[pairs], order[pairs + 1] - len(old)
    is_new = np.ones(len(new), dtype=np.bool_)
    is_new[i_new] = False
    is_changed = np.zeros(len(new), dtype=np.bool_)
    is_changed[i_new] = _differ(old.values[:, i_old], new.values[:, i_new])
    kept = order[np.append(~is_repeated, True)]
    replaced = old.take(i_old[is_changed[i_new]])
    return Merge(rows=both.take(kept), is_new=is_new, is_changed=is_changed, replaced=replaced)


def without(new: Rows, old: Rows | None) -> Rows:
    """Return the new rows of which the old ones have none with the same instrument and instant."""
    return new if old is None else new.take(merge(old, new).is_new)


def overlay(layers: Sequence[Rows]) -> Rows:
    """Return layers of rows as one, where of two with the same instrument and instant the later layer's stays; at least one layer."""
    if len(layers) > 2 and not _is_of_one(layers):
        # Layers of many instruments lie among one another: sorting all once takes less than merging each into the growing whole.
        return _last_per_key(join(layers))
    whole = layers[0]
    for layer in layers[1:]:
        whole = _covered(whole, layer)
    return whole


def earlier_content(rows: Rows, names: Mapping[int, str]) -> str:
    """Return what files of the first format call their content: a hash of their rows, whatever numbers the instruments have here."""
    digest = hashlib.sha256()
    for name, start, stop in sorted((names[number], start, stop) for number, start, stop in rows.parts()):
        digest.update(f"{name}\0{stop - start}\0".encode())
        values = rows.values[:, start:stop]
        digest.update(np.ascontiguousarray(rows.ts[start:stop], dtype="<i8").data)
        digest.update(np.ascontiguousarray(np.where(np.isnan(values), np.nan, values), dtype="<f8").data)
    return digest.hexdigest()


def picked(bars: Bars, chosen: Bools) -> Bars:
    """Return some of the bars of a series."""
    columns = {name: getattr(bars, name)[chosen] for name in ("ts", *VALUES)}
    return Bars(instrument=bars.instrument, interval=bars.interval, **columns)


def require_sound(series: Sequence[Bars]) -> None:
    """Raise unless bars of series can be stored: columns of one length, instants increasing and within 1900..2199, prices finite.

    Raises
    ------
    DuplicateBar
        If an instant comes twice.
    DataError
        If anything else is wrong.
    """
    for some in _together(series):
        if not _are_plainly_sound(some):
            for bars in some:
                _require_sound(bars)


def _require_sound(bars: Bars) -> None:
    name = f"{bars.instrument} {bars.interval}"
    if any(len(getattr(bars, column)) != len(bars.ts) for column in VALUES):
        raise DataError(f"{name}: the columns are not of one length.", hint="Give every column one value per bar.")
    steps = np.diff(bars.ts)
    if np.any(steps <= 0):
        i_bar = int(np.argmax(steps <= 0)) + 1
        at = instant_of(int(bars.ts[i_bar]))
        if steps[i_bar - 1] == 0:
            raise DuplicateBar(f"{name}: two bars open at {at:%Y-%m-%d %H:%M}.", hint="Keep one of them.")
        raise DataError(f"{name}: the bar at {at:%Y-%m-%d %H:%M} is older than the one before it.", hint="Sort the bars, oldest first.")
    if len(bars) and not (bars.ts[0] >= _FIRST_TS and bars.ts[-1] < _LAST_TS):
        raise DataError(f"{name}: bars outside the years 1900 to 2199.", hint="Instants are microseconds since 1970, UTC.")
    _require_finite(bars, name)


def _together(series: Sequence[Bars]) -> Iterator[Sequence[Bars]]:
    """Yield short series some at a time: to look at hundreds of them one by one would take longer than to store them."""
    first, n_bars = 0, 0
    for i_series, bars in enumerate(series):
        n_bars += len(bars)
        if n_bars >= _AT_ONCE:
            yield series[first : i_series + 1]
            first, n_bars = i_series + 1, 0
    if first < len(series):
        yield series[first:]


def _are_plainly_sound(series: Sequence[Bars]) -> bool:
    """Return whether a few sums show that nothing is wrong with any; where they do not, the reason is looked for."""
    lengths = [len(bars.ts) for bars in series]
    if 0 in lengths or any(len(getattr(bars, name)) != n for name in VALUES for bars, n in zip(series, lengths, strict=True)):
        return False
    ts = _column(series, "ts")
    is_later = ts[1:] > ts[:-1]
    is_later[np.cumsum(lengths[:-1], dtype=np.int64) - 1] = True  # the next series begins when it likes
    is_rising = bool(is_later.all()) and ts.min() >= _FIRST_TS and ts.max() < _LAST_TS
    with np.errstate(over="ignore", invalid="ignore"):
        prices = sum(float(_column(series, name).sum()) for name in PRICES)
    return is_rising and math.isfinite(prices) and not any(np.isinf(_column(series, name)).any() for name in VALUES[len(PRICES) :])


def _column(series: Sequence[Bars], name: str) -> NDArray[Any]:
    columns = [getattr(bars, name) for bars in series]
    return columns[0] if len(columns) == 1 else np.concatenate(columns)


def _require_finite(bars: Bars, name: str) -> None:
    for column in VALUES:
        values = getattr(bars, column)
        is_bad = ~np.isfinite(values) if column in PRICES else np.isinf(values)
        if np.any(is_bad):
            i_bar = int(np.argmax(is_bad))
            at = instant_of(int(bars.ts[i_bar]))
            reason = f"{column} = {values[i_bar]} at {at:%Y-%m-%d %H:%M} is not a number that can be stored"
            raise DataError(f"{name}: {reason}.", hint="Leave the bar out, or correct it.")


def _is_of_one(layers: Sequence[Rows]) -> bool:
    """Return whether all rows are of one instrument."""
    return len({int(layer.numbers[place]) for layer in layers if len(layer) for place in (0, -1)}) <= 1


def _covered(below: Rows, above: Rows) -> Rows:
    if len(below) == 0 or len(above) == 0 or not _is_of_one([below, above]):
        return merge(below, above).rows
    # Of one instrument only what lies between the first and the last bar above needs to be sorted.
    start, stop = np.searchsorted(below.ts, [above.ts[0], above.ts[-1] + 1]).tolist()
    middle = below.part(start, stop)
    rows = above if np.array_equal(middle.ts, above.ts) else merge(middle, above).rows
    return join([part for part in (below.part(0, start), rows, below.part(stop, len(below))) if len(part)])


def _last_per_key(rows: Rows) -> Rows:
    if rows.is_sorted:
        return rows
    order = np.lexsort((rows.ts, rows.numbers))
    numbers, ts = rows.numbers[order], rows.ts[order]
    is_last = np.append((numbers[1:] != numbers[:-1]) | (ts[1:] != ts[:-1]), True)
    return rows.take(order[is_last])


def _follows(old: Rows, new: Rows) -> bool:
    last, first = int(old.numbers[-1]), int(new.numbers[0])
    return last < first or (last == first and bool(old.ts[-1] < new.ts[0]))


def _differ(left: Floats, right: Floats) -> Bools:
    is_same = (left == right) | (np.isnan(left) & np.isnan(right))
    return np.asarray(~np.all(is_same, axis=0))
