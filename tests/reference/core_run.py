"""The same case for both engines, and what they must have in common."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from decimal import Decimal

import numpy as np
from tests.reference.bill import total
from tests.reference.cases import Case
from tests.reference.engine import Outcome, play
from tests.reference.scene import Row, Rules, Series, Terms

from qts.backtest import BacktestResult, BacktestSettings, FillTiming, parse_costs, parse_size, parse_slippage, run
from qts.core import Bars, Floats, Product, Side, exchange_of, micros_of
from qts.market.sessions import square_off_at
from qts.strategies import Strategy

PAISA = Decimal("0.01")


def exact(value: float) -> Decimal:
    """Return the decimal that was in the file."""
    return Decimal(repr(float(value)))


def rows_of(bars: Bars) -> dict[int, Row]:
    """Return the bars that count: those without a NaN price."""
    found = {}
    columns = (bars.ts, bars.open, bars.high, bars.low, bars.close, bars.volume)
    for ts, open_, high, low, close, volume in zip(*(column.tolist() for column in columns), strict=True):
        if not any(math.isnan(price) for price in (open_, high, low, close)):
            prices = [exact(price) for price in (open_, high, low, close)]
            traded = None if math.isnan(volume) else exact(volume)
            found[ts] = Row(open=prices[0], high=prices[1], low=prices[2], close=prices[3], volume=traded)
    return found


def targets_of(bars: Bars, targets: Floats) -> dict[int, Decimal]:
    return {ts: exact(target) for ts, target in zip(bars.ts.tolist(), targets.tolist(), strict=True) if not math.isnan(target)}


def rules_of(settings: BacktestSettings, *, is_intraday: bool) -> Rules:
    return Rules(
        capital=settings.capital,
        square_off=square_off_at,
        is_intraday=is_intraday,
        product=settings.product.value,
        size=settings.size.kind.value,
        amount=settings.size.amount,
        costs=settings.costs.kind.value,
        cost_rate=settings.costs.rate,
        cost_minimum=settings.costs.minimum,
        slippage=settings.slippage.kind.value,
        slippage_amount=settings.slippage.bps,
        at_close=settings.fill is FillTiming.CLOSE,
        fractional=settings.fractional,
        close_at_end=settings.close_at_end,
    )


def settings_of(case: Case) -> BacktestSettings:
    texts = case.settings
    return BacktestSettings(
        capital=Decimal(texts["capital"]),
        product=Product(texts["product"]),
        size=parse_size(texts["size"]),
        costs=parse_costs(texts["costs"]),
        slippage=parse_slippage(texts["slippage"]),
        fill=FillTiming(texts["fill"]),
        fractional=texts["fractional"] == "True",
        close_at_end=texts["close_at_end"] == "True",
    )


def compare(case: Case) -> tuple[Outcome, list[str]]:
    """Play a case in both engines; return the reference's outcome and where they part."""
    settings = settings_of(case)
    outcome = by_reference(settings, case.bars, case.targets)
    return outcome, differences(outcome, by_core(settings, case.bars, case.targets))


def by_reference(settings: BacktestSettings, bars: Sequence[Bars], targets: Mapping[str, Floats]) -> Outcome:
    """Let the reference engine play what the strategy said beforehand."""
    rules = rules_of(settings, is_intraday=bars[0].interval.is_intraday)
    series = [
        Series(
            name=one.instrument,
            terms=Terms(exchange=exchange_of(one.instrument)),
            rows=rows_of(one),
            targets=targets_of(one, targets[one.instrument]),
        )
        for one in bars
    ]
    return play(series, sorted({ts for one in bars for ts in one.ts.tolist()}), rules)


def by_core(settings: BacktestSettings, bars: Sequence[Bars], targets: Mapping[str, Floats]) -> BacktestResult:
    """Let the package's engine run it."""
    strategy = Strategy(title="Said beforehand", targets=lambda series: targets[series.instrument])
    return run(strategy, {}, bars, settings)


def differences(outcome: Outcome, result: BacktestResult) -> list[str]:
    """Return in words where the two engines part, at most the first few."""
    found = []
    ours = [(fill.name, fill.ts, fill.quantity, fill.reason, fill.price, fill.reference, total(fill.charges)) for fill in outcome.fills]
    theirs = [
        (
            str(fill.instrument),
            micros_of(fill.filled_at),
            fill.quantity if fill.side is Side.BUY else -fill.quantity,
            str(fill.reason),
            fill.price,
            fill.reference_price,
            fill.charges.total,
        )
        for fill in result.fills
    ]
    for i, (mine, core) in enumerate(zip(ours, theirs, strict=False)):
        same = mine[:4] == core[:4] and all(is_close(one, other) for one, other in zip(mine[4:6], core[4:6], strict=True))
        if not same or abs(mine[6] - core[6]) > Decimal("1e-6"):
            found.append(f"fill {i}: reference {mine}, core {core}")
    if len(ours) != len(theirs):
        extra = (ours if len(ours) > len(theirs) else theirs)[min(len(ours), len(theirs))]
        found.append(f"{len(ours)} fills in the reference, {len(theirs)} in the core; first without a match: {extra}")
    held = {str(position.instrument): position.quantity for position in result.final_positions}
    if held != dict(outcome.held):
        found.append(f"held: reference {outcome.held}, core {held}")
    found += curve_differences("equity", outcome.equity, result.equity) + curve_differences("cash", outcome.cash, result.cash)
    return found[:4]


def curve_differences(name: str, ours: Sequence[Decimal], theirs: Floats) -> list[str]:
    mine = np.array([float(value) for value in ours])
    off = ~np.isclose(theirs, mine, rtol=1e-9, atol=1e-6) if mine.shape == theirs.shape else np.array([True])
    if not off.any():
        return []
    at = int(np.argmax(off))
    return [f"{name}: {mine.size} and {theirs.size} bars, first apart at {at}: reference {mine[at]}, core {theirs[at]}"]


def is_close(mine: Decimal, core: Decimal) -> bool:
    return abs(mine - core) <= abs(mine) * Decimal("1e-12")
