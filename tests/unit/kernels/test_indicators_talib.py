"""What TA-Lib says, to a billionth: a few numbers on made bars, and whole tables on real ones."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow.parquet as pq
import pytest
from numpy.testing import assert_allclose

from qts.core import Floats
from qts.kernels import INDICATORS

NAN: Final = math.nan
FACTS: Final[list[dict[str, Any]]] = json.loads((Path(__file__).parent / "indicators_talib.json").read_text(encoding="utf-8"))["facts"]
COLUMNS: Final = ("open", "high", "low", "close", "volume")
OUR_OWN: Final = {"keltner", "donchian", "supertrend", "vwap"}

# The table's names of what is not simply an indicator and its span: id, output, parameters.
NAMED: Final[dict[str, tuple[str, str, dict[str, float]]]] = {
    "MACD_12_26_9": ("macd", "macd", {}),
    "MACDSIGNAL_12_26_9": ("macd", "signal", {}),
    "MACDHIST_12_26_9": ("macd", "histogram", {}),
    "BBU_20_2": ("bbands", "upper", {"span": 20, "width": 2}),
    "BBM_20_2": ("bbands", "middle", {"span": 20, "width": 2}),
    "BBL_20_2": ("bbands", "lower", {"span": 20, "width": 2}),
    "STOCHK_14_3_3": ("stoch", "k", {"span": 14, "smooth": 3, "signal": 3}),
    "STOCHD_14_3_3": ("stoch", "d", {"span": 14, "smooth": 3, "signal": 3}),
    "SAR": ("psar", "psar", {"acceleration": 0.02, "maximum": 0.2}),
    "AROONUP_14": ("aroon", "up", {"span": 14}),
    "OBV": ("obv", "obv", {}),
    "TRANGE": ("trange", "trange", {}),
}


def made_bars(n_bars: int) -> dict[str, Floats]:
    """Return bars in whole paise, from a sequence of whole numbers that every machine makes alike."""
    draw, close = 1, 10_000
    rows = []
    for _ in range(n_bars):
        parts = []
        for _ in range(5):
            draw = (1_103_515_245 * draw + 12_345) % 2**31
            parts.append(draw // 65_536)
        close += parts[0] % 201 - 100
        opened = close + parts[1] % 101 - 50
        high, low = max(opened, close) + parts[2] % 60, min(opened, close) - parts[3] % 60
        rows.append((opened / 100, high / 100, low / 100, close / 100, float(parts[4] % 5000 * 10)))
    return dict(zip(COLUMNS, np.array(rows).T.copy(), strict=True))


def output_of(bars: dict[str, Floats], name: str, output: str, params: dict[str, float]) -> Floats:
    spec = INDICATORS[name]
    return spec.batch([bars[column] for column in spec.inputs], params)[spec.outputs.index(output)]


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: f"{fact['indicator']}-{fact['output']}")
def test_a_made_series_gives_what_ta_lib_gives(fact: dict[str, Any]) -> None:
    got = output_of(made_bars(240), fact["indicator"], fact["output"], fact["params"])
    assert_allclose(got[fact["bars"]], fact["values"], rtol=1e-9, atol=1e-12)
    assert np.flatnonzero(~np.isnan(got))[0] == fact["bars"][0]


def test_every_indicator_is_compared_but_those_ta_lib_does_not_have() -> None:
    assert {fact["indicator"] for fact in FACTS} == set(INDICATORS) - OUR_OWN


@pytest.mark.realdata
def test_real_prices_give_what_ta_lib_gives(realdata: Path) -> None:
    truth = json.loads((realdata / "truth" / "indicators_talib.json").read_text())
    table = pq.read_table(realdata / "nse_daily_adjusted.parquet").to_pydict()
    columns = {name.lower(): values for name, values in table.items()}
    compared = []
    for symbol, expected in truth["symbols"].items():
        rows = [i for i, one in enumerate(columns["symbol"]) if one == symbol and str(columns["date"][i]) >= "2010-01-01"]
        assert len(rows) == expected["n"]
        bars = {name: np.array([columns[name][i] for i in rows], dtype=np.float64) for name in COLUMNS}
        at = [point["i"] for point in expected["checkpoints"]]
        for key, values in expected["values"].items():
            name, _, span = key.lower().rpartition("_")
            wanted = NAMED[key] if key in NAMED else (name, name, {"span": float(span)})
            got = output_of(bars, *wanted)
            assert_allclose(
                got[at], [NAN if value is None else value for value in values], rtol=1e-9, atol=1e-12, err_msg=f"{symbol} {key}"
            )
            assert np.flatnonzero(~np.isnan(got))[0] == expected["first_defined"][key]
            assert float(np.nanmean(got)) == pytest.approx(expected["checksum_mean"][key], rel=1e-9, abs=1e-12)
            compared.append(key)
    assert len(compared) == 37 * len(truth["symbols"])
