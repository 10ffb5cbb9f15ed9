"""The SMA crossover of another engine's guide, long and short without a pause: its trades one by one (see the truth file).

Its prices come with that engine's package, which only the environment of the benchmarks has (``make bench`` sets it up).
"""

from __future__ import annotations

import csv
import json
import math
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from qts.backtest import BacktestSettings, parse_costs, parse_slippage, run
from qts.core import Bars, Exchange, Floats, InstrumentId, Interval, Product, micros_of
from qts.kernels import crosses_above, crosses_below, sma
from qts.market.sessions import daily_stamp
from qts.strategies import Context, Strategy

REPOSITORY = Path(__file__).resolve().parents[2]
ALMOST_ALL = 1 - 2.0**-52  # that engine leaves the least part of the equity there is


@pytest.fixture(scope="module")
def bars() -> Bars:
    found = sorted(REPOSITORY.glob(".venv-bench/lib/python3*/site-packages/backtesting/test/GOOG.csv"))
    if not found:
        pytest.skip("the prices come with the environment of the benchmarks: make bench")
    with found[0].open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    days = [datetime.fromisoformat(row[""]).replace(tzinfo=UTC).date() for row in rows]
    columns = {name: np.array([float(row[name.capitalize()]) for row in rows]) for name in ("open", "high", "low", "close", "volume")}
    return Bars(
        instrument=InstrumentId("NFO:GOOG26DECFUT"),  # a contract, for only those may be short overnight; it blocks its full value
        interval=Interval.DAY,
        ts=np.array([micros_of(daily_stamp(Exchange.NFO, day)) for day in days], dtype=np.int64),
        oi=np.full(len(rows), np.nan),
        **columns,
    )


def turning(open_: Floats, close: Floats, params: dict[str, float]) -> Strategy:
    """Return the rule: always in the market after the first cross, all in, sized at the next open as that engine does."""
    fast, slow, cost = sma(close, int(params["n1"])), sma(close, int(params["n2"])), params["commission"]
    up, down = crosses_above(fast, slow), crosses_below(fast, slow)

    def on_bar(context: Context) -> None:
        t, item = context.bar, context.instrument
        if t + 1 == len(open_) or not (up[t] or down[t]):
            return
        price = float(open_[t + 1])
        after_closing = context.cash + item.position * price - abs(item.position) * price * cost
        size = math.floor(after_closing * ALMOST_ALL / (price * (1 + cost)))
        item.hold(size if up[t] else -size)

    return Strategy(title="Always in", on_bar=on_bar)


@pytest.mark.realdata
def test_trades_and_final_equity_are_those_of_the_truth(realdata: Path, bars: Bars) -> None:
    case = json.loads((realdata / "truth" / "backtestingpy_goog.json").read_text())["cases"]["goog_sma_10_20_c0.002_open_last"]
    settings = BacktestSettings(
        capital=Decimal(str(case["params"]["cash"])),
        product=Product.NRML,
        costs=parse_costs(f"percent:{case['params']['commission']}"),
        slippage=parse_slippage("none"),
    )
    result = run(turning(bars.open, bars.close, case["params"]), {}, [bars], settings)
    closed = [trade for trade in result.trades if not trade.open]
    assert len(closed) == case["n_trades"]
    stamps = bars.ts.tolist()
    for trade, expected in zip(closed, case["trades"], strict=True):
        size = float(trade.quantity) * (1 if trade.direction == "long" else -1)
        bar_of = [stamps.index(micros_of(at)) for at in (trade.entry_at, trade.exit_at)]
        assert [size, *bar_of] == [expected["size"], expected["entry_bar"], expected["exit_bar"]]
        assert float(trade.entry_price) == pytest.approx(expected["entry_price"], rel=1e-9)
        assert float(trade.exit_price) == pytest.approx(expected["exit_price"], rel=1e-9)
        assert float(trade.net_pnl) == pytest.approx(expected["pnl"], abs=1e-6)
    assert result.equity[-1] == pytest.approx(case["final_equity"], rel=1e-9)
