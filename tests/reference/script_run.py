"""A script of orders as a strategy of the package: what is handed in bar by bar, said through ``on_bar``."""

from __future__ import annotations

from decimal import Decimal

from tests.reference.engine import Script
from tests.reference.scene import BUY, Called, Wanted

from qts.core import micros_of
from qts.strategies import Context, OrderHandle, Strategy


def scripted(script: Script) -> Strategy:
    """Return the strategy that hands in what the script says."""
    handles: dict[str, OrderHandle] = {}
    groups: dict[str, OrderHandle] = {}

    def on_bar(context: Context) -> None:
        if context.bar == 0:
            handles.clear()
            groups.clear()
        for wish in script.get(micros_of(context.opened_at), ()):
            if isinstance(wish, Called):
                if wish.label in handles:
                    handles[wish.label].cancel()
                continue
            handles[wish.label] = given(context, wish, groups)

    return Strategy(title="Scripted", on_bar=on_bar)


def given(context: Context, wish: Wanted, groups: dict[str, OrderHandle]) -> OrderHandle:
    """Hand in one order."""
    instrument = next(one for one in context.instruments if one.name == wish.instrument)
    if wish.kind == "trailing":
        held = float(wish.quantity) * -wish.side
        return instrument.trail(held, distance=as_float(wish.distance), fraction=as_float(wish.fraction))
    give = instrument.buy if wish.side == BUY else instrument.sell
    handle = give(
        float(wish.quantity),
        limit=as_float(wish.limit),
        stop=as_float(wish.stop),
        stop_loss=as_float(wish.stop_loss),
        take_profit=as_float(wish.target),
        is_day=wish.day_only,
        oco=groups.get(wish.group or ""),
    )
    if wish.group is not None:
        groups.setdefault(wish.group, handle)
    return handle


def as_float(price: Decimal | None) -> float | None:
    return None if price is None else float(price)
