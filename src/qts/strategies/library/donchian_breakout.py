"""Donchian breakout: buy a close above the highest high of the bars before, leave below the lowest low of fewer."""

from __future__ import annotations

from typing import Final

from qts.strategies import Column, Indicator, Param, Ref, Rule, Strategy

close = Column("close")


def channel(span: str, output: str) -> Indicator:
    """Return a line of the channel of the bars before this one: a bar is never beyond a channel that holds itself."""
    return Indicator("donchian", Ref(span), 1, output=output)


STRATEGY: Final = Strategy(
    title="Donchian breakout",
    description=(
        "Follows the trend: buys a close above the highest high of the bars before, leaves at a close below the lowest low of fewer, or at "
        "the stop. Most trades lose a little and few gain much; it loses in markets that go sideways, where breakouts fail."
    ),
    tags=("trend", "breakout"),
    params={
        "entry": Param(55, low=2, high=400, step=5, help="Bars whose high must be exceeded"),
        "leave": Param(20, low=1, high=400, step=5, help="Bars whose low ends the trade"),
        "stop": Param(0.1, low=0.0, high=0.9, step=0.01, help="Loss from the entry at which it is closed, as a fraction; 0 for none"),
        "short": Param(False, help="Go short on a close below the channel"),
    },
    constraint="leave <= entry",
    rule=Rule(
        enter=close > channel("entry", "upper"),
        exit=close < channel("leave", "lower"),
        short_enter=(close < channel("entry", "lower")) & (Ref("short") > 0),
        short_exit=close > channel("leave", "upper"),
    ),
    protection={"stop_loss": Ref("stop")},
)
