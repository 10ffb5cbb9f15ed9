"""On what terms an instrument trades: lot, ticks, margin, expiry and charges, as the fills loop and the ledger read them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

import numpy as np
from numpy.typing import NDArray

from qts.backtest.inputs import Timeline
from qts.core.arrays import Floats, Ints
from qts.core.errors import BadParameter
from qts.kernels.arithmetic import PARTS_OF_RUPEE
from qts.kernels.charging import AS_CONTRACT, AS_SHARE
from qts.kernels.state import N_TERM
from qts.market.charges import ChargeSegment, SttClass
from qts.market.listing import TickFrom, locked_bars

_DAY: Final = 86_400_000_000
_IST: Final = 19_800_000_000
_EPOCH: Final = date(1970, 1, 1)

Locks = NDArray[np.int8]


@dataclass(frozen=True, slots=True, kw_only=True)
class Margin:
    """What one unit of a position blocks: a fraction of its price, and rupees on top."""

    fraction: Decimal = Decimal(1)
    base: Decimal = Decimal(0)


IN_FULL: Final = Margin()


@dataclass(frozen=True, slots=True, kw_only=True)
class InstrumentTerms:
    """How one instrument trades over a run.

    ``lot`` is the tradable multiple; orders above ``freeze`` go as several. ``ticks`` are for prices as traded only, ``locks`` too: both
    stay away for adjusted ones. ``margin_long`` and ``margin_short`` are what a unit blocks. ``segment``, ``stt_class`` and ``underlying``
    choose the rates of charges. After the date of ``expiry`` there are no bars. ``estimates`` has a sentence for each term that is one.

    Raises
    ------
    BadParameter
        If the lot or the freeze quantity is none.
    """

    lot: int = 1
    freeze: int | None = None
    ticks: tuple[TickFrom, ...] = ()
    margin_long: Margin = IN_FULL
    margin_short: Margin = IN_FULL
    segment: ChargeSegment | None = None
    stt_class: SttClass = SttClass.SHARE
    underlying: str = ""
    expiry: date | None = None
    locks: bool = False
    estimates: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.lot < 1:
            raise BadParameter("lot", self.lot, "is not a whole number above zero", hint="A share's lot is 1.")
        if self.freeze is not None and self.freeze < self.lot:
            raise BadParameter("freeze", self.freeze, f"is less than the lot of {self.lot}", hint="Leave it out where there is none.")


PLAIN: Final = InstrumentTerms()


@dataclass(frozen=True, slots=True, kw_only=True)
class TermTable:
    """The terms of a run's instruments as the columns the fills loop reads, named in ``qts.kernels.state``."""

    terms: Floats
    ticks: Floats
    lock: Locks
    expiry_bars: Ints

    @property
    def is_margined(self) -> bool:
        """Return whether some instrument blocks other than its full value."""
        table = self.terms.reshape(-1, N_TERM)
        return bool((table[:, 2:6] != [1.0, 0.0, 1.0, 0.0]).any())


def term_table(timeline: Timeline, terms: Sequence[InstrumentTerms]) -> TermTable:
    """Return the terms as columns.

    Raises
    ------
    BadParameter
        If there are not as many terms as instruments.
    """
    if len(terms) != len(timeline.instruments):
        raise BadParameter("terms", len(terms), f"are not as many as the {len(timeline.instruments)} instruments")
    days = (timeline.ts + _IST) // _DAY
    rows: list[list[float]] = []
    ticks: list[tuple[float, float]] = []
    for one in terms:
        first = len(ticks)
        ticks.extend(_tick_rows(one.ticks, days))
        rows.append([*_numbers(one), _expiry_bar(one, days), float(one.locks), float(first), float(len(ticks)), float(_formula(one))])
    ends = np.array([row[6] for row in rows if row[6] >= 0.0], dtype=np.int64)
    lock = np.zeros((0, 0), dtype=np.int8)
    if any(one.locks for one in terms):
        lock = np.stack([_locked(timeline, i, one, days) for i, one in enumerate(terms)])
    return TermTable(
        terms=np.array(rows, dtype=np.float64).reshape(-1),
        ticks=np.array(ticks, dtype=np.float64).reshape(-1),
        lock=lock,
        expiry_bars=ends,
    )


def share_terms(timeline: Timeline, terms: Sequence[InstrumentTerms] | None) -> tuple[InstrumentTerms, ...]:
    """Return the terms of a run's instruments, plain ones where none are given.

    Raises
    ------
    BadParameter
        If an instrument is a contract: those cannot be charged and settled yet.
    """
    if terms is None:
        return (PLAIN,) * len(timeline.instruments)
    for instrument, one in zip(timeline.instruments, terms, strict=False):
        if _formula(one) == AS_CONTRACT or one.expiry is not None:
            raise BadParameter("instruments", instrument, "futures and options are not backtested yet", hint="Use shares.")
    return tuple(terms)


def _numbers(one: InstrumentTerms) -> list[float]:
    margins = (one.margin_long, one.margin_short)
    return [float(one.lot), float(one.freeze or 0), *(float(x) for margin in margins for x in (margin.fraction, margin.base))]


def _formula(one: InstrumentTerms) -> int:
    is_share = one.segment in {None, ChargeSegment.EQUITY_DELIVERY, ChargeSegment.EQUITY_INTRADAY}
    return AS_SHARE if is_share else AS_CONTRACT


def _tick_rows(ticks: Sequence[TickFrom], days: Ints) -> list[tuple[float, float]]:
    """Return from which bar on each tick holds, and its size in ten-thousandths of a rupee."""
    return [(float(np.searchsorted(days, (tick.start - _EPOCH).days)), float(tick.size * int(PARTS_OF_RUPEE))) for tick in ticks]


def _expiry_bar(one: InstrumentTerms, days: Ints) -> float:
    """Return the bar at whose close a contract is settled: the last of its expiry date, else the first of a later date; -1 for none."""
    if one.expiry is None:
        return -1.0
    day = (one.expiry - _EPOCH).days
    after = int(np.searchsorted(days, day, side="right"))
    if after > 0 and days[after - 1] == day:
        return float(after - 1)
    return float(after) if after < len(days) else -1.0


def _locked(timeline: Timeline, i: int, one: InstrumentTerms, days: Ints) -> Locks:
    """Return 1 and -1 where a bar of an instrument is locked at its upper or lower band."""
    locked = np.zeros(len(timeline.ts), dtype=np.int8)
    own = np.flatnonzero(~np.isnan(timeline.close[i]))
    if not one.locks or own.size == 0:
        return locked
    starts = np.flatnonzero(np.concatenate(([True], np.diff(days[own]) != 0)))
    lengths = np.diff(np.concatenate((starts, [own.size])))
    closes = np.concatenate(([np.nan], timeline.close[i, own[starts[1:] - 1]]))
    sizes = np.array([float(tick.size) for tick in one.ticks] or [0.05])
    froms = np.array([_tick_rows([tick], days)[0][0] for tick in one.ticks] or [0.0])
    tick = sizes[np.maximum(np.searchsorted(froms, own, side="right") - 1, 0)]
    columns = {name: getattr(timeline, name)[i, own] for name in ("high", "low", "close")}
    locked[own] = locked_bars(**columns, previous_close=np.repeat(closes, lengths), tick=tick)
    return locked
