from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import numpy as np
import pytest

from qts.analytics import buy_and_hold
from qts.core import ActionKind, Bars, CorporateAction, InstrumentId, Interval, Ints, session_date_of

Stamps = Callable[..., Ints]


def bars_of(ts: Ints, close: list[float]) -> Bars:
    prices = np.array(close)
    nothing = np.full(len(close), np.nan)
    return Bars(
        instrument=InstrumentId("SIM:X"),
        interval=Interval.DAY,
        ts=ts,
        open=prices,
        high=prices,
        low=prices,
        close=prices,
        volume=nothing,
        oi=nothing,
    )


def test_one_instrument_grows_with_its_close(stamps: Stamps) -> None:
    benchmark = buy_and_hold([bars_of(stamps(3), [50.0, 40.0, 75.0])], 1_000.0)
    assert benchmark.equity.tolist() == [1_000.0, 800.0, 1_500.0]
    assert benchmark.total_return(1_000.0) == 0.5


def test_capital_waits_in_cash_for_a_late_instrument_and_a_missing_bar_keeps_its_close(stamps: Stamps) -> None:
    ts = stamps(4)
    early, late = bars_of(ts[[0, 1, 3]], [10.0, 20.0, 30.0]), bars_of(ts[[1, 2]], [100.0, 50.0])
    benchmark = buy_and_hold([early, late], 200.0)
    np.testing.assert_array_equal(benchmark.ts, ts)
    assert benchmark.equity.tolist() == pytest.approx([200.0, 300.0, 250.0, 350.0])


def test_shares_held_through_actions_become_new_ones_and_are_paid(stamps: Stamps) -> None:
    # Two shares at 50; five for one makes ten, and each of these is paid 1 on the day after.
    ts = stamps(4)
    dates = [session_date_of(int(at)) for at in ts]
    bars = bars_of(ts, [50.0, 10.0, 9.5, 9.5])
    split = CorporateAction(instrument=bars.instrument, ex_date=dates[1], kind=ActionKind.SPLIT, ratio=Decimal(5))
    dividend = CorporateAction(instrument=bars.instrument, ex_date=dates[2], kind=ActionKind.DIVIDEND, cash=Decimal(1))
    other = CorporateAction(instrument=InstrumentId("SIM:Y"), ex_date=dates[2], kind=ActionKind.DIVIDEND, cash=Decimal(9))
    before = CorporateAction(instrument=bars.instrument, ex_date=dates[0], kind=ActionKind.SPLIT, ratio=Decimal(3))
    benchmark = buy_and_hold([bars], 100.0, actions=[dividend, split, other, before])
    assert benchmark.equity.tolist() == [100.0, 100.0, 105.0, 105.0]
