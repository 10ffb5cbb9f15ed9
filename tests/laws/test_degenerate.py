"""Degenerate bars: an error with a name, or a finite account; never anything else."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest
from tests.reference.core_run import by_core

from qts.backtest import BacktestResult, BacktestSettings, parse_costs, parse_size, parse_slippage
from qts.core import IST, Bars, Floats, InstrumentId, Interval, Product, micros_of
from qts.core.errors import QtsError

Change = Callable[[Bars], Bars]
START = datetime(2024, 1, 1, 9, 15, tzinfo=IST)


def daily(close: list[float]) -> Bars:
    n, prices = len(close), np.array(close, dtype=np.float64)
    return Bars(
        instrument=InstrumentId("NSE:INFY"),
        interval=Interval.DAY,
        ts=np.array([micros_of(START + timedelta(days=k)) for k in range(n)], dtype=np.int64),
        open=prices.copy(),
        high=prices * 1.01,
        low=prices * 0.99,
        close=prices,
        volume=np.full(n, 1000.0),
        oi=np.full(n, np.nan),
    )


def at(column: str, i: int, value: float) -> Change:
    def changed(bars: Bars) -> Bars:
        values = getattr(bars, column).copy()
        values[i] = value
        return with_column(bars, column, values)

    return changed


def everywhere(column: str, value: float) -> Change:
    return lambda bars: with_column(bars, column, np.full(len(bars), value))


def with_column(bars: Bars, column: str, values: Floats) -> Bars:
    columns = {name: getattr(bars, name) for name in ("open", "high", "low", "close", "volume", "oi")} | {column: values}
    return Bars(instrument=bars.instrument, interval=bars.interval, ts=bars.ts, **columns)


def times(factor: float) -> Change:
    return lambda bars: replace(bars, open=bars.open * factor, high=bars.high * factor, low=bars.low * factor, close=bars.close * factor)


def flat(price: float) -> Change:
    def changed(bars: Bars) -> Bars:
        prices = np.full(len(bars), price)
        return replace(bars, open=prices, high=prices, low=prices, close=prices)

    return changed


def stamps(change: Callable[[np.ndarray[tuple[int], np.dtype[np.int64]]], object]) -> Change:
    def changed(bars: Bars) -> Bars:
        ts = bars.ts.copy()
        change(ts)
        return replace(bars, ts=ts)

    return changed


def duplicate(ts: np.ndarray[tuple[int], np.dtype[np.int64]]) -> None:
    ts[5] = ts[4]


def unsorted(ts: np.ndarray[tuple[int], np.dtype[np.int64]]) -> None:
    ts[5], ts[6] = ts[6], ts[5]


def five_months_later(ts: np.ndarray[tuple[int], np.dtype[np.int64]]) -> None:
    ts[5:] += 150 * 86_400_000_000


CHANGES: dict[str, Change] = {
    "as it is": lambda bars: bars,
    "no bar": lambda bars: bars.window(0, 0),
    "one bar": lambda bars: bars.window(0, 1),
    "two bars": lambda bars: bars.window(0, 2),
    "a NaN close": at("close", 4, math.nan),
    "only NaN": everywhere("close", math.nan),
    "NaN volume": everywhere("volume", math.nan),
    "an infinite high": at("high", 4, math.inf),
    "a close of minus infinity": at("close", 4, -math.inf),
    "infinite volume": at("volume", 4, math.inf),
    "negative volume": at("volume", 4, -5.0),
    "a zero open": at("open", 4, 0.0),
    "a zero close": at("close", 4, 0.0),
    "a negative close": at("close", 4, -3.0),
    "no volume at all": everywhere("volume", 0.0),
    "a high below the low": at("high", 4, 1.0),
    "the same instant twice": stamps(duplicate),
    "instants out of order": stamps(unsorted),
    "a gap of five months": stamps(five_months_later),
    "prices of a trillion": times(1e10),
    "prices of a quadrillion": times(1e13),
    "prices of a thousandth of a paisa": times(1e-7),
    "flat prices": flat(7.0),
}
SETTINGS = {
    "delivery": BacktestSettings(),
    "intraday, both sides": BacktestSettings(product=Product.MIS, size=parse_size("percent:1")),
    "fractions, sold at the end": BacktestSettings(fractional=True, close_at_end=True, costs=parse_costs("per-share:0.01,min=5")),
    "a slippage of nearly all": BacktestSettings(slippage=parse_slippage("bps:9999"), costs=parse_costs("percent:0.9")),
    "a paisa": BacktestSettings(capital=Decimal("0.01")),
    "more than there is": BacktestSettings(size=parse_size("shares:1000000000000")),
}
SAID = (1.0, 1.0, -1.0, 0.0, 1.0, math.nan, -1.0, 0.5, 0.0, 1.0, 1.0, -0.2)


def is_sound(result: BacktestResult) -> bool:
    numbers = [*result.equity, *result.cash, *result.exposure[np.isfinite(result.exposure)]]
    amounts = [value for fill in result.fills for value in (fill.price, fill.quantity, fill.charges.total, fill.slippage)]
    amounts += [value for trade in result.trades for value in (trade.net_pnl, trade.costs)]
    returns = [value for trade in result.trades for value in (trade.return_, trade.mae, trade.mfe)]
    return all(map(math.isfinite, numbers)) and all(amount.is_finite() for amount in amounts) and all(map(math.isfinite, returns))


@pytest.mark.parametrize("rules", SETTINGS.values(), ids=SETTINGS)
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_an_odd_series_gives_a_finite_account_or_an_error_with_a_name(change: Change, rules: BacktestSettings) -> None:
    bars = change(daily([100.0, 101.0, 99.5, 103.0, 102.0, 100.0, 98.0, 99.0, 101.0, 104.0, 103.0, 105.0]))
    said: dict[str, Floats] = {"NSE:INFY": np.array(SAID[: len(bars)])}
    with contextlib.suppress(QtsError):  # an error with a name is an answer; any other fails the test
        result = by_core(rules, [bars], said)
        assert is_sound(result)
        assert len(result.equity) == len(np.unique(bars.ts))


def test_a_short_against_a_price_that_rises_a_hundredfold_ends_in_ruin_and_stays_there() -> None:
    bars = daily([100.0, 100.0, 100.0, 10_000.0, 9_000.0, 8_000.0, 100.0, 100.0])
    intraday = replace(bars, interval=Interval.MINUTE_1, ts=bars.ts[0] + 60_000_000 * np.arange(8, dtype=np.int64))
    rules = BacktestSettings(product=Product.MIS, size=parse_size("percent:1"), costs=parse_costs("none"), slippage=parse_slippage("none"))
    result = by_core(rules, [intraday], {"NSE:INFY": np.full(8, -1.0)})
    assert is_sound(result)
    ruined_at = int(np.argmax(result.equity <= 0))
    assert ruined_at > 0
    assert not result.final_positions
    assert np.all(result.equity[ruined_at + 1 :] == result.equity[-1])
