"""The contest's cases on raptorbt: its array runners, its batch for sweeps, its own average.

Its average is seeded with the mean of the first ``span`` values. Given ``span - 1`` copies of the first close in front, that mean is the
first close, and the numbers are those of the contest. Its sizes are fractions of equity: a lot of 100 shares and a fraction worth one lot
and a half make every purchase 100 shares.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers.worker import Engine, Outcome, Run, Spec, joined, serve
from benchmarks.walk import CLOSE, HIGH, LOW, OPEN, VOLUME

Floats = NDArray[np.float64]
BATCH = 40


def single(prices: Floats, spec: Spec) -> Run:
    """Prepare one run of one pair."""
    engine, columns, ts = import_module("raptorbt"), rows(prices), instants(prices)
    chosen = settings(engine, columns, spec)
    (pair,) = spec.pairs

    def run() -> Outcome:
        enter, leave = signals(average(engine, columns[CLOSE], pair[0]), average(engine, columns[CLOSE], pair[1]), pair[1])
        result = engine.run_single_backtest(ts, *columns, enter, leave, **chosen)
        return outcome([result])

    return run


def sweep(prices: Floats, spec: Spec) -> Run:
    """Prepare a sweep: every average once, pairs in batches, because a batch holds all curves of its pairs."""
    engine, columns, ts = import_module("raptorbt"), rows(prices), instants(prices)
    chosen = settings(engine, columns, spec)

    def run() -> Outcome:
        spans = sorted({span for pair in spec.pairs for span in pair})
        averages = {span: average(engine, columns[CLOSE], span) for span in spans}
        parts = []
        for start in range(0, len(spec.pairs), BATCH):
            items = []
            for fast, slow in spec.pairs[start : start + BATCH]:
                enter, leave = signals(averages[fast], averages[slow], slow)
                items.append(engine.BatchSingleItem(f"{fast}/{slow}", enter, leave, **chosen))
            parts += [outcome([result]) for _, result in engine.batch_single_backtest(ts, *columns, items, chosen["config"])]
        return joined(parts)

    return run


def portfolio(prices: Floats, spec: Spec) -> Run:
    """Prepare many symbols: one run each, their curves summed, because its shared account sizes by weight only."""
    engine = import_module("raptorbt")
    symbols = [(columns, settings(engine, columns, spec)) for columns in map(rows, prices)]
    ts = instants(prices[0])
    (pair,) = spec.pairs

    def run() -> Outcome:
        total, entries = np.full(len(ts), spec.capital), 0
        for columns, chosen in symbols:
            enter, leave = signals(average(engine, columns[CLOSE], pair[0]), average(engine, columns[CLOSE], pair[1]), pair[1])
            result = engine.run_single_backtest(ts, *columns, enter, leave, **chosen)
            total += result.equity_curve() - spec.capital
            entries += result.metrics.total_trades
        returns = np.diff(total, prepend=spec.capital) / np.concatenate([[spec.capital], total[:-1]])
        fall = float((total / np.maximum.accumulate(total) - 1.0).min())
        return Outcome(
            final_equity=[float(total[-1])], max_drawdown=[fall], entries=[entries], sharpe=[float(returns.mean() / returns.std(ddof=1))]
        )

    return run


def average(engine: Any, close: Floats, span: int) -> Floats:  # noqa: ANN401 - an untyped module
    padded = np.concatenate([np.full(span - 1, close[0]), close])
    result: Floats = engine.ema(padded, span)[span - 1 :]
    return result


def signals(fast: Floats, slow: Floats, first: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    above, below = fast > slow, fast < slow
    enter, leave = np.zeros(len(fast), dtype=np.bool_), np.zeros(len(fast), dtype=np.bool_)
    np.logical_and(above[1:], fast[:-1] <= slow[:-1], out=enter[1:])
    np.logical_and(below[1:], fast[:-1] >= slow[:-1], out=leave[1:])
    enter[:first] = leave[:first] = False
    return enter, leave


def settings(engine: Any, columns: list[Floats], spec: Spec) -> dict[str, Any]:  # noqa: ANN401 - an untyped module
    """Return what makes a purchase 100 shares: an allotment where one fits all prices, else a fraction for each bar."""
    least, most = float(columns[OPEN].min()), float(columns[OPEN].max())
    allotted = 1.99 * spec.shares * least
    config = engine.BacktestConfig(initial_capital=spec.capital, fees=spec.fee, fill_timing="next_bar_open", periods_per_year=1.0)
    if most * spec.shares * (1.0 + spec.fee) < allotted:
        return {"config": config, "instrument_config": engine.InstrumentConfig(lot_size=float(spec.shares), alloted_capital=allotted)}
    lots = engine.InstrumentConfig(lot_size=float(spec.shares))
    return {"config": config, "instrument_config": lots, "position_sizes": 1.5 * spec.shares * columns[OPEN] / spec.capital}


def outcome(results: list[Any]) -> Outcome:
    found = [result.metrics for result in results]
    return Outcome(
        final_equity=[metrics.end_value for metrics in found],
        max_drawdown=[-abs(metrics.max_drawdown_pct) / 100.0 for metrics in found],
        entries=[metrics.total_trades for metrics in found],
        sharpe=[metrics.sharpe_ratio for metrics in found],
    )


def rows(prices: Floats) -> list[Floats]:
    return [np.ascontiguousarray(prices[row]) for row in (OPEN, HIGH, LOW, CLOSE, VOLUME)]


def instants(prices: Floats) -> NDArray[np.int64]:
    return np.arange(prices.shape[1], dtype=np.int64) * 60_000_000_000


if __name__ == "__main__":
    serve(Engine(version=lambda: version("raptorbt"), cases={"single": single, "sweep": sweep, "portfolio": portfolio}))
