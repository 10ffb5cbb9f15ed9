from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from qts.backtest import expand_grid
from qts.core.errors import BadParameter
from qts.strategies import Param, Strategy

STRATEGY = Strategy(
    title="Grid",
    params={
        "fast": Param(3, low=1, high=100),
        "slow": Param(8, low=1, high=1_000_000, step=4),
        "part": Param(0.5, low=0, high=1),
        "kind": Param("sma", choices=("sma", "ema")),
        "short": Param(False),
    },
    constraint="fast < slow",
    targets=lambda bars, **_: np.zeros(len(bars)),
)


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        pytest.param("fast", "1:7:3", [1, 4, 7], id="a range with its end"),
        pytest.param("fast", "1:6:3", [1, 4], id="a range that misses its end"),
        pytest.param("fast", "5:5:1", [5], id="a range of one"),
        pytest.param("fast", "2:4", [2, 3, 4], id="a range without a step goes by ones"),
        pytest.param("slow", "9:17", [9, 13, 17], id="a range without a step goes by the parameter's own"),
        pytest.param("part", "0.1:0.3:0.1", [0.1, 0.2, 0.3], id="fractions add up without noise"),
        pytest.param("fast", "7, 5,5", [7, 5], id="a list, each once, in its order"),
        pytest.param("kind", "ema,sma", ["ema", "sma"], id="choices"),
        pytest.param("short", "true,false", [True, False], id="switches"),
        pytest.param("fast", [2, "3"], [2, 3], id="values themselves"),
    ],
)
def test_an_axis(name: str, given: str | Sequence[object], expected: list[object]) -> None:
    grid = expand_grid(STRATEGY, {name: given}, {"slow": 200} if name != "slow" else {})
    assert list(grid.axes[name]) == expected
    assert [cell[name] for cell in grid.cells] == expected
    assert grid.n_skipped == 0


def test_cells_are_all_combinations_the_last_axis_fastest_without_those_that_break_the_constraint() -> None:
    grid = expand_grid(STRATEGY, {"fast": "2:6:2", "slow": "4:8:4"}, {"part": "0.25"})
    assert [(cell["fast"], cell["slow"], cell["part"]) for cell in grid.cells] == [(2, 4, 0.25), (2, 8, 0.25), (4, 8, 0.25), (6, 8, 0.25)]
    assert grid.n_skipped == 2


@pytest.mark.parametrize(
    ("axes", "params", "said"),
    [
        pytest.param({}, {}, "names no parameter", id="no axis"),
        pytest.param({"speed": "1:2:1"}, {}, "no such parameter", id="an unknown parameter"),
        pytest.param({"fast": "1:2:1"}, {"speed": 1}, "no such parameter", id="an unknown fixed parameter"),
        pytest.param({"fast": "1:2:1"}, {"fast": 1}, "both fixed and varied", id="a parameter given twice"),
        pytest.param({"fast": ""}, {}, "has no value", id="an empty list"),
        pytest.param({"fast": []}, {}, "has no value", id="no values"),
        pytest.param({"fast": "1:9:0"}, {}, "leads nowhere", id="a step of zero"),
        pytest.param({"fast": "1:9:-1"}, {}, "leads nowhere", id="a step backwards"),
        pytest.param({"fast": "9:1:1"}, {}, "above its end", id="a range turned round"),
        pytest.param({"fast": "1:2:3:4"}, {}, "not a range", id="too many parts"),
        pytest.param({"fast": "1:x:1"}, {}, "'x' is not a number", id="a word in a range"),
        pytest.param({"fast": "1:inf:1"}, {}, "'inf' is not a number", id="an endless range"),
        pytest.param({"kind": "a:b:c"}, {}, "has no order", id="a range of choices"),
        pytest.param({"kind": "sma,x"}, {}, "not one of the choices", id="an unknown choice"),
        pytest.param({"fast": "0:4:2"}, {}, "below 1", id="a value out of bounds"),
        pytest.param({"fast": "1.5,2"}, {}, "not a whole number", id="a fraction of a whole number"),
        pytest.param({"fast": "20:30:1", "slow": "5:9:1"}, {}, r"no combination is allowed: fast .* with slow = 9\.$", id="nothing left"),
        pytest.param({"fast": "1:100:1", "slow": "1:20000:1"}, {}, "2,000,000 cells", id="too many cells"),
        pytest.param({"slow": "1:3000000:1"}, {}, "3,000,000 values", id="too many values"),
    ],
)
def test_a_grid_that_is_none_is_named(axes: Mapping[str, Any], params: Mapping[str, object], said: str) -> None:
    with pytest.raises(BadParameter, match=said):
        expand_grid(STRATEGY, axes, params)
