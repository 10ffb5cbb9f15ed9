"""On what terms an instrument trades: lot, ticks, margin, expiry and charges, as the fills loop and the ledger read them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

import numpy as np
from numpy.typing import NDArray

from qts.backtest.corporate_actions import LocatedAction, action_rows, shares_of
from qts.backtest.inputs import Timeline
from qts.backtest.settings import BacktestSettings
from qts.backtest.settlement import CONTRACT_SEGMENTS, NO_COSTS, EndCosts, end_costs
from qts.core.arrays import Floats, Ints
from qts.core.errors import BadParameter
from qts.core.instrument import InstrumentId, exchange_of
from qts.core.trading import Product
from qts.kernels.arithmetic import PARTS_OF_RUPEE
from qts.kernels.charging import AS_CONTRACT, AS_SHARE
from qts.kernels.state import N_TERM, T_EXPIRES
from qts.market.charges import ChargeSegment, SttClass
from qts.market.listing import DERIVATIVE_EXCHANGES, BandSpan, RejectReason, TickFrom, locked_bars, reject_sentence
from qts.market.listing.settlement import trade_to_trade_series

_DAY: Final = 86_400_000_000
_IST: Final = 19_800_000_000
_EPOCH: Final = date(1970, 1, 1)

_CONTRACT_HINT: Final = "Use NRML to hold it, or MIS to close it within the day."
_SHARE_HINT: Final = "Use CNC to hold it, or MIS to close it within the day."
_DELIVERY_HINT: Final = "Use CNC."

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

    ``lot`` is the tradable multiple; orders above ``freeze`` go as several. ``ticks`` are for prices as traded only, ``locks`` and
    ``bands``, which prices of orders are held to, too: they stay away for adjusted ones. ``margin_long`` and ``margin_short`` are what a
    unit blocks. ``segment``, ``stt_class`` and ``underlying`` choose the rates of charges. After the date of ``expiry`` there are no bars.
    ``estimates`` has a sentence for each term that is one.

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
    bands: tuple[BandSpan, ...] = ()
    estimates: tuple[str, ...] = ()

    @property
    def is_contract(self) -> bool:
        """Return whether this is a future or an option, and no share."""
        return self.segment in CONTRACT_SEGMENTS or self.expiry is not None

    def __post_init__(self) -> None:
        if self.lot < 1:
            raise BadParameter("lot", self.lot, "is not a whole number above zero", hint="A share's lot is 1.")
        if self.freeze is not None and self.freeze < self.lot:
            raise BadParameter("freeze", self.freeze, f"is less than the lot of {self.lot}", hint="Leave it out where there is none.")


PLAIN: Final = InstrumentTerms()


@dataclass(frozen=True, slots=True, kw_only=True)
class TermTable:
    """The terms of a run's instruments and its corporate actions, and the same as columns of the loops, named in ``qts.kernels.state``."""

    given: tuple[InstrumentTerms, ...]
    terms: Floats
    ticks: Floats
    lock: Locks
    expiry_bars: Ints
    located: tuple[LocatedAction, ...] = ()

    @property
    def actions(self) -> Floats:
        """Return the corporate actions as a column."""
        return action_rows(self.located)

    @property
    def is_margined(self) -> bool:
        """Return whether some instrument blocks other than its full value."""
        table = self.terms.reshape(-1, N_TERM)
        return bool((table[:, 2:6] != [1.0, 0.0, 1.0, 0.0]).any())


def term_table(timeline: Timeline, terms: Sequence[InstrumentTerms], actions: Sequence[LocatedAction] = ()) -> TermTable:
    """Return the terms as columns. Corporate actions change the close that a band is measured from.

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
    for i, one in enumerate(terms):
        first = len(ticks)
        ticks.extend(_tick_rows(one.ticks, days))
        bar = _expiry_bar(one, days, timeline.close[i])
        costs = NO_COSTS if bar < 0 else _end_costs(timeline.instruments[i], one, int(days[bar]))
        numbers = (bar, one.locks, first, len(ticks), AS_SHARE if is_netted(timeline.instruments[i], one) else AS_CONTRACT)
        rows.append([*_numbers(one), *(float(number) for number in numbers), *costs])
    ends = np.array([row[T_EXPIRES] for row in rows if row[T_EXPIRES] >= 0.0], dtype=np.int64)
    lock = np.zeros((0, 0), dtype=np.int8)
    if any(one.locks for one in terms):
        shares = [shares_of(actions, i, len(days)) for i in range(len(terms))]
        lock = np.stack([_locked(timeline, i, one, days, shares=shares[i]) for i, one in enumerate(terms)])
    return TermTable(
        given=tuple(terms),
        terms=np.array(rows, dtype=np.float64).reshape(-1),
        ticks=np.array(ticks, dtype=np.float64).reshape(-1),
        lock=lock,
        expiry_bars=ends,
        located=tuple(actions),
    )


def run_terms(timeline: Timeline, terms: Sequence[InstrumentTerms] | None, settings: BacktestSettings) -> tuple[InstrumentTerms, ...]:
    """Return the terms of a run's instruments, plain ones where none are given.

    Raises
    ------
    BadParameter
        If the product is not one of an instrument's, or parts of a lot are to be traded.
    """
    chosen = (PLAIN,) * len(timeline.instruments) if terms is None else tuple(terms)
    for instrument, one in zip(timeline.instruments, chosen, strict=False):
        check_product(settings.product, instrument, one)
        if settings.fractional and one.lot > 1:
            reason = f"{instrument} is traded in whole lots of {one.lot}"
            raise BadParameter("fractional", True, reason, hint="Leave it out.")
    return chosen


def check_product(product: Product, instrument: InstrumentId, terms: InstrumentTerms = PLAIN) -> None:
    """Refuse a product that an instrument is not traded under.

    Raises
    ------
    BadParameter
        If a future or an option is to be delivered (CNC), a share held as a contract (NRML), or one whose symbol names a trade-to-trade
        series closed within the day (MIS).
    """
    is_contract = terms.is_contract or exchange_of(instrument) in DERIVATIVE_EXCHANGES
    if product is Product.CNC and is_contract:
        raise BadParameter("product", product, f"{instrument} is a contract, and delivery is for shares", hint=_CONTRACT_HINT)
    if product is Product.NRML and not is_contract:
        raise BadParameter("product", product, f"{instrument} is no contract, and NRML is for futures and options", hint=_SHARE_HINT)
    if product is Product.MIS and (series := trade_to_trade_series(instrument)):
        sentence = reject_sentence(RejectReason.INTRADAY_NOT_ALLOWED, series=series).rstrip(".")
        raise BadParameter("product", product, f"{instrument} is for delivery only. {sentence}", hint=_DELIVERY_HINT)


def is_netted(instrument: InstrumentId, terms: InstrumentTerms = PLAIN) -> bool:
    """Return whether what is bought and sold on one day is netted: of shares, but for those in a trade-to-trade series."""
    return terms.segment not in CONTRACT_SEGMENTS and not trade_to_trade_series(instrument)


def until_expiry(timeline: Timeline, terms: Sequence[InstrumentTerms]) -> Timeline:
    """Return the timeline without the bars that a contract has after its last day."""
    if all(one.expiry is None for one in terms):
        return timeline
    days = (timeline.ts + _IST) // _DAY
    columns = {name: getattr(timeline, name).copy() for name in ("open", "high", "low", "close", "volume")}
    for i, one in enumerate(terms):
        if one.expiry is not None:
            for column in columns.values():
                column[i, days > (one.expiry - _EPOCH).days] = np.nan
    return replace(timeline, **columns)


def _numbers(one: InstrumentTerms) -> list[float]:
    margins = (one.margin_long, one.margin_short)
    return [float(one.lot), float(one.freeze or 0), *(float(x) for margin in margins for x in (margin.fraction, margin.base))]


def _end_costs(instrument: InstrumentId, one: InstrumentTerms, day: int) -> EndCosts:
    """Return what it costs to hold a contract to its end."""
    if one.segment is None or one.segment not in CONTRACT_SEGMENTS:
        return NO_COSTS
    return end_costs(instrument, one.segment, underlying=one.underlying, on=_EPOCH + timedelta(days=day))


def _tick_rows(ticks: Sequence[TickFrom], days: Ints) -> list[tuple[float, float]]:
    """Return from which bar on each tick holds, and its size in ten-thousandths of a rupee."""
    return [(float(np.searchsorted(days, (tick.start - _EPOCH).days)), float(tick.size * int(PARTS_OF_RUPEE))) for tick in ticks]


def _expiry_bar(one: InstrumentTerms, days: Ints, close: Floats) -> int:
    """Return the bar at whose close a contract is settled: its own last of its last day, else the first of a later date; -1 for none."""
    if one.expiry is None:
        return -1
    day = (one.expiry - _EPOCH).days
    own = np.flatnonzero((days == day) & ~np.isnan(close))
    if own.size:
        return int(own[-1])
    after = int(np.searchsorted(days, day, side="right"))
    return after if after < len(days) else -1


def _locked(timeline: Timeline, i: int, one: InstrumentTerms, days: Ints, *, shares: Floats | None) -> Locks:
    """Return 1 and -1 where a bar of an instrument is locked at its upper or lower band."""
    locked = np.zeros(len(timeline.ts), dtype=np.int8)
    own = np.flatnonzero(~np.isnan(timeline.close[i]))
    if not one.locks or own.size == 0:
        return locked
    starts = np.flatnonzero(np.concatenate(([True], np.diff(days[own]) != 0)))
    lengths = np.diff(np.concatenate((starts, [own.size])))
    closes = np.concatenate(([np.nan], timeline.close[i, own[starts[1:] - 1]]))
    if shares is not None:
        closes[1:] /= shares[own[starts[1:]]] / shares[own[starts[1:] - 1]]
    sizes = np.array([float(tick.size) for tick in one.ticks] or [0.05])
    froms = np.array([_tick_rows([tick], days)[0][0] for tick in one.ticks] or [0.0])
    tick = sizes[np.maximum(np.searchsorted(froms, own, side="right") - 1, 0)]
    columns = {name: getattr(timeline, name)[i, own] for name in ("high", "low", "close")}
    # No other bar is locked, and few are flat.
    flat = np.flatnonzero((columns["high"] == columns["low"]) & (columns["low"] == columns["close"]))
    some = {name: column[flat] for name, column in columns.items()}
    locked[own[flat]] = locked_bars(**some, previous_close=np.repeat(closes, lengths)[flat], tick=tick[flat])
    return locked
