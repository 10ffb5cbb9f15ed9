from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import numpy as np
import pytest

from qts.backtest import BacktestResult, BacktestSettings, parse_costs, parse_slippage
from qts.backtest.ledger import price_fills, simple_charges
from qts.backtest.terms import InstrumentTerms
from qts.core import Bars, Charges, Fill, FillReason, InstrumentId, Interval, OrderKind, Product, Side
from qts.core.arrays import Floats
from qts.kernels.state import (
    ACTION,
    F_BAR,
    F_INSTRUMENT,
    F_KIND,
    F_ORDER,
    F_PRICE,
    F_QUANTITY,
    F_REASON,
    F_REFERENCE,
    LIMIT,
    MARKET,
    N_FILL,
    SETTLEMENT,
    SQUARE_OFF,
    STOP,
    STOP_LIMIT,
    TRAILING,
)
from qts.market.charges import ChargeSegment, DayFill, SttClass, lines_of

# Ten past two in the afternoon of 6 May 2024, in India, and of the day after.
TS = np.array([1_714_984_800_000_000, 1_715_071_200_000_000])

ORDER = DayFill(side=Side.BUY, quantity=Decimal(100), price=Decimal("250.5"))


@pytest.mark.parametrize(
    ("costs", "expected"),
    [
        pytest.param("none", "0", id="none"),
        pytest.param("percent:0.001", "25.05", id="a fraction of the value"),
        pytest.param("per-share:0.05,min=1", "5", id="an amount per share"),
        pytest.param("per-share:0.05,min=20", "20", id="at least the minimum"),
    ],
)
def test_simple_charges_are_one_line(costs: str, expected: str) -> None:
    charges = simple_charges(parse_costs(costs), ORDER)
    assert charges == Charges(brokerage=Decimal(expected))


def test_decimals_come_from_the_price_as_it_was_written_not_from_its_float() -> None:
    raw = np.zeros((1, N_FILL))
    raw[0, :6] = [0, 0, -3, 0.1, 0.1, 1]
    settings = BacktestSettings(costs=parse_costs("none"), slippage=parse_slippage("bps:5"))
    (fill,) = price_fills(raw, np.array([0]), [InstrumentId("NSE:A")], settings)
    assert (fill.side, fill.quantity, fill.reference_price) == (Side.SELL, Decimal(3), Decimal("0.1"))
    assert fill.price == Decimal("0.09995")
    assert fill.slippage == Decimal("0.00015")
    assert fill.reason is FillReason.SQUARE_OFF
    assert fill.filled_at.isoformat() == "1970-01-01T05:30:00+05:30"


def test_fractions_sold_the_day_they_were_bought_are_no_delivery_sale(
    play: Callable[..., BacktestResult], make_bars: Callable[..., Bars]
) -> None:
    # 0.1 + 0.7 bought is 0.7999999999999999 in floats, less than the 0.8 sold.
    bars = make_bars([(100, 100)] * 4, interval=Interval.MINUTE_1)
    result = play([0.7, 0.8, 0, 0], bars, size="shares:1", costs="zerodha", fractional=True)
    assert len(result.fills) == 3
    assert result.charges.dp == 0


def row(bar: int, quantity: float, price: float, **more: float) -> Floats:
    """Return one fill of the core, its columns by their names."""
    made = np.zeros(N_FILL)
    made[[F_BAR, F_QUANTITY, F_REFERENCE, F_PRICE]] = bar, quantity, price, price
    named = {"instrument": F_INSTRUMENT, "kind": F_KIND, "order": F_ORDER, "reason": F_REASON}
    for name, number in more.items():
        made[named[name]] = number
    return made


def fills_of(
    *rows: Floats, costs: str, names: tuple[str, ...] = ("NSE:A",), terms: InstrumentTerms | None = None, **settings: object
) -> tuple[Fill, ...]:
    chosen = BacktestSettings(**{"costs": parse_costs(costs), "slippage": parse_slippage("none"), **settings})  # type: ignore[arg-type]
    instruments = [InstrumentId(name) for name in names]
    return price_fills(np.array(rows), TS, instruments, chosen, terms=() if terms is None else (terms,))


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (MARKET, OrderKind.MARKET),
        (STOP, OrderKind.STOP),
        (TRAILING, OrderKind.TRAILING),
        (LIMIT, OrderKind.LIMIT),
        (STOP_LIMIT, OrderKind.STOP_LIMIT),
        (SETTLEMENT, OrderKind.MARKET),
    ],
)
def test_a_fill_says_what_order_it_is_of(kind: int, expected: OrderKind) -> None:
    (fill,) = fills_of(row(0, 3.0, 100.0, kind=kind, reason=ACTION), costs="none", product=Product.MIS)
    assert (fill.order, fill.reason, fill.product) == (expected, FillReason.ACTION, Product.MIS)


def test_no_product_is_rounded_however_many_digits_it_has() -> None:
    # Nine digits of quantity, sixteen of price and seven of the rate are more than decimals keep unless they are told to.
    (fill,) = fills_of(row(0, 123_456_789.0, 98765.43210987654), costs="percent:0.0001234567")
    assert fill.charges.brokerage == Decimal(f"{123456789 * 9876543210987654 * 1234567}e-21")


@pytest.mark.parametrize(
    ("slippage", "against"),
    [
        pytest.param("bps:20", "0.2", id="a fraction of the price"),
        pytest.param("half-spread:0.3", "0.3", id="rupees"),
        pytest.param("ticks:3", "0.15", id="ticks of a twentieth of a rupee, where the instrument names none"),
    ],
)
def test_slippage_moves_the_price_against_the_order(slippage: str, against: str) -> None:
    bought, sold = fills_of(row(0, 3.0, 100.0), row(1, -3.0, 100.0), costs="none", slippage=parse_slippage(slippage))
    assert (bought.price, sold.price) == (100 + Decimal(against), 100 - Decimal(against))


@pytest.mark.parametrize(
    ("price", "expected"), [pytest.param(0.1, "0.05", id="a twentieth of a rupee"), pytest.param(0.03, "0.03", id="or the price itself")]
)
def test_a_sale_brings_something_whatever_the_slippage(price: float, expected: str) -> None:
    (fill,) = fills_of(row(0, -3.0, price), costs="none", slippage=parse_slippage("half-spread:0.1"))
    assert fill.price == Decimal(expected)


@pytest.mark.parametrize(
    ("costs", "expected"),
    [
        # The second part has a price of its own: 1000 and 3300 rupees.
        pytest.param("percent:0.001", ("1", "3.3", "2", "4"), id="a fraction of the value"),
        # Ten shares are below the minimum, forty a rupee above it; the other instrument and the next day pay anew.
        pytest.param("per-share:0.05,min=1", ("1", "1", "1", "1"), id="one minimum an order and a day"),
    ],
)
def test_parts_of_an_order_are_charged_together(costs: str, expected: tuple[str, ...]) -> None:
    fills = fills_of(
        row(0, 10.0, 100.0, order=5),
        row(0, 30.0, 110.0, order=5),
        row(0, 10.0, 200.0, order=5, instrument=1),
        row(1, 10.0, 400.0, order=5),
        costs=costs,
        names=("NSE:A", "NSE:B"),
    )
    assert [fill.charges.brokerage for fill in fills] == [Decimal(text) for text in expected]


@pytest.mark.parametrize("costs", ["percent:0.001", "per-share:0.05,min=1"])
def test_the_end_of_a_contract_is_no_trade_to_costs_without_a_schedule(costs: str) -> None:
    assert fills_of(row(0, -50.0, 120.0, kind=SETTLEMENT), costs=costs)[0].charges == Charges()


# Fifty of them, closing at 120. In cash: STT 0.125 % of 6000 and an order's 20. In shares: 2800 * 50 = 140000, the broker's 0.25 %,
# STT 0.1 %, of purchases 0.015 % stamp duty. GST 18 % of the brokerage.
@pytest.mark.parametrize(
    ("name", "held", "expected"),
    [
        pytest.param("NFO:NIFTY24MAY22000CE", 50.0, {"brokerage": "20", "stt": "7.5", "stamp": "0", "gst": "3.6"}, id="exercised"),
        pytest.param("NFO:NIFTY24MAY22000CE", -50.0, {"brokerage": "20", "stt": "0", "stamp": "0", "gst": "3.6"}, id="assigned"),
        pytest.param("NFO:RELIANCE24MAY2800CE", 50.0, {"brokerage": "350", "stt": "140", "stamp": "21", "gst": "63"}, id="shares come"),
        pytest.param("NFO:RELIANCE24MAY2800PE", 50.0, {"brokerage": "350", "stt": "140", "stamp": "0", "gst": "63"}, id="shares go"),
        pytest.param("NFO:RELIANCE24MAY2800PE", -50.0, {"brokerage": "350", "stt": "140", "stamp": "21", "gst": "63"}, id="shares are put"),
    ],
)
def test_an_option_ends_as_its_symbol_says(name: str, held: float, expected: dict[str, str]) -> None:
    terms = InstrumentTerms(segment=ChargeSegment.EQUITY_OPTIONS)
    _, end = fills_of(
        row(0, held, 100.0), row(1, -held, 120.0, kind=SETTLEMENT), costs="zerodha", names=(name,), terms=terms, product=Product.NRML
    )
    assert {line: lines_of(end.charges)[line] for line in expected} == {line: Decimal(text) for line, text in expected.items()}


def test_a_settlement_without_a_segment_is_charged_as_a_sale() -> None:
    # STT 0.1 % of 5000 on the day after the purchase.
    _, end = fills_of(row(0, 50.0, 100.0), row(1, -50.0, 100.0, kind=SETTLEMENT), costs="zerodha")
    assert end.charges.stt == 5


@pytest.mark.parametrize(
    ("name", "terms", "line", "expected"),
    [
        # 1000 rupees of premium at 0.0375 % and 0.005 %.
        pytest.param(
            "BFO:SENSEX24MAY73000CE",
            InstrumentTerms(segment=ChargeSegment.EQUITY_OPTIONS, underlying="SENSEX"),
            "exchange",
            "0.375",
            id="an underlying with a rate of its own",
        ),
        pytest.param(
            "BFO:RELIANCE24MAY2800CE",
            InstrumentTerms(segment=ChargeSegment.EQUITY_OPTIONS, underlying="RELIANCE"),
            "exchange",
            "0.05",
            id="any other underlying",
        ),
        pytest.param("NSE:A", InstrumentTerms(), "stt", "1", id="a share's purchase is taxed"),
        pytest.param("NSE:A", InstrumentTerms(stt_class=SttClass.EQUITY_ETF), "stt", "0", id="a fund's is not"),
    ],
)
def test_terms_choose_the_rates(name: str, terms: InstrumentTerms, line: str, expected: str) -> None:
    product = Product.NRML if terms.is_contract else Product.CNC
    (fill,) = fills_of(row(0, 10.0, 100.0), costs="zerodha", names=(name,), terms=terms, product=product)
    assert lines_of(fill.charges)[line] == Decimal(expected)


def test_the_broker_s_fee_is_brokerage_of_what_it_squares_off_and_of_nothing_else() -> None:
    bought, squared, sold = row(0, 10.0, 100.0, order=1), row(0, -4.0, 102.0, order=2, reason=SQUARE_OFF), row(0, -6.0, 103.0, order=3)
    plain, charged = (fills_of(bought, squared, sold, costs=costs, product=Product.MIS) for costs in ("zerodha", "zerodha,square-off-fee"))
    added = [ours.charges - theirs.charges for ours, theirs in zip(charged, plain, strict=True)]
    assert [one.total for one in added] == [0, 59, 0]
    assert lines_of(added[1]) == lines_of(Charges(brokerage=Decimal(50), gst=Decimal(9)))


def test_the_broker_s_fee_is_paid_also_where_a_position_of_the_day_before_opens_the_bill() -> None:
    (plain,), (charged,) = (
        fills_of(row(1, -4.0, 102.0, order=2, reason=SQUARE_OFF), costs=costs, product=Product.MIS)
        for costs in ("zerodha", "zerodha,square-off-fee")
    )
    assert (charged.charges - plain.charges).total == 59


def test_a_trade_to_trade_share_bought_and_sold_on_one_day_is_charged_twice_for_delivery(
    play: Callable[..., BacktestResult], make_bars: Callable[..., Bars]
) -> None:
    # Ten at 1,000 each way: STT 0.1 % of both sides and the depository, where the day would be netted 0.025 % of the sale.
    rows = [(1000, 1000)] * 4
    own, netted = (
        play([1, 0, 0, 0], make_bars(rows, name=name, interval=Interval.MINUTE_1), costs="zerodha") for name in ("NSE:XYZ-BE", "NSE:XYZ")
    )
    assert [(fill.charges.stt, fill.charges.stamp, fill.charges.dp) for fill in own.fills] == [
        (Decimal(10), Decimal("1.5"), Decimal(0)),
        (Decimal(10), Decimal(0), own.charges.dp),
    ]
    assert (own.charges.stt, own.charges.brokerage, own.charges.dp) == (Decimal(20), Decimal(0), Decimal("15.93"))
    assert (netted.charges.stt, netted.charges.brokerage, netted.charges.dp) == (Decimal("2.5"), Decimal(6), Decimal(0))
    assert own.cash[-1] == pytest.approx(100_000 - float(own.charges.total), abs=1e-9)


def test_each_day_with_a_sale_of_a_trade_to_trade_share_pays_the_depository_once() -> None:
    fills = fills_of(
        row(0, 30.0, 100.0, order=1),
        row(0, -5.0, 100.0, order=2),
        row(0, -5.0, 100.0, order=2),
        row(0, -5.0, 100.0, order=3),
        row(1, -5.0, 100.0, order=4),
        row(1, 50.0, 100.0, order=5),
        costs="zerodha",
        names=("NSE:XYZ-BE",),
    )
    assert [fill.charges.dp > 0 for fill in fills] == [False, True, False, False, True, False]
    assert [fill.charges.stt for fill in fills] == [Decimal(text) for text in ("3", "0.5", "0.5", "0.5", "0.5", "5")]
