"""Instruments side by side."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from qts.core import Bars, InstrumentId
from qts.strategies import panel_of

Walk = Callable[..., Bars]


def test_instruments_stand_on_the_union_of_their_instants(walk: Walk) -> None:
    one = walk(6)
    other = replace(walk(6, seed=1).window(2, 6), instrument=InstrumentId("NSE:TCS"))
    panel = panel_of([one.window(0, 5), other])
    assert panel.instruments == ("NSE:INFY", "NSE:TCS")
    assert panel.ts.tolist() == one.ts.tolist()
    assert np.isnan(panel.close[0]).tolist() == [False] * 5 + [True]
    assert np.isnan(panel.close[1]).tolist() == [True] * 2 + [False] * 4
    assert panel.open[1, 2:].tolist() == other.open.tolist()


def test_nobody_can_write_into_it(walk: Walk) -> None:
    panel = panel_of([walk(3)])
    for column in (panel.ts, panel.open, panel.high, panel.low, panel.close, panel.volume):
        with pytest.raises(ValueError, match="read-only"):
            column[0] = 1
    assert walk(3).ts.flags.writeable
