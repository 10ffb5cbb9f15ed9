"""Every shipped strategy again in the other forms: as a rule where a rule can say it, and bar by bar."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import date
from typing import Final, TypeAlias

import numpy as np

from qts.core import Bars, Floats
from qts.kernels import crosses_above, crosses_below, ema, hold
from qts.strategies import Column, Const, Context, Form, Indicator, InstrumentContext, Lag, OnBar, ParamValue, Rule, Strategy

Params = Mapping[str, ParamValue]
# Says whether to go long, leave, go short, leave a short; None while something is not defined yet.
Signals: TypeAlias = tuple[bool, bool, bool, bool] | None
Decide: TypeAlias = Callable[[InstrumentContext, tuple[list[float], ...]], Signals]

_NEVER: Final = Const(0.0) > 1.0


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


def _ema_targets(bars: Bars, params: Params) -> Floats:
    """Say the crossover as an array: 1 from a cross up, 0 or -1 from a cross down, nothing before the slow average is defined."""
    quick, calm = (ema(bars.close, int(params[name])) for name in ("fast", "slow"))
    held = hold(crosses_above(quick, calm), crosses_below(quick, calm), outside=-1.0 if params["short"] else 0.0)
    return np.where(np.isnan(calm), np.nan, held)


def _crossing_rule(kind: str, params: Params) -> Rule:
    fast, slow = (Indicator(kind, int(params[name])) for name in ("fast", "slow"))
    up, down = fast.crosses_above(slow), fast.crosses_below(slow)
    if params["short"]:
        return Rule(enter=up, exit=down, short_enter=down, short_exit=up)
    return Rule(enter=up, exit=down)


def _next_state(state: float, signals: tuple[bool, bool, bool, bool]) -> float:
    """Return what a rule does on a bar: a bar that leaves may open the other side at once, never the same one again."""
    enter, leave, short_enter, short_leave = signals
    goes_long, goes_short = enter and not leave, short_enter and not short_leave
    if state > 0.0:
        return state if not leave else -1.0 if goes_short else 0.0
    if state < 0.0:
        return state if not short_leave else 1.0 if goes_long else 0.0
    return 1.0 if goes_long else -1.0 if goes_short else 0.0


def _walking(indicators: Callable[[InstrumentContext], tuple[list[float], ...]], decide: Decide) -> tuple[OnBar, OnBar]:
    """Return the hooks of a rule written out: its indicators, its conditions, and the state of each instrument."""

    def start(context: Context) -> None:
        context.state.lines = [indicators(item) for item in context.instruments]
        context.state.held = [0.0] * len(context.instruments)

    def on_bar(context: Context) -> None:
        held = context.state.held
        for k, item in enumerate(context.instruments):
            signals = decide(item, context.state.lines[k]) if item.has_bar else None
            if signals is not None:
                held[k] = _next_state(held[k], signals)
                item.target(held[k])

    return start, on_bar


def _donchian(params: Params) -> tuple[OnBar, OnBar]:
    entry, leave = int(params["entry"]), int(params["leave"])

    def decide(item: InstrumentContext, lines: tuple[list[float], ...]) -> Signals:
        del lines
        if len(item.close) <= max(entry, leave):
            return None
        close, high, low = item.close[-1], item.high[:-1], item.low[:-1]
        below = close < min(low[-entry:])
        return close > max(high[-entry:]), close < min(low[-leave:]), below and bool(params["short"]), close > max(high[-leave:])

    return _walking(lambda item: (item.high, item.low, item.close), decide)


def _donchian_rule(params: Params) -> Rule:
    """Say the channel as the highest of lagged highs, another way than the shipped one."""
    entry, leave, close = int(params["entry"]), int(params["leave"]), Column("close")
    tops = {span: Lag(Indicator("max", span, of=Column("high")), 1) for span in (entry, leave)}
    bottoms = {span: Lag(Indicator("min", span, of=Column("low")), 1) for span in (entry, leave)}
    short = close < bottoms[entry] if params["short"] else _NEVER
    return Rule(enter=close > tops[entry], exit=close < bottoms[leave], short_enter=short, short_exit=close > tops[leave])


def _rsi(params: Params) -> tuple[OnBar, OnBar]:
    def decide(item: InstrumentContext, lines: tuple[list[float], ...]) -> Signals:
        strength, trend = (line[-1] for line in lines)
        if math.isnan(strength) or math.isnan(trend):
            return None
        return strength < float(params["oversold"]) and item.close[-1] > trend, strength > float(params["leave"]), False, False

    return _walking(lambda item: (item.indicator("rsi", int(params["span"])), item.indicator("sma", int(params["trend"]))), decide)


def _rsi_rule(params: Params) -> Rule:
    strength, trend = Indicator("rsi", int(params["span"])), Indicator("sma", int(params["trend"]))
    # The same by differences, which need arithmetic.
    return Rule(
        enter=(strength - float(params["oversold"]) < 0) & (Column("close") - trend > 0), exit=strength - float(params["leave"]) > 0
    )


def _supertrend(params: Params) -> tuple[OnBar, OnBar]:
    def decide(item: InstrumentContext, lines: tuple[list[float], ...]) -> Signals:
        del item
        turns = lines[0]
        if math.isnan(turns[-1]):
            return None
        before = turns[-2] if len(turns) > 1 else turns[-1]
        up, down = before < 0.0 < turns[-1], before > 0.0 > turns[-1]
        return up, down, down and bool(params["short"]), up

    return _walking(lambda item: (item.indicator("supertrend", int(params["span"]), float(params["width"]), output="direction"),), decide)


def _supertrend_rule(params: Params) -> Rule:
    """Say the turns by the bar before instead of by crosses."""
    now = Indicator("supertrend", int(params["span"]), float(params["width"]), output="direction")
    before = Lag(now, 1)
    up, down = (now > 0) & (before < 0), (now < 0) & (before > 0)
    return Rule(enter=up, exit=down, short_enter=down if params["short"] else _NEVER, short_exit=up)


def _macd(params: Params) -> tuple[OnBar, OnBar]:
    spans = [int(params[name]) for name in ("fast", "slow", "signal")]

    def decide(item: InstrumentContext, lines: tuple[list[float], ...]) -> Signals:
        del item
        line, signal = lines
        if len(line) < 2 or math.isnan(signal[-1]):
            return None
        return line[-2] <= signal[-2] and line[-1] > signal[-1], line[-2] >= signal[-2] and line[-1] < signal[-1], False, False

    return _walking(lambda item: (item.indicator("macd", *spans), item.indicator("macd", *spans, output="signal")), decide)


def _macd_rule(params: Params) -> Rule:
    histogram = Indicator("macd", *(int(params[name]) for name in ("fast", "slow", "signal")), output="histogram")
    return Rule(enter=histogram.crosses_above(0), exit=histogram.crosses_below(0))


def _opening_range(params: Params) -> tuple[OnBar, OnBar]:
    minutes, leave = int(params["minutes"]), int(params["leave"])

    def start(context: Context) -> None:
        context.state.sessions = [_Session() for _ in context.instruments]

    def on_bar(context: Context) -> None:
        now = context.opened_at
        # Bars of five minutes of shares, whose sessions open at 09:15.
        closed = (now.hour - 9) * 60 + now.minute - 15 + 5
        for item, session in zip(context.instruments, context.state.sessions, strict=True):
            if not item.has_bar:
                continue
            if session.on != now.date():
                session.begin(now.date())
            if closed <= minutes:
                session.high, session.low = max(session.high, item.high[-1]), min(session.low, item.low[-1])
            else:
                session.decide(item.close[-1], is_over=closed >= leave, short=bool(params["short"]))
            item.target(session.held)

    return start, on_bar


class _Session:
    """The opening range of a session, and whether its one trade has been made."""

    def __init__(self) -> None:
        self.on: date | None = None
        self.begin(None)

    def begin(self, on: date | None) -> None:
        self.on, self.high, self.low, self.held, self.is_done = on, -math.inf, math.inf, 0.0, False

    def decide(self, close: float, *, is_over: bool, short: bool) -> None:
        if self.held:
            beyond = close < self.low if self.held > 0.0 else close > self.high
            self.held = 0.0 if beyond or is_over else self.held
        elif not self.is_done and not is_over and self.low <= self.high:
            self.held = 1.0 if close > self.high else -1.0 if short and close < self.low else 0.0
            self.is_done = self.held != 0.0


def _buy_once(context: Context) -> None:
    for item in context.instruments:
        if item.has_bar and item.n_bars == 1:
            item.target(1.0)


def _rotation(params: Params) -> tuple[OnBar, OnBar]:
    lookback, top, every = (int(params[name]) for name in ("lookback", "top", "every"))

    def start(context: Context) -> None:
        # Closes on the bars of the run, absent ones included: an instrument without a bar has no price to rank.
        context.state.closes = [[] for _ in context.instruments]
        context.state.weights = dict.fromkeys(range(len(context.instruments)), 0.0)

    def on_bar(context: Context) -> None:
        closes = context.state.closes
        for item, history in zip(context.instruments, closes, strict=True):
            history.append(item.close[-1] if item.has_bar else float("nan"))
        at = context.bar - lookback
        if at < 0 or at % every:
            return
        rises = [history[-1] / history[at] - 1.0 for history in closes]
        ranked = sorted((k for k, rise in enumerate(rises) if rise > 0.0), key=lambda k: (-rises[k], k))[:top]
        wanted = {k: 1.0 / top if k in ranked else 0.0 for k, rise in enumerate(rises) if not math.isnan(rise)}
        # Weights said again count on bars on which one of them changes.
        if any(context.state.weights[k] != weight for k, weight in wanted.items()):
            for k, weight in wanted.items():
                context.instruments[k].target(weight)
        context.state.weights.update(wanted)

    return start, on_bar


HOOKS: Final[Mapping[str, Callable[[Params], tuple[OnBar | None, OnBar]]]] = {
    "buy_and_hold": lambda _: (None, _buy_once),
    "donchian_breakout": _donchian,
    "ema_cross": lambda params: _crossing("ema", params),
    "ma_cross": lambda params: _crossing(str(params["average"]), params),
    "macd_cross": _macd,
    "momentum_rotation": _rotation,
    "opening_range_breakout": _opening_range,
    "rsi_reversion": _rsi,
    "supertrend_follow": _supertrend,
}


def on_bar_twin(strategy: str, shipped: Strategy, params: Params) -> Strategy:
    """Return the strategy as one that gives orders bar by bar, guarded alike."""
    start, on_bar = HOOKS[strategy](params)
    matrix = shipped.form is Form.MATRIX
    return Strategy(title=f"{strategy}, bar by bar", on_bar=on_bar, on_start=start, matrix=matrix, protection=shipped.guards(params))


def targets_twin(strategy: str, shipped: Strategy, params: Params) -> Strategy:
    """Return the strategy as one that says its targets as an array, guarded alike."""
    say = TARGETS[strategy]
    return Strategy(title=f"{strategy}, as targets", targets=lambda bars: say(bars, params), protection=shipped.guards(params))


def rule_twin(strategy: str, shipped: Strategy, params: Params) -> Strategy:
    """Return the strategy as a rule of numbers, guarded alike."""
    return Strategy(title=f"{strategy}, as a rule", rule=RULES[strategy](params), protection=shipped.guards(params))


RULES: Final[Mapping[str, Callable[[Params], Rule]]] = {
    "ema_cross": lambda params: _crossing_rule("ema", params),
    "ma_cross": lambda params: _crossing_rule(str(params["average"]), params),
    "donchian_breakout": _donchian_rule,
    "macd_cross": _macd_rule,
    "rsi_reversion": _rsi_rule,
    "supertrend_follow": _supertrend_rule,
}
TARGETS: Final[Mapping[str, Callable[[Bars, Params], Floats]]] = {"ema_cross": _ema_targets}
# What a rule over one instrument's indicators cannot say, and why.
NO_RULE: Final = {
    "buy_and_hold": "nothing ever changes, so there is no condition to state",
    "momentum_rotation": "instruments are weighed against one another",
    "opening_range_breakout": "each session has a range of its own",
}
