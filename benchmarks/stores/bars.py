"""The minute bars that stores are measured on, made in blocks, and what the right answers about them are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from benchmarks.ours import BARS_PER_SESSION, DAY_MICROS, minute_stamps
from benchmarks.stores.worker import CLOSE, Block, Floats, Stamps, Wanted, paise
from benchmarks.walk import MINUTE_STEP, SEED, walk

START: Final = 500.0
TICK: Final = 0.05
MOST_BARS: Final = 4_000_000
N_NEW: Final = 4  # sessions that come after the load
MONTH: Final = 30 * DAY_MICROS
YEAR: Final = 365 * DAY_MICROS


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How many symbols there are, and for how many sessions: the first ``n_long`` of them ``long`` ones, the others the last ``short``."""

    n_symbols: int = 500
    n_long: int
    long: int
    short: int

    @classmethod
    def of(cls, n_bars: int) -> Shape:
        """Return about so many bars of 500 symbols, of which some, or all, cover a year or more."""
        if n_bars >= 60_000_000:
            return cls(n_long=500, long=round(n_bars / (500 * BARS_PER_SESSION)), short=0)
        n_long, long = (20, 250) if n_bars < 10_000_000 else (50, 500)
        rest = n_bars - n_long * long * BARS_PER_SESSION
        return cls(n_long=n_long, long=long, short=max(1, round(rest / ((500 - n_long) * BARS_PER_SESSION))))

    @property
    def n_bars(self) -> int:
        """Return the bars that are loaded."""
        return (self.n_long * self.long + (self.n_symbols - self.n_long) * self.short) * BARS_PER_SESSION

    def sessions(self, symbol: int) -> int:
        """Return the sessions of one symbol."""
        return self.long if symbol < self.n_long else self.short


@dataclass(slots=True, kw_only=True)
class Market:
    """The bars, block by block. What they must answer is known once all blocks were made."""

    shape: Shape
    months: list[Wanted]
    years: list[Wanted]
    stamps: Stamps
    fresh: dict[int, Floats] = field(default_factory=dict)
    day_paise: int = 0
    n_days: int = 0

    @property
    def year(self) -> tuple[int, int]:
        """Return the last year of the load."""
        end = int(self.stamps[self.shape.long * BARS_PER_SESSION - 1]) + 1
        return max(int(self.stamps[0]), end - YEAR), end

    @property
    def resampled(self) -> list[int]:
        """Return the symbols whose days are made."""
        return list(range(min(50, self.shape.n_long)))

    def blocks(self) -> Iterator[Block]:
        """Make the bars of the load."""
        shape = self.shape
        for symbols in batches(shape):
            n_bars = shape.sessions(symbols[0]) * BARS_PER_SESSION
            stop = shape.long * BARS_PER_SESSION
            whole = np.stack([ticks(n_bars + N_NEW * BARS_PER_SESSION, symbol) for symbol in symbols])
            self.fresh |= {symbol: rows[:, n_bars:].copy() for symbol, rows in zip(symbols, whole, strict=True)}
            block = Block(symbols=symbols, ts=self.stamps[stop - n_bars : stop], prices=whole[:, :, :n_bars])
            self._learn(block)
            yield block

    def session(self, number: int) -> Block:
        """Return the bars of all symbols in a session after the load; the first is 0."""
        rows = slice(number * BARS_PER_SESSION, (number + 1) * BARS_PER_SESSION)
        symbols = tuple(range(self.shape.n_symbols))
        loaded = self.shape.long * BARS_PER_SESSION
        prices = np.stack([self.fresh[symbol][:, rows] for symbol in symbols])
        return Block(symbols=symbols, ts=self.stamps[loaded + rows.start : loaded + rows.stop], prices=prices)

    def _learn(self, block: Block) -> None:
        for spans in (self.months, self.years):
            spans[:] = [answered(span, block) if span.symbol in block.symbols else span for span in spans]
        asked = [symbol for symbol in block.symbols if symbol in self.resampled]
        if asked:
            first, stop = np.searchsorted(block.ts, self.year)
            closes = block.prices[: len(asked), CLOSE, first:stop].reshape(len(asked), -1, BARS_PER_SESSION)[:, :, -1]
            self.day_paise += paise(closes)
            self.n_days += closes.size


def market(shape: Shape, *, n_months: int, n_years: int) -> Market:
    """Return the market of a shape, and spans of it at random: the same every time."""
    stamps = minute_stamps((shape.long + N_NEW) * BARS_PER_SESSION)
    rng = np.random.default_rng(SEED)
    loaded = stamps[: shape.long * BARS_PER_SESSION]

    def spans(n: int, length: int) -> list[Wanted]:
        last = max(int(loaded[0]) + 1, int(loaded[-1]) - length)
        starts = rng.integers(int(loaded[0]), last, n) // DAY_MICROS * DAY_MICROS
        return [
            Wanted(symbol=int(symbol), start=int(start), end=min(int(start) + length, int(loaded[-1]) + 1), n_bars=0, paise=0)
            for symbol, start in zip(rng.integers(0, shape.n_long, n), starts, strict=True)
        ]

    return Market(shape=shape, months=spans(n_months, MONTH), years=spans(n_years, YEAR), stamps=stamps)


def answered(span: Wanted, block: Block) -> Wanted:
    """Return a span with what a block holds of it."""
    first, stop = np.searchsorted(block.ts, (span.start, span.end))
    closes = block.prices[block.symbols.index(span.symbol), CLOSE, first:stop]
    return Wanted(symbol=span.symbol, start=span.start, end=span.end, n_bars=len(closes), paise=paise(closes))


def batches(shape: Shape) -> Iterator[tuple[int, ...]]:
    """Yield symbols that are stored together: alike in length, and no more than memory likes."""
    for first, stop in ((0, shape.n_long), (shape.n_long, shape.n_symbols)):
        if first == stop:
            continue
        n_together = max(1, MOST_BARS // (shape.sessions(first) * BARS_PER_SESSION))
        for start in range(first, stop, n_together):
            yield tuple(range(start, min(stop, start + n_together)))


def ticks(n_bars: int, symbol: int) -> Floats:
    """Return a walk of minutes on the tick."""
    prices = walk(n_bars, start=START, step=MINUTE_STEP, number=symbol)
    prices[:4] = np.maximum(np.round(prices[:4] / TICK), 1.0) * 5.0 / 100.0
    return prices


def share(values: Sequence[float], part: float) -> float:
    """Return the value that this part of them does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]
