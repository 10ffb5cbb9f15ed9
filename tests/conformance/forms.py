"""Every shipped strategy again in the other forms: as a rule where a rule can say it, and bar by bar."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from qts.strategies import Context, Indicator, OnBar, ParamValue, Rule, Strategy

Params = Mapping[str, ParamValue]


def _crossing(kind: str, params: Params) -> tuple[OnBar, OnBar]:
    """Return the hooks of a crossover of two averages, decided on each instrument by itself."""

    def start(context: Context) -> None:
        spans = (params["fast"], params["slow"])
        context.state.averages = [tuple(item.indicator(kind, float(span)) for span in spans) for item in context.instruments]

    def on_bar(context: Context) -> None:
        for item, (fast, slow) in zip(context.instruments, context.state.averages, strict=True):
            if not item.has_bar or len(fast) < 2:
                continue
            # Comparisons with an average that is not defined yet are false.
            if fast[-2] <= slow[-2] and fast[-1] > slow[-1]:
                item.target(1.0)
            elif fast[-2] >= slow[-2] and fast[-1] < slow[-1]:
                item.target(-1.0 if params["short"] else 0.0)

    return start, on_bar


def _crossing_rule(kind: str, params: Params) -> Rule:
    fast, slow = (Indicator(kind, int(params[name])) for name in ("fast", "slow"))
    up, down = fast.crosses_above(slow), fast.crosses_below(slow)
    if params["short"]:
        return Rule(enter=up, exit=down, short_enter=down, short_exit=up)
    return Rule(enter=up, exit=down)


def _buy_once(context: Context) -> None:
    for item in context.instruments:
        if item.has_bar and item.n_bars == 1:
            item.target(1.0)


def _rotation(params: Params) -> tuple[OnBar, OnBar]:
    lookback, top, every = (int(params[name]) for name in ("lookback", "top", "every"))

    def start(context: Context) -> None:
        # Closes on the bars of the run, absent ones included: an instrument without a bar has no price to rank.
        context.state.closes = [[] for _ in context.instruments]

    def on_bar(context: Context) -> None:
        closes = context.state.closes
        for item, history in zip(context.instruments, closes, strict=True):
            history.append(item.close[-1] if item.has_bar else float("nan"))
        at = context.bar - lookback
        if at < 0 or at % every:
            return
        rises = [history[-1] / history[at] - 1.0 for history in closes]
        ranked = sorted((k for k, rise in enumerate(rises) if rise > 0.0), key=lambda k: (-rises[k], k))[:top]
        for k, item in enumerate(context.instruments):
            if rises[k] == rises[k]:
                item.target(1.0 / top if k in ranked else 0.0)

    return start, on_bar


def _hooks(strategy: str, params: Params) -> tuple[OnBar | None, OnBar]:
    match strategy:
        case "ema_cross":
            return _crossing("ema", params)
        case "ma_cross":
            return _crossing(str(params["average"]), params)
        case "momentum_rotation":
            return _rotation(params)
        case "buy_and_hold":
            return None, _buy_once
        case _:
            raise LookupError(f"{strategy} has no twin that decides bar by bar: add one here")


def on_bar_twin(strategy: str, params: Params, *, matrix: bool) -> Strategy:
    """Return the strategy as one that gives orders bar by bar."""
    start, on_bar = _hooks(strategy, params)
    return Strategy(title=f"{strategy}, bar by bar", on_bar=on_bar, on_start=start, matrix=matrix)


RULES: Final[Mapping[str, Callable[[Params], Rule]]] = {
    "ema_cross": lambda params: _crossing_rule("ema", params),
    "ma_cross": lambda params: _crossing_rule(str(params["average"]), params),
}
# What a rule over one instrument's indicators cannot say, and why.
NO_RULE: Final = {
    "buy_and_hold": "nothing ever changes, so there is no condition to state",
    "momentum_rotation": "instruments are weighed against one another",
}
