"""Futures and options from their first lot to their end, worked out by hand; the reference engine plays the same in random cases."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from qts.backtest import BacktestResult, BacktestSettings, parse_costs, parse_size, parse_slippage, run
from qts.backtest.settings import FillTiming
from qts.backtest.simulation import simulate
from qts.backtest.terms import InstrumentTerms, Margin
from qts.core import IST, Bars, InstrumentId, Interval, Product, exchange_of, micros_of
from qts.core.errors import BadParameter
from qts.kernels.state import F_COST
from qts.market.charges import ChargeSegment, rates_on
from qts.strategies import Strategy

MakeBars = Callable[..., Bars]
Says = Callable[..., Strategy]
FUTURE, STOCK_FUTURE = "NFO:NIFTY24MAYFUT", "NFO:RELIANCE24MAYFUT"
OPTION, STOCK_CALL, STOCK_PUT = "NFO:NIFTY24MAY22500CE", "NFO:RELIANCE24MAY2900CE", "NFO:RELIANCE24MAY2900PE"
EXPIRY = date(2024, 5, 8)  # the third of the bars, which begin on 2024-05-06
TENTH = InstrumentTerms(
    lot=25,
    margin_long=Margin(fraction=Decimal("0.1")),
    margin_short=Margin(fraction=Decimal("0.1")),
    segment=ChargeSegment.EQUITY_FUTURES,
    expiry=EXPIRY,
)
PAID = replace(TENTH, margin_long=Margin(), margin_short=Margin(base=Decimal(2250)), segment=ChargeSegment.EQUITY_OPTIONS)
ROWS = [(100, 100), (101, 102), (103, 104), (110, 111), (112, 113)]


def dealt(strategy: Strategy, bars: Bars, terms: InstrumentTerms, **changes: Any) -> BacktestResult:
    chosen = {"product": Product.NRML, "size": parse_size("lots:2"), "slippage": parse_slippage("none"), **changes}
    return run(strategy, {}, [bars], replace(BacktestSettings(), **chosen), terms=[terms])


def test_a_future_is_settled_at_the_last_close_of_its_expiry_and_never_after(says: Says, make_bars: MakeBars) -> None:
    result = dealt(says([1, 1, 1, -1, 1]), make_bars(ROWS, name=FUTURE), TENTH, slippage=parse_slippage("bps:10"))
    bought, ended = result.fills
    assert (bought.quantity, bought.price) == (Decimal(50), Decimal("101.101"))
    assert (ended.quantity, ended.price, ended.slippage) == (Decimal(50), Decimal(104), Decimal(0))
    assert [str(fill.reason) for fill in result.fills] == ["signal", "expiry"]
    assert ended.filled_at.date() == EXPIRY
    # Settled in cash on an index: nothing is traded, so nothing is charged.
    assert ended.charges.total == 0
    rates = rates_on(date(2024, 5, 7), exchange_of(bought.instrument), ChargeSegment.EQUITY_FUTURES)
    value = Decimal("101.101") * 50
    assert bought.charges.brokerage == value * rates.brokerage_fraction
    assert (bought.charges.stt, bought.charges.stamp, bought.charges.dp) == (Decimal(0), value * rates.stamp_buy, Decimal(0))
    # The bars after the end change nothing.
    assert result.equity[2] == result.equity[3] == result.equity[4]
    assert result.final_positions == ()
    assert str(result.trades[0].exit_reason) == "expiry"
    assert any("own last close" in sentence for sentence in result.warnings)


@pytest.mark.parametrize("fill", list(FillTiming))
def test_a_contract_without_a_bar_on_its_last_day_is_settled_at_its_mark_on_the_next(
    says: Says, make_bars: MakeBars, fill: FillTiming
) -> None:
    contract, share = make_bars(ROWS, name=FUTURE, skip=[2]), make_bars(ROWS, name="NFO:NIFTY24JUNFUT")
    chosen = replace(BacktestSettings(), product=Product.NRML, size=parse_size("lots:1"), slippage=parse_slippage("none"), fill=fill)
    strategy = says({FUTURE: [1, 1, 0, -1], "NFO:NIFTY24JUNFUT": [0, 0, 0, 0, 0]})
    result = run(strategy, {}, [contract, share], chosen, terms=[TENTH, replace(TENTH, expiry=None)])
    assert [(str(fill.reason), fill.filled_at.date(), fill.price) for fill in result.fills if str(fill.reason) == "expiry"] == [
        ("expiry", date(2024, 5, 9), Decimal(102))
    ]


@pytest.mark.parametrize(
    ("name", "terms", "target", "expected"),
    [
        # Exercised: the flat fee, and tax on what it is worth, with GST on the fee.
        (OPTION, PAID, 1, Decimal(20) * Decimal("1.18") + Decimal(104 * 50) * Decimal("0.00125")),
        (OPTION, PAID, -1, Decimal(20) * Decimal("1.18")),
        # Shares change hands: 0.25 % for the broker, 0.1 % tax on both sides, 0.015 % duty of who receives them.
        (STOCK_FUTURE, TENTH, 1, Decimal(104 * 50) * (Decimal("0.0025") * Decimal("1.18") + Decimal("0.00115"))),
        (STOCK_FUTURE, TENTH, -1, Decimal(104 * 50) * (Decimal("0.0025") * Decimal("1.18") + Decimal("0.001"))),
        (STOCK_CALL, PAID, 1, Decimal(2900 * 50) * (Decimal("0.0025") * Decimal("1.18") + Decimal("0.00115"))),
        (STOCK_CALL, PAID, -1, Decimal(2900 * 50) * (Decimal("0.0025") * Decimal("1.18") + Decimal("0.001"))),
        (STOCK_PUT, PAID, 1, Decimal(2900 * 50) * (Decimal("0.0025") * Decimal("1.18") + Decimal("0.001"))),
        (STOCK_PUT, PAID, -1, Decimal(2900 * 50) * (Decimal("0.0025") * Decimal("1.18") + Decimal("0.00115"))),
    ],
)
def test_each_way_to_end_has_its_charges(
    says: Says, make_bars: MakeBars, name: str, *, terms: InstrumentTerms, target: int, expected: Decimal
) -> None:
    result = dealt(says([target] * 5), make_bars(ROWS, name=name), terms)
    assert str(result.fills[-1].reason) == "expiry"
    assert result.fills[-1].charges.total == expected
    assert any("Ends in shares" in sentence for sentence in result.warnings) == ("RELIANCE" in name)


def test_an_option_on_a_share_at_the_lowest_quote_ends_worthless(says: Says, make_bars: MakeBars) -> None:
    rows = [(1, 1), (1, 0.5), (0.1, 0.05)]
    result = dealt(says([1, 1, 1]), make_bars(rows, name=STOCK_CALL), PAID)
    assert result.fills[-1].charges.total == Decimal(20) * Decimal("1.18")


@pytest.mark.parametrize("costs", ["none", "percent:0.001", "per-share:1,min=5"])
def test_the_end_costs_nothing_where_no_schedule_is_asked(says: Says, make_bars: MakeBars, costs: str) -> None:
    result = dealt(says([1] * 5), make_bars(ROWS, name=STOCK_FUTURE), TENTH, costs=parse_costs(costs))
    assert result.fills[-1].charges.total == 0


@pytest.mark.parametrize(
    ("name", "terms", "target", "lots"),
    [
        # 10,000 rupees of margin: a future's lot blocks 25 * 101 * 0.1 = 252.50; a bought option's 2,525; a sold one 2,525 + 56,250.
        (FUTURE, TENTH, 1, 39),
        (FUTURE, TENTH, -1, 39),
        (OPTION, PAID, 1, 3),
        (OPTION, PAID, -1, 0),
    ],
)
def test_what_may_be_held_goes_by_the_margin(
    says: Says, make_bars: MakeBars, name: str, *, terms: InstrumentTerms, target: int, lots: int
) -> None:
    chosen = {"size": parse_size("lots:60"), "capital": Decimal(10_000), "costs": parse_costs("none")}
    result = dealt(says([target] * 2), make_bars(ROWS[:2], name=name), terms, **chosen)
    assert [position.quantity for position in result.final_positions] == ([target * lots * 25] if lots else [])
    assert [str(event.status) for event in result.order_events] == ["cut" if lots else "rejected"]


@pytest.mark.parametrize(
    ("product", "name", "terms", "way_out"),
    [
        (Product.CNC, FUTURE, TENTH, "NRML"),
        (Product.CNC, "NSE:INFY", replace(TENTH, segment=None), "NRML"),
        (Product.NRML, "NSE:INFY", InstrumentTerms(), "CNC"),
    ],
)
def test_a_product_that_does_not_go_with_the_instrument_is_refused(
    says: Says, make_bars: MakeBars, product: Product, *, name: str, terms: InstrumentTerms, way_out: str
) -> None:
    with pytest.raises(BadParameter, match=name) as caught:
        dealt(says([1]), make_bars([(1, 1)], name=name), terms, product=product)
    assert way_out in caught.value.hint


def test_parts_of_a_lot_are_refused(says: Says, make_bars: MakeBars) -> None:
    with pytest.raises(BadParameter, match="whole lots of 25"):
        dealt(says([1]), make_bars([(1, 1)], name=FUTURE), TENTH, fractional=True)


def test_a_contract_that_ended_before_its_first_bar_is_named(says: Says, make_bars: MakeBars) -> None:
    result = dealt(says([1] * 5), make_bars(ROWS, name=FUTURE), replace(TENTH, expiry=date(2024, 5, 3)))
    assert result.fills == ()
    assert any("before its first bar" in sentence for sentence in result.warnings)


def test_an_order_after_the_end_is_rejected(make_bars: MakeBars) -> None:
    def on_bar(context: Any) -> None:
        (instrument,) = context.instruments
        if context.bar in {0, 3}:
            instrument.buy(25)

    result = dealt(Strategy(title="Buys twice", on_bar=on_bar), make_bars(ROWS, name=FUTURE), TENTH)
    assert [str(fill.reason) for fill in result.fills] == ["signal", "expiry"]
    assert [(str(event.status), event.reason) for event in result.order_events] == [("rejected", "expired_contract")]


def test_an_order_still_waiting_ends_with_its_contract(says: Says, make_bars: MakeBars) -> None:
    bars = make_bars(ROWS, name=FUTURE, volumes=[10_000, 10_000, 0, 10_000, 10_000])
    result = dealt(says([0, 1, 1, 1, 1]), bars, TENTH)
    assert result.fills == ()
    assert [(str(event.status), event.reason, event.quantity) for event in result.order_events] == [
        ("expired", "expired_contract", Decimal(50))
    ]


def test_closings_above_the_freeze_quantity_pay_as_several(says: Says, make_bars: MakeBars) -> None:
    bars = make_bars([(100, 100)] * 3, name=OPTION)
    result = dealt(says([1, 1, 1]), bars, replace(PAID, freeze=25, expiry=None), close_at_end=True)
    assert [(fill.charges.brokerage, str(fill.reason)) for fill in result.fills] == [(Decimal(40), "signal"), (Decimal(40), "end")]


SEGMENTS = {
    "NFO:NIFTY26NOVFUT": (ChargeSegment.EQUITY_FUTURES, "NIFTY"),
    "BFO:SENSEX26NOVFUT": (ChargeSegment.EQUITY_FUTURES, "SENSEX"),
    "NFO:NIFTY26NOV25000CE": (ChargeSegment.EQUITY_OPTIONS, "NIFTY"),
    "BFO:SENSEX26NOV80000PE": (ChargeSegment.EQUITY_OPTIONS, "SENSEX"),
    "CDS:USDINR26NOVFUT": (ChargeSegment.CURRENCY_FUTURES, "USDINR"),
    "CDS:USDINR26NOV85CE": (ChargeSegment.CURRENCY_OPTIONS, "USDINR"),
    "MCX:GOLD26DECFUT": (ChargeSegment.COMMODITY_FUTURES, "GOLD"),
    "MCX:CRUDEOIL26DECFUT": (ChargeSegment.COMMODITY_FUTURES, "CRUDEOIL"),
    "MCX:GOLD26DEC70000CE": (ChargeSegment.COMMODITY_OPTIONS, "GOLD"),
}


@pytest.mark.parametrize("name", SEGMENTS)
@pytest.mark.parametrize("slippage", ["bps:2", "volume-share:0.1"])
def test_the_core_and_the_ledger_agree_in_every_segment_and_regime(says: Says, name: str, slippage: str) -> None:
    segment, underlying = SEGMENTS[name]
    rng = np.random.default_rng(len(name) * 7 + len(slippage))
    days = [
        datetime(2018 + year, month, 3 + 7 * week, 10, 15, tzinfo=IST) for year in range(9) for month in range(1, 13) for week in (0, 2)
    ]
    ts = np.array([micros_of(day) + hour * 3_600_000_000 for day in days for hour in range(3)], dtype=np.int64)
    prices = np.round(100.0 + 10.0 * np.cumsum(rng.standard_normal(len(ts))) / np.sqrt(len(ts)), 2)
    columns = dict.fromkeys(("open", "high", "low", "close"), prices)
    volume = rng.integers(500, 100_000, len(ts)).astype(np.float64)
    bars = Bars(instrument=InstrumentId(name), interval=Interval.MINUTE_60, ts=ts, volume=volume, oi=volume, **columns)
    settings = BacktestSettings(
        capital=Decimal(10_000_000), product=Product.NRML, size=parse_size("lots:40"), slippage=parse_slippage(slippage)
    )
    terms = InstrumentTerms(lot=25, freeze=600, segment=segment, underlying=underlying)
    strategy = says(rng.integers(-2, 3, len(ts)) / 2)
    result = run(strategy, {}, [bars], settings, terms=[terms])
    raw = simulate(strategy, {}, [bars], settings, terms=[terms]).played.raw
    assert len(result.fills) > 100
    assert [float(fill.charges.total) for fill in result.fills] == pytest.approx(raw[:, F_COST].tolist(), abs=1e-6)
    # Two slices, each with a fee or a cap of its own.
    assert max(fill.charges.brokerage for fill in result.fills) > 20


def test_turning_round_is_cut_by_the_price_of_what_is_traded(says: Says, make_bars: MakeBars) -> None:
    bars = make_bars([(100, 100)] * 3, name=FUTURE, volumes=[300, 300, 300])
    chosen = {"size": parse_size("lots:8"), "capital": Decimal(2000), "costs": parse_costs("none")}
    result = dealt(says([0.125, -1, -1]), bars, TENTH, slippage=parse_slippage("volume-share:1,impact=0.9"), **chosen)
    # Equity is 1984.375 after the purchase at 100.625. Six lots sold short fit, with the one held: at 69.375 the closing lot leaves
    # 1218.75, and they block 1040.625. Seven, at 60, would block 1050 of 984.375.
    turned = result.fills[:2]
    assert [int(fill.quantity) for fill in turned] == [25, 175]
    assert [float(fill.price) for fill in turned] == pytest.approx([100.625, 69.375])
