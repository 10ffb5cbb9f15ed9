"""Do the engines give the same numbers? Speed counts only where they do."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Final

from benchmarks.contest import Entry
from benchmarks.peers.worker import Outcome

EQUITY_TOLERANCE: Final = 1e-9
FALL_TOLERANCE: Final = 1e-9
SHARPE_TOLERANCE: Final = 1e-6
TINY: Final = 1e-300


def differences(outcome: Outcome, right: Outcome) -> list[str]:
    """Return what differs from the right numbers, in words; nothing where they agree."""
    if len(outcome.final_equity) != len(right.final_equity):
        return [f"{len(outcome.final_equity)} results for {len(right.final_equity)}"]
    found = []
    equity = largest(outcome.final_equity, right.final_equity)
    if not equity <= EQUITY_TOLERANCE:
        found.append(f"final equity by {equity:.1e} of itself")
    n_off = sum(mine != other for mine, other in zip(outcome.entries, right.entries, strict=True))
    if n_off:
        most = max(abs(mine - other) for mine, other in zip(outcome.entries, right.entries, strict=True))
        found.append(f"entries in {n_off} of {len(right.entries)} results, by up to {most}")
    fall = worst(mine - other for mine, other in zip(outcome.max_drawdown, right.max_drawdown, strict=True))
    if not fall <= FALL_TOLERANCE:
        found.append(f"drawdown by {fall:.1e}")
    sharpe = largest(outcome.sharpe, right.sharpe)
    if not sharpe <= SHARPE_TOLERANCE:
        found.append(f"Sharpe by {sharpe:.1e} of itself")
    return found


def largest(mine: list[float], right: list[float]) -> float:
    """Return the largest difference, relative to the right value."""
    return worst((value - other) / max(abs(other), TINY) for value, other in zip(mine, right, strict=True))


def worst(gaps: Iterable[float]) -> float:
    """Return the largest size of these; infinite where one is no number."""
    return max(math.inf if math.isnan(gap) else abs(gap) for gap in gaps)


def judged(entries: Mapping[str, Entry], right: Outcome) -> dict[str, str]:
    """Return for each engine "same", or what differs."""
    return {name: verdict(entry, right) for name, entry in entries.items()}


def verdict(entry: Entry, right: Outcome) -> str:
    """Return "same", what differs, or why there is nothing to compare."""
    if entry.outcome is None:
        return entry.failure
    found = differences(entry.outcome, right)
    return f"differs: {'; '.join(found)}" if found else "same"
