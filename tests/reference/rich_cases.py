"""Random cases of what surrounds orders: protection, risk limits, weights, contracts with lots and an end, locks, corporate actions."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
from tests.reference.cases import (
    DAYS,
    FIRST_DAY,
    SLIPPAGES,
    TICK,
    Case,
    instants,
    on_ticks,
    order_case,
    script_of,
    settings_of,
    target_case,
    walk,
    wishes,
)
from tests.reference.scene import Action, Terms, Wanted, on_tick

from qts.core import Bars, Exchange, InstrumentId, Interval, session_date_of

LIMITS = {
    "stop_loss": ("0.004", "0.01", "0.03"),
    "take_profit": ("0.006", "0.02", "0.05"),
    "trailing": ("0.004", "0.015"),
    "max_position": ("0.2", "0.6"),
    "max_exposure": ("0.5", "0.9"),
    "daily_loss": ("0.003", "0.01"),
    "max_drawdown": ("0.01", "0.05"),
}
PROTECTION = ("stop_loss", "take_profit", "trailing")
SIZES = ("shares:37", "cash:40007", "percent:0.97", "atr-risk:0.01,span=3,multiple=1.5", "vol-target:0.3,span=4")
RATIOS = ("2", "0.5", "5", "1.5", "0.1")


def managed_case(seed: int) -> Case:
    """Return targets under protection and risk limits, per instrument or as weights, rounded to ticks and locked now and then."""
    rng = np.random.default_rng((seed, 2))
    interval = Interval(str(rng.choice([Interval.DAY, Interval.MINUTE_15, Interval.MINUTE_1])))
    stamps = instants(rng, interval)
    bars = tuple(locked(rng, walk(rng, f"NSE:S{i}", stamps, interval)) for i in range(int(rng.integers(1, 5))))
    settings = settings_of(rng, interval)
    for name, amounts in LIMITS.items():
        if rng.random() < 0.35:
            settings[name] = str(rng.choice(amounts))
    settings["slippage"] = str(rng.choice(SLIPPAGES))
    settings["size"] = str(
        rng.choice(["shares:37", "cash:40007", "percent:0.97", "atr-risk:0.01,span=3,multiple=1.5", "vol-target:0.3,span=4"])
    )
    settings["fractional"] = "False"
    has_terms = rng.random() < 0.6
    terms = {str(one.instrument): Terms(tick=lambda _: TICK, locks=True) for one in bars} if has_terms else {}
    targets = {str(one.instrument): wishes(rng, len(one)) for one in bars}
    if rng.random() < 0.4:
        settings["matrix"], settings["rebalance"] = "True", str(rng.random() < 0.7)
    return Case(seed=seed, interval=interval, bars=bars, targets=targets, settings=settings, terms=terms)


def locked(rng: np.random.Generator, bars: Bars) -> Bars:
    """Return the bars with some of them locked at a band of the day before's close."""
    columns = [column.copy() for column in (bars.open, bars.high, bars.low, bars.close)]
    dates = [session_date_of(int(ts)) for ts in bars.ts]
    before = float("nan")
    for i, on in enumerate(dates):
        if i and dates[i - 1] != on:
            before = float(columns[3][i - 1])
        if rng.random() < 0.06 and before == before:  # noqa: PLR0124 - NaN is not itself
            price = band_of(before, str(rng.choice(["-0.2", "-0.05", "0.05", "0.1"])))
            for column in columns:
                column[i] = price
    return replace(bars, open=columns[0], high=columns[1], low=columns[2], close=columns[3])


def band_of(before: float, move: str) -> float:
    """Return the last tick within a band."""
    price = Decimal(str(before)) * (1 + Decimal(move))
    return float(on_tick(price, TICK, up=move.startswith("-")))


def contract_case(seed: int) -> Case:
    """Return targets in futures and options with lots, margins and an end."""
    rng = np.random.default_rng((seed, 3))
    interval = Interval(str(rng.choice([Interval.DAY, Interval.MINUTE_15])))
    stamps = instants(rng, interval)
    expiry = (FIRST_DAY + timedelta(days=int(rng.choice(DAYS)))).date()
    kinds = {"NFO:NIFTY24MAYFUT": "future", "NFO:BANKNIFTY24MAYFUT": "future", "NFO:NIFTY24MAY22500CE": "option"}
    names = list(kinds)[: int(rng.integers(1, 4))]
    bars = tuple(replace(walk(rng, "NSE:S", stamps, interval), instrument=InstrumentId(name)) for name in names)
    settings = settings_of(rng, interval)
    settings["product"] = "NRML" if rng.random() < 0.7 else "MIS"
    if settings["product"] == "MIS" and interval is Interval.DAY:
        settings["fill"] = "next_open"
    settings["size"] = str(rng.choice(["lots:2", "percent:0.97", "cash:200000"]))
    settings["slippage"] = str(rng.choice(SLIPPAGES))
    settings["fractional"] = "False"
    freeze = Decimal(75) if rng.random() < 0.4 else None
    first = max(session_date_of(int(one.ts[0])) for one in bars)
    terms = {name: contract_terms(kinds[name], max(expiry, first), freeze) for name in names}
    targets = {name: wishes(rng, len(one)) for name, one in zip(names, bars, strict=True)}
    return Case(seed=seed, interval=interval, bars=bars, targets=targets, settings=settings, terms=terms)


def contract_terms(kind: str, expiry: date, freeze: Decimal | None) -> Terms:
    is_option = kind == "option"
    return Terms(
        exchange=Exchange.NFO,
        kind=kind,
        lot=Decimal(25),
        tick=lambda _: TICK,
        freeze=freeze,
        expiry=expiry,
        margin=Decimal(1) if is_option else Decimal("0.15"),
        sold_margin=Decimal(2500) if is_option else Decimal(0),
    )


def action_case(seed: int) -> Case:
    """Return targets, managed ones or orders on shares that are split, joined or pay; most prices follow the shares."""
    case = (target_case, managed_case, order_case)[seed % 3](seed)
    rng = np.random.default_rng((seed, 4))
    actions = {str(one.instrument): actions_of(rng, one) for one in case.bars}
    bars = tuple(after(one, actions[str(one.instrument)]) if rng.random() < 0.9 else one for one in case.bars)
    script = script_of(rng, bars) if case.script else {}
    return replace(case, bars=bars, actions=actions, script=script)


def actions_of(rng: np.random.Generator, bars: Bars) -> tuple[Action, ...]:
    """Return actions around the dates of the bars, on one date now and then."""
    found: dict[Action, None] = {}
    for _ in range(int(rng.integers(1, 4))):
        on = session_date_of(int(rng.choice(bars.ts))) + timedelta(days=int(rng.choice([0, 0, 1])))
        ratio = Decimal(str(rng.choice(RATIOS))) if rng.random() < 0.7 else Decimal(1)
        cash = Decimal(int(rng.integers(0, 200))) / 10 if rng.random() < 0.5 else Decimal(0)
        found[Action(ex_date=on, ratio=ratio, cash=cash)] = None
    return tuple(found)


def after(bars: Bars, actions: tuple[Action, ...]) -> Bars:
    """Return the bars in the shares of their dates."""
    shares = np.ones(len(bars))
    dates = [session_date_of(int(ts)) for ts in bars.ts]
    for action in actions:
        shares = np.where([on >= action.ex_date for on in dates], shares * float(action.ratio), shares)
    columns: dict[str, Any] = {}
    for name in ("open", "high", "low", "close"):
        column = getattr(bars, name) / shares
        columns[name] = np.where(np.isnan(column), np.nan, on_ticks(np.nan_to_num(column)))
    return replace(bars, **columns)


def guarded_order_case(seed: int) -> Case:
    """Return orders of all kinds whose positions the settings protect."""
    case, rng = order_case(seed), np.random.default_rng((seed, 6))
    names = [name for name in PROTECTION if rng.random() < 0.6] or ["stop_loss"]
    return replace(case, settings={**case.settings, **{name: str(rng.choice(LIMITS[name])) for name in names}})


def delivery_order_case(seed: int) -> Case:
    """Return orders of all kinds in delivery, each filled at once."""
    return in_delivery(order_case(seed))


def delivery_case(seed: int) -> Case:
    """Return managed targets in delivery, each order filled at once."""
    return in_delivery(managed_case(seed))


def square_off_case(seed: int) -> Case:
    """Return targets, orders or contracts of the day, closed by a broker who takes a fee for it."""
    case = (target_case, order_case, contract_case, managed_case)[seed % 4](seed)
    settings = {**case.settings, "product": "MIS", "costs": "zerodha,square-off-fee"}
    if not case.interval.is_intraday:
        settings["fill"] = "next_open"
    return replace(case, settings=settings)


def in_delivery(case: Case) -> Case:
    settings = {**case.settings, "product": "CNC"}
    if settings["slippage"].startswith("volume-share"):
        settings["slippage"] = "bps:7"
    if "matrix" in settings and settings["size"].startswith(("atr-risk", "vol-target")):
        settings["size"] = "percent:0.97"
    return replace(case, settings=settings)


def by_order_case(seed: int) -> Case:
    """Return a case in delivery of shares most of which are settled order by order."""
    case = (target_case, order_case, managed_case, action_case)[seed % 4](seed)
    rng = np.random.default_rng((seed, 7))
    names = {one.instrument: one.instrument for one in case.bars}
    for name in names:
        if rng.random() < 0.8:
            names[name] = InstrumentId(f"{name}-{rng.choice(['BE', 'BZ', 'ST', 'SZ'])}")
    renamed = {str(before): str(after) for before, after in names.items()}
    return replace(
        case,
        bars=tuple(replace(one, instrument=names[one.instrument]) for one in case.bars),
        targets={renamed[name]: said for name, said in case.targets.items()},
        terms={renamed[name]: said for name, said in case.terms.items()},
        actions={renamed[name]: said for name, said in case.actions.items()},
        settings={**case.settings, "product": "CNC", "costs": "zerodha" if rng.random() < 0.8 else case.settings["costs"]},
        script={
            ts: tuple(replace(one, instrument=renamed[one.instrument]) if isinstance(one, Wanted) else one for one in wanted)
            for ts, wanted in case.script.items()
        },
    )
