"""The settings that few runs need, folded away: how orders are carried out, protections of a position, limits of the account."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import streamlit as st

from qts.app.run_document import RunDocument
from qts.ui.components.spec_text import per_cent, plain

FILL_INTERVAL: Final = "fill_interval"
FRACTIONAL: Final = "fractional"
CLOSE_AT_END: Final = "close_at_end"
REBALANCE: Final = "rebalance"
TICKS: Final = "ticks"
LOT: Final = "lot"

_SAME: Final = "the same"


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """A protection or a limit: a percentage, 0 for none."""

    label: str
    most: float
    help: str


PROTECTION: Final[Mapping[str, Guard]] = {
    "stop_loss": Guard(label="Stop-loss, %", most=99.0, help="Closes a position at this loss from its entry price."),
    "take_profit": Guard(label="Target, %", most=1_000.0, help="Closes a position at this gain from its entry price."),
    "trailing_stop": Guard(label="Trailing stop, %", most=99.0, help="Closes a position this far from the best price since its entry."),
}
LIMITS: Final[Mapping[str, Guard]] = {
    "max_position": Guard(label="One position, %", most=1_000.0, help="The largest position in one instrument, of equity."),
    "max_exposure": Guard(label="All positions, %", most=1_000.0, help="The largest sum of all positions, of equity."),
    "daily_loss": Guard(label="Loss of a day, %", most=99.0, help="At this loss all is closed, and nothing opened until the next day."),
    "max_drawdown": Guard(label="Drawdown, %", most=99.0, help="This far below the highest equity all is closed for good."),
}


def draw(shorter: Sequence[str]) -> dict[str, object]:
    """Draw the fields and return them as a request takes them; ``shorter`` are the intervals that orders may fill on instead."""
    with st.expander("More settings", icon=":material/tune:"):
        st.markdown("###### Orders")
        orders = _orders(shorter)
        st.markdown("###### Protection of each position", help=_PROTECTION_HELP)
        protection = _guards(PROTECTION)
        st.markdown("###### Limits of the account", help=_LIMITS_HELP)
        limits = _guards(LIMITS)
    return {**orders, **protection, **limits}


def query(document: RunDocument) -> dict[str, Any]:
    """Return the address of these fields, filled in as a run was made."""
    settings = document.settings
    found: dict[str, Any] = {
        FRACTIONAL: str(settings.fractional).lower(),
        CLOSE_AT_END: str(settings.close_at_end).lower(),
        REBALANCE: str(settings.rebalance).lower(),
    }
    # Prices that have no ticks would refuse them, and what is not said is chosen by the prices.
    if not settings.ticks and "raw" in document.data.prices.values():
        found[TICKS] = "false"
    if document.data.fill_interval is not None:
        found[FILL_INTERVAL] = document.data.fill_interval
    if settings.lot is not None:
        found[LOT] = str(settings.lot)
    for name in (*PROTECTION, *LIMITS):
        fraction = getattr(settings, name)
        if fraction is not None:
            found[name] = plain(per_cent(float(fraction)))
    return found


def _orders(shorter: Sequence[str]) -> dict[str, object]:
    with st.grid("auto", min_column_width=170, gap="small"):
        finer = st.selectbox("Fill on bars of", [_SAME, *shorter], key=FILL_INTERVAL, bind="query-params", help=_FINER_HELP)
        lot = st.number_input("Lot", 0, 10**6, 0, step=1, key=LOT, bind="query-params", help=_LOT_HELP)
    with st.container(horizontal=True):
        ticks = st.checkbox("Fills on ticks", value=True, key=TICKS, bind="query-params", help=_TICKS_HELP)
        fractional = st.checkbox("Parts of a share", key=FRACTIONAL, bind="query-params")
        close_at_end = st.checkbox("Close what is open at the end", key=CLOSE_AT_END, bind="query-params")
        again = st.checkbox("Back to size", key=REBALANCE, bind="query-params", help=_AGAIN_HELP)
    return {
        "fill_interval": None if finer == _SAME else finer,
        "rebalance": again or None,
        "lot": lot or None,
        "ticks": None if ticks else False,
        "fractional": fractional,
        "close_at_end": close_at_end,
    }


def _guards(guards: Mapping[str, Guard]) -> dict[str, object]:
    values: dict[str, object] = {}
    with st.grid("auto", min_column_width=130, gap="small"):
        for name, guard in guards.items():
            percent = st.number_input(
                guard.label, 0.0, guard.most, 0.0, step=1.0, format="%g", key=name, bind="query-params", help=guard.help
            )
            values[name] = plain(percent / 100) if percent else None
    return values


_FINER_HELP: Final = "Decisions are made on the bars chosen above; orders then fill on these shorter ones, from the decision on."
_AGAIN_HELP: Final = "A target said again brings a position back to its size, as always where a strategy weighs all instruments at once."
_LOT_HELP: Final = "For futures and options whose lot is not on record; 0 takes the one on record."
_TICKS_HELP: Final = "Fill prices lie on the exchange's ticks, rounded against you. Adjusted prices lie on none and are left alone."
_PROTECTION_HELP: Final = "Orders that wait at the exchange; 0 is none. Where stop and target are hit in one bar, the stop counts."
_LIMITS_HELP: Final = "0 is none. An order that would go beyond is made smaller or refused, and listed with the run."
