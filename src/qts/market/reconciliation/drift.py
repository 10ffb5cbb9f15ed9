"""Where our schedule looks out of date: the same other rate, seen in bill after bill."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

from qts.core import Exchange
from qts.market.charges import ChargeSegment
from qts.market.charges.schedule import Component, RateRow
from qts.market.reconciliation.comparison import Observation

_MOST_PLACES: Final = 12
# Decimals are computed with 28 digits, and a number is not rounded to more.
_MOST_DIGITS: Final = 27


@dataclass(frozen=True, slots=True, kw_only=True)
class OutOfDate:
    """A rate of ours that bills contradict in one and the same way.

    ``our_rate`` and ``implied_rate`` are percent of the line's base, or rupees per order where ``unit`` says so. ``fund_rate`` is the part
    of both that the schedule holds in the investor protection fund's own row. ``estimate`` is the doubt our own row carries, if any.
    """

    line: str
    exchange: Exchange
    segments: tuple[ChargeSegment, ...]
    unit: str
    our_rate: Decimal
    valid_from: date
    source: str
    estimate: str
    implied_rate: Decimal
    fund_rate: Decimal
    since: date
    until: date
    n_bills: int


@dataclass(slots=True, kw_only=True)  # grows while the bills are walked through
class _Run:
    row: RateRow
    low: Decimal
    high: Decimal
    seen: list[Observation] = field(default_factory=list)

    def admits(self, observation: Observation) -> bool:
        return max(self.low, observation.low) <= min(self.high, observation.high)

    def take(self, observation: Observation) -> None:
        self.low, self.high = max(self.low, observation.low), min(self.high, observation.high)
        self.seen.append(observation)


def out_of_date(observations: Iterable[Observation]) -> tuple[OutOfDate, ...]:
    """Return the rates that differ from ours in one consistent way, oldest first.

    Bills are walked through by date. A run of bills whose lines differ goes on while one rate explains them all; a bill that agrees with
    our rate ends it, unless it is so small that the other rate explains it, too.
    """
    groups: dict[tuple[str, RateRow, bool], list[Observation]] = {}
    for observation in observations:
        base = observation.base
        row = base.at.row(Component(observation.line))
        if row is not None:
            groups.setdefault((observation.line, row, base.is_per_order), []).append(observation)
    found = [_finding(run) for (_, row, _), seen in groups.items() for run in _runs(row, sorted(seen, key=lambda one: one.on))]
    return tuple(sorted(found, key=lambda one: (one.since, one.line, one.exchange)))


def _runs(row: RateRow, observations: Sequence[Observation]) -> Iterator[_Run]:
    run: _Run | None = None
    for observation in observations:
        if run is not None and not run.admits(observation):
            yield run
            run = None
        if observation.agrees:
            continue
        if run is None:
            run = _Run(row=row, low=observation.low, high=observation.high)
        run.take(observation)
    if run is not None:
        yield run


def _finding(run: _Run) -> OutOfDate:
    first, base, row = run.seen[0], run.seen[0].base, run.row
    scale = 0 if base.is_per_order else 2
    return OutOfDate(
        line=first.line,
        exchange=base.at.exchange,
        segments=tuple(dict.fromkeys(one.base.at.segment for one in run.seen)),
        unit="rupees per order" if base.is_per_order else "percent",
        our_rate=base.rate.scaleb(scale).normalize(),
        valid_from=row.valid_from,
        source=row.source,
        estimate=row.estimate,
        implied_rate=simplest(run.low.scaleb(scale), run.high.scaleb(scale)),
        fund_rate=base.fund.scaleb(2),
        since=first.on,
        until=run.seen[-1].on,
        n_bills=len(run.seen),
    )


def simplest(low: Decimal, high: Decimal) -> Decimal:
    """Return the number with the fewest decimals in ``low..high``, the middle one of several.

    >>> simplest(Decimal("0.002965"), Decimal("0.002975"))
    Decimal('0.00297')
    """
    middle = (low + high) / 2
    for places in range(min(_MOST_PLACES, _MOST_DIGITS - middle.adjusted())):
        candidate = middle.quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN)
        if low <= candidate <= high:
            return candidate
    return middle
