"""Splits, bonuses and payments on raw prices, each a small scene worked out by hand; both loops play all of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from qts.backtest import BacktestResult, BacktestSettings, parse_costs, parse_size, parse_slippage, run
from qts.backtest.settings import Protection
from qts.backtest.terms import InstrumentTerms
from qts.core import IST, ActionKind, Bars, CorporateAction, InstrumentId, Interval, Product, micros_of
from qts.market.listing import TickFrom
from qts.strategies import Context, Strategy

Candles = Callable[..., Bars]
Says = Callable[..., Strategy]
INFY = InstrumentId("NSE:INFY")
DAYS = [date(2024, 5, 6) + timedelta(days=k) for k in range(30)]
FLAT = (100.0, 101.0, 99.0, 100.0)
NEW = (20.0, 20.2, 19.8, 20.0)
FREE = BacktestSettings(
    capital=Decimal(100_000), size=parse_size("shares:10"), costs=parse_costs("none"), slippage=parse_slippage("none"), product=Product.CNC
)


SAID = "Positions, orders and cash followed corporate actions, but signals were computed on prices as traded, which jump there"


def on(day: int, ratio: str = "1", cash: str = "0", *, kind: ActionKind | None = None, of: str = "NSE:INFY") -> CorporateAction:
    kind = kind or (ActionKind.DIVIDEND if ratio == "1" else ActionKind.SPLIT)
    return CorporateAction(instrument=InstrumentId(of), ex_date=DAYS[day], kind=kind, ratio=Decimal(ratio), cash=Decimal(cash))


def told(result: BacktestResult) -> list[tuple[str, float, float, str]]:
    return [
        (f"{fill.filled_at:%d}", float(fill.quantity if fill.side == "buy" else -fill.quantity), float(fill.price), str(fill.reason))
        for fill in result.fills
    ]


def ordered(
    rows: Bars, orders: Mapping[int, Callable[[Context], Any]], *actions: CorporateAction, terms: InstrumentTerms | None = None
) -> BacktestResult:
    def on_bar(context: Context) -> None:
        if context.bar in orders:
            orders[context.bar](context)

    strategy = Strategy(title="Scripted", on_bar=on_bar)
    return run(strategy, {}, [rows], FREE, terms=None if terms is None else [terms], actions=actions)


def numbers(*values: float | Decimal) -> list[float]:
    return [float(value) for value in values]


def without(bars: Bars, *gone: int) -> Bars:
    """Return the bars but those at these places."""
    columns: dict[str, Any] = {
        name: np.delete(getattr(bars, name), gone) for name in ("ts", "open", "high", "low", "close", "volume", "oi")
    }
    return replace(bars, **columns)


def assert_accounts_for_all(result: BacktestResult, capital: int = 100_000) -> None:
    gained = sum((trade.net_pnl for trade in result.trades), result.action_cash)
    assert float(gained) == pytest.approx(result.equity[-1] - capital, abs=1e-6)


def test_a_split_multiplies_shares_and_divides_the_price_paid(candles: Candles, says: Says) -> None:
    # Ten at 100 become fifty at 20 and are sold at 22: a gain of 100.
    bars = candles([FLAT, FLAT, FLAT, NEW, (22, 23, 21, 22)])
    result = run(says([1, 1, 1, 0, 0]), {}, [bars], FREE, actions=[on(3, "5")])
    assert told(result) == [("07", 10, 100, "signal"), ("10", -50, 22, "signal")]
    assert result.equity.tolist() == [100_000, 100_000, 100_000, 100_000, 100_100]
    (trade,) = result.trades
    assert numbers(trade.quantity, trade.entry_price, trade.exit_price, trade.gross_pnl) == [50, 20, 22, 100]
    # The lows of the days before were 99 for one, 19.8 for a new share; the exit at 22 is the highest.
    assert [trade.mae, trade.mfe] == pytest.approx([-0.01, 0.1])
    assert_accounts_for_all(result)


def test_what_is_still_held_is_stated_in_new_shares(candles: Candles, says: Says) -> None:
    result = run(says([1, 1, 1, 1]), {}, [candles([FLAT, FLAT, NEW, (21, 22, 20, 21)])], FREE, actions=[on(2, "5")])
    (held,) = result.final_positions
    assert numbers(held.quantity, held.average_price) == [50, 20]
    assert [numbers(trade.quantity, trade.gross_pnl, trade.open) for trade in result.trades] == [[50, 50, True]]
    assert_accounts_for_all(result)


def test_a_fraction_of_a_share_is_paid_in_cash_and_belongs_to_the_trade(candles: Candles, says: Says) -> None:
    # Seven of 120 become 10.5 of 80; the half brings 40. Ten are sold at 81: the trade gains 10.
    bars = candles([(120, 121, 119, 120)] * 3 + [(80, 81, 79, 80), (81, 82, 80, 81)])
    bonus = on(3, "1.5", kind=ActionKind.BONUS)
    result = run(says([1, 1, 1, 0, 0]), {}, [bars], replace(FREE, size=parse_size("shares:7")), actions=[bonus])
    assert told(result) == [("07", 7, 120, "signal"), ("10", -10, 81, "signal")]
    assert result.cash.tolist() == [100_000, 99_160, 99_160, 99_200, 100_010]
    (effect,) = result.actions
    assert numbers(effect.quantity_before, effect.quantity_after, effect.in_lieu, effect.paid) == [7, 10, 40, 0]
    (trade,) = result.trades
    assert numbers(trade.quantity, trade.entry_price, trade.gross_pnl) == [10.5, 80, 10]
    assert result.action_cash == 0
    assert_accounts_for_all(result)


def test_parts_of_a_share_are_kept_where_they_are_traded(candles: Candles, says: Says) -> None:
    bars = candles([(120, 121, 119, 120)] * 3 + [(80, 81, 79, 80)])
    fractional = replace(FREE, size=parse_size("shares:7"), fractional=True)
    result = run(says([1, 1, 1, 1]), {}, [bars], fractional, actions=[on(3, "1.5")])
    assert result.final_positions[0].quantity == Decimal("10.5")
    assert result.actions[0].in_lieu == 0


def test_a_dividend_is_paid_for_what_was_held_and_is_a_figure_of_its_own(candles: Candles, says: Says) -> None:
    # The share falls by what it pays: nothing is won or lost, the trade loses 50 and the dividend is 50.
    bars = candles([FLAT, FLAT, (95, 96, 94, 95), (95, 96, 94, 95)])
    result = run(says([1, 1, 1, 1]), {}, [bars], FREE, actions=[on(2, cash="5")])
    assert result.equity.tolist() == [100_000] * 4
    assert numbers(result.action_cash, result.trades[0].gross_pnl, result.actions[0].paid) == [50, -50, 50]
    assert_accounts_for_all(result)


def test_bought_on_the_ex_date_pays_no_dividend(candles: Candles, says: Says) -> None:
    result = run(says([0, 1, 1]), {}, [candles([FLAT] * 3)], FREE, actions=[on(2, cash="5")])
    assert (result.action_cash, result.actions) == (Decimal(0), ())


def test_sold_on_the_ex_date_is_paid_still(candles: Candles, says: Says) -> None:
    result = run(says([1, 0, 0]), {}, [candles([FLAT] * 3)], FREE, actions=[on(2, cash="5")])
    assert result.action_cash == 50


def test_a_short_pays_dividend_and_fraction() -> None:
    # An intraday sale of seven that nobody bought back: the session's last bar has no volume. It is carried into the ex date.
    stamps = [datetime(2024, 5, 6, 12, 0, tzinfo=IST) + timedelta(minutes=15 * k) for k in range(3)]
    stamps += [datetime(2024, 5, 7, 12, 0, tzinfo=IST)]
    prices = np.array([120.0, 120.0, 120.0, 80.0])
    bars = Bars(
        instrument=INFY,
        interval=Interval.MINUTE_15,
        ts=np.array([micros_of(stamp) for stamp in stamps]),
        **dict.fromkeys(("open", "high", "low", "close"), prices),
        volume=np.array([100.0, 100.0, 0.0, 100.0]),
        oi=np.full(4, math.nan),
    )
    settings = replace(FREE, product=Product.MIS, size=parse_size("shares:7"))
    strategy = Strategy(title="Short", targets=lambda _: np.array([-1.0, -1.0, -1.0, 0.0]))
    result = run(strategy, {}, [bars], settings, actions=[on(1, "1.5", "3")])
    # -7 become -10.5: half a share of 80 is owed, and 3 for each old one.
    (effect,) = result.actions
    assert numbers(effect.quantity_before, effect.quantity_after, effect.in_lieu, effect.paid) == [-7, -10, -40, -21]
    assert told(result) == [("06", -7, 120, "signal"), ("07", 10, 80, "square_off")]
    assert numbers(result.equity[-1], result.action_cash, result.trades[0].gross_pnl) == [99_979, -21, 0]
    assert_accounts_for_all(result)


def test_a_wish_that_waits_over_a_split_asks_for_new_shares(candles: Candles, says: Says) -> None:
    bars = candles([FLAT, FLAT, NEW, NEW], volumes=[1000, 0, 1000, 1000])
    result = run(says([1, 1, 1, 1]), {}, [bars], FREE, actions=[on(2, "5")])
    assert told(result) == [("08", 50, 20, "signal")]
    assert (result.actions, result.action_cash) == ((), Decimal(0))


def test_a_wish_that_comes_to_nothing_ends(candles: Candles, says: Says) -> None:
    bars = candles([FLAT, FLAT, (1000, 1010, 990, 1000), (1000, 1010, 990, 1000)], volumes=[1000, 0, 1000, 1000])
    result = run(says([1, 1, 1, 1]), {}, [bars], replace(FREE, size=parse_size("shares:5")), actions=[on(2, "0.1")])
    assert result.fills == ()
    assert [(str(event.status), event.reason) for event in result.order_events] == [("cancelled", "corporate_action")]


def test_shares_joined_into_fewer(candles: Candles, says: Says) -> None:
    # 25 of 100 become 2.5 of 1000; the half brings 500.
    high = (1000.0, 1010.0, 990.0, 1000.0)
    bars = candles([FLAT, FLAT, high, (1100, 1110, 1090, 1100)])
    result = run(says([1, 1, 0, 0]), {}, [bars], replace(FREE, size=parse_size("shares:25")), actions=[on(2, "0.1")])
    assert told(result) == [("07", 25, 100, "signal"), ("09", -2, 1100, "signal")]
    assert [(float(trade.quantity), float(trade.entry_price), float(trade.gross_pnl)) for trade in result.trades] == [(2.5, 1000, 200)]
    assert_accounts_for_all(result)


def test_a_position_that_comes_to_less_than_one_share_is_paid_out(candles: Candles, says: Says) -> None:
    bars = candles([FLAT, FLAT, (1000, 1010, 990, 1000), (1100, 1110, 1090, 1100)])
    guarded = replace(FREE, size=parse_size("shares:5"), protection=Protection(stop_loss=Decimal("0.1")))
    result = run(says([1, 1, 1, 1]), {}, [bars], guarded, actions=[on(2, "0.1")])
    assert told(result) == [("07", 5, 100, "signal")]
    assert (result.final_positions, result.equity[-1]) == ((), 100_000)
    (trade,) = result.trades
    assert (str(trade.exit_reason), trade.bars_held, trade.open) == ("action", 1, False)
    assert numbers(trade.exit_price, trade.gross_pnl) == [1000, 0]


def test_several_actions_of_one_bar_follow_one_another(candles: Candles, says: Says) -> None:
    # 10 at 100; two of 12 a share on the 10th and 3 a new share on the 11th, then one more for each: 40 at 25. No bar lies between.
    bars = without(candles([FLAT, FLAT, FLAT, FLAT, FLAT, FLAT, (25, 26, 24, 25)]), 4, 5)
    actions = [on(6, "2", kind=ActionKind.BONUS), on(5, cash="3"), on(4, "2", "12")]
    result = run(says([1] * 7), {}, [bars], FREE, actions=actions)
    assert [(float(one.quantity_before), float(one.quantity_after), float(one.paid)) for one in result.actions] == [
        (10, 20, 120),
        (20, 20, 60),
        (20, 40, 0),
    ]
    assert [event.reason for event in result.order_events] == [
        "split: 1 share becomes 2, 12 rupees a share",
        "dividend: 3 rupees a share",
        "bonus: 1 share becomes 2",
    ]
    assert result.action_cash == 180
    assert_accounts_for_all(result)


def test_fractions_of_two_actions_of_one_bar_are_paid_at_their_own_prices(candles: Candles, says: Says) -> None:
    # 5 of 120 are 7.5 of 80: the half brings 40; 7 are 10.5 of 53.33: the half brings 26.67.
    bars = candles([(120, 121, 119, 120)] * 3 + [(53, 54, 52, 53)])
    five = replace(FREE, size=parse_size("shares:5"))
    result = run(says([1] * 4), {}, [bars], five, actions=[on(3, "1.5"), on(3, "1.5", kind=ActionKind.BONUS)])
    assert [float(one.in_lieu) for one in result.actions] == [40, pytest.approx(80 / 3)]
    assert_accounts_for_all(result)


def test_a_stop_at_work_follows_the_split(candles: Candles) -> None:
    # Sold below 95: below 19 after five for one, and fifty of them.
    bars = candles([FLAT, FLAT, FLAT, NEW, (19.5, 19.6, 18.5, 18.6)])
    orders = {0: lambda c: c.instrument.buy(10), 1: lambda c: c.instrument.sell(10, stop=95.0)}
    assert told(ordered(bars, orders, on(3, "5"))) == [("07", 10, 100, "signal"), ("10", -50, 19, "signal")]


TICKED = InstrumentTerms(ticks=(TickFrom(start=date(2000, 1, 1), size=Decimal("0.05"), is_estimate=False),))


@pytest.mark.parametrize(
    ("terms", "stop", "limit"),
    [
        pytest.param(TICKED, 31.65, 36.7, id="on the tick"),
        pytest.param(None, 31.666667, 36.666667, id="to a millionth where there is none"),
    ],
)
def test_stops_go_to_the_worse_side_and_limits_farther_away(
    candles: Candles, terms: InstrumentTerms | None, stop: float, limit: float
) -> None:
    third = (33.0, 34.0, 32.0, 33.0)
    down, up = (33.0, 33.5, 31.0, 31.0), (33.0, 37.0, 32.5, 36.0)
    orders = {0: lambda c: c.instrument.buy(10), 1: lambda c: c.instrument.sell(10, stop=95.0)}
    stopped = ordered(candles([FLAT, FLAT, third, down]), orders, on(2, "3"), terms=terms)
    assert told(stopped)[-1] == ("09", -30, stop, "signal")
    orders = {0: lambda c: c.instrument.buy(10), 1: lambda c: c.instrument.sell(10, limit=110.0)}
    sold = ordered(candles([FLAT, FLAT, third, up]), orders, on(2, "3"), terms=terms)
    assert told(sold)[-1] == ("09", -30, limit, "signal")


def test_a_trailing_stop_keeps_its_distance_in_new_rupees(candles: Candles) -> None:
    # 10 rupees behind 101 is 91; after two for one it is 45.5, 5 behind the highest price: 52 moves it to 47.
    bars = candles([FLAT, FLAT, FLAT, (50, 52, 49.5, 51), (51, 51, 46, 46)])
    orders = {0: lambda c: c.instrument.buy(10), 1: lambda c: c.instrument.trail(10, distance=10.0)}
    assert told(ordered(bars, orders, on(3, "2"))) == [("07", 10, 100, "signal"), ("10", -20, 47, "trailing_stop")]


def test_a_bracket_that_sleeps_wakes_in_new_prices(candles: Candles) -> None:
    # Bought below 95, out at 90 or 110: 19, 18 and 22 after five for one.
    bars = candles([FLAT, FLAT, NEW, (19.5, 19.6, 18.9, 19.2), (19.2, 19.3, 17.5, 17.6)])
    orders = {0: lambda c: c.instrument.buy(10, limit=95.0, stop_loss=90.0, take_profit=110.0)}
    assert told(ordered(bars, orders, on(2, "5"))) == [("09", 50, 19, "signal"), ("10", -50, 18, "stop_loss")]


def test_protection_from_the_settings_follows_the_split(candles: Candles, says: Says) -> None:
    bars = candles([FLAT, FLAT, NEW, (19, 19.2, 17, 17.2)])
    guarded = replace(FREE, protection=Protection(stop_loss=Decimal("0.1"), take_profit=Decimal("0.2")))
    result = run(says([1] * 4), {}, [bars], guarded, actions=[on(2, "5")])
    assert told(result) == [("07", 10, 100, "signal"), ("09", -50, 18, "stop_loss")]


def test_an_order_that_comes_to_nothing_is_cancelled_with_its_children(candles: Candles) -> None:
    bars = candles([FLAT, FLAT, (1000, 1010, 990, 1000), (900, 910, 890, 900)])
    handles: list[Any] = []
    orders = {0: lambda c: handles.append(c.instrument.buy(5, limit=95.0, stop_loss=90.0))}
    result = ordered(bars, orders, on(2, "0.1"))
    assert result.fills == ()
    assert [(str(event.status), event.reason, int(event.quantity)) for event in result.order_events] == [
        ("cancelled", "corporate_action", 5)
    ]


def test_an_order_filled_in_part_counts_what_it_filled_in_new_shares(candles: Candles) -> None:
    seen: list[float] = []
    handles: list[Any] = []

    def on_bar(context: Context) -> None:
        if context.bar == 0:
            handles.append(context.instrument.buy(10, limit=120.0))
        seen.append(handles[0].report.filled)

    bars = candles([FLAT, FLAT, NEW, NEW], volumes=[1000, 40, 40, 10_000])
    settings = replace(FREE, slippage=parse_slippage("volume-share:0.1,impact=0"))
    result = run(Strategy(title="Scripted", on_bar=on_bar), {}, [bars], settings, actions=[on(2, "5")])
    # Four of ten, then four of the thirty new ones that are left, then the rest.
    assert told(result) == [("07", 4, 100, "signal"), ("08", 4, 20, "signal"), ("09", 26, 20, "signal")]
    assert seen == [0, 4, 24, 50]


def test_the_charges_of_the_ex_date_are_those_of_new_shares_alone(candles: Candles) -> None:
    # Ten bought before; on the ex date twenty are sold at the open and ten bought back at a limit: ten of them are intraday.
    bars = candles([FLAT, FLAT, FLAT, (50, 51, 45, 46)])
    charged = replace(FREE, costs=parse_costs("zerodha"))

    def turned(shares: int, limit: float) -> Strategy:
        def on_bar(context: Context) -> None:
            if context.bar == 0:
                context.instrument.buy(shares)
            if context.bar == 2:
                context.instrument.sell(shares)
                context.instrument.buy(shares // 2, limit=limit)

        return Strategy(title="Scripted", on_bar=on_bar)

    result = run(turned(10, 92.0), {}, [bars], charged, actions=[on(3, "2")])
    # The same day without anything before it but the twenty.
    same = run(turned(20, 46.0), {}, [candles([(50, 51, 49, 50)] * 3 + [(50, 51, 45, 46)])], charged)
    assert [fill.charges for fill in result.fills[1:]] == [fill.charges for fill in same.fills[1:]]
    assert [float(fill.quantity) for fill in result.fills] == [10, 20, 10]


def test_signals_on_prices_that_jump_are_warned_about(candles: Candles, says: Says) -> None:
    result = run(says([1] * 4), {}, [candles([FLAT, FLAT, NEW, NEW])], FREE, actions=[on(2, "5"), on(3, cash="1")])
    assert [text for text in result.warnings if "traded" in text] == [
        f"{SAID}: NSE:INFY 2024-05-08, split: 1 share becomes 5. Adjusted prices have no such jumps.",
        "1 dividend or other payment falls in these prices as traded: holders were paid, but signals saw the prices fall by what was paid.",
    ]
