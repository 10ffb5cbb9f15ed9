from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from qts.backtest import Verdict
from qts.backtest.lookahead import check
from qts.core import Bars, Floats, InstrumentId
from qts.strategies import Context, Panel, Strategy, load_catalog

Walk = Callable[..., Bars]


def _shifted(bars: Bars) -> Floats:
    """Uses tomorrow's close."""
    tomorrow = np.append(bars.close[1:], bars.close[-1])
    return (tomorrow > bars.close).astype(np.float64)


def _scaled(bars: Bars) -> Floats:
    """Uses the mean of all bars, future ones too."""
    scaled: Floats = np.clip((bars.close - bars.close.mean()) / bars.close.std(), -1, 1)
    return scaled


def _centred(bars: Bars) -> Floats:
    """Uses an average centred on the bar."""
    smooth = np.convolve(bars.close, np.ones(5) / 5, mode="same")
    return (bars.close > smooth).astype(np.float64)


def _last_known(bars: Bars) -> Floats:
    """Is in the market except on the very last bar."""
    wanted = np.ones(len(bars))
    wanted[-1] = 0.0
    return wanted


def _rarely_peeks(bars: Bars) -> Floats:
    """Is long above an average, and before the few largest gains."""
    wanted = (bars.close > np.convolve(bars.close, np.ones(20) / 20)[: len(bars)]).astype(np.float64)
    gains = np.append(bars.close[1:] / bars.close[:-1] - 1.0, 0.0)
    wanted[gains > 0.045] = 1.0
    return wanted


def _counts_bars(bars: Bars) -> Floats:
    """Fails on fewer bars than it was written for."""
    return np.ones(len(bars)) if len(bars) == 300 else np.ones(3)


@pytest.mark.parametrize("leak", [_shifted, _scaled, _centred, _last_known, _rarely_peeks, _counts_bars])
def test_a_planted_leak_is_found(walk: Walk, leak: Callable[[Bars], Floats]) -> None:
    found = check(Strategy(title="Leak", targets=leak), {}, [walk(300)])
    assert found.verdict is Verdict.FOUND
    assert found.first_bar is not None
    assert found.instrument == "NSE:INFY"
    assert "NSE:INFY" in found.detail


@pytest.mark.parametrize("name", ["ema_cross", "ma_cross", "buy_and_hold"])
def test_built_in_strategies_are_clean(walk: Walk, name: str) -> None:
    found = check(load_catalog().get(name).require(), {}, [walk(300), walk(300, seed=1, name="NSE:B")])
    assert found.verdict is Verdict.CLEAN
    assert found.n_cuts > 12


def test_a_leak_in_the_second_instrument_is_found_there(walk: Walk) -> None:
    strategy = Strategy(title="Half", targets=lambda bars: _shifted(bars) if bars.instrument == "NSE:B" else np.ones(len(bars)))
    assert check(strategy, {}, [walk(100), walk(100, name="NSE:B")]).instrument == "NSE:B"


def test_nan_equals_nan(walk: Walk) -> None:
    mute = Strategy(title="Mute", targets=lambda bars: np.full(len(bars), math.nan))
    assert check(mute, {}, [walk(50)]).verdict is Verdict.CLEAN


def test_one_bar_cannot_be_cut(walk: Walk) -> None:
    assert check(Strategy(title="On", targets=lambda bars: np.ones(len(bars))), {}, [walk(1)]).verdict is Verdict.NOT_CHECKED


def test_rounding_is_no_leak(walk: Walk) -> None:
    # As a sum or a matrix product may, the last digits depend on the number of bars.
    strategy = Strategy(title="Rounds", targets=lambda bars: np.full(len(bars), 0.5) * (1.0 + 1e-13 * len(bars)))
    assert check(strategy, {}, [walk(300)]).verdict is Verdict.CLEAN


def _best_tomorrow(panel: Panel) -> Floats:
    """Holds what will rise most."""
    rise = np.full(panel.close.shape, -1.0)
    rise[:, :-1] = panel.close[:, 1:] / panel.close[:, :-1]
    best: Floats = (rise == rise.max(axis=0)).astype(np.float64)
    return best


def _best_yesterday(panel: Panel) -> Floats:
    rise = np.full(panel.close.shape, -1.0)
    rise[:, 1:] = panel.close[:, 1:] / panel.close[:, :-1]
    best: Floats = (rise == rise.max(axis=0)).astype(np.float64)
    return best


def test_a_leak_across_instruments_is_found(walk: Walk) -> None:
    bars = [walk(200), replace(walk(200, seed=1).window(20, 180), instrument=InstrumentId("NSE:TCS"))]
    found = check(Strategy(title="Leak", targets=_best_tomorrow, matrix=True), {}, bars)
    assert found.verdict is Verdict.FOUND
    assert found.first_bar is not None
    clean = check(Strategy(title="Clean", targets=_best_yesterday, matrix=True), {}, bars)
    assert clean.verdict is Verdict.CLEAN
    assert clean.n_cuts > 10


def test_a_leak_of_a_strategy_that_gives_orders_is_found(walk: Walk) -> None:
    bars = walk(300)

    def ranks(context: Context) -> None:
        # The context holds the timeline for itself: whoever digs it out knows how long the run will be.
        context.state.last = len(context._ts) - 1  # noqa: SLF001 - that is the leak

    def leaves_early(context: Context) -> None:
        context.instrument.hold(0 if context.bar >= context.state.last - 20 else 10)

    found = check(Strategy(title="Leak", on_bar=leaves_early, on_start=ranks), {}, [bars])
    assert found.verdict is Verdict.FOUND
    assert found.first_bar is not None


def test_orders_made_from_the_past_are_clean(walk: Walk) -> None:
    def on_bar(context: Context) -> None:
        close = context.instrument.close
        if len(close) > 5:
            context.instrument.hold(10 if close[-1] > close[-6] else 0)

    verdict = check(Strategy(title="Clean", on_bar=on_bar), {}, [walk(300)])
    assert verdict.verdict is Verdict.CLEAN
    assert verdict.n_cuts > 10
