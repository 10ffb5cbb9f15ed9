from __future__ import annotations

import numpy as np
import pytest

from qts.data.sources.simulation.cast import CAST
from qts.data.sources.simulation.days import daily_model, stream


def test_streams_repeat_themselves_and_differ_between_keys() -> None:
    assert stream(1, 2).random() == stream(1, 2).random()
    assert stream(1, 2).random() != stream(1, 3).random()


def test_the_spread_is_the_deviation_of_the_move_from_open_to_close() -> None:
    model = daily_model(np.ones(4_000))
    scaled = (model.log_close - model.log_open) / model.spread
    assert np.std(scaled, axis=0) == pytest.approx(np.ones(len(CAST)), rel=0.1)


def test_the_first_days_do_not_depend_on_how_many_follow_in_length() -> None:
    """Same number of days, one of them cut short: only that day and the level after it change."""
    lengths = np.ones(50)
    usual = daily_model(lengths)
    lengths[30] = 0.16
    cut = daily_model(lengths)
    np.testing.assert_array_equal(usual.log_close[:30], cut.log_close[:30])
    assert np.all(cut.spread[30] == pytest.approx(usual.spread[30] * 0.4))
