"""Round trips out of fills, by average cost.

A trade begins when a position leaves zero and ends when it returns to zero or turns round. Fills that add to it average its entry price,
fills that take from it average its exit price, both weighted by quantity. A fill that turns a position round belongs to two trades: its
quantity and its charges are split in proportion. A trade through a corporate action is stated in the shares of its end; a fraction of a
share that was paid in cash is an exit at that price. Dividends are no part of it.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal, localcontext
from typing import Final, NamedTuple

import numpy as np

from qts.backtest.corporate_actions import LocatedEffect
from qts.backtest.exact import EXACT, kept_short
from qts.backtest.inputs import Timeline
from qts.core.arrays import Floats
from qts.core.clock import instant_of
from qts.core.instrument import InstrumentId
from qts.core.money import rupees_from_float
from qts.core.trading import Direction, Fill, FillReason, Position, Side, Trade
from qts.kernels.state import F_AT_CLOSE, F_BAR, F_INSTRUMENT

_ZERO = Decimal(0)
_BUY, _LONG, _SHORT = Side.BUY, Direction.LONG, Direction.SHORT


@dataclass(slots=True)  # grows until the position is closed
class _Open:
    """A position on its way: what went in, what came out. ``from_bar`` is the first bar held through, ``after`` the one after the last."""

    instrument: int
    sign: int
    from_bar: int
    entry_bar: int
    entered: Decimal = _ZERO
    paid: Decimal = _ZERO
    exited: Decimal = _ZERO
    received: Decimal = _ZERO
    costs: Decimal = _ZERO
    after: int = 0
    exit_bar: int = 0
    reason: FillReason | None = field(default=None)
    ratios: list[tuple[int, Decimal]] = field(default_factory=list)

    @property
    def held(self) -> Decimal:
        """Return the quantity still held, unsigned."""
        return self.entered - self.exited

    def end(self, n_bars: int) -> int:
        """Return the first bar after those held through, of so many."""
        return n_bars if self.held > 0 else self.after


class HeldTime(NamedTuple):
    """The bars through which a position was held: how many the instrument has, their lowest price and their highest."""

    n_bars: int
    lowest: float
    highest: float


_NEVER: Final = HeldTime(0, math.inf, -math.inf)


def build_trades(
    fills: Sequence[Fill], costs: Sequence[Decimal], raw: Floats, *, timeline: Timeline, effects: Sequence[LocatedEffect] = ()
) -> tuple[tuple[Trade, ...], tuple[Position, ...]]:
    """Return the round trips in the order of their entries, and the positions still open; ``costs`` are the fills' charges in all.

    An open trade is marked at the instrument's last close, without the charges a sale would bring. ``bars_held`` counts the bars of the
    instrument at whose close the position was held; ``mae`` and ``mfe`` look at the lows and highs of the same bars, and at the exit.
    """
    open_ones: dict[int, _Open] = {}
    begun: list[_Open] = []
    waiting = deque(one for one in effects if one.effect.action.ratio != 1)
    with localcontext(EXACT):
        for fill, charges, row in zip(fills, costs, raw.tolist(), strict=True):
            # An action comes before all fills of its bar.
            while waiting and waiting[0].bar <= row[F_BAR]:
                _act(waiting.popleft(), open_ones)
            _book(fill, charges, row, opened=open_ones, begun=begun)
        for one in waiting:
            _act(one, open_ones)
        trades = tuple(_trade(one, timeline, times) for one, times in zip(begun, held_times(begun, timeline), strict=True))
        positions = tuple(_position(open_ones[i], timeline.instruments[i]) for i in sorted(open_ones))
    return trades, positions


def _book(fill: Fill, charges: Decimal, row: list[float], *, opened: dict[int, _Open], begun: list[_Open]) -> None:
    i, bar = int(row[F_INSTRUMENT]), int(row[F_BAR])
    after = bar + 1 if row[F_AT_CLOSE] else bar
    sign = 1 if fill.side is _BUY else -1
    left = fill.quantity
    one = opened.get(i)
    if one is not None and one.sign != sign:
        closing = min(left, one.held)
        part = charges if closing == left else round(charges * closing / left, 12)
        one.exited += closing
        one.received += closing * fill.price
        one.costs += part
        one.after, one.exit_bar, one.reason = after, bar, fill.reason
        left, charges = left - closing, charges - part
        if one.held == 0:
            del opened[i]
    if left == 0:
        return
    if i not in opened:
        opened[i] = _Open(instrument=i, sign=sign, from_bar=after, entry_bar=bar)
        begun.append(opened[i])
    one = opened[i]
    one.entered += left
    one.paid += left * fill.price
    one.costs += charges


def _act(what: LocatedEffect, open_ones: dict[int, _Open]) -> None:
    one, effect = open_ones[what.instrument], what.effect
    one.entered = kept_short(one.entered * effect.action.ratio)
    # What the core holds is what is held; the fraction is gone.
    one.exited = one.entered - abs(effect.quantity_after)
    one.received += effect.in_lieu * one.sign
    one.ratios.append((what.bar, effect.action.ratio))
    if one.held == 0:
        one.after, one.exit_bar, one.reason = what.bar, what.bar, FillReason.ACTION
        del open_ones[what.instrument]


def _trade(one: _Open, timeline: Timeline, times: HeldTime) -> Trade:
    is_open = one.held > 0
    if is_open:
        closes = timeline.close[one.instrument]
        last = int(np.flatnonzero(~np.isnan(closes))[-1])
        received = one.received + one.held * rupees_from_float(float(closes[last]))
        exit_bar = last
    else:
        received, exit_bar = one.received, one.exit_bar
    entry_price, exit_price = _per_share(one.paid, one.entered), _per_share(received, one.entered)
    gross = (received - one.paid) * one.sign
    net = gross - one.costs
    mae, mfe = _excursions(one.sign, times, exit_price=float(exit_price), entry_price=float(entry_price))
    return Trade(
        instrument=timeline.instruments[one.instrument],
        direction=_LONG if one.sign > 0 else _SHORT,
        quantity=one.entered,
        entry_at=instant_of(int(timeline.ts[one.entry_bar])),
        entry_price=entry_price,
        exit_at=instant_of(int(timeline.ts[exit_bar])),
        exit_price=exit_price,
        gross_pnl=gross,
        costs=one.costs,
        net_pnl=net,
        return_=float(net / one.paid),
        bars_held=times.n_bars,
        mae=mae,
        mfe=mfe,
        exit_reason=None if is_open else one.reason,
        open=is_open,
    )


def held_times(begun: Sequence[_Open], timeline: Timeline) -> list[HeldTime]:
    """Return what the bars were through which each position was held; those of one instrument follow one another."""
    places: dict[int, list[int]] = {}
    found = [_NEVER] * len(begun)
    for k, one in enumerate(begun):
        if one.ratios:
            found[k] = _restated(one, timeline)
        elif one.from_bar < one.end(len(timeline.ts)):
            places.setdefault(one.instrument, []).append(k)
    for i, own in places.items():
        spans = [bar for k in own for bar in (begun[k].from_bar, begun[k].end(len(timeline.ts)))]
        # What is held to the end needs no bar to stop at, and there is none.
        edges = spans[:-1] if spans[-1] == len(timeline.ts) else spans
        present = (~np.isnan(timeline.close[i])).astype(np.int64)
        # fmin and fmax pass over NaN: bars the instrument does not have.
        counts, lowest, highest = (
            ufunc.reduceat(column, edges)[::2].tolist()
            for ufunc, column in ((np.add, present), (np.fmin, timeline.low[i]), (np.fmax, timeline.high[i]))
        )
        for k, *times in zip(own, counts, lowest, highest, strict=True):
            found[k] = HeldTime(*times)
    return found


def _restated(one: _Open, timeline: Timeline) -> HeldTime:
    """Return the bars of a position in the shares of its end."""
    after = one.end(len(timeline.ts))
    held = slice(one.from_bar, after)
    lows, highs = timeline.low[one.instrument, held], timeline.high[one.instrument, held]
    for bar, ratio in one.ratios:
        shares = np.where(np.arange(one.from_bar, after) < bar, float(ratio), 1.0)
        lows, highs = lows / shares, highs / shares
    n_bars = int(np.count_nonzero(~np.isnan(timeline.close[one.instrument, held])))
    return HeldTime(n_bars, float(np.fmin.reduce(lows, initial=math.inf)), float(np.fmax.reduce(highs, initial=-math.inf)))


def _excursions(sign: int, times: HeldTime, *, exit_price: float, entry_price: float) -> tuple[float, float]:
    # What is no number compares as false: where there was no bar the exit is all there was.
    lowest = min(exit_price, times.lowest)
    highest = max(exit_price, times.highest)
    down, up = lowest / entry_price - 1.0, highest / entry_price - 1.0
    worst, best = (down, up) if sign > 0 else (-up, -down)
    return min(worst, 0.0), max(best, 0.0)


def _position(one: _Open, instrument: InstrumentId) -> Position:
    return Position(instrument=instrument, quantity=one.held * one.sign, average_price=_per_share(one.paid, one.entered))


def _per_share(amount: Decimal, quantity: Decimal) -> Decimal:
    """Return the average price; exact for one fill, and cut to twelve decimals where it has no end."""
    price = amount / quantity
    rounded = round(price, 12)
    return rounded.normalize() if rounded != price else price
