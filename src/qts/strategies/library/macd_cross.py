"""MACD crossover: long after the MACD line has crossed above its signal, flat after it has crossed below."""

from __future__ import annotations

from typing import Final

from qts.strategies import Indicator, Param, Ref, Rule, Strategy

spans = (Ref("fast"), Ref("slow"), Ref("signal"))
line = Indicator("macd", *spans)
signal = Indicator("macd", *spans, output="signal")

STRATEGY: Final = Strategy(
    title="MACD crossover",
    description=(
        "Follows momentum: buys when the MACD line crosses above its signal, leaves when it crosses below. It trades often, so that costs "
        "weigh; it loses in markets that go sideways, and in slow trends, where the lines cross back and forth."
    ),
    tags=("trend", "momentum"),
    params={
        "fast": Param(12, low=2, high=200, step=1, help="Span of the fast average, in bars"),
        "slow": Param(26, low=3, high=400, step=1, help="Span of the slow average, in bars"),
        "signal": Param(9, low=1, high=100, step=1, help="Span of the signal, in bars"),
    },
    constraint="fast < slow",
    rule=Rule(enter=line.crosses_above(signal), exit=line.crosses_below(signal)),
)
