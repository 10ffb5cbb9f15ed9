"""Super trend: long while the super trend points up, flat (or short) while it points down."""

from __future__ import annotations

from typing import Final

from qts.strategies import Indicator, Param, Ref, Rule, Strategy

direction = Indicator("supertrend", Ref("span"), Ref("width"), output="direction")
# The direction begins down whatever the prices do, so that only its turns tell something.
up = direction.crosses_above(0)
down = direction.crosses_below(0)

STRATEGY: Final = Strategy(
    title="Super trend",
    description=(
        "Follows the trend: buys when the super trend turns up, leaves when it turns down. The line is its stop, looked at on closes only, "
        "so that a gap goes beyond it. It loses in markets that go sideways, where every turn comes late."
    ),
    tags=("trend", "volatility"),
    params={
        "span": Param(10, low=2, high=200, step=1, help="Bars of the average true range"),
        "width": Param(3.0, low=0.5, high=20.0, step=0.5, help="Distance of the line from the middle of the bar, in average true ranges"),
        "short": Param(False, help="Go short on a turn down instead of flat"),
    },
    rule=Rule(enter=up, exit=down, short_enter=down & (Ref("short") > 0), short_exit=up),
)
