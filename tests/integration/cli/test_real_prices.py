"""The whole way on real prices of NSE: import, backtest, the trades that another engine makes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Qts = Callable[..., Any]
pytestmark = pytest.mark.realdata


def test_raw_prices_give_the_document_that_was_agreed(home: Path, realdata: Path, qts: Qts) -> None:
    assert home.exists()
    imported = qts("import", realdata / "nse_daily_raw_2017_2022.parquet", "--json").document
    assert sum(file["stored"] for file in imported["files"]) == 33_202
    words = ["backtest", "ema_cross", "--instruments", "NSE:RELIANCE", "--interval", "1d", "--from", "2017-01-02", "--to", "2022-02-28"]
    words += ["--param", "fast=20", "--param", "slow=50", "--size", "shares:10", "--costs", "none", "--slippage", "none", "--json"]
    document = qts(*words).document
    assert document["data"]["snapshot"] == imported["snapshot"]
    assert (document["data"]["from"], document["data"]["to"], document["data"]["bars"]) == ("2017-01-02", "2022-02-28", 1277)
    assert document["settings"] | {"capital": "1000000", "size": "shares:10", "costs": "none", "slippage": "none"} == document["settings"]
    # 2018-01-02 and 2021-08-10 are missing in the file though sessions were held; the bonus of 2017-09-07 is a jump that nobody stated.
    assert document["data"]["quality"] == pytest.approx(100 - 100 * 2 / 1279 - 100 * 20 / 1277, abs=0.01)
    assert qts("replay", document["run_id"], "--json").document["identical"] is True


def test_adjusted_prices_give_the_trades_of_another_engine(home: Path, realdata: Path, qts: Qts) -> None:
    """Its rule at the end: what is open is sold at the open of the last bar; ours stays open, so that trade is left out."""
    assert home.exists()
    truth = json.loads((realdata / "truth" / "ema_cross_nse.json").read_text())["cases"]["RELIANCE_ema_20_50_long_q10_c0"]
    qts("import", realdata / "nse_daily_adjusted.parquet", "--json")
    words = ["backtest", "ema_cross", "--instruments", "NSE:RELIANCE", "--from", truth["start"], "--to", truth["end"], "--json"]
    words += [
        "--param",
        "fast=20",
        "--param",
        "slow=50",
        "--size",
        "shares:10",
        "--costs",
        "none",
        "--slippage",
        "none",
        "--capital",
        "10000000",
    ]
    document = qts(*words).document
    assert document["data"]["prices"] == {"NSE:RELIANCE": "adjusted"}
    ours = [(trade["entry_at"][:10], trade["entry_price"], trade["exit_at"][:10], trade["exit_price"]) for trade in document["trades"]]
    theirs = [(trade["entry_time"][:10], trade["entry_price"], trade["exit_time"][:10], trade["exit_price"]) for trade in truth["trades"]]
    n_closed = sum(not trade["open"] for trade in document["trades"])
    assert len(ours) == len(theirs) == 53
    assert n_closed >= 52
    assert [trade[::2] for trade in ours[:n_closed]] == [trade[::2] for trade in theirs[:n_closed]]
    for one, other in zip(ours[:n_closed], theirs[:n_closed], strict=True):
        assert one[1::2] == pytest.approx(other[1::2], abs=1e-9)
    assert {trade["quantity"] for trade in document["trades"]} == {10}
