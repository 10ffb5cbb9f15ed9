"""RSI reversion: buy what is oversold while it is above a long average, leave when it has recovered."""

from __future__ import annotations

from typing import Final

from qts.strategies import Column, Indicator, Param, Ref, Rule, Strategy

strength = Indicator("rsi", Ref("span"))
trend = Indicator("sma", Ref("trend"))

STRATEGY: Final = Strategy(
    title="RSI reversion",
    description=(
        "Buys weakness in a rising market: a low relative strength index while the close is above a long average; leaves once the index "
        "has recovered, or at the stop. Many small gains and some large losses; it loses when a rise turns into a long fall."
    ),
    tags=("reversion", "oscillator"),
    params={
        "span": Param(5, low=2, high=100, step=1, help="Span of the relative strength index, in bars"),
        "oversold": Param(30.0, low=1.0, high=60.0, step=5.0, help="Buy below this value of the index"),
        "leave": Param(55.0, low=20.0, high=99.0, step=5.0, help="Leave above this value of the index"),
        "trend": Param(200, low=2, high=400, step=10, help="Span of the average that the close must be above, in bars"),
        "stop": Param(0.08, low=0.0, high=0.9, step=0.01, help="Loss from the entry at which it is closed, as a fraction; 0 for none"),
    },
    constraint="oversold < leave",
    rule=Rule(enter=(strength < Ref("oversold")) & (Column("close") > trend), exit=strength > Ref("leave")),
    protection={"stop_loss": Ref("stop")},
)
