"""The contest's single run on backtesting.py: a Python callback for each bar, averages from pandas."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers.worker import Engine, Outcome, Run, Spec, serve

Floats = NDArray[np.float64]


def single(prices: Floats, spec: Spec) -> Run:
    """Prepare one run of one pair."""
    engine: Any = import_module("backtesting")
    pandas: Any = import_module("pandas")
    index = pandas.date_range("2021-01-01", periods=prices.shape[1], freq="1min")
    table = pandas.DataFrame(dict(zip(("Open", "High", "Low", "Close", "Volume"), prices, strict=True)), index=index)
    (pair,) = spec.pairs
    strategy = crosser(engine, pandas, pair, spec.shares)

    def run() -> Outcome:
        test = engine.Backtest(table, strategy, cash=spec.capital, commission=spec.fee, finalize_trades=False)
        stats = test.run()
        return outcome(stats, spec.capital)

    return run


def crosser(engine: Any, pandas: Any, pair: tuple[int, int], shares: int) -> Any:  # noqa: ANN401 - untyped modules
    base: Any = engine.Strategy

    class Crosser(base):  # type: ignore[misc]  # the base is untyped
        """Buy at a cross up, close at a cross down."""

        def init(self) -> None:
            self.fast = self.I(average, pandas, self.data.Close, pair[0], plot=False)
            self.slow = self.I(average, pandas, self.data.Close, pair[1], plot=False)

        def next(self) -> None:
            if len(self.data) <= pair[1]:
                return
            fast, slow = self.fast, self.slow
            if fast[-1] > slow[-1]:
                if fast[-2] <= slow[-2] and not self.position:
                    self.buy(size=shares)
            elif fast[-1] < slow[-1] and fast[-2] >= slow[-2] and self.position:
                self.position.close()

    return Crosser


def average(pandas: Any, close: Floats, span: int) -> Floats:  # noqa: ANN401 - an untyped module
    result: Floats = pandas.Series(close).ewm(span=span, adjust=False).mean().to_numpy()
    return result


def outcome(stats: Any, capital: float) -> Outcome:  # noqa: ANN401 - an untyped module
    equity = stats["_equity_curve"]["Equity"].to_numpy()
    previous = np.concatenate([[capital], equity[:-1]])
    returns = equity / previous - 1.0
    fall = equity / np.maximum.accumulate(equity) - 1.0
    entries = len(stats["_trades"]) + len(stats["_strategy"].trades)
    return Outcome(
        final_equity=[float(equity[-1])],
        max_drawdown=[float(fall.min())],
        entries=[entries],
        sharpe=[float(returns.mean() / returns.std(ddof=1))],
    )


if __name__ == "__main__":
    serve(Engine(version=lambda: version("backtesting"), cases={"single": single}))
