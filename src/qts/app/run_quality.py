"""How good the bars of a run are, judged by themselves and by the actions that the run knows: the same bars, the same number for ever."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from qts.core.arrays import Ints
from qts.core.bars import Bars
from qts.core.corporate_action import ActionKind, CorporateAction
from qts.core.instrument import exchange_of
from qts.data.coverage import cover
from qts.data.quality import price_findings, score, session_findings
from qts.data.storage import SeriesInfo

_IST_OFFSET_MICROS: Final = 19_800_000_000
_DAY_MICROS: Final = 86_400_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RunQuality:
    """The mean score of the series of a run, and the mean share of the expected bars that is there, 0 to 100; None without a calendar."""

    score: float | None
    share: float | None


def run_quality(series: Sequence[SeriesInfo], bars: Sequence[Bars], actions: Sequence[CorporateAction] = ()) -> RunQuality:
    """Return the quality of what a run is computed on.

    What was refused at import, what is known to be empty and what other series say takes no part: these may change while the run's
    bars stay as they are, and a run must be the same when it is repeated.
    """
    scores, shares = [], []
    for info, held in zip(series, bars, strict=True):
        covered = cover(days_held(held.ts), exchange_of(info.key.instrument), info.key.interval)
        own = [one for one in actions if one.instrument == held.instrument and one.kind is not ActionKind.DIVIDEND]
        found = score((*price_findings(held, basis=info.key.basis, actions=own), session_findings(held)), covered).score
        share = None if covered is None else covered.share
        if found is not None and share is not None:
            scores.append(found)
            shares.append(share)
    if not scores:
        return RunQuality(score=None, share=None)
    return RunQuality(score=round(sum(scores) / len(scores), 2), share=round(sum(shares) / len(shares), 2))


def days_held(ts: Ints) -> dict[int, int]:
    """Return how many of these instants (microseconds UTC, shape ``(n_bars,)``) fall on each date in India."""
    days, counts = np.unique((ts + _IST_OFFSET_MICROS) // _DAY_MICROS, return_counts=True)
    return dict(zip(days.tolist(), counts.tolist(), strict=True))
