"""The rules around targets, one small scene each: square-off, protection, risk limits, weights, the end of a contract, corporate actions.

The fills were worked out by hand from the text; each bar is ``open high low close [volume]``, a new date begins where a line says so.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from tests.reference.cases import Case
from tests.reference.core_run import LIMITS, PROTECTION, compare
from tests.reference.engine import Outcome, play
from tests.reference.scene import Action, Row, Rules, Series, Terms

from qts.core import IST, Bars, Exchange, InstrumentId, Interval, micros_of
from qts.market.sessions import square_off_at

FIRST = datetime(2024, 5, 6, 15, 17, tzinfo=IST)  # square-off is at 15:20: the fourth bar of a day
MORNING = datetime(2024, 5, 6, 10, 0, tzinfo=IST)
MINUTES = Rules(capital=Decimal(100_000), square_off=square_off_at, is_intraday=True, size="shares", amount=Decimal(10))
DAILY = replace(MINUTES, is_intraday=False)
FLAT = "100 100 100 100"
NEXT_DAY = "next day"
NO_BAR = "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Lines of bars, targets by bar, and the fills as ``bar quantity price reason``."""

    bars: tuple[str, ...]
    targets: dict[int, float]
    fills: tuple[str, ...]
    rules: Rules = MINUTES
    terms: Terms = field(default_factory=Terms)
    actions: tuple[Action, ...] = ()
    cash: str | None = None
    other: tuple[tuple[str, ...], dict[int, float]] | None = None
    first: datetime = FIRST

    @property
    def series(self) -> dict[str, tuple[tuple[str, ...], dict[int, float]]]:
        """The lines and targets of each instrument."""
        is_contract = self.terms.exchange is not Exchange.NSE
        names = ("NFO:NIFTY24MAYFUT", "NFO:BANKNIFTY24MAYFUT") if is_contract else ("NSE:A", "NSE:B")
        return dict(zip(names, ((self.bars, self.targets), *([] if self.other is None else [self.other])), strict=False))


def stamps_of(lines: tuple[str, ...], scene: Scene) -> dict[int, str]:
    """Return the instants of the bars and their texts."""
    found, at = {}, scene.first
    for line in lines:
        if line == NEXT_DAY:
            at = scene.first + timedelta(days=(at - scene.first).days + 1)
            continue
        found[micros_of(at)] = line
        at += timedelta(minutes=1) if scene.rules.is_intraday else timedelta(days=1)
    return found


def series_of(name: str, lines: tuple[str, ...], targets: dict[int, float], scene: Scene) -> Series:
    bars = stamps_of(lines, scene)
    rows = {}
    for ts, text in bars.items():
        if text == NO_BAR:
            continue
        numbers = [Decimal(word) for word in text.split()]
        volume = numbers[4] if len(numbers) > 4 else None
        rows[ts] = Row(open=numbers[0], high=numbers[1], low=numbers[2], close=numbers[3], volume=volume)
    stamps = list(bars)
    said = {stamps[i]: Decimal(str(target)) for i, target in targets.items()}
    return Series(name=name, terms=scene.terms, rows=rows, targets=said, actions=scene.actions)


def played(scene: Scene) -> Outcome:
    series = [series_of(name, *told, scene) for name, told in scene.series.items()]
    return play(series, sorted({ts for one in series for ts in one.rows}), scene.rules)


MIS = replace(MINUTES, product="MIS")
LOST = replace(MIS, capital=Decimal(1000))
SHARED: dict[str, Any] = {"slippage": "volume-share", "slippage_amount": Decimal("0.1"), "impact": Decimal(0)}
FUTURE = Terms(exchange=Exchange.NFO, kind="future", lot=Decimal(5), margin=Decimal("0.2"), expiry=date(2024, 5, 8))
SCENES = {
    "intraday: closed at the first open from the square-off time on, entered again the next day": Scene(
        bars=(FLAT, "101 101 101 101", "102 102 102 102", "103 104 103 104", "105 105 105 105", NEXT_DAY, "90 90 90 90", FLAT),
        targets={0: 1},
        fills=("1 10 101 signal", "3 -10 103 square_off", "5 10 90 signal", "6 -10 100 square_off"),
        rules=MIS,
    ),
    "intraday: the broker takes a fee, with its tax, for the position he closes himself": Scene(
        bars=(FLAT, "101 101 101 101", "102 102 102 102", "103 103 103 103"),
        targets={0: 1},
        fills=("1 10 101 signal", "3 -10 103 square_off"),
        # A gain of 20. Brokerage 0.612 and the fee of 50; STT 1,020 at 0.025 %, exchange 2,040 at 0.00322 %, IPFT and SEBI 0.0001 % each,
        # duty 1,010 at 0.003 %; tax 18 % of 50.681768. Without the fee, which costs 59, the charges would be 1.08978624.
        cash="99959.91021376",
        rules=replace(MIS, costs="zerodha", has_square_off_fee=True),
    ),
    "intraday: who closes in time pays the broker no fee": Scene(
        bars=(FLAT, "101 101 101 101", "103 103 103 103", "104 104 104 104"),
        targets={0: 1, 1: 0},
        fills=("1 10 101 signal", "2 -10 103 signal"),
        cash="100018.91021376",
        rules=replace(MIS, costs="zerodha", has_square_off_fee=True),
    ),
    "intraday: a bar without volume cannot square off, the next one does": Scene(
        bars=(FLAT, FLAT, FLAT, "103 103 103 103 0", "99 99 99 98 10"),
        targets={0: -1},
        fills=("1 -10 100 signal", "4 10 99 square_off"),
        rules=MIS,
    ),
    "a stop-loss of the settings ends the position, and the target does not bring it back": Scene(
        bars=(FLAT, FLAT, "100 101 94 96", FLAT, FLAT),
        targets={0: 1, 3: 1},
        fills=("1 10 100 signal", "2 -10 95 stop_loss"),
        rules=replace(MINUTES, stop_loss=Decimal("0.05")),
    ),
    "a new target after a stop-loss enters again": Scene(
        bars=(FLAT, FLAT, "100 101 94 96", FLAT, FLAT),
        targets={0: 1, 2: 0.5},
        fills=("1 10 100 signal", "2 -10 95 stop_loss", "3 5 100 signal"),
        rules=replace(MINUTES, stop_loss=Decimal("0.05")),
    ),
    "stop and target in the bar of the entry: the stop wins": Scene(
        bars=(FLAT, "100 111 94 96", FLAT),
        targets={0: 1},
        fills=("1 10 100 signal", "1 -10 95 stop_loss"),
        rules=replace(MINUTES, stop_loss=Decimal("0.05"), take_profit=Decimal("0.1")),
    ),
    "a short is protected above, its profit taken below": Scene(
        bars=(FLAT, FLAT, "100 100 89 95", FLAT),
        targets={0: -1},
        fills=("1 -10 100 signal", "2 10 90 take_profit"),
        rules=replace(MIS, stop_loss=Decimal("0.05"), take_profit=Decimal("0.1")),
        first=MORNING,
    ),
    "when the position grows its protection moves to the new average": Scene(
        bars=(FLAT, FLAT, "120 120 120 120", "120 121 100 101", "100 100 98 98"),
        targets={0: 0.5, 1: 1},
        # Five at 100 and five at 120: 110 on average, 10 % below is 99.
        fills=("1 5 100 signal", "2 5 120 signal", "4 -10 99 stop_loss"),
        rules=replace(MINUTES, stop_loss=Decimal("0.1")),
    ),
    "prices of protection go to the tick: the stop away, the target farther": Scene(
        bars=(FLAT, "101.15 101.15 101.15 101.15", "101 101 90 95"),
        targets={0: 1},
        # 101.15 * 0.97 = 98.1155, down to 98.10
        fills=("1 10 101.15 signal", "2 -10 98.1 stop_loss"),
        rules=replace(MINUTES, stop_loss=Decimal("0.03")),
        terms=Terms(tick=lambda _: Decimal("0.05")),
    ),
    "a trailing stop of the settings starts below the entry and follows": Scene(
        bars=(FLAT, FLAT, "100 120 100 118", "118 118 107 110"),
        targets={0: 1},
        fills=("1 10 100 signal", "3 -10 108 trailing_stop"),
        rules=replace(MINUTES, trailing=Decimal("0.1")),
    ),
    "a day's loss closes everything at the next open and nothing opens that day": Scene(
        bars=(FLAT, FLAT, "100 100 90 90", "91 91 91 91", "92 92 92 92", NEXT_DAY, "93 93 93 93", "94 94 94 94"),
        targets={0: 1, 3: 0.5},
        # Ten shares lose 100 of 100,000 rupees.
        fills=("1 10 100 signal", "3 -10 91 risk", "6 5 94 signal"),
        rules=replace(MINUTES, daily_loss=Decimal("0.001")),
    ),
    "a drawdown ends the run's trading for good": Scene(
        bars=(FLAT, FLAT, "90 90 90 90", "91 91 91 91", NEXT_DAY, FLAT, FLAT),
        targets={0: 1, 4: 0.5},
        fills=("1 10 100 signal", "3 -10 91 risk"),
        rules=replace(MINUTES, max_drawdown=Decimal("0.001")),
    ),
    # Ten shares sold at 100 with 1,000 rupees: at 250 they cost 500 more than there is.
    "a lost account withdraws what waits, also where an instrument has no bar in the bar of the loss": Scene(
        bars=(FLAT, FLAT, "250 250 250 250", "110 110 110 110", "50 50 50 50", "50 50 50 50"),
        targets={0: -1},
        other=((FLAT, "50 50 50 50", NO_BAR, "50 50 50 50", "50 50 50 50", "50 50 50 50"), {1: 1}),
        # The purchase could be paid at the fourth bar's open: the one before has brought 900 rupees back.
        fills=("1 -10 100 signal", "3 10 110 risk"),
        cash="900",
        rules=LOST,
        first=MORNING,
    ),
    "a lost account trades no more when it has something again": Scene(
        bars=(FLAT, FLAT, "250 250 250 250", "110 110 110 110", "50 50 50 50", "50 50 50 50"),
        targets={0: -1, 3: 0.5, 4: 1},
        fills=("1 -10 100 signal", "3 10 110 risk"),
        rules=LOST,
        first=MORNING,
    ),
    "what closes a lost account over several bars stays one order, whatever targets come": Scene(
        bars=(FLAT, FLAT, "250 250 250 250", "250 250 250 250 40", "250 250 250 250 40", "250 250 250 250 40", FLAT),
        targets={0: -1, 3: 0.5, 4: -0.5},
        # Three rupees for the sale, three for all parts of the purchase: 1,003 + 1,000 - 2,500 - 6.
        fills=("1 -10 100 signal", "3 4 250 risk", "4 4 250 risk", "5 2 250 risk"),
        cash="-503",
        rules=replace(LOST, capital=Decimal(1003), costs="per-share", cost_rate=Decimal("0.01"), cost_minimum=Decimal(3), **SHARED),
        first=MORNING,
    ),
    "a lost account that has reached its drawdown limit, too, closes what it holds": Scene(
        bars=(FLAT, FLAT, "250 250 250 250", "250 250 250 250", "250 250 250 250"),
        targets={0: -1},
        fills=("1 -10 100 signal", "3 10 250 risk"),
        rules=replace(LOST, max_drawdown=Decimal("0.1")),
        first=MORNING,
    ),
    "what a drawdown closes is still closed when the account is lost before that is done": Scene(
        bars=(FLAT, FLAT, "150 150 150 150", "150 250 150 250 40", "250 250 250 250 40", "250 250 250 250 40", FLAT),
        targets={0: -1},
        fills=("1 -10 100 signal", "3 4 150 risk", "4 4 250 risk", "5 2 250 risk"),
        rules=replace(LOST, max_drawdown=Decimal("0.1"), **SHARED),
        first=MORNING,
    ),
    "what guards a position larger than the freeze quantity is sent in slices, too": Scene(
        bars=(FLAT, FLAT, "100 100 94 95", FLAT),
        targets={0: 1},
        fills=("1 3000 100 signal", "2 -3000 95 stop_loss"),
        # 15,000 lost. Two slices of 1,500 each way at twenty rupees each make 80 of the charges; one order each way would make 40.
        cash="84849.61676",
        rules=replace(DAILY, product="NRML", amount=Decimal(3000), stop_loss=Decimal("0.05"), costs="zerodha"),
        terms=replace(FUTURE, freeze=Decimal(1500)),
    ),
    "an opening is cut to its part of the equity": Scene(
        bars=(FLAT, FLAT), targets={0: 1}, fills=("1 5 100 signal",), rules=replace(MINUTES, max_position=Decimal("0.0059"))
    ),
    "the exposure of all together is limited": Scene(
        bars=(FLAT, FLAT),
        targets={0: 1},
        fills=("1 10 100 signal", "1 5 50 signal"),
        rules=replace(MINUTES, max_exposure=Decimal("0.0125")),
        other=(("50 50 50 50", "50 50 50 50"), {0: 1}),
    ),
    "weights share the whole account, and a restated one is brought back": Scene(
        bars=(FLAT, FLAT, "100 200 100 200", "200 200 200 200"),
        targets={0: 0.5, 2: 0.5},
        # 100,000: 500 of A and 250 of B; A doubles to 100,000 of 150,000: A to 375, B to 0.4 * 150,000 / 100 = 600.
        fills=("1 500 100 signal", "1 250 100 signal", "3 -125 200 signal", "3 350 100 signal"),
        rules=replace(MINUTES, size="percent", amount=Decimal(1), is_matrix=True, rebalance=True),
        other=((FLAT, FLAT, FLAT, FLAT), {0: 0.25, 2: 0.4}),
    ),
    "a future is bought on margin in whole lots and settled at its last close": Scene(
        bars=(FLAT, FLAT, "105 110 105 110", "50 50 50 50"),
        targets={0: 1},
        # 100,000 rupees pay a fifth of 5,000 contracts at 100.
        fills=("1 5000 100 signal", "2 -5000 110 expiry"),
        rules=replace(DAILY, product="NRML", size="cash", amount=Decimal(900_000)),
        terms=FUTURE,
        cash="150000",
    ),
    "a split multiplies the position, the fraction is paid in cash": Scene(
        bars=(FLAT, FLAT, "40 40 40 40"),
        targets={0: 0.5},
        # Five at 2.5 new for one: 12 and a half; the half at 100 / 2.5 = 40 rupees.
        fills=("1 5 100 signal",),
        rules=DAILY,
        actions=(Action(ex_date=date(2024, 5, 8), ratio=Decimal("2.5")),),
        cash="99520",
    ),
    "a dividend is paid on what was held": Scene(
        bars=(FLAT, FLAT, "97 97 97 97"),
        targets={0: 1},
        fills=("1 10 100 signal",),
        rules=DAILY,
        actions=(Action(ex_date=date(2024, 5, 8), cash=Decimal(3)),),
        cash="99030",
    ),
    "no purchase in a bar locked up, a sale is done": Scene(
        bars=(FLAT, "105 105 105 105", "106 106 106 106"),
        targets={0: 1},
        fills=("2 10 106 signal",),
        rules=DAILY,
        terms=Terms(locks=True),
    ),
}


@pytest.mark.parametrize("scene", SCENES.values(), ids=SCENES)
def test_the_reference_engine_trades_as_worked_out_by_hand(scene: Scene) -> None:
    outcome = played(scene)
    stamps = {ts: i for i, ts in enumerate(stamps_of(scene.bars, scene))}
    assert [f"{stamps[fill.ts]} {fill.quantity:f} {fill.price.normalize():f} {fill.reason}" for fill in outcome.fills] == list(scene.fills)
    assert scene.cash is None or outcome.cash[-1] == Decimal(scene.cash)


def bars_of(name: str, lines: tuple[str, ...], scene: Scene) -> Bars:
    stamps = {ts: text for ts, text in stamps_of(lines, scene).items() if text != NO_BAR}
    numbers = np.array([[*map(float, text.split()), np.nan][:5] for text in stamps.values()])
    return Bars(
        instrument=InstrumentId(name),
        interval=Interval.MINUTE_1 if scene.rules.is_intraday else Interval.DAY,
        ts=np.array(list(stamps), dtype=np.int64),
        oi=np.full(len(stamps), np.nan),
        **dict(zip(("open", "high", "low", "close", "volume"), np.ascontiguousarray(numbers.T), strict=True)),
    )


def texts_of(rules: Rules) -> dict[str, str]:
    """Return the rules as a user writes them."""
    minimum = f",min={rules.cost_minimum}" if rules.cost_minimum else ""
    fee = ",square-off-fee" if rules.has_square_off_fee else ""
    impact = f",impact={rules.impact}" if rules.slippage == "volume-share" else ""
    texts = {
        "capital": str(rules.capital),
        "product": rules.product,
        "size": f"{rules.size}:{rules.amount}",
        "costs": f"{rules.costs}{fee}" if rules.cost_rate == 0 else f"{rules.costs}:{rules.cost_rate}{minimum}",
        "slippage": rules.slippage if rules.slippage == "none" else f"{rules.slippage}:{rules.slippage_amount}{impact}",
        "fill": "close" if rules.at_close else "next_open",
        "fractional": str(rules.fractional),
        "close_at_end": str(rules.close_at_end),
        "matrix": str(rules.is_matrix),
        "rebalance": str(rules.rebalance),
    }
    return texts | {name: str(getattr(rules, name)) for name in (*PROTECTION, *LIMITS) if getattr(rules, name) is not None}


@pytest.mark.parametrize("scene", SCENES.values(), ids=SCENES)
def test_the_engine_trades_as_the_reference_engine(scene: Scene) -> None:
    bars = tuple(bars_of(name, lines, scene) for name, (lines, _) in scene.series.items())
    targets = {}
    for one, (lines, said) in zip(bars, scene.series.values(), strict=True):
        stamps = list(stamps_of(lines, scene))
        by_stamp = {stamps[i]: target for i, target in said.items()}
        targets[str(one.instrument)] = np.array([by_stamp.get(ts, np.nan) for ts in one.ts.tolist()])
    named = {str(one.instrument) for one in bars}
    case = Case(
        seed=0,
        interval=bars[0].interval,
        bars=bars,
        targets=targets,
        settings=texts_of(scene.rules),
        terms=dict.fromkeys(named, scene.terms),
        actions=dict.fromkeys(named, scene.actions) if scene.actions else {},
    )
    outcome, found = compare(case)
    assert not found, "\n".join(found)
    assert len(outcome.fills) == len(scene.fills)
