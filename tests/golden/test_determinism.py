"""The same inputs give the same bytes, whatever the machine's zone, language, hash seed and number of threads."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

PROGRAM = """
import hashlib
from decimal import Decimal
import numpy as np
from qts.backtest import BacktestSettings, run
from qts.core import Bars, Interval, Product
from qts.strategies import load_catalog

rng = np.random.default_rng(7)
def bars(name):
    n = 600
    close = np.round(400 * np.exp(np.cumsum(rng.normal(0, 0.01, n))), 2)
    open_ = np.round(close * np.exp(rng.normal(0, 0.003, n)), 2)
    ts = np.array([1_714_967_100_000_000 + 86_400_000_000 * (k // 25) + 900_000_000 * (k % 25) for k in range(n)])
    high, low = np.maximum(open_, close), np.minimum(open_, close)
    return Bars(instrument=name, interval=Interval.MINUTE_15, ts=ts, open=open_, high=high, low=low, close=close, volume=close, oi=close)

digest = hashlib.sha256()
series = [bars("NSE:A"), bars("NSE:B")]
for product in Product.CNC, Product.MIS:
    result = run(load_catalog().get("ema_cross").require(), {"short": True}, series, BacktestSettings(product=product))
    assert len(result.fills) > 20
    digest.update(result.equity.tobytes() + result.cash.tobytes() + result.exposure.tobytes())
    digest.update(repr((result.fills, result.trades, result.charges, result.warnings)).encode())
print(digest.hexdigest())
"""
WORLDS = [("0", "UTC", "1"), ("1", "Asia/Kolkata", "2"), ("42", "America/New_York", "1"), ("7", "Pacific/Kiritimati", "2")]


def digest_in(world: tuple[str, str, str], prelude: str = "") -> str:
    seed, zone, threads = world
    environment = {
        **os.environ,
        "PYTHONHASHSEED": seed,
        "TZ": zone,
        "LC_ALL": "C",
        "OMP_NUM_THREADS": threads,
        "NUMBA_NUM_THREADS": threads,
    }
    done = subprocess.run([sys.executable, "-c", prelude + PROGRAM], capture_output=True, text=True, check=True, env=environment)
    return done.stdout.strip()


@pytest.fixture(scope="module")
def expected() -> str:
    return digest_in(WORLDS[0])


@pytest.mark.parametrize("world", WORLDS[1:], ids=[zone for _, zone, _ in WORLDS[1:]])
def test_zone_hash_seed_and_threads_change_nothing(expected: str, world: tuple[str, str, str]) -> None:
    assert digest_in(world) == expected


def test_the_compiled_loops_change_nothing(expected: str) -> None:
    assert digest_in(WORLDS[0], "import qts.kernels.twins as twins; twins.COMPILE_FROM = 0\n") == expected
