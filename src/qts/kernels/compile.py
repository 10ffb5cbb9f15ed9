"""Compile every twin into the cache, at set-up instead of on somebody's first click: ``python -m qts.kernels.compile [FOLDER]``.

The folder is used where the package's own cannot be written to, as in a read-only image.
"""

from __future__ import annotations

import functools
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from qts.kernels.cache import use_cache
from qts.kernels.indicators import INDICATORS
from qts.kernels.state import N_ACCOUNT, N_FILL, N_RATE, N_ROW, Market, Rules, Run
from qts.kernels.twins import as_input, twin


def compile_all(report: Callable[[str], object]) -> None:
    """Compile the twins, or load them where the cache has them; ``report`` gets one line for each.

    Notes
    -----
    Takes some ten seconds the first time, about two where all are cached. A process that did it answers its first long run at once.
    """
    for name, call in _samples():
        began = time.perf_counter()
        call()
        report(f"compiled {name} in {time.perf_counter() - began:.1f} s")


def _samples() -> Iterator[tuple[str, Callable[[], object]]]:
    from qts.kernels.compiled_indicators import prepare  # noqa: PLC0415 - imports the compiler, after the cache's folder is known

    for spec in INDICATORS.values():
        yield spec.id, functools.partial(prepare, spec)
    yield "fills", lambda: twin("fills")(sample_run())


def sample_run() -> Run:
    """Return a run of a few bars, of the very types the engine hands over."""
    n_bars = 8
    prices = as_input(np.linspace(1.0, 2.0, n_bars))
    instants = as_input(np.arange(n_bars, dtype=np.int64))
    market = Market(instants, prices, prices, prices, as_input(np.ones(n_bars)), as_input(np.zeros(0, dtype=np.int8)))
    rules = Rules(
        n_instruments=1,
        size_kind=0,
        size_amount=1.0,
        units=1.0,
        slippage=0.0,
        at_close=False,
        intraday=False,
        close_at_end=True,
        cost_kind=3,
        cost_rate=0.0,
        cost_minimum=0.0,
        starts=as_input(np.zeros(0, dtype=np.int64)),
        rates=as_input(np.zeros(N_RATE)),
    )
    account = np.zeros(N_ACCOUNT)
    account[0] = 100.0
    return Run(market, rules, np.zeros(N_ROW), account, np.zeros(4 * N_FILL), np.empty(n_bars), np.empty(n_bars))


def main(folder: str | None = None) -> None:
    """Compile with progress on standard output."""
    if folder is not None:
        use_cache(Path(folder))
    compile_all(lambda line: sys.stdout.write(f"{line}\n"))


if __name__ == "__main__":
    main(*sys.argv[1:2])
