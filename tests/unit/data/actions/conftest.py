"""Daily bars made of closes, and records in one line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pytest

from qts.core import ActionKind, Bars, Exchange, InstrumentId, Interval, micros_of
from qts.data.actions import ActionRecord, ActionState, StatedAction
from qts.market.sessions import daily_stamp

NAME = InstrumentId("NSE:ACME")


def _bars(closes: Sequence[float], *, opens: Sequence[float] | None = None, volume: float = 1000.0, first: date = date(2024, 1, 1)) -> Bars:
    close = np.array(closes, dtype=np.float64)
    open_ = close.copy() if opens is None else np.array(opens, dtype=np.float64)
    days = [first + timedelta(days=i) for i in range(len(close))]
    return Bars(
        instrument=NAME,
        interval=Interval.DAY,
        ts=np.array([micros_of(daily_stamp(Exchange.NSE, day)) for day in days], np.int64),
        open=open_,
        high=np.maximum(open_, close) * 1.005,
        low=np.minimum(open_, close) * 0.995,
        close=close,
        volume=np.full(len(close), volume),
        oi=np.full(len(close), np.nan),
    )


def _record(
    kind: str = "bonus", on: str = "2024-01-11", *, state: str = "confirmed", source: str = "file:a.csv", **terms: str
) -> ActionRecord:
    numbers = {name: Decimal(text) for name, text in terms.items()} or {"ratio": Decimal(2)}
    action = StatedAction(instrument=NAME, ex_date=date.fromisoformat(on), kind=ActionKind(kind), **numbers)
    return ActionRecord(action=action, state=ActionState(state), source=source)


@pytest.fixture(scope="session")
def make_bars() -> Callable[..., Bars]:
    """Return the maker of daily bars on consecutive dates from 2024 on."""
    return _bars


@pytest.fixture(scope="session")
def make_record() -> Callable[..., ActionRecord]:
    """Return the maker of records of NSE:ACME; a bonus of one for one unless terms are given."""
    return _record
