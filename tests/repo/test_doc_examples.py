"""The strategies printed in the documentation are found, decide, trade, and never look ahead."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from qts.backtest import BacktestSettings, Verdict, run
from qts.backtest.lookahead import check
from qts.core import Bars, InstrumentId, Interval, Product, load_file
from qts.strategies import Strategy

DOCS = Path(__file__).parents[2] / "docs"
# What a fragment of a file leaves out.
BEFORE = "from qts.strategies import Column, Const, Indicator, Lag, Param, Ref, Rule, Strategy\n"
AFTER = '\nSTRATEGY = Strategy(title="Example", rule=rule)\n'


def examples() -> list[tuple[str, str]]:
    """Return the Python blocks of the pages on writing strategies, by page and place."""
    found = []
    for page in ("tutorial/write-a-strategy.md", "how-to/write-a-rule.md", "how-to/trade-bar-by-bar.md"):
        blocks = re.findall(r"```python\n(.+?)```", (DOCS / page).read_text(encoding="utf-8"), re.DOTALL)
        found += [(f"{page} {k}", block) for k, block in enumerate(blocks)]
    return found


EXAMPLES = dict(examples())


def loaded(name: str, folder: Path) -> Strategy:
    block = EXAMPLES[name]
    path = folder / "example.py"
    path.write_text(block if "STRATEGY" in block else BEFORE + block + AFTER, encoding="utf-8")
    found = load_file(path, "STRATEGY", Strategy)
    assert found.error is None, found.error
    assert found.value is not None
    return found.value


def market(name: str) -> Bars:
    """Return 15 minutes where the example speaks of days, else days."""
    intraday = 'interval="1d"' in EXAMPLES[name]
    n_bars = 2500
    rng = np.random.default_rng(11)
    close = np.round(500 * np.exp(np.cumsum(rng.standard_t(3, n_bars) * (0.002 if intraday else 0.01))), 2)
    day, slot = np.divmod(np.arange(n_bars, dtype=np.int64), 25 if intraday else 1)
    return Bars(
        instrument=InstrumentId("NSE:INFY"),
        interval=Interval.MINUTE_15 if intraday else Interval.DAY,
        # From Monday the sixth of July 2020, 09:15 in India.
        ts=1_594_007_100_000_000 + 86_400_000_000 * (day + day // 5 * 2) + 900_000_000 * slot,
        open=close.copy(),
        high=np.round(close * 1.002, 2),
        low=np.round(close * 0.998, 2),
        close=close,
        volume=np.round(rng.lognormal(12, 0.7, n_bars)),
        oi=np.full(n_bars, np.nan),
    )


def test_the_pages_hold_examples() -> None:
    assert len([name for name in EXAMPLES if "write-a-rule" in name]) == 5
    assert len([name for name in EXAMPLES if "write-a-strategy" in name]) == 2


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_trades_and_does_not_look_ahead(name: str, tmp_path: Path) -> None:
    strategy = loaded(name, tmp_path)
    bars = market(name)
    result = run(strategy, {}, [bars], BacktestSettings(product=Product.CNC))
    assert {str(fill.side) for fill in result.fills} == {"buy", "sell"}
    assert check(strategy, {}, [bars], n_cuts=20).verdict is Verdict.CLEAN


def test_the_tutorial_s_rule_trades_as_its_loop_does(tmp_path: Path) -> None:
    loop, rule = (loaded(f"tutorial/write-a-strategy.md {k}", tmp_path) for k in (0, 1))
    bars = market("tutorial/write-a-strategy.md 0")
    expected = run(loop, {}, [bars], BacktestSettings())
    assert len(expected.fills) > 10
    assert run(rule, {"stop": 0}, [bars], BacktestSettings()).fills == expected.fills
    assert "stop_loss" in {str(fill.reason) for fill in run(rule, {"stop": 0.05}, [bars], BacktestSettings()).fills}


def test_the_weekly_term_of_the_example_is_of_closed_weeks(tmp_path: Path) -> None:
    strategy = loaded("how-to/write-a-rule.md 0", tmp_path)
    bars = market("how-to/write-a-rule.md 0")
    # A last week that has only begun changes nothing of what its days decide, whatever it will close at.
    cut = bars.window(0, 1002)
    later = replace(bars, close=np.concatenate((bars.close[:1002], bars.close[1002:] * 2)))
    np.testing.assert_array_equal(strategy.exposure(later)[:1002], strategy.exposure(cut))
