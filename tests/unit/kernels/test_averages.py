from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path

import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from numpy.testing import assert_allclose, assert_array_equal

from qts.core import Floats
from qts.core.errors import BadParameter
from qts.kernels import atr, averages, ema, oscillators, rsi, sma, wma
from qts.kernels.averages import ema_loop
from qts.kernels.oscillators import atr_loop, rsi_loop
from qts.kernels.twins import as_input, twin

Average = Callable[[Floats, int], Floats]

NAN = math.nan
ON_CLOSE: dict[str, Average] = {"SMA": sma, "EMA": ema, "WMA": wma, "RSI": rsi}
SERIES = hnp.arrays(np.float64, st.integers(0, 80), elements=st.one_of(st.floats(1, 1e4), st.just(NAN)))


def test_sma_is_the_mean_of_the_last_bars_and_undefined_before() -> None:
    assert_array_equal(sma(np.array([1.0, 2.0, 3.0, 4.0]), 2), [NAN, 1.5, 2.5, 3.5])


def test_wma_weighs_the_latest_bar_most() -> None:
    assert_allclose(wma(np.array([1.0, 2.0, 3.0, 5.0]), 3), [NAN, NAN, (1 + 4 + 9) / 6, (2 + 6 + 15) / 6])


def test_ema_starts_with_the_mean_of_the_first_bars() -> None:
    assert_allclose(ema(np.array([1.0, 2.0, 6.0, 5.0]), 3), [NAN, NAN, 3.0, 4.0])


def test_ema_may_start_with_the_first_value() -> None:
    assert_allclose(ema(np.array([4.0, 8.0, 8.0]), 3, seed="first"), [4.0, 6.0, 7.0])


def test_a_nan_in_the_window_makes_simple_averages_undefined_until_it_leaves() -> None:
    values = np.array([NAN, 1.0, 2.0, NAN, 4.0, 5.0])
    assert_array_equal(sma(values, 2), [NAN, NAN, 1.5, NAN, NAN, 4.5])
    assert np.isnan(wma(values, 2)).tolist() == [True, True, False, True, True, False]


def test_a_nan_bar_does_not_exist_for_the_exponential_average() -> None:
    values = np.array([NAN, 1.0, 3.0, NAN, 8.0])
    assert_array_equal(ema(values, 2), [NAN, NAN, 2.0, NAN, 6.0])


@pytest.mark.parametrize("average", [sma, wma, ema])
def test_flat_prices_have_a_flat_average(average: Average) -> None:
    flat = average(np.full(5000, 100.1), 7)
    assert len(set(flat[6:].tolist())) == 1


@pytest.mark.parametrize("average", [sma, wma, ema])
def test_blocks_do_not_show(average: Average) -> None:
    values = np.random.default_rng(1).uniform(1, 2, 9000)
    whole = average(values, 50)
    for cut in (49, 50, 4095, 4096, 4145, 8999):
        assert_array_equal(average(values[:cut], 50), whole[:cut])


@pytest.mark.parametrize("average", [sma, wma, ema])
def test_a_span_without_bars_is_refused(average: Average) -> None:
    with pytest.raises(BadParameter, match="span = 0"):
        average(np.ones(3), 0)


def test_wilder_s_indicators_refuse_spans_without_meaning() -> None:
    with pytest.raises(BadParameter, match="span = 1"):
        rsi(np.ones(3), 1)
    with pytest.raises(BadParameter, match="span = 0"):
        atr(np.ones(3), np.ones(3), np.ones(3), 0)


def test_an_unknown_seed_is_refused() -> None:
    with pytest.raises(BadParameter, match="median"):
        ema(np.ones(3), 2, seed="median")


@given(values=SERIES, span=st.integers(1, 20))
def test_simple_averages_equal_their_definition(values: Floats, span: int) -> None:
    weights = np.arange(1, span + 1)
    windows = [values[max(0, i - span + 1) : i + 1] for i in range(len(values))]
    full = [window if len(window) == span else np.full(span, NAN) for window in windows]
    assert_allclose(sma(values, span), [math.fsum(window) / span for window in full], rtol=1e-12)
    assert_allclose(wma(values, span), [float(np.sum(window * weights)) / weights.sum() for window in full], rtol=1e-12)


@given(values=SERIES, span=st.integers(1, 20), first=st.booleans())
def test_the_compiled_ema_equals_the_plain_one(values: Floats, span: int, *, first: bool) -> None:
    needed = 1 if first else span
    plain, compiled = np.full(len(values), NAN).tolist(), np.full(len(values), NAN)
    ema_loop(values.tolist(), plain, span, needed)
    twin("ema")(as_input(values), compiled, span, needed)
    assert_array_equal(plain, compiled)
    assert_array_equal(ema(values, span, seed="first" if first else "sma"), compiled)


@given(values=SERIES, span=st.integers(2, 20))
def test_the_compiled_rsi_and_atr_equal_the_plain_ones(values: Floats, span: int) -> None:
    plain, compiled = np.full(len(values), NAN).tolist(), np.full(len(values), NAN)
    rsi_loop(values.tolist(), plain, span)
    twin("rsi")(as_input(values), compiled, span)
    assert_array_equal(plain, compiled)
    plain, compiled = np.full(len(values), NAN).tolist(), np.full(len(values), NAN)
    high, low = values * 1.01, values * 0.99
    atr_loop((high.tolist(), low.tolist(), values.tolist()), plain, span)
    twin("atr")((as_input(high), as_input(low), as_input(values)), compiled, span)
    assert_array_equal(plain, compiled)


@pytest.mark.parametrize("compiled", [False, True])
def test_long_and_short_series_take_different_ways_to_the_same_numbers(monkeypatch: pytest.MonkeyPatch, *, compiled: bool) -> None:
    for module in (averages, oscillators):
        monkeypatch.setattr(module, "prefers_compiled", lambda _: compiled)
    values = np.array([1.0, 2.0, 4.0, 3.0, 5.0])
    assert_allclose(ema(values, 2), [NAN, 1.5, 19 / 6, 55 / 18, 235 / 54])
    assert_allclose(rsi(values, 2), [NAN, NAN, 100.0, 60.0, 1.375 / 1.625 * 100])
    assert_allclose(rsi(np.ones(4), 2), [NAN, NAN, 0.0, 0.0])
    assert_allclose(atr(values + 1, values - 1, values, 2), [NAN, NAN, 2.5, 2.25, 2.625])


@pytest.mark.realdata
@pytest.mark.parametrize("name", ["SMA", "EMA", "WMA", "RSI", "ATR"])
def test_indicators_agree_with_ta_lib(realdata: Path, name: str) -> None:
    truth = json.loads((realdata / "truth" / "indicators_talib.json").read_text())
    table = pq.read_table(realdata / "nse_daily_adjusted.parquet")
    compared = 0
    for symbol, expected in truth["symbols"].items():
        high, low, close = _columns(table, symbol, expected["n"])
        at = [point["i"] for point in expected["checkpoints"]]
        for key, values in expected["values"].items():
            kind, _, span = key.partition("_")
            if kind != name or not span.isdigit():
                continue
            got = atr(high, low, close, int(span)) if kind == "ATR" else ON_CLOSE[kind](close, int(span))
            assert_allclose(got[at], [NAN if value is None else value for value in values], rtol=1e-9, err_msg=f"{symbol} {key}")
            compared += 1
    assert compared > 0


def _columns(table: pa.Table, symbol: str, n: int) -> tuple[Floats, Floats, Floats]:
    frame = table.to_pydict()
    names = {column.lower(): column for column in frame}
    rows = [i for i, one in enumerate(frame[names["symbol"]]) if one == symbol and str(frame[names["date"]][i]) >= "2010-01-01"]
    assert len(rows) == n
    high, low, close = (np.array([frame[names[column]][i] for i in rows], dtype=np.float64) for column in ("high", "low", "close"))
    return high, low, close
