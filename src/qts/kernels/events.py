"""Events of two series: crosses, and the state they switch."""

from __future__ import annotations

import numpy as np

from qts.core.arrays import Bools, Floats


def crosses_above(fast: Floats, slow: Floats) -> Bools:
    """Return where ``fast`` crosses above ``slow``.

    Parameters
    ----------
    fast, slow : ndarray of shape (n_bars,)
        Oldest first; NaN is allowed.

    Returns
    -------
    ndarray of bool, shape (n_bars,)
        True at t where ``fast[t-1] <= slow[t-1]`` and ``fast[t] > slow[t]``, all four of them defined; never on the first bar.
    """
    crossed = np.zeros(len(fast), dtype=np.bool_)
    above = fast > slow
    crossed[1:] = (fast[:-1] <= slow[:-1]) & above[1:]
    return crossed


def crosses_below(fast: Floats, slow: Floats) -> Bools:
    """Return where ``fast`` crosses below ``slow``: ``fast[t-1] >= slow[t-1]`` and ``fast[t] < slow[t]``, all four defined."""
    return crosses_above(slow, fast)


def hold(enter: Bools, leave: Bools, *, inside: float = 1.0, outside: float = 0.0) -> Floats:
    """Return ``inside`` from an entry on and ``outside`` from an exit on, 0 before the first of either.

    Parameters
    ----------
    enter, leave : ndarray of bool, shape (n_bars,)
        Where to go in and out; where both are true, the exit counts.
    inside, outside : float
        The two exposures. ``outside=-1.0`` turns round instead of leaving.

    Returns
    -------
    ndarray of shape (n_bars,)
    """
    events = np.flatnonzero(enter | leave)
    states = np.concatenate(([0.0], np.where(leave[events], outside, inside)))
    return np.repeat(states, np.diff(np.concatenate(([0], events, [len(enter)]))))
