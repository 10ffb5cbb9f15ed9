"""The contest's cases on vectorbt, in two ways.

*Documented*: as its documentation shows it: pandas in, ``MA.run``, ``ma_crossed_above``, ``Portfolio.from_signals``, and the methods of the
portfolio for each output. A sweep goes in blocks of 16 pairs; one call for all pairs takes twice to three times as long and memory by the
gigabyte.

*Arrays*: the fastest way we found: its functions on plain arrays, its curve and returns reduced with NumPy, a sweep as a loop over the
pairs with each average computed once. Blocks of 2, 4, 8 and 16 pairs were slower.

The engine is its default, "auto", which takes its Rust functions where they are installed.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers.worker import Engine, Outcome, Run, Spec, joined, serve
from benchmarks.walk import CLOSE, OPEN

Floats = NDArray[np.float64]
BLOCK = 16


def documented(prices: Floats, spec: Spec) -> Run:
    """Prepare runs as the documentation shows them."""
    vectorbt: Any = import_module("vectorbt")
    pandas: Any = import_module("pandas")
    index = pandas.date_range("2021-01-01", periods=prices.shape[1], freq="1min")
    open_, close = (pandas.Series(prices[row], index) for row in (OPEN, CLOSE))

    def run() -> Outcome:
        parts = []
        for start in range(0, len(spec.pairs), BLOCK):
            pairs = spec.pairs[start : start + BLOCK]
            fast = vectorbt.MA.run(close, [pair[0] for pair in pairs], ewm=True, short_name="fast")
            slow = vectorbt.MA.run(close, [pair[1] for pair in pairs], ewm=True, short_name="slow")
            enter, leave = fast.ma_crossed_above(slow), fast.ma_crossed_below(slow)
            early = np.arange(len(close))[:, None] < np.array([pair[1] for pair in pairs])[None, :]
            enter, leave = ((found & ~early).vbt.signals.fshift(1) for found in (frame(enter), frame(leave)))
            account = vectorbt.Portfolio.from_signals(
                close, enter, leave, price=open_, size=float(spec.shares), fees=spec.fee, init_cash=spec.capital, freq="1min"
            )
            parts.append(reported(account))
        return joined(parts)

    return run


def frame(found: Any) -> Any:  # noqa: ANN401 - an untyped module
    return found.to_frame() if found.ndim == 1 else found


def reported(account: Any) -> Outcome:  # noqa: ANN401 - an untyped module
    """Return the four outputs by the methods of the portfolio; its Sharpe without the annualisation."""
    yearly = np.sqrt(account.returns_acc().ann_factor)
    return Outcome(
        final_equity=listed(account.final_value()),
        max_drawdown=listed(account.max_drawdown()),
        entries=[int(count) for count in listed(account.orders.buy.count())],
        sharpe=[value / yearly for value in listed(account.sharpe_ratio())],
    )


def listed(values: Any) -> list[float]:  # noqa: ANN401 - an untyped module
    return [float(value) for value in np.atleast_1d(np.asarray(values))]


def arrays(prices: Floats, spec: Spec) -> Run:
    """Prepare runs on plain arrays, one pair after the other."""
    vectorbt: Any = import_module("vectorbt")
    open_, close = (np.ascontiguousarray(prices[row])[:, None] for row in (OPEN, CLOSE))

    def run() -> Outcome:
        spans = sorted({span for pair in spec.pairs for span in pair})
        averages = {span: average(vectorbt, close, span) for span in spans}
        parts = []
        for pair in spec.pairs:
            enter, leave = signals(averages[pair[0]], averages[pair[1]], [pair[1]])
            account = vectorbt.Portfolio.from_signals(
                close, enter, leave, price=open_, size=float(spec.shares), fees=spec.fee, init_cash=spec.capital, freq="1min"
            )
            parts.append(outcome(account))
        return joined(parts)

    return run


def portfolio(prices: Floats, spec: Spec) -> Run:
    """Prepare many symbols on one account: columns of one group that share cash."""
    vectorbt: Any = import_module("vectorbt")
    open_, close = (np.ascontiguousarray(prices[:, row].T) for row in (OPEN, CLOSE))
    (pair,) = spec.pairs

    def run() -> Outcome:
        fast, slow = average(vectorbt, close, pair[0]), average(vectorbt, close, pair[1])
        enter, leave = signals(fast, slow, [pair[1]] * close.shape[1])
        account = vectorbt.Portfolio.from_signals(
            close,
            enter,
            leave,
            price=open_,
            size=float(spec.shares),
            fees=spec.fee,
            init_cash=spec.capital,
            freq="1D",
            group_by=True,
            cash_sharing=True,
        )
        return outcome(account)

    return run


def documented_portfolio(prices: Floats, spec: Spec) -> Run:
    """Prepare many symbols on one account as the documentation shows it: a frame with a column each, grouped, sharing cash."""
    vectorbt: Any = import_module("vectorbt")
    pandas: Any = import_module("pandas")
    index = pandas.date_range("2015-01-01", periods=prices.shape[2], freq="1D")
    names = pandas.Index([f"WALK{number:03}" for number in range(len(prices))], name="symbol")
    open_, close = (pandas.DataFrame(np.ascontiguousarray(prices[:, row].T), index, names) for row in (OPEN, CLOSE))
    (pair,) = spec.pairs

    def run() -> Outcome:
        fast = vectorbt.MA.run(close, pair[0], ewm=True, short_name="fast")
        slow = vectorbt.MA.run(close, pair[1], ewm=True, short_name="slow")
        enter, leave = fast.ma_crossed_above(slow), fast.ma_crossed_below(slow)
        early = np.broadcast_to(np.arange(len(close))[:, None] < pair[1], enter.shape)
        enter, leave = ((found & ~early).vbt.signals.fshift(1) for found in (enter, leave))
        account = vectorbt.Portfolio.from_signals(
            close,
            enter,
            leave,
            price=open_,
            size=float(spec.shares),
            fees=spec.fee,
            init_cash=spec.capital,
            freq="1D",
            group_by=True,
            cash_sharing=True,
        )
        return reported(account)

    return run


def average(vectorbt: Any, close: Floats, span: int) -> Floats:  # noqa: ANN401 - an untyped module
    result: Floats = vectorbt.generic.dispatch.ewm_mean(close, span, minp=1, adjust=False)
    return result


def signals(fast: Floats, slow: Floats, first: list[int]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return entries and exits one bar after the cross, where they fill at that bar's open."""
    enter, leave = np.zeros(fast.shape, dtype=np.bool_), np.zeros(fast.shape, dtype=np.bool_)
    np.logical_and(fast[1:-1] > slow[1:-1], fast[:-2] <= slow[:-2], out=enter[2:])
    np.logical_and(fast[1:-1] < slow[1:-1], fast[:-2] >= slow[:-2], out=leave[2:])
    for column, bar in enumerate(first):
        enter[: bar + 1, column] = leave[: bar + 1, column] = False
    return enter, leave


def outcome(account: Any) -> Outcome:  # noqa: ANN401 - an untyped module
    """Return the four outputs from its equity, its returns and its records of orders."""
    value = np.asarray(account.value()).reshape(len(account.wrapper.index), -1)
    returns = np.asarray(account.returns()).reshape(value.shape)
    peak = np.maximum.accumulate(value)
    grouped = value.shape[1] == 1
    bought = account.orders.values["side"] == 0
    columns = account.orders.values["col"][bought]
    entries = [len(columns)] if grouped else np.bincount(columns, minlength=value.shape[1]).tolist()
    return Outcome(
        final_equity=value[-1].tolist(),
        max_drawdown=(value / peak - 1.0).min(axis=0).tolist(),
        entries=entries,
        sharpe=(returns.mean(axis=0) / returns.std(axis=0, ddof=1)).tolist(),
    )


CASES = {
    "single": arrays,
    "sweep": arrays,
    "documented": documented,
    "portfolio": portfolio,
    "documented_portfolio": documented_portfolio,
}

if __name__ == "__main__":
    serve(Engine(version=lambda: version("vectorbt"), cases=CASES))
