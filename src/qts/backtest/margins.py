"""Whether an account could have kept what it held: equity against what its positions block."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np

from qts.backtest.inputs import Timeline
from qts.backtest.playing import Played, marks_of
from qts.backtest.terms import InstrumentTerms, Margin
from qts.core.arrays import Floats
from qts.core.clock import session_date_of
from qts.kernels.state import F_BAR, F_INSTRUMENT, F_QUANTITY


def first_shortfall(timeline: Timeline, played: Played, terms: Sequence[InstrumentTerms]) -> date | None:
    """Return the date of the first close at which the equity was less than what the positions block; None where it never was."""
    marks = np.nan_to_num(marks_of(timeline.close))
    blocked = np.zeros(len(timeline.ts))
    for i, one in enumerate(terms):
        own = played.raw[played.raw[:, F_INSTRUMENT] == i]
        held = np.cumsum(np.bincount(own[:, F_BAR].astype(np.int64), weights=own[:, F_QUANTITY], minlength=len(timeline.ts)))
        blocked += _blocked(np.maximum(held, 0.0), marks[i], one.margin_long) + _blocked(np.maximum(-held, 0.0), marks[i], one.margin_short)
    # A paisa is noise of floats.
    short = np.flatnonzero(played.equity < blocked - 0.01)
    return session_date_of(int(timeline.ts[short[0]])) if short.size else None


def _blocked(held: Floats, marks: Floats, margin: Margin) -> Floats:
    return held * (marks * float(margin.fraction) + float(margin.base))
