"""Blocks of cells handed out to threads, with progress and a way to stop."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, as_completed, wait
from threading import Event
from typing import Final, TypeAlias

OnProgress: TypeAlias = Callable[[int, int], object]
IsCancelled: TypeAlias = Callable[[], bool]
Reached: TypeAlias = Callable[[float], object]
Play: TypeAlias = Callable[[slice, Reached, IsCancelled], None]

# Cells of a block share their series: larger blocks share more, smaller ones are done sooner.
BLOCK: Final = 512
# Seconds between two looks at whether to stop.
_LOOK: Final = 0.05


def play_blocks(n_cells: int, play: Play, *, threads: int, on_progress: OnProgress, is_cancelled: IsCancelled) -> None:
    """Play all cells in blocks, ``threads`` at a time, until done or cancelled.

    ``play`` gets the cells as a slice, a function to tell which part of its work is done, and one to ask whether to stop. Progress counts
    whole cells' worth of work. What ``play`` raises is raised here, once the others have stopped.
    """
    size = min(BLOCK, math.ceil(n_cells / threads))
    blocks = [slice(at, min(at + size, n_cells)) for at in range(0, n_cells, size)]
    reached = [0.0] * len(blocks)

    def tell() -> None:
        on_progress(math.floor(sum(reached) + 1e-6), n_cells)

    if threads == 1:
        for k, block in enumerate(blocks):
            play(block, _Recorder(reached, k, block, tell), is_cancelled)
        return
    stop = Event()
    if is_cancelled():
        return
    with ThreadPoolExecutor(threads) as pool:
        waiting: set[Future[None]] = {
            pool.submit(play, block, _Recorder(reached, k, block, _nothing), stop.is_set) for k, block in enumerate(blocks)
        }
        try:
            while waiting:
                done, waiting = wait(waiting, timeout=_LOOK)
                for future in done:
                    future.result()
                tell()
                if is_cancelled():
                    stop.set()
        finally:
            stop.set()


def play_each(
    cells: Sequence[int],
    begin: Callable[[int], Callable[[], None]],
    *,
    threads: int,
    on_done: Callable[[], object],
    is_cancelled: IsCancelled,
) -> None:
    """Begin cells one after the other on this thread, and end up to ``threads`` of them at a time on others.

    ``begin`` returns what ends a cell. With one thread all is done on this one. What is raised, is raised here.
    """
    if threads == 1:
        for at in cells:
            if is_cancelled():
                return
            begin(at)()
            on_done()
        return
    waiting: set[Future[None]] = set()
    with ThreadPoolExecutor(threads) as pool:
        for at in cells:
            if is_cancelled():
                break
            waiting.add(pool.submit(begin(at)))
            # Nothing is begun far ahead of what is ended: each holds a column of targets.
            done, waiting = wait(waiting, timeout=None if len(waiting) > threads else 0.0, return_when=FIRST_COMPLETED)
            for future in done:
                future.result()
                on_done()
        for future in as_completed(waiting):
            future.result()
            on_done()


class _Recorder:
    """Takes how far a block is."""

    def __init__(self, reached: list[float], at: int, block: slice, tell: Callable[[], None]) -> None:
        self._reached = reached
        self._at = at
        self._cells = block.stop - block.start
        self._tell = tell

    def __call__(self, part: float) -> None:
        self._reached[self._at] = part * self._cells
        self._tell()


def _nothing() -> None:
    pass
