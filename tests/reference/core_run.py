"""The same case for both engines, and what they must have in common."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal

import numpy as np
from tests.reference.bill import segment_of, total
from tests.reference.cases import Case
from tests.reference.engine import Outcome, play
from tests.reference.scene import ONE, ZERO, Row, Rules, Series, Terms
from tests.reference.script_run import scripted

from qts.backtest import BacktestResult, BacktestSettings, FillTiming, parse_costs, parse_size, parse_slippage, run
from qts.backtest.settings import Protection, RiskLimits
from qts.backtest.terms import InstrumentTerms, Margin
from qts.core import ActionKind, Bars, CorporateAction, Floats, InstrumentId, Product, Side, exchange_of, micros_of, session_date_of
from qts.market.listing import TickFrom
from qts.market.sessions import bars_per_year, square_off_at
from qts.strategies import Panel, Strategy

PRICE_STEP = Decimal("1e-6")
PROTECTION = ("stop_loss", "take_profit", "trailing")
LIMITS = ("max_position", "max_exposure", "daily_loss", "max_drawdown")


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


def rules_of(case: Case) -> Rules:
    """Read the texts of the settings for the reference engine."""
    said = dict(case.settings)
    size, amount, size_options = parts_of(said["size"])
    priced, _, fee = said["costs"].partition(",square-off-")
    costs, cost_rate, cost_options = parts_of(priced)
    slippage, shift, slippage_options = parts_of(said["slippage"])
    fractions = amounts_of(said, (*PROTECTION, *LIMITS))
    return Rules(
        capital=Decimal(said["capital"]),
        square_off=square_off_at,
        is_intraday=case.interval.is_intraday,
        product=said["product"],
        size=size,
        amount=amount,
        span=int(size_options.get("span", 14 if size == "atr-risk" else 20)),
        multiple=size_options.get("multiple", Decimal(2)),
        bars_per_year=exact(yearly_bars(case)),
        costs=costs,
        cost_rate=cost_rate,
        cost_minimum=cost_options.get("min", ZERO),
        has_square_off_fee=fee == "fee",
        slippage=slippage,
        slippage_amount=shift,
        impact=slippage_options.get("impact", Decimal("0.1")),
        at_close=said["fill"] == "close",
        fractional=said["fractional"] == "True",
        close_at_end=said["close_at_end"] == "True",
        is_matrix=said.get("matrix") == "True",
        rebalance="True" in (said.get("rebalance"), said.get("matrix")),  # weights are always brought back
        **fractions,
    )


def yearly_bars(case: Case) -> float:
    stamps = [int(ts) for one in case.bars for ts in one.ts]
    first, last = session_date_of(min(stamps)), session_date_of(max(stamps))
    return bars_per_year(exchange_of(case.bars[0].instrument), case.interval, first, last)


def parts_of(text: str) -> tuple[str, Decimal, dict[str, Decimal]]:
    """Split ``name:amount,option=value``."""
    name, _, rest = text.partition(":")
    amount, *options = rest.split(",")
    pairs = (option.split("=") for option in options)
    return name, Decimal(amount or "0"), {key: Decimal(value) for key, value in pairs}


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
        rebalance=texts.get("rebalance") == "True",
        protection=Protection(**amounts_of(texts, PROTECTION)),
        limits=RiskLimits(**amounts_of(texts, LIMITS)),
    )


def amounts_of(texts: Mapping[str, str], names: Sequence[str]) -> dict[str, Decimal]:
    return {name: Decimal(texts[name]) for name in names if name in texts}


def compare(case: Case) -> tuple[Outcome, list[str]]:
    """Play a case in both engines; return the reference's outcome and where they part."""
    outcome = by_reference(case)
    settings = settings_of(case)
    return outcome, differences(
        outcome, run(strategy_of(case), {}, case.bars, settings, terms=core_terms(case), actions=core_actions(case))
    )


def core_terms(case: Case) -> list[InstrumentTerms] | None:
    """Return the case's terms as the package has them."""
    if not case.terms:
        return None
    return [in_package_words(case.terms[one.instrument]) for one in case.bars]


def core_actions(case: Case) -> list[CorporateAction]:
    """Return the case's corporate actions as the package has them."""
    return [
        CorporateAction(
            instrument=InstrumentId(name),
            ex_date=action.ex_date,
            kind=ActionKind.DIVIDEND if action.ratio == 1 else ActionKind.SPLIT,
            ratio=action.ratio,
            cash=action.cash,
        )
        for name, actions in case.actions.items()
        for action in actions
    ]


def in_package_words(terms: Terms) -> InstrumentTerms:
    on = date(2000, 1, 1)
    is_option = terms.kind == "option"
    return InstrumentTerms(
        lot=int(terms.lot),
        freeze=None if terms.freeze is None else int(terms.freeze),
        ticks=() if terms.tick is None else (TickFrom(start=on, size=terms.tick(on), is_estimate=False),),
        margin_long=Margin(fraction=terms.margin),
        margin_short=Margin(fraction=terms.margin, base=terms.sold_margin if is_option else Decimal(0)),
        segment=None if terms.kind == "share" else segment_of(terms),
        expiry=terms.expiry,
        locks=terms.locks,
    )


def strategy_of(case: Case) -> Strategy:
    """Return the case's script, weights or targets as a strategy."""
    if not case.targets:
        return scripted(case.script)
    if case.settings.get("matrix") != "True":
        return Strategy(title="Said beforehand", targets=lambda series: case.targets[series.instrument])

    def weights(panel: Panel) -> Floats:
        said = np.full(panel.close.shape, np.nan)
        for row, one in zip(said, case.bars, strict=True):
            row[np.searchsorted(panel.ts, one.ts)] = case.targets[one.instrument]
        return said

    return Strategy(title="Said beforehand, for all", targets=weights, matrix=True)


def by_reference(case: Case) -> Outcome:
    """Let the reference engine play the case."""
    series = [
        Series(
            name=one.instrument,
            terms=reference_terms(case, one.instrument),
            rows=rows_of(one),
            targets=targets_of(one, case.targets[one.instrument]) if one.instrument in case.targets else {},
            actions=case.actions.get(one.instrument, ()),
        )
        for one in case.bars
    ]
    return play(series, sorted({ts for one in case.bars for ts in one.ts.tolist()}), rules_of(case), case.script)


def reference_terms(case: Case, name: InstrumentId) -> Terms:
    """Return the case's terms; shares whose names end in one of these are settled order by order."""
    terms = case.terms.get(name, Terms(exchange=exchange_of(name)))
    return replace(terms, by_order=name.startswith("NSE:") and name.endswith(("-BE", "-BZ", "-ST", "-SZ")))


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
    # A computed level halfway between two millionths is the one or the other: a float does not say which.
    near = float(PRICE_STEP * max((abs(quantity) for _, _, quantity, *_ in ours), default=ONE))
    found += curve_differences("equity", outcome.equity, result.equity, near=max(near, 1e-6))
    found += curve_differences("cash", outcome.cash, result.cash, near=max(near, 1e-6))
    return found[:4]


def curve_differences(name: str, ours: Sequence[Decimal], theirs: Floats, *, near: float) -> list[str]:
    mine = np.array([float(value) for value in ours])
    off = ~np.isclose(theirs, mine, rtol=1e-9, atol=near) if mine.shape == theirs.shape else np.array([True])
    if not off.any():
        return []
    at = int(np.argmax(off))
    return [f"{name}: {mine.size} and {theirs.size} bars, first apart at {at}: reference {mine[at]}, core {theirs[at]}"]


def is_close(mine: Decimal, core: Decimal) -> bool:
    return abs(mine - core) <= PRICE_STEP
