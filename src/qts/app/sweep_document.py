"""The answer of a sweep: what programs read."""

from __future__ import annotations

from pydantic import Field

from qts.app.run_document import DataPart, ParamJson, Part, SettingsPart, StrategyPart


class SweepCell(Part):
    """One set of parameters and its metrics, named and defined as those of a run; null where one is not defined."""

    params: dict[str, ParamJson]
    metrics: dict[str, float | int | None]


class OverfittingPart(Part):
    """How much of the best cell is the luck of many tries.

    ``trials`` counts every attempt at the idea so far, these cells included; ``deflated_sharpe`` is the chance that the best cell's Sharpe
    ratio is more than that luck, null with a reason in the notes. ``pbo``, the probability of overfitting, is not computed by a sweep.
    """

    trials: int
    deflated_sharpe: float | None
    pbo: float | None
    notes: tuple[str, ...]


class SweepDocument(Part):
    """A finished sweep, or what was done of one that was stopped.

    ``trials`` are the cells that were evaluated, of ``cells`` allowed ones; ``skipped`` combinations broke the strategy's constraint.
    ``best`` has the cells of the highest ``objective``, highest first.
    """

    strategy: StrategyPart
    simulated: bool
    data: DataPart
    settings: SettingsPart
    grid: dict[str, tuple[ParamJson, ...]]
    objective: str
    cells: int
    trials: int
    skipped: int
    complete: bool
    best: tuple[SweepCell, ...]
    overfitting: OverfittingPart
    lookahead: str
    seconds: float = Field(ge=0)
    warnings: tuple[str, ...]
