"""The EMA crossover on real daily bars against the trades another engine made of the same rule (see the truth file)."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from qts.backtest import BacktestSettings, parse_costs, parse_size, parse_slippage, run
from qts.core import Bars, Exchange, FillReason, InstrumentId, Interval, micros_of
from qts.market.sessions import daily_stamp
from qts.strategies import load_catalog

CASES = ["RELIANCE_ema_20_50_long_q10_c0", "TCS_ema_20_50_long_q10_c0", "SBIN_ema_20_50_long_q10_c0"]


@pytest.mark.realdata
@pytest.mark.parametrize("name", CASES)
def test_trades_and_final_equity_are_those_of_the_truth(realdata: Path, name: str) -> None:
    case = json.loads((realdata / "truth" / "ema_cross_nse.json").read_text())["cases"][name]
    params = case["params"]
    bars = daily_bars(realdata / case["data"], case["symbol"], case["start"], case["end"])
    settings = BacktestSettings(
        capital=Decimal(str(params["cash"])),
        size=parse_size(f"shares:{params['qty']}"),
        costs=parse_costs("none"),
        slippage=parse_slippage("none"),
    )
    strategy = load_catalog().get("ema_cross").require()
    result = run(strategy, {"fast": params["fast"], "slow": params["slow"]}, [bars], settings)

    *closed, last = result.trades
    expected = [(t["entry_time"][:10], t["entry_price"], t["exit_time"][:10], t["exit_price"], t["size"]) for t in case["trades"]]
    got = [
        (str(t.entry_at.date()), float(t.entry_price), str(t.exit_at.date()), float(t.exit_price), int(t.quantity)) for t in result.trades
    ]
    assert len(got) == case["n_trades"]
    assert got[:-1] == expected[:-1]
    assert all(not t.open and t.exit_reason is FillReason.SIGNAL for t in closed)
    # That engine sells what is left at the open of the last bar; ours marks it at its close.
    assert last.open
    assert (got[-1][0], got[-1][1], got[-1][2], got[-1][4]) == (expected[-1][0], expected[-1][1], expected[-1][2], expected[-1][4])
    assert expected[-1][3] == bars.open[-1]
    shift = params["qty"] * (bars.close[-1] - bars.open[-1])
    assert result.equity[-1] == pytest.approx(case["final_equity"] + shift, rel=1e-12)


def daily_bars(path: Path, symbol: str, start: str, end: str) -> Bars:
    table = pq.read_table(
        path, filters=[("symbol", "=", symbol), ("date", ">=", datetime.fromisoformat(start)), ("date", "<=", datetime.fromisoformat(end))]
    )
    assert isinstance(table, pa.Table)
    table = table.take(pc.sort_indices(table, [("date", "ascending")]))
    columns = {column: table[column].to_numpy() for column in ("open", "high", "low", "close", "volume")}
    stamps = [micros_of(daily_stamp(Exchange.NSE, at.date())) for at in table["date"].to_pylist()]
    return Bars(
        instrument=InstrumentId(f"NSE:{symbol}"),
        interval=Interval.DAY,
        ts=np.array(stamps, dtype=np.int64),
        oi=np.full(len(table), np.nan),
        **columns,
    )
