"""The contest's cases on our own engine, by the calls its users make: ``evaluate``, ``sweep``, ``run``, and an ``on_bar`` strategy."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from importlib import import_module
from math import sqrt
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

import qts
from benchmarks.peers.worker import Engine, Outcome, Prepare, Run, Spec, serve
from benchmarks.walk import CLOSE, HIGH, LOW, OPEN, VOLUME
from qts.backtest import BacktestResult, BacktestSettings, Evaluation, evaluate, parse_costs, parse_size, parse_slippage, run, sweep
from qts.core import Bars, Exchange, InstrumentId, Interval, micros_of
from qts.market.sessions import sessions
from qts.strategies import Context, Indicator, Param, Ref, Rule, Strategy

Floats = NDArray[np.float64]
BARS_PER_SESSION: Final = 375
DAY_MICROS: Final = 86_400_000_000
MINUTE_MICROS: Final = 60_000_000


def rule_strategy() -> Strategy:
    """Return the contest's rule, which says nothing before bar ``slow``."""
    fast, slow = (Indicator("ema", Ref(name), seed="first") for name in ("fast", "slow"))
    spans = {"fast": Param(12, low=1, high=1_000), "slow": Param(26, low=2, high=1_000)}
    return Strategy(
        title="EMA cross", params=spans, rule=Rule(enter=fast.crosses_above(slow), exit=fast.crosses_below(slow), warmup=Ref("slow"))
    )


def callback_strategy(spec: Spec) -> Strategy:
    """Return the contest's rule as a Python callback for each bar."""
    ((fast_span, slow_span),) = spec.pairs
    shares = spec.shares

    def on_start(context: Context) -> None:
        instrument, state = context.instrument, context.state
        state.fast = instrument.indicator("ema", fast_span, seed="first")
        state.slow = instrument.indicator("ema", slow_span, seed="first")

    def on_bar(context: Context) -> None:
        if context.bar < slow_span:
            return
        fast, slow = context.state.fast, context.state.slow
        if fast[-1] > slow[-1]:
            if fast[-2] <= slow[-2]:
                context.instrument.hold(shares)
        elif fast[-1] < slow[-1] and fast[-2] >= slow[-2]:
            context.instrument.hold(0)

    return Strategy(title="EMA cross, bar by bar", on_start=on_start, on_bar=on_bar)


def settings(spec: Spec) -> BacktestSettings:
    """Return the contest's account; ``option`` names other costs."""
    return BacktestSettings(
        capital=Decimal(str(spec.capital)),
        size=parse_size(f"shares:{spec.shares}"),
        costs=parse_costs(spec.option or f"percent:{spec.fee}"),
        slippage=parse_slippage("none"),
    )


def single(prices: Floats, spec: Spec) -> Run:
    """Prepare one run for its measures."""
    return _evaluating(prices, spec, keeps_curve=False)


def curve(prices: Floats, spec: Spec) -> Run:
    """Prepare one run that also keeps the equity of each bar."""
    return _evaluating(prices, spec, keeps_curve=True)


def _evaluating(prices: Floats, spec: Spec, *, keeps_curve: bool) -> Run:
    ((fast, slow),) = spec.pairs
    series = [minutes(prices)]

    def once() -> Outcome:
        found = evaluate(rule_strategy(), {"fast": fast, "slow": slow}, series, settings(spec), curve=keeps_curve)
        return measured([found])

    return once


def many_pairs(prices: Floats, spec: Spec) -> Run:
    """Prepare a sweep on one thread."""
    series = [minutes(prices)]
    cells = [{"fast": fast, "slow": slow} for fast, slow in spec.pairs]

    def once() -> Outcome:
        return measured(list(sweep(rule_strategy(), cells, series, settings(spec), threads=1)))

    return once


def portfolio(prices: Floats, spec: Spec) -> Run:
    """Prepare many symbols on one account."""
    ((fast, slow),) = spec.pairs
    series = days(prices)

    def once() -> Outcome:
        return measured([evaluate(rule_strategy(), {"fast": fast, "slow": slow}, series, settings(spec))])

    return once


def whole_run(prices: Floats, spec: Spec) -> Run:
    """Prepare one run with its ledger, fills and trades."""
    ((fast, slow),) = spec.pairs
    series = [minutes(prices)]

    def once() -> Outcome:
        return told(run(rule_strategy(), {"fast": fast, "slow": slow}, series, settings(spec)), spec)

    return once


def callback(prices: Floats, spec: Spec) -> Run:
    """Prepare one run of the Python callback, for its measures."""
    series = [minutes(prices)]
    return lambda: measured([evaluate(callback_strategy(spec), {}, series, settings(spec))])


def callback_run(prices: Floats, spec: Spec) -> Run:
    """Prepare the same with its ledger, fills and trades."""
    series = [minutes(prices)]
    return lambda: told(run(callback_strategy(spec), {}, series, settings(spec)), spec)


def account(prices: Floats, spec: Spec) -> Run:
    """Prepare many symbols on an account whose cash limits them, with a stop-loss on every position, for its measures."""
    series, chosen = days(prices), limited(spec)
    cell = dict(zip(("fast", "slow"), spec.pairs[0], strict=True))
    return lambda: measured([evaluate(rule_strategy(), cell, series, chosen)])


def account_run(prices: Floats, spec: Spec) -> Run:
    """Prepare the same with its ledger, fills and trades."""
    series, chosen = days(prices), limited(spec)
    cell = dict(zip(("fast", "slow"), spec.pairs[0], strict=True))
    return lambda: told(run(rule_strategy(), cell, series, chosen), spec)


def limited(spec: Spec) -> BacktestSettings:
    """Return an account in which 5,000 rupees a position are more than there is for all of them."""
    guarded: dict[str, Any] = {"protection": import_module("qts.backtest.settings").Protection(stop_loss=Decimal("0.05"))}
    return replace(settings(spec), size=parse_size("cash:5000"), slippage=parse_slippage("bps:2"), **guarded)


def measured(found: list[Evaluation]) -> Outcome:
    """Return the four outputs; the contest counts the first bar's return, which is nothing, among the returns."""
    return Outcome(
        final_equity=[each.final_equity for each in found],
        max_drawdown=[each.max_drawdown for each in found],
        entries=[each.n_entries for each in found],
        sharpe=[with_first_bar(each) for each in found],
    )


def with_first_bar(found: Evaluation) -> float:
    """Return mean over deviation when one return of zero is added."""
    mean, deviation, n = found.mean_return, found.deviation, found.n_bars
    if mean is None or deviation is None or n < 3:
        return 0.0
    squares = deviation * deviation * (n - 2) + mean * mean * (n - 1)
    whole = mean * (n - 1) / n
    rest = squares - n * whole * whole
    return whole / sqrt(rest / (n - 1)) if rest > 0 else 0.0


def told(result: BacktestResult, spec: Spec) -> Outcome:
    """Return the four outputs of a whole run from its curve and its trades."""
    equity = result.equity
    returns = equity / np.concatenate([[spec.capital], equity[:-1]]) - 1.0
    deviation = float(returns.std(ddof=1))
    return Outcome(
        final_equity=[float(equity[-1])],
        max_drawdown=[float((equity / np.maximum(np.maximum.accumulate(equity), spec.capital) - 1.0).min())],
        entries=[len(result.trades)],
        sharpe=[float(returns.mean()) / deviation if deviation > 0 else 0.0],
    )


def minutes(prices: Floats) -> Bars:
    """Return rows as the minute bars of one symbol."""
    return bars_of(prices, "NSE:WALK", Interval.MINUTE_1, minute_stamps(prices.shape[1]))


def days(prices: Floats) -> list[Bars]:
    """Return rows as the daily bars of many symbols."""
    stamps = day_stamps(prices.shape[2])
    return [bars_of(rows, f"NSE:WALK{number:03}", Interval.DAY, stamps) for number, rows in enumerate(prices)]


def bars_of(prices: Floats, name: str, interval: Interval, ts: NDArray[np.int64]) -> Bars:
    """Return rows of prices as bars."""
    open_, high, low, close, volume = (np.ascontiguousarray(prices[row]) for row in (OPEN, HIGH, LOW, CLOSE, VOLUME))
    return Bars(
        instrument=InstrumentId(name),
        interval=interval,
        ts=ts,
        open=open_,
        high=high,
        low=low,
        close=close,
        volume=volume,
        oi=np.full(len(ts), np.nan),
    )


def day_stamps(n_bars: int) -> NDArray[np.int64]:
    """Return the opening instants of days in a row from 2012 on."""
    first = micros_of(datetime(2012, 1, 2, 3, 45, tzinfo=UTC))
    stamps: NDArray[np.int64] = first + np.arange(n_bars, dtype=np.int64) * DAY_MICROS
    return stamps


def minute_stamps(n_bars: int) -> NDArray[np.int64]:
    """Return the minutes of the sessions of NSE from 2021 on; beyond the known calendar, of weekdays."""
    n_days = -(-n_bars // BARS_PER_SESSION)
    start = datetime(2021, 1, 1, tzinfo=UTC).date()
    held = [session.date for session in sessions(Exchange.NSE, start, start + timedelta(days=int(n_days * 1.6) + 30))][:n_days]
    opened = np.array([micros_of(datetime(day.year, day.month, day.day, 3, 45, tzinfo=UTC)) for day in held], dtype=np.int64)
    within = np.arange(BARS_PER_SESSION, dtype=np.int64) * MINUTE_MICROS
    return (opened[:, None] + within[None, :]).ravel()[:n_bars].copy()


CASES: Final[dict[str, Prepare]] = {
    "single": single,
    "curve": curve,
    "sweep": many_pairs,
    "portfolio": portfolio,
    "run": whole_run,
    "on_bar": callback,
    "on_bar_run": callback_run,
    "account": account,
    "account_run": account_run,
}

if __name__ == "__main__":
    # Short series are played without the compiler until something has loaded it, which a cold start is the better for.
    serve(Engine(version=lambda: qts.__version__, cases=CASES, load=lambda: import_module("numba")))
