"""The garbage collector, kept from walking over millions of lasting objects while they are made."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collection_paused() -> Iterator[None]:
    """Make many lasting objects without the collector looking through them again and again.

    It looks for cycles, of which fills and trades have none, and finding that out took a quarter of a large run. Objects without cycles
    are freed as ever. Where somebody has switched it off already, it stays off.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
