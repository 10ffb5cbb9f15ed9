"""Every indicator of the registry, whatever its family: the same suite, no work for its author."""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from numpy.testing import assert_array_equal

from qts import kernels
from qts.core import Floats
from qts.core.errors import BadParameter
from qts.kernels import INDICATORS, IndicatorSpec, find_indicator, incremental, indicator
from qts.kernels.compiled_indicators import prepare  # with the compiler there, every series runs compiled unless a test says otherwise
from qts.kernels.indicators import FAMILIES

NAMES = sorted(INDICATORS)
MINUTE = 60_000_000


def series(seed: int, n_bars: int, *, holes: float = 0.0) -> Mapping[str, Floats]:
    """Return bars of a random walk in steps of 0.05, so that prices repeat; some values are missing."""
    rng = np.random.default_rng(seed)
    close = 100 + 0.05 * np.cumsum(rng.integers(-6, 7, n_bars)).astype(np.float64)
    opened = close + 0.05 * rng.integers(-4, 5, n_bars)
    columns = {
        "ts": 1_700_000_000_000_000.0 + 200 * MINUTE * np.arange(n_bars),
        "open": opened,
        "high": np.maximum(opened, close) + 0.05 * rng.integers(0, 5, n_bars),
        "low": np.minimum(opened, close) - 0.05 * rng.integers(0, 5, n_bars),
        "close": close,
        "volume": rng.integers(0, 2000, n_bars).astype(np.float64) * rng.integers(0, 3, n_bars),
    }
    for column in columns.values():
        column[rng.uniform(size=n_bars) < holes] = math.nan
    return columns


@st.composite
def numbers_of(draw: st.DrawFn, spec: IndicatorSpec) -> dict[str, float | str]:
    found: dict[str, float | str] = {}
    for name, setting in spec.params.items():
        if setting.is_whole:
            found[name] = draw(st.integers(int(setting.low), int(min(setting.high, setting.low + 14))))
        else:
            found[name] = draw(st.floats(setting.low, min(setting.high, 5.0)))
    for name, words in spec.options.items():
        found[name] = draw(st.sampled_from(words))
    if spec.ordered is not None:
        smaller, larger = spec.ordered
        found[larger] = float(found[smaller]) + draw(st.integers(1, 14))
    return found


@pytest.fixture(scope="module", params=NAMES)
def spec(request: pytest.FixtureRequest) -> IndicatorSpec:
    """Return an indicator that is compiled already, outside of any test's time."""
    found = INDICATORS[request.param]
    prepare(found)
    return found


@settings(max_examples=25)
@given(seed=st.integers(0, 10_000), n_bars=st.integers(0, 150), data=st.data())
def test_the_batch_and_the_bar_by_bar_form_give_the_same_bits(spec: IndicatorSpec, seed: int, n_bars: int, data: st.DataObject) -> None:
    given_numbers = data.draw(numbers_of(spec))
    bars = series(seed, n_bars, holes=data.draw(st.sampled_from([0.0, 0.05, 0.4])))
    columns = [bars[column] for column in spec.inputs]
    compiled = spec.batch(columns, given_numbers)
    one = spec.incremental(given_numbers)
    for at, row in enumerate(zip(*(column.tolist() for column in columns), strict=True)):
        value = one.update(*row)
        expected = tuple(float(array[at]) for array in compiled)
        assert_array_equal(value if isinstance(value, tuple) else (value,), expected, err_msg=f"{spec.id}, bar {at}")


def test_short_series_run_plain_with_the_same_bits(spec: IndicatorSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    bars = series(5, 300, holes=0.02)
    columns = [bars[column] for column in spec.inputs]
    results = []
    for is_compiled in (False, True):
        monkeypatch.setattr(indicator, "prefers_compiled", lambda _, chosen=is_compiled: chosen)
        results.append(spec.batch(columns))
    assert_array_equal(results[0], results[1])


@settings(max_examples=20)
@given(seed=st.integers(0, 10_000), data=st.data())
def test_the_first_value_comes_after_the_warm_up(spec: IndicatorSpec, seed: int, data: st.DataObject) -> None:
    given_numbers = data.draw(numbers_of(spec))
    bars = {**series(seed, 150), "volume": np.full(150, 7.0)}
    for output in spec.batch([bars[column] for column in spec.inputs], given_numbers):
        defined = np.flatnonzero(~np.isnan(output))
        assert defined[0] == spec.warmup(given_numbers)
        assert len(defined) == 150 - defined[0]


def test_a_nan_bar_does_not_exist(spec: IndicatorSpec) -> None:
    bars = series(3, 200)
    whole = spec.batch([bars[column] for column in spec.inputs])
    at = [0, 1, 50, 51, 199, 200]
    for hit in range(len(spec.inputs)):
        columns = [np.insert(bars[column], at, math.nan if i == hit else bars[column][5]) for i, column in enumerate(spec.inputs)]
        holes = np.isnan(columns[hit])
        for with_holes, without in zip(spec.batch(columns), whole, strict=True):
            assert np.isnan(with_holes[holes]).all()
            assert_array_equal(with_holes[~holes], without)


def test_prices_that_stand_still_give_outputs_that_stand_still(spec: IndicatorSpec) -> None:
    moving = series(8, 300)
    columns = [
        np.concatenate((moving[column], np.full(600, 100.1 if column != "volume" else 7.0))) for column in spec.inputs if column != "ts"
    ]
    if "ts" in spec.inputs:
        columns.insert(0, 1.7e15 + 1440 * MINUTE * np.arange(900.0))
    for output in spec.batch(columns):
        assert np.isfinite(output[-100:]).all()
        # A parabolic stop goes on towards the extreme, and turns there.
        assert spec.id == "psar" or float(np.ptp(output[-100:])) <= 1e-9 * max(1.0, abs(output[-1]))


def test_inputs_are_not_changed_and_may_be_views_of_any_number(spec: IndicatorSpec) -> None:
    bars = {column: np.rint(values).astype(np.int64) for column, values in series(1, 200).items()}
    columns = [np.repeat(bars[column], 2)[::2] for column in spec.inputs]
    results = spec.batch(columns)
    assert_array_equal(results, spec.batch([bars[column].astype(np.float64) for column in spec.inputs]))
    assert [column.tolist() for column in columns] == [bars[column].tolist() for column in spec.inputs]


def test_an_indicator_says_what_it_is(spec: IndicatorSpec) -> None:
    assert INDICATORS[spec.id] is spec
    assert spec.title
    assert spec.definition.endswith(".")
    assert all(low <= default <= high for default, low, high, _ in spec.params.values())
    assert spec.warmup() >= 0
    assert len(set(spec.outputs)) == len(spec.outputs)


def test_a_function_of_its_own_gives_the_same(spec: IndicatorSpec) -> None:
    function = getattr(kernels, {"max": "highest", "min": "lowest"}.get(spec.id, spec.id))
    bars = series(4, 120)
    columns = [bars[column] for column in spec.inputs]
    named = {key: setting.default if not setting.is_whole else int(setting.default) for key, setting in spec.params.items()}
    accepted = list(inspect.signature(function).parameters)
    result = function(**dict(zip(accepted, columns, strict=False)), **named)
    assert_array_equal(result if isinstance(result, tuple) else (result,), spec.batch(columns))
    assert accepted[len(columns) :] == [*spec.params, *spec.options]
    assert len(columns) == 1 or accepted[: len(columns)] == list(spec.inputs)


def test_families_hold_each_indicator_once() -> None:
    ids = [spec.id for family in FAMILIES.values() for spec in family]
    assert sorted(ids) == NAMES
    assert len(ids) == len(set(ids))


def test_a_fresh_object_starts_anew() -> None:
    first, second = incremental("ema", 2), incremental("ema", 2)
    first.update(1.0)
    assert first.update(3.0) == 2.0
    assert math.isnan(float(np.max(second.update(3.0))))
    assert incremental("ema", 9, seed="first").update(3) == 3.0
    assert incremental("macd", 12, 26, 9).update(1.0) == pytest.approx((math.nan,) * 3, nan_ok=True)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        pytest.param(lambda: find_indicator("emma"), "emma", id="unknown indicator"),
        pytest.param(lambda: incremental("ema", 2, 3), r"takes span, seed", id="too many numbers"),
        pytest.param(lambda: incremental("ema", 2.5), "whole number", id="not whole"),
        pytest.param(lambda: incremental("ema", 0), "span = 0: ema needs a number from 1 to 10000", id="too low"),
        pytest.param(lambda: incremental("ema", math.nan), "span = nan", id="no number at all"),
        pytest.param(lambda: incremental("ema", seed="median"), "median", id="unknown seed"),
        pytest.param(lambda: incremental("rsi", 14, seed="first"), "rsi takes span", id="a seed where there is none"),
        pytest.param(lambda: incremental("macd", 26, 12, 9), "must be below slow = 12", id="turned round"),
        pytest.param(lambda: incremental("atr", 3).update(1.0), "high, low, close", id="too few values"),
        pytest.param(lambda: find_indicator("atr").batch([np.ones(3), np.ones(2), np.ones(3)]), "one length", id="lengths differ"),
        pytest.param(lambda: find_indicator("rsi").batch([np.ones(3), np.ones(3)]), "one length for close", id="too many columns"),
    ],
)
def test_a_wrong_call_is_refused(call: object, said: str) -> None:
    assert callable(call)
    with pytest.raises(BadParameter, match=said):
        call()
