"""Compile every twin into the cache, at set-up instead of on somebody's first click: ``python -m qts.kernels.compile [FOLDER]``.

The folder is used where the package's own cannot be written to, as in a read-only image. ``--only=fills,orders,sweep,indicators`` compiles
some of them, so that several processes can share the work.
"""

from __future__ import annotations

import functools
import sys
import time
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Final

import numpy as np

from qts.core.errors import BadParameter
from qts.kernels.cache import use_cache
from qts.kernels.indicators import INDICATORS
from qts.kernels.state import CASH, N_ACCOUNT, N_EVENT, N_FILL, N_ORDER, N_RATE, N_ROW, PEAK, Market, Rules, Run
from qts.kernels.twins import as_input, twin

GROUPS: Final = ("indicators", "fills", "orders", "sweep")


def compile_all(report: Callable[[str], object], *, only: Collection[str] = GROUPS) -> None:
    """Compile the twins of these groups, or load them where the cache has them; ``report`` gets one line for each.

    Notes
    -----
    All of them take a minute or more of one processor the first time, about two seconds where they are cached. A process that did it
    answers its first long run at once.

    Raises
    ------
    BadParameter
        If there is no such group.
    """
    for name in only:
        if name not in GROUPS:
            raise BadParameter("only", name, "there is no such group of twins", hint=f"There are {', '.join(GROUPS)}.")
    for name, call in _samples(only):
        began = time.perf_counter()
        call()
        report(f"compiled {name} in {time.perf_counter() - began:.1f} s")


def _samples(only: Collection[str]) -> Iterator[tuple[str, Callable[[], object]]]:
    # These import the compiler, after the cache's folder is known.
    from qts.kernels.compiled_indicators import prepare  # noqa: PLC0415
    from qts.kernels.compiled_portfolio import prepare as prepare_portfolio  # noqa: PLC0415
    from qts.kernels.compiled_sweep import prepare as prepare_sweep  # noqa: PLC0415

    if "indicators" in only:
        for spec in INDICATORS.values():
            yield spec.id, functools.partial(prepare, spec)
    for name in ("fills", "orders"):
        if name in only:
            yield name, functools.partial(_play_sample, name)
    if "sweep" in only:
        yield "sweep", prepare_sweep
        yield "portfolio", prepare_portfolio


def _play_sample(name: str) -> None:
    twin(name)(sample_run())


def sample_run() -> Run:
    """Return a run of a few bars, of the very types the engine hands over."""
    n_bars = 8
    prices = as_input(np.linspace(1.0, 2.0, n_bars))
    nothing, none, no_flags = as_input(np.zeros(0)), as_input(np.zeros(0, dtype=np.int64)), as_input(np.zeros(0, dtype=np.int8))
    market = Market(
        ts=as_input(np.arange(n_bars, dtype=np.int64)),
        open=prices,
        high=prices,
        low=prices,
        close=prices,
        volume=prices,
        mark=prices,
        measure=nothing,
        phase=no_flags,
        lock=no_flags,
        event_bar=as_input(np.array([1], dtype=np.int64)),
        event_instrument=as_input(np.array([0], dtype=np.int64)),
        event_target=as_input(np.array([1.0])),
        agenda=as_input(np.array([1, n_bars - 1], dtype=np.int64)),
        terms=as_input(np.array([1.0, 0.0, 1.0, 0.0, 1.0, 0.0, -1.0, 0.0, 0.0, 0.0, 0.0])),
        ticks=nothing,
        actions=nothing,
        starts=none,
        rates=as_input(np.zeros(N_RATE)),
    )
    rules = Rules(
        n_instruments=1,
        size_kind=0,
        size_amount=1.0,
        size_parts=1.0,
        size_multiple=0.0,
        in_lots=False,
        units=1.0,
        slip_fraction=0.0,
        slip_offset=0.0,
        slip_ticks=0.0,
        volume_share=0.0,
        impact=0.0,
        at_close=False,
        intraday=False,
        delivery=True,
        close_at_end=True,
        is_plain=True,
        is_margined=False,
        expires=False,
        cost_kind=3,
        cost_rate=0.0,
        cost_minimum=0.0,
        max_position=0.0,
        max_exposure=0.0,
        daily_loss=0.0,
        max_drawdown=0.0,
        stop_loss=0.0,
        take_profit=0.0,
        trailing=0.0,
    )
    account = np.zeros(N_ACCOUNT)
    account[CASH], account[PEAK] = 100.0, 100.0
    return Run(
        **market._asdict(),
        rules=rules,
        rows=np.zeros(N_ROW),
        account=account,
        book=np.zeros(4 * N_ORDER),
        fills=np.zeros(4 * N_FILL),
        log=np.zeros(4 * N_EVENT),
        acted=np.zeros(0),
        equity=np.empty(n_bars),
        cash=np.empty(n_bars),
    )


def main(*words: str) -> None:
    """Compile with progress on standard output; words are those of the command line."""
    folders = [word for word in words if not word.startswith("--only=")]
    named = [word.removeprefix("--only=").split(",") for word in words if word.startswith("--only=")]
    if folders:
        use_cache(Path(folders[0]))
    compile_all(lambda line: sys.stdout.write(f"{line}\n"), only=named[0] if named else GROUPS)


if __name__ == "__main__":
    main(*sys.argv[1:])
