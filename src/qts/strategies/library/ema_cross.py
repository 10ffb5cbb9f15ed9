"""EMA crossover: long after the fast average has crossed above the slow one, flat (or short) after it has crossed below."""

from __future__ import annotations

from typing import Final

from qts.strategies import Indicator, Param, Ref, Rule, Strategy

quick, calm = Indicator("ema", Ref("fast")), Indicator("ema", Ref("slow"))
up, down = quick.crosses_above(calm), quick.crosses_below(calm)

STRATEGY: Final = Strategy(
    title="EMA crossover",
    description="Follows the trend: buys when the fast exponential average crosses above the slow one, leaves when it crosses below.",
    tags=("trend", "moving average"),
    params={
        "fast": Param(12, low=2, high=200, step=1, help="Span of the fast average, in bars"),
        "slow": Param(26, low=3, high=400, step=1, help="Span of the slow average, in bars"),
        "short": Param(False, help="Go short on a cross down instead of flat"),
    },
    constraint="fast < slow",
    rule=Rule(enter=up, exit=down, short_enter=down & (Ref("short") > 0), short_exit=up),
)
