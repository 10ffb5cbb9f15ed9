"""The shape of a file: how long its bars are, whether prices are adjusted, which way round dates are written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from qts.core import Exchange, Interval, Ints
from qts.core.errors import BadFile, NotPrices
from qts.data.intake import Block, Names
from qts.data.layout import ImportOptions, Layout
from qts.data.stamps import DAY, MINUTE, NO_STAMP, DateOrder, Stamps, date_order, is_date_only, ist_day, settle
from qts.data.storage import PriceBasis

EARLIEST: Final = 631_132_200_000_000
"""1990-01-01 in India: no electronic market of India is older."""
_MIN_STEPS: Final = 3
_OFF_TICK: Final = 0.01
_HALF: Final = 0.5
# Half the distance that a two-decimal price can be off as a float, with room: prices reach 1e6.
_TICK_NOISE: Final = 1e-6
_LONG: Final = {7: Interval.WEEK, 28: Interval.MONTH, 29: Interval.MONTH, 30: Interval.MONTH, 31: Interval.MONTH}
_FOUR_DECIMALS: Final = frozenset({Exchange.CDS, Exchange.BCD})


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What was decided for a whole file, from its first million rows."""

    interval: Interval
    basis: PriceBasis
    order: DateOrder
    notes: tuple[str, ...] = ()


def shape_of(block: Block, names: Names, *, layout: Layout, options: ImportOptions, label: str) -> Shape:
    """Return the shape of a file by its first block.

    Raises
    ------
    BadFile
        If the stamps do not tell how long a bar is, or contradict what the user says.
    """
    good = block.is_good
    order = date_order(Stamps(ts=block.ts[good], month_first=block.month_first[good], is_absent=np.zeros(0, np.bool_)))
    ts, _ = settle(block.ts[good], block.month_first[good], order)
    known = (ts != NO_STAMP) & (ts >= EARLIEST)
    interval = layout.interval or _interval(ts[known], block.codes[good][known], asked=options.interval, label=label)
    basis, note = _basis(block, names, options.adjusted)
    notes = tuple(text for text in (_order_note(order), note) if text)
    return Shape(interval=interval, basis=basis, order=order, notes=notes)


def _order_note(order: DateOrder) -> str:
    if order.month_first and order.day_first:
        return "Dates are written day first in some rows and month first in others; those that can be read both ways are refused."
    if order.month_first:
        return "Dates are written month first (mm/dd/yyyy)."
    if order.either and not order.day_first:
        return "Nothing in the file tells whether 02/03 is 2 March or 3 February: read day first, as India writes it."
    return ""


def _interval(ts: Ints, codes: Ints, *, asked: Interval | None, label: str) -> Interval:
    seen = _seen_interval(ts, codes, label)
    if asked is None:
        if seen is None:
            raise BadFile(label, "has too few rows to tell how long its bars are", hint="Say it: --interval 1d, or 1m, 5m, 15m, …")
        return seen
    if seen is not None and seen.is_intraday and _length(seen) < _length(asked):
        raise BadFile(label, f"has bars of {seen}, not of {asked}", hint=f"Use --interval {seen}; longer bars are made on reading.")
    return asked


def _length(interval: Interval) -> int:
    return interval.minutes or 24 * 60


def _seen_interval(ts: Ints, codes: Ints, label: str) -> Interval | None:
    if len(ts) == 0:
        return Interval.DAY
    order = np.lexsort((ts, codes))
    ts, codes = ts[order], codes[order]
    is_pair = (codes[1:] == codes[:-1]) & (ts[1:] != ts[:-1])
    steps = np.diff(ts)[is_pair]
    if np.mean(is_date_only(ts)) > _HALF:
        return _LONG.get(_most_frequent(steps // DAY), Interval.DAY) if len(steps) >= _MIN_STEPS else Interval.DAY
    same_day = steps[(ist_day(ts[1:]) == ist_day(ts[:-1]))[is_pair]]
    if len(same_day) == 0:
        return Interval.DAY if len(steps) else None
    step = _most_frequent(same_day)
    if step < MINUTE:
        raise NotPrices(label, "has rows less than a minute apart, so not bars", hint="Resample them to bars of 1 minute and import those.")
    lengths = [interval for interval in Interval if interval.minutes and step % (interval.minutes * MINUTE) == 0]
    return lengths[-1] if lengths else Interval.MINUTE_1


def _most_frequent(values: Ints) -> int:
    unique, counts = np.unique(values, return_counts=True)
    return int(unique[np.argmax(counts)])


def _basis(block: Block, names: Names, adjusted: bool | None) -> tuple[PriceBasis, str]:  # noqa: FBT001 - a user's answer, passed on
    if adjusted is not None:
        return (PriceBasis.ADJUSTED if adjusted else PriceBasis.RAW), ""
    is_traded = np.array([exchange is not Exchange.INDEX for exchange in names.exchanges] + [False], np.bool_)
    is_fine = np.array([exchange in _FOUR_DECIMALS for exchange in names.exchanges] + [False], np.bool_)
    chosen = block.is_good & is_traded[block.codes]
    prices = block.values[:4, chosen]
    if prices.shape[1] == 0:
        return PriceBasis.RAW, ""
    with np.errstate(invalid="ignore", over="ignore"):
        scaled = prices * np.where(is_fine[block.codes[chosen]], 1e4, 1e2)
        is_off = np.any(np.abs(scaled - np.round(scaled)) > _TICK_NOISE * np.maximum(1.0, np.abs(prices)), axis=0)
    share = float(np.mean(is_off))
    if share < _OFF_TICK:
        return PriceBasis.RAW, ""
    return (
        PriceBasis.ADJUSTED,
        f"{share:.0%} of the rows have prices between two paise: stored as adjusted (--no-adjusted says raw).",
    )
