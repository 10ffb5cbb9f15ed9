"""Bars and strategies in one line, for tables a reader can check by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from qts.backtest import BacktestResult, BacktestSettings, FillTiming, parse_costs, parse_size, parse_slippage, playing, run
from qts.core import IST, Bars, InstrumentId, Interval, Product, micros_of
from qts.strategies import Strategy

Row = tuple[float, float]
MakeBars = Callable[..., Bars]
Play = Callable[..., BacktestResult]


def make_bars(
    rows: Sequence[Row],
    *,
    name: str = "NSE:INFY",
    volumes: Sequence[float] | None = None,
    start: datetime = datetime(2024, 5, 6, 9, 15, tzinfo=IST),
    interval: Interval = Interval.DAY,
    skip: Sequence[int] = (),
) -> Bars:
    """Return bars of (open, close) rows; high and low are their extremes, ``skip`` leaves out positions."""
    kept = [k for k in range(len(rows)) if k not in skip]
    opens, closes = (np.array([rows[k][side] for k in kept], dtype=np.float64) for side in (0, 1))
    step = timedelta(minutes=interval.minutes) if interval.minutes else timedelta(days=1)
    return Bars(
        instrument=InstrumentId(name),
        interval=interval,
        ts=np.array([micros_of(start + k * step) for k in kept], dtype=np.int64),
        open=opens,
        high=np.maximum(opens, closes),
        low=np.minimum(opens, closes),
        close=closes,
        volume=np.full(len(kept), 1000.0) if volumes is None else np.array([volumes[k] for k in kept], dtype=np.float64),
        oi=np.full(len(kept), np.nan),
    )


def says(targets: Mapping[str, Sequence[float]] | Sequence[float]) -> Strategy:
    """Return a strategy that says these targets, whatever the bars."""
    by_name = targets if isinstance(targets, Mapping) else None
    return Strategy(
        title="Said beforehand",
        targets=lambda bars: np.array(by_name[bars.instrument] if by_name is not None else targets, dtype=np.float64)[: len(bars)],
    )


def play(  # noqa: PLR0913 - one argument per setting
    targets: Mapping[str, Sequence[float]] | Sequence[float],
    *bars: Bars,
    capital: str = "100000",
    size: str = "shares:10",
    costs: str = "none",
    slippage: str = "none",
    product: Product = Product.CNC,
    fill: FillTiming = FillTiming.NEXT_OPEN,
    fractional: bool = False,
    close_at_end: bool = False,
) -> BacktestResult:
    """Return the run of said targets under settings written as text."""
    settings = BacktestSettings(
        capital=Decimal(capital),
        product=product,
        size=parse_size(size),
        costs=parse_costs(costs),
        slippage=parse_slippage(slippage),
        fill=fill,
        fractional=fractional,
        close_at_end=close_at_end,
    )
    return run(says(targets), {}, bars, settings)


@pytest.fixture(autouse=True, scope="module", params=["plain", "compiled"])
def both_loops(request: pytest.FixtureRequest) -> Iterator[None]:
    """Run everything here twice: through the plain loop and through its compiled twin."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(playing, "prefers_compiled", lambda _: request.param == "compiled")
        yield


@pytest.fixture(name="make_bars")
def make_bars_fixture() -> MakeBars:
    return make_bars


@pytest.fixture(name="play")
def play_fixture() -> Play:
    return play


@pytest.fixture(name="says")
def says_fixture() -> Callable[..., Strategy]:
    return says


@pytest.fixture
def walk() -> Callable[..., Bars]:
    """A random walk of daily bars, the same for the same seed."""

    def of(n_bars: int, *, seed: int = 0, scale: float = 1.0, name: str = "NSE:INFY") -> Bars:
        rng = np.random.default_rng(seed)
        close = np.round(500 * np.exp(np.cumsum(rng.normal(0, 0.02, n_bars))), 2) * scale
        open_ = np.round(close / scale * np.exp(rng.normal(0, 0.005, n_bars)), 2) * scale
        return make_bars(list(zip(open_.tolist(), close.tolist(), strict=True)), name=name, start=datetime(2021, 5, 3, 9, 15, tzinfo=IST))

    return of


@pytest.fixture
def on() -> Callable[[int], date]:
    """The date of the k-th daily bar of ``make_bars``."""
    return lambda k: date(2024, 5, 6) + timedelta(days=k)


@pytest.fixture
def candles() -> Callable[..., Bars]:
    """Bars of (open, high, low, close) rows."""

    def of(rows: Sequence[tuple[float, float, float, float]], **options: Any) -> Bars:
        made = make_bars([(row[0], row[3]) for row in rows], **options)
        high, low = (np.array([row[k] for row in rows], dtype=np.float64) for k in (1, 2))
        return replace(made, high=high, low=low)

    return of
