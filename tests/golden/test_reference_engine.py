"""A second engine, slow and simple, written from the semantics in words and sharing no code with the first: they must agree."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import ROUND_FLOOR, Context, Decimal, localcontext

import numpy as np
import pytest

from qts.backtest import BacktestResult, BacktestSettings, FillTiming, parse_costs, parse_size, parse_slippage, run
from qts.core import IST, Bars, Exchange, Floats, InstrumentId, Interval, Product, Side, micros_of
from qts.market.charges import DayFill, day_charges
from qts.market.sessions import square_off_at
from qts.strategies import Strategy

N_CASES = 300
NAN = math.nan


@dataclass
class One:
    """An instrument's bars by instant, and its state."""

    name: str
    bars: dict[int, tuple[float, float, float]]
    targets: dict[int, float]
    quantity: Decimal = Decimal(0)
    wish: Decimal | None = None
    mark: Decimal = Decimal(0)
    target: float = 0.0
    due: bool = False
    overdue: bool = False
    day: date | None = None
    today: list[DayFill] = field(default_factory=list)


@dataclass
class Witness:
    """The account and everything that happened to it."""

    settings: BacktestSettings
    ones: list[One]
    is_intraday_bars: bool
    cash: Decimal = Decimal(0)
    ruined: bool = False
    fills: list[tuple[str, int, Decimal, Decimal, str, Decimal]] = field(default_factory=list)
    equity: list[Decimal] = field(default_factory=list)

    def play(self) -> None:
        self.cash = self.settings.capital
        instants = sorted({ts for one in self.ones for ts in one.bars})
        at_close = self.settings.fill is FillTiming.CLOSE
        for ts in instants:
            self.stop_for_the_day(ts)
            if not at_close:
                self.fill_waiting(ts, price=0)
            self.take_marks(ts)
            if at_close:
                self.take_decisions(ts)
                self.fill_waiting(ts, price=1)
            if self.settings.close_at_end and ts == instants[-1]:
                self.sell_out(ts)
            self.equity.append(self.worth())
            if self.worth() <= 0 and not self.ruined:
                self.ruined = True
                for one in self.ones:
                    one.due = True
            if not at_close:
                self.take_decisions(ts)

    def worth(self) -> Decimal:
        return self.cash + sum((one.quantity * one.mark for one in self.ones), Decimal(0))

    def phase(self, one: One, ts: int) -> tuple[bool, bool]:
        """Whether the square-off time has come, and whether this is the session's last bar."""
        if self.settings.product is not Product.MIS or ts not in one.bars:
            return False, False
        day = moment(ts).date()
        last = max(other for other in one.bars if moment(other).date() == day) == ts
        return self.is_intraday_bars and moment(ts) >= square_off_at(Exchange.NSE, day), last

    def stop_for_the_day(self, ts: int) -> None:
        if self.settings.product is not Product.MIS:
            return
        for one in self.ones:
            late, _ = self.phase(one, ts)
            if late and one.wish is not None:
                one.wish, one.due = None, True
            if (late or one.overdue) and one.quantity and ts in one.bars and one.bars[ts][2] != 0:
                self.deal(one, ts, -one.quantity, decimal(one.bars[ts][0]), "square_off")
                one.overdue, one.due = False, True

    def fill_waiting(self, ts: int, *, price: int) -> None:
        for is_sale in (True, False):
            for one in self.ones:
                if one.wish is None or ts not in one.bars or one.bars[ts][2] == 0 or (one.wish < one.quantity) != is_sale:
                    continue
                self.fill_wish(one, ts, decimal(one.bars[ts][price]))

    def fill_wish(self, one: One, ts: int, reference: Decimal) -> None:
        assert one.wish is not None
        wish, one.wish = one.wish, None
        kept = one.quantity
        if one.quantity * wish < 0:
            kept = Decimal(0)
        elif abs(wish) < abs(one.quantity):
            kept = wish
        closing, opening = kept - one.quantity, wish - kept
        step = Decimal("0.000001") if self.settings.fractional else Decimal(1)
        if opening and not self.can_pay(one, ts, closing, opening, reference):
            low, high = Decimal(0), abs(opening) / step
            while high - low > 1:
                middle = ((low + high) / 2).to_integral_value(ROUND_FLOOR)
                paid = self.can_pay(one, ts, closing, (middle * step).copy_sign(opening), reference)
                low, high = (middle, high) if paid else (low, middle)
            opening = (low * step).copy_sign(opening)
        if closing + opening:
            self.deal(one, ts, closing + opening, reference, "signal")

    def can_pay(self, one: One, ts: int, closing: Decimal, opening: Decimal, reference: Decimal) -> bool:  # noqa: PLR0917
        price = self.priced(opening, reference)
        free = self.cash - closing * price
        for other in self.ones:
            left = other.quantity + closing if other is one else other.quantity
            free -= 2 * max(-left, Decimal(0)) * other.mark
        return abs(opening) * price + self.bill(one, ts, closing + opening, price) <= free

    def take_marks(self, ts: int) -> None:
        for one in self.ones:
            if ts not in one.bars:
                continue
            one.mark = decimal(one.bars[ts][1])
            _, last = self.phase(one, ts)
            if last:
                one.due = True
                if one.quantity and one.bars[ts][2] == 0:
                    one.overdue = True
                elif one.quantity:
                    self.deal(one, ts, -one.quantity, one.mark, "square_off")

    def take_decisions(self, ts: int) -> None:
        equity = self.worth()
        for one in self.ones:
            said = one.targets.get(ts, NAN)
            if said == said and said != one.target:  # noqa: PLR0124 - NaN is not itself
                one.target, one.due = said, True
            late, last = self.phase(one, ts)
            blocked = last if self.settings.fill is FillTiming.CLOSE else False
            if not one.due or ts not in one.bars or blocked or (late and not last):
                continue
            one.due = False
            wish = self.sized(one, equity)
            one.wish = wish if wish != one.quantity else None

    def sized(self, one: One, equity: Decimal) -> Decimal:
        if self.ruined or equity <= 0:
            return Decimal(0)
        size, share = self.settings.size, abs(decimal(one.target))
        if size.kind == "shares":
            wished = size.amount * share
        elif size.kind == "cash":
            wished = size.amount * share / one.mark
        else:
            wished = size.amount * equity / len(self.ones) * share / one.mark
        step = Decimal("0.000001") if self.settings.fractional else Decimal(1)
        return (wished / step).to_integral_value(ROUND_FLOOR) * step * (1 if one.target > 0 else -1)

    def sell_out(self, ts: int) -> None:
        for one in self.ones:
            if one.quantity and one.bars[max(one.bars)][2] != 0:
                self.deal(one, ts, -one.quantity, one.mark, "end")

    def priced(self, quantity: Decimal, reference: Decimal) -> Decimal:
        bps = self.settings.slippage.bps
        return reference * (1 + bps / 10_000) if quantity > 0 else reference * (1 - bps / 10_000)

    def bill(self, one: One, ts: int, quantity: Decimal, price: Decimal) -> Decimal:
        costs = self.settings.costs
        if not quantity or costs.kind == "none":
            return Decimal(0)
        if costs.kind == "percent":
            return abs(quantity) * price * costs.rate
        if costs.kind == "per-share":
            return max(abs(quantity) * costs.rate, costs.minimum)
        day = moment(ts).date()
        before = one.today if one.day == day else []
        order = DayFill(side=Side.BUY if quantity > 0 else Side.SELL, quantity=abs(quantity), price=price)
        bills = [day_charges(fills, on=day, exchange=Exchange.NSE, product=self.settings.product) for fills in (before, [*before, order])]
        return bills[1].total - bills[0].total

    def deal(self, one: One, ts: int, quantity: Decimal, reference: Decimal, reason: str) -> None:  # noqa: PLR0917
        price = self.priced(quantity, reference)
        bill = self.bill(one, ts, quantity, price)
        day = moment(ts).date()
        if one.day != day:
            one.day, one.today = day, []
        one.today.append(DayFill(side=Side.BUY if quantity > 0 else Side.SELL, quantity=abs(quantity), price=price))
        self.cash -= quantity * price + bill
        one.quantity += quantity
        self.fills.append((one.name, ts, quantity, price, reason, bill))


def decimal(value: float) -> Decimal:
    return Decimal(repr(value))


def moment(ts: int) -> datetime:
    return datetime.fromtimestamp(ts / 1e6, tz=IST)


def instants(rng: np.random.Generator, *, intraday: bool) -> list[int]:
    """Return instants of NSE sessions in 2024, when every rate is known; some are left out."""
    days = [datetime(2024, 5, 6, 9, 15, tzinfo=IST) + timedelta(days=k) for k in (0, 1, 2, 3, 4, 7, 8, 9, 10, 11, 14, 15, 16, 17, 18)]
    if intraday:
        stamps = [day + timedelta(minutes=15 * k) for day in days[:3] for k in range(12, 25)]
    else:
        stamps = [day + timedelta(weeks=k) for k in range(0, 24, 3) for day in days[:5]]
    stamps = stamps[: int(rng.integers(1, len(stamps) + 1))]
    return [micros_of(stamp) for stamp in stamps]


def random_case(seed: int) -> tuple[BacktestSettings, list[Bars], dict[str, Floats]]:
    rng = np.random.default_rng(seed)
    intraday = bool(rng.integers(2))
    stamps = instants(rng, intraday=intraday)
    bars, targets = [], {}
    for i in range(int(rng.integers(1, 4))):
        kept = [ts for ts in stamps if rng.random() > 0.1] or stamps[:1]
        n = len(kept)
        close = np.round(rng.uniform(20, 900) * np.exp(np.cumsum(rng.normal(0, 0.03, n))), 2)
        open_ = np.round(close * np.exp(rng.normal(0, 0.02, n)), 2)
        name = f"NSE:S{i}"
        bars.append(
            Bars(
                instrument=InstrumentId(name),
                interval=Interval.MINUTE_15 if intraday else Interval.DAY,
                ts=np.array(kept, dtype=np.int64),
                open=open_,
                high=np.maximum(open_, close),
                low=np.minimum(open_, close),
                close=close,
                volume=np.where(rng.random(n) < 0.1, 0.0, rng.choice([1000.0, NAN])),
                oi=np.full(n, NAN),
            )
        )
        said = rng.choice([-1.0, -0.5, 0.0, 0.3, 1.0, NAN], n)
        targets[name] = np.where(rng.random(n) < 0.5, NAN, said)
    product = Product.MIS if rng.random() < 0.6 else Product.CNC
    can_close = intraday or product is Product.CNC
    settings = BacktestSettings(
        capital=Decimal(int(rng.choice([3_000, 100_003, 1_000_033]))),
        product=product,
        size=parse_size(str(rng.choice(["shares:37", "cash:40007", "percent:0.97", "percent:1"]))),
        costs=parse_costs(str(rng.choice(["zerodha", "none", "percent:0.0013", "per-share:0.05,min=3"]))),
        slippage=parse_slippage(str(rng.choice(["none", "bps:7"]))),
        fill=FillTiming.CLOSE if can_close and rng.random() < 0.3 else FillTiming.NEXT_OPEN,
        fractional=bool(rng.random() < 0.2),
        close_at_end=bool(rng.random() < 0.3),
    )
    return settings, bars, targets


def witnessed(settings: BacktestSettings, bars: list[Bars], targets: Mapping[str, Floats]) -> Witness:
    ones = []
    for series in bars:
        said = targets[series.instrument]
        if settings.product is Product.CNC:
            said = np.where(said < 0, 0.0, said)
        rows = zip(series.open.tolist(), series.close.tolist(), series.volume.tolist(), strict=True)
        stamps = series.ts.tolist()
        ones.append(One(series.instrument, dict(zip(stamps, rows, strict=True)), dict(zip(stamps, said.tolist(), strict=True))))
    witness = Witness(settings, ones, bars[0].interval.is_intraday)
    with localcontext(Context(prec=60)):
        witness.play()
    return witness


def engine(settings: BacktestSettings, bars: list[Bars], targets: Mapping[str, Floats]) -> BacktestResult:
    strategy = Strategy(title="Said beforehand", targets=lambda series: targets[series.instrument])
    return run(strategy, {}, bars, settings)


@pytest.mark.parametrize("block", range(10))
def test_both_engines_agree_fill_by_fill(block: int) -> None:
    n_fills = 0
    for seed in range(block * N_CASES // 10, (block + 1) * N_CASES // 10):
        settings, bars, targets = random_case(seed)
        witness, result = witnessed(settings, bars, targets), engine(settings, bars, targets)
        got = [
            (fill.instrument, micros_of(fill.filled_at), fill.quantity * (1 if fill.side is Side.BUY else -1), fill.price, str(fill.reason))
            for fill in result.fills
        ]
        assert got == [fill[:5] for fill in witness.fills], f"seed {seed}: {settings}"
        for fill, (*_, bill) in zip(result.fills, witness.fills, strict=True):
            assert abs(fill.charges.total - bill) < Decimal("1e-9"), f"seed {seed}"
        np.testing.assert_allclose(result.equity, [float(value) for value in witness.equity], rtol=1e-11, err_msg=f"seed {seed}")
        held = {position.instrument: position.quantity for position in result.final_positions}
        assert held == {one.name: one.quantity for one in witness.ones if one.quantity}, f"seed {seed}"
        n_fills += len(got)
    assert n_fills > 50
