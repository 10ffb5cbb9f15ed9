"""Random cases for both engines: bars with everything that goes wrong in them, targets, orders, settings. One seed is one case."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal

import numpy as np
from tests.reference.scene import BUY, SELL, Action, Called, Terms, Wanted

from qts.core import IST, Bars, Floats, InstrumentId, Interval, micros_of

NAN = math.nan
FIRST_DAY = datetime(2024, 5, 6, 9, 15, tzinfo=IST)  # every rate of that year is known
DAYS = (0, 1, 2, 3, 4, 7, 8, 9, 10, 11)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What one seed stands for. ``settings`` are texts, as a user writes them."""

    seed: int
    interval: Interval
    bars: tuple[Bars, ...]
    targets: Mapping[str, Floats]
    settings: Mapping[str, str]
    script: Mapping[int, tuple[Wanted | Called, ...]] = field(default_factory=dict)
    terms: Mapping[str, Terms] = field(default_factory=dict)
    actions: Mapping[str, tuple[Action, ...]] = field(default_factory=dict)

    def __str__(self) -> str:
        said = " ".join(f"{name}={value}" for name, value in self.settings.items())
        return f"seed {self.seed}: {len(self.bars)} instruments, {self.interval}, {said}"


def target_case(seed: int) -> Case:
    """Return a case of targets with market orders."""
    rng = np.random.default_rng(seed)
    interval = Interval(str(rng.choice([Interval.DAY, Interval.MINUTE_15, Interval.MINUTE_1])))
    stamps = instants(rng, interval)
    bars = tuple(walk(rng, f"NSE:S{i}", stamps, interval) for i in range(int(rng.integers(1, 5))))
    targets = {str(one.instrument): wishes(rng, len(one)) for one in bars}
    return Case(seed=seed, interval=interval, bars=bars, targets=targets, settings=settings_of(rng, interval))


def settings_of(rng: np.random.Generator, interval: Interval) -> dict[str, str]:
    product = str(rng.choice(["MIS", "CNC"]))
    may_close = interval.is_intraday or product == "CNC"
    return {
        "capital": str(rng.choice([3_000, 100_003, 1_000_033])),
        "product": product,
        "size": str(rng.choice(["shares:37", "cash:40007", "percent:0.97", "percent:1"])),
        "costs": str(rng.choice(["zerodha", "none", "percent:0.0013", "per-share:0.05,min=3"])),
        "slippage": str(rng.choice(["none", "bps:7"])),
        "fill": "close" if may_close and rng.random() < 0.3 else "next_open",
        "fractional": str(rng.random() < 0.2),
        "close_at_end": str(rng.random() < 0.3),
    }


def instants(rng: np.random.Generator, interval: Interval) -> list[int]:
    """Return instants of NSE sessions: days with gaps of weeks, or the hours around open and square-off of a few days."""
    if interval is Interval.DAY:
        stamps = [FIRST_DAY + timedelta(weeks=k, days=day) for k in range(0, 24, 3) for day in DAYS[:5]]
    elif interval is Interval.MINUTE_1:
        minutes = [*range(8), *range(200, 204), *range(360, 375)]
        stamps = [FIRST_DAY + timedelta(days=day, minutes=k) for day in DAYS[:4] for k in minutes]
    else:
        stamps = [FIRST_DAY + timedelta(days=day, minutes=15 * k) for day in DAYS[:4] for k in range(12, 25)]
    n_kept = int(rng.integers(1, len(stamps) + 1))
    return [micros_of(stamp) for stamp in stamps[:n_kept]]


def walk(rng: np.random.Generator, name: str, stamps: list[int], interval: Interval) -> Bars:
    """Return a random walk on the tick, with gaps, ties, flat bars, bars without volume, NaN bars and missing bars."""
    kept = [ts for ts in stamps if rng.random() > 0.1] or stamps[:1]
    n, spread = len(kept), float(rng.choice([0.002, 0.03]))
    close = on_ticks(rng.uniform(20, 900) * np.exp(np.cumsum(rng.normal(0, spread, n))))
    before = np.concatenate([close[:1], close[:-1]])
    gap = np.where(rng.random(n) < 0.3, 0.0, rng.normal(0, spread * 0.7, n))
    open_ = on_ticks(before * np.exp(gap))
    reach = np.where(rng.random(n) < 0.2, 0.0, np.abs(rng.normal(0, spread * 0.5, n)))
    high, low = on_ticks(np.maximum(open_, close) * (1 + reach)), on_ticks(np.minimum(open_, close) * (1 - reach))
    high, low = np.maximum(high, np.maximum(open_, close)), np.minimum(low, np.minimum(open_, close))
    volume = np.where(rng.random(n) < 0.08, 0.0, rng.choice([150.0, 1000.0, 23_000.0, NAN], n))
    holes = rng.random(n) < float(rng.choice([0.0, 0.06]))
    columns = [open_, high, low, close]
    i_hole = int(rng.integers(4))
    columns[i_hole] = np.where(holes, NAN, columns[i_hole])
    return Bars(
        instrument=InstrumentId(name),
        interval=interval,
        ts=np.array(kept, dtype=np.int64),
        open=columns[0],
        high=columns[1],
        low=columns[2],
        close=columns[3],
        volume=volume,
        oi=np.full(n, NAN),
    )


def on_ticks(prices: Floats) -> Floats:
    """Return prices on the tick of 0.05, as floats read from a file would be."""
    return np.array([float(Decimal(round(max(price, 0.05) * 20)) * 5 / 100) for price in prices.tolist()])


def wishes(rng: np.random.Generator, n: int) -> Floats:
    said = rng.choice([-1.0, -0.5, 0.0, 0.3, 1.0, NAN], n)
    return np.where(rng.random(n) < 0.5, NAN, said)


TICK = Decimal("0.05")
SLIPPAGES = ("none", "bps:7", "ticks:2", "half-spread:0.15", "volume-share:0.1", "volume-share:0.2,impact=0.3")


def order_case(seed: int) -> Case:
    """Return a case of orders of all kinds, handed in bar by bar."""
    rng = np.random.default_rng((seed, 1))
    interval = Interval(str(rng.choice([Interval.DAY, Interval.MINUTE_15, Interval.MINUTE_1])))
    stamps = instants(rng, interval)
    bars = tuple(walk(rng, f"NSE:S{i}", stamps, interval) for i in range(int(rng.integers(1, 4))))
    settings = settings_of(rng, interval)
    settings["slippage"] = str(
        rng.choice(["none", "bps:7", "ticks:2", "half-spread:0.15", "volume-share:0.1", "volume-share:0.2,impact=0.3"])
    )
    settings["fractional"] = "False"
    tick = TICK if rng.random() < 0.5 else None
    terms = {str(one.instrument): Terms(tick=None if tick is None else lambda _: TICK) for one in bars}
    return Case(seed=seed, interval=interval, bars=bars, targets={}, settings=settings, script=script_of(rng, bars), terms=terms)


def script_of(rng: np.random.Generator, bars: tuple[Bars, ...]) -> dict[int, tuple[Wanted | Called, ...]]:
    """Return what a strategy without sense hands in: one or two orders on some bars, now and then a cancel."""
    script: dict[int, tuple[Wanted | Called, ...]] = {}
    labels: list[str] = []
    closes = {str(one.instrument): dict(zip(one.ts.tolist(), one.close.tolist(), strict=True)) for one in bars}
    for ts in sorted({ts for close in closes.values() for ts in close}):
        wishes: list[Wanted | Called] = []
        for name, close in closes.items():
            near = close.get(ts, NAN)
            if rng.random() < 0.3 and not math.isnan(near):
                labels.append(f"{len(labels)}")
                wishes += order_near(rng, labels, name, near)
        if labels and rng.random() < 0.1:
            wishes.append(Called(label=str(rng.choice(labels))))
        if wishes:
            script[ts] = tuple(wishes)
    return script


def order_near(rng: np.random.Generator, labels: list[str], name: str, near: float) -> list[Wanted]:
    """Return an order around a price, or two as an OCO group."""
    side = BUY if rng.random() < 0.55 else SELL
    ahead, behind = (beside(rng, near, side), beside(rng, near, -side))
    limit = behind if rng.random() < 0.8 else ahead
    plain = Wanted(label=labels[-1], instrument=name, side=side, quantity=Decimal(int(rng.integers(1, 120))))
    order = replace(plain, day_only=bool(rng.random() < 0.3))
    stop_limit = replace(order, kind="stop_limit", stop=ahead, limit=ahead + side * TICK * int(rng.integers(0, 20)))
    limited, stopped = replace(order, kind="limit", limit=limit), replace(order, kind="stop", stop=ahead)
    trailing = replace(plain, kind="trailing", fraction=Decimal(int(rng.integers(2, 60))) / 1000)
    if rng.random() < 0.5:
        trailing = replace(plain, kind="trailing", distance=TICK * int(rng.integers(1, 60)))
    entry = [order, limited, stopped][int(rng.integers(3))]
    bracket = replace(entry, stop_loss=beside(rng, near, -side), target=beside(rng, near, side))
    choices = {"market": order, "limit": limited, "stop": stopped, "stop_limit": stop_limit, "trailing": trailing, "bracket": bracket}
    kind = str(rng.choice([*choices, "oco"]))
    if kind != "oco":
        return [choices[kind]]
    group = labels[-1]
    labels.append(f"{len(labels)}")
    return [replace(stopped, group=group), replace(limited, label=labels[-1], limit=behind, group=group)]


def beside(rng: np.random.Generator, near: float, side: int) -> Decimal:
    """Return a price on the tick, some per mille or per cent to one side."""
    shift = side * (abs(float(rng.normal(0, 0.012))) + 0.0005)
    return max(Decimal(round(near * (1 + shift) * 20)) * 5 / 100, TICK)
