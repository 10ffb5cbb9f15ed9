from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qts.core import Exchange, Side
from qts.market.charges import ChargeableOrder, ChargeSegment, RateClasses, RoundingMode, price_orders, rates_on
from qts.market.reconciliation import (
    Family,
    PricedBill,
    Reconciliation,
    StatedCharges,
    Statement,
    TradeRow,
    UnsizedOrder,
    Verdict,
    price_bill,
    reconcile,
)

ON = date(2026, 10, 5)
PAISA = Decimal("0.01")
RUPEE = Decimal(1)
LINES = ("brokerage", "stt", "exchange", "ipft", "sebi", "stamp", "gst")
CONTRACTS = {
    "INFY": (Exchange.NSE, ChargeSegment.EQUITY_DELIVERY),
    "TCS": (Exchange.BSE, ChargeSegment.EQUITY_DELIVERY),
    "NIFTY26OCTFUT": (Exchange.NFO, ChargeSegment.EQUITY_FUTURES),
    "NIFTY26OCT25000CE": (Exchange.NFO, ChargeSegment.EQUITY_OPTIONS),
    "USDINR26OCTFUT": (Exchange.CDS, ChargeSegment.CURRENCY_FUTURES),
    "CRUDEOIL26OCTFUT": (Exchange.MCX, ChargeSegment.COMMODITY_FUTURES),
}
UNDERLYING = {
    "NIFTY26OCTFUT": "NIFTY",
    "NIFTY26OCT25000CE": "NIFTY",
    "USDINR26OCTFUT": "USDINR",
    "CRUDEOIL26OCTFUT": "CRUDEOIL",
}


def trade(row: int, side: Side, quantity: object, price: object, **given: object) -> TradeRow:
    symbol = str(given.pop("symbol", "INFY"))
    exchange, segment = CONTRACTS[symbol]
    found = TradeRow(
        row=row,
        on=ON,
        exchange=exchange,
        symbol=symbol,
        segment=segment,
        side=side,
        quantity=Decimal(str(quantity)),
        price=Decimal(str(price)),
        order_id=str(row),
    )
    return replace(found, **given)  # type: ignore[arg-type]


def note_of(*bills: tuple[tuple[TradeRow, ...], dict[str, Decimal]]) -> Statement:
    trades = tuple(one for rows, _ in bills for one in rows)
    stated = tuple(
        StatedCharges(row=rows[0].row, amounts=amounts, rows=tuple(one.row for one in rows), on=rows[0].on) for rows, amounts in bills
    )
    return Statement(format="contract note", mode=RoundingMode.CONTRACT_NOTE, trades=trades, stated=stated)


def billed(rows: tuple[TradeRow, ...]) -> dict[str, Decimal]:
    """Return the lines of a note as the schedule prices each security alone, added up."""
    total = dict.fromkeys(LINES, Decimal(0))
    for symbol in dict.fromkeys(row.symbol for row in rows):
        mine = [row for row in rows if row.symbol == symbol]
        exchange, segment = CONTRACTS[symbol]
        orders = [ChargeableOrder(side=row.side, quantity=row.quantity, price=row.price) for row in mine]
        classes = RateClasses(underlying=UNDERLYING.get(symbol, ""))
        on = mine[0].on or ON
        priced = price_orders(orders, on=on, exchange=exchange, segment=segment, mode=RoundingMode.CONTRACT_NOTE, classes=classes)
        for line in LINES:
            total[line] += getattr(priced.total, line)
    return {**total, "total": sum(total.values(), Decimal(0))}


def verdicts(found: Reconciliation, i_bill: int = 0) -> dict[str, Verdict]:
    return {line.line: line.verdict for line in found.bills[i_bill].lines}


prices = st.decimals(min_value=1, max_value=50_000, places=2)
rows_of_a_day = st.lists(
    st.tuples(st.sampled_from(Side), st.integers(1, 2_000), prices, st.sampled_from(list(CONTRACTS))), min_size=1, max_size=6
)


@settings(max_examples=100)
@given(drawn=rows_of_a_day, on=st.dates(date(2015, 12, 1), date(2026, 11, 1)))
def test_a_note_made_from_our_own_prices_agrees_in_every_line(drawn: list[tuple[Side, int, Decimal, str]], on: date) -> None:
    rows = tuple(trade(i, side, n, price, symbol=symbol, on=on) for i, (side, n, price, symbol) in enumerate(drawn, start=1))
    found = reconcile(note_of((rows, billed(rows))), on=ON)
    assert not found.bills[0].differs
    assert found.out_of_date == ()
    assert found.unpriced == ()


def changed(priced: PricedBill, line: str, factor: Decimal) -> dict[str, Decimal]:
    """Return the note of a broker who charges one line at another rate, and whose GST and total follow from it."""
    exact, ours = priced.exact, priced.charges
    found = {name: getattr(ours, name) for name in LINES}
    if line != "gst":
        found[line] = (getattr(exact, line) * factor).quantize(RUPEE if line in {"stt", "stamp"} else PAISA, ROUND_HALF_UP)
    rate = priced.gst_rate * (factor if line == "gst" else 1)
    taxed = ("brokerage", "exchange", "ipft", "sebi")
    found["gst"] = sum(((found[name] * rate).quantize(PAISA, ROUND_HALF_UP) for name in taxed), Decimal(0))
    return {**found, "total": sum(found.values(), Decimal(0))}


@pytest.mark.parametrize(
    ("line", "symbol"),
    [
        ("exchange", "INFY"),
        ("sebi", "INFY"),
        ("stt", "INFY"),
        ("stamp", "INFY"),
        ("gst", "INFY"),
        ("brokerage", "NIFTY26OCT25000CE"),
        ("stt", "NIFTY26OCTFUT"),
        ("exchange", "CRUDEOIL26OCTFUT"),
    ],
)
@settings(max_examples=15)
@given(data=st.data())
def test_one_changed_rate_is_told_of_that_line_alone_with_its_first_day(line: str, symbol: str, data: st.DataObject) -> None:
    factor = data.draw(st.sampled_from([Decimal("0.5"), Decimal("1.25"), Decimal(2)]))
    first = data.draw(st.integers(0, 3))
    bills = []
    for i_day in range(5):
        side = Side.SELL if line == "stt" and symbol != "INFY" else Side.BUY
        quantity = data.draw(st.integers(20_000, 90_000))
        rows = (trade(i_day, side, quantity, 150, symbol=symbol, on=ON + timedelta(days=i_day)),)
        priced = price_bill(rows, mode=RoundingMode.CONTRACT_NOTE, on=ON)
        bills.append((rows, changed(priced, line, factor if i_day >= first else Decimal(1))))
    found = reconcile(note_of(*bills), on=ON)
    told = [{part.line for part in bill.lines if part.verdict is Verdict.DIFFERS} for bill in found.bills]
    assert told == [{line} if i_day >= first else set() for i_day in range(5)]
    assert [one.line for one in found.out_of_date] == [line]
    one = found.out_of_date[0]
    assert (one.since, one.n_bills) == (ON + timedelta(days=first), 5 - first)
    assert one.implied_rate == pytest.approx(one.our_rate * factor, rel=Decimal("0.02"))


def test_a_changed_rate_is_named_with_our_row_and_the_simplest_rate_that_explains_all_bills() -> None:
    rows = (trade(1, Side.BUY, 1000, 1000),)
    amounts = {**billed(rows), "exchange": Decimal("35.00")}
    amounts["gst"] = Decimal("6.48")
    del amounts["total"]
    found = reconcile(note_of((rows, amounts)), on=ON)
    assert verdicts(found)["gst"] is Verdict.FOLLOWS
    (one,) = found.out_of_date
    assert (one.line, one.our_rate, one.implied_rate, one.valid_from) == (
        "exchange",
        Decimal("0.00307"),
        Decimal("0.0035"),
        date(2026, 3, 1),
    )
    assert "NSE" in one.source


def test_bills_that_contradict_each_other_are_no_change_of_a_rate() -> None:
    bills = []
    for i_day, exchange in enumerate(("35.00", "20.00", "31.00")):
        rows = (trade(i_day, Side.BUY, 1000, 1000, on=ON + timedelta(days=i_day)),)
        bills.append((rows, {"exchange": Decimal(exchange)}))
    found = reconcile(note_of(*bills), on=ON)
    assert [one.n_bills for one in found.out_of_date] == [1, 1, 1]


def test_what_is_bought_and_sold_the_same_day_is_netted_per_security_and_exchange() -> None:
    rows = (trade(1, Side.BUY, 100, 1000), trade(2, Side.SELL, 100, 1000, segment=ChargeSegment.EQUITY_INTRADAY))
    bill = reconcile(note_of((rows, {"stt": Decimal(25)})), on=ON).bills[0]
    stt = next(line for line in bill.lines if line.line == "stt")
    assert (stt.ours, stt.verdict) == (Decimal(25), Verdict.AGREES)
    apart = (rows[0], replace(rows[1], exchange=Exchange.BSE, segment=ChargeSegment.EQUITY_DELIVERY))
    bill = reconcile(note_of((apart, {"stt": Decimal(200)})), on=ON).bills[0]
    assert next(line.ours for line in bill.lines if line.line == "stt") == Decimal(200)


def test_trades_of_one_order_pay_one_brokerage() -> None:
    parts = [trade(i, Side.BUY, 50, 10, symbol="NIFTY26OCT25000CE", order_id="A") for i in (1, 2, 3)]
    statement = Statement(format="tradebook", mode=RoundingMode.CONTRACT_NOTE, trades=tuple(parts))
    bill = reconcile(statement, on=ON).bills[0]
    assert bill.n_orders == 1
    assert next(line.ours for line in bill.lines if line.line == "brokerage") == Decimal(20)
    apart = replace(statement, trades=tuple(replace(part, order_id="") for part in parts))
    assert reconcile(apart, on=ON).bills[0].n_orders == 3


def test_a_tradebook_without_charges_is_priced_per_day_and_segment_and_not_compared() -> None:
    trades = (
        trade(1, Side.BUY, 1, 100),
        trade(2, Side.BUY, 1, 100, symbol="NIFTY26OCTFUT"),
        trade(3, Side.SELL, 1, 99, on=date(2026, 10, 6)),
    )
    found = reconcile(Statement(format="tradebook", mode=RoundingMode.CONTRACT_NOTE, trades=trades), on=ON)
    assert [(bill.on.day, bill.family, bill.is_compared, bill.differs) for bill in found.bills] == [
        (5, Family.EQ, False, False),
        (5, Family.FO, False, False),
        (6, Family.EQ, False, False),
    ]
    assert {line.verdict for bill in found.bills for line in bill.lines} == {Verdict.NOT_STATED}


def test_charges_of_a_segment_are_compared_with_that_segments_trades() -> None:
    share, future = (trade(1, Side.BUY, 100, 1000),), (trade(2, Side.SELL, 75, 25_000, symbol="NIFTY26OCTFUT"),)
    stated = [
        StatedCharges(row=9, amounts=billed(rows), on=ON, family=family) for rows, family in ((share, Family.EQ), (future, Family.FO))
    ]
    statement = Statement(format="contract note", mode=RoundingMode.CONTRACT_NOTE, trades=share + future, stated=tuple(stated))
    found = reconcile(statement, on=ON)
    assert [bill.differs for bill in found.bills] == [False, False]
    assert [bill.rows for bill in found.bills] == [(1,), (2,)]


def test_charges_of_a_day_are_compared_with_that_days_trades() -> None:
    first, second = (trade(1, Side.BUY, 100, 1000),), (trade(2, Side.BUY, 900, 1000, on=date(2026, 10, 6)),)
    stated = tuple(StatedCharges(row=9, amounts=billed(rows), on=rows[0].on) for rows in (first, second))
    statement = Statement(format="contract note", mode=RoundingMode.CONTRACT_NOTE, trades=first + second, stated=stated)
    assert [(bill.differs, bill.rows) for bill in reconcile(statement, on=ON).bills] == [(False, (1,)), (False, (2,))]


def test_a_line_made_at_two_rates_differs_and_tells_neither_of_them() -> None:
    rows = (trade(1, Side.BUY, 1000, 1000), trade(2, Side.SELL, 400, 1000))
    found = reconcile(note_of((rows, {"stt": Decimal(1400)})), on=ON)
    assert verdicts(found)["stt"] is Verdict.DIFFERS
    assert found.out_of_date == ()


def test_charges_without_a_trade_are_listed() -> None:
    stated = StatedCharges(row=7, amounts={"stt": Decimal(1)}, on=date(2026, 10, 9), family=Family.FO)
    statement = Statement(format="contract note", mode=RoundingMode.CONTRACT_NOTE, trades=(trade(1, Side.BUY, 1, 100),), stated=(stated,))
    found = reconcile(statement, on=ON)
    assert [(one.row, "2026-10-09 FO" in one.reason) for one in found.unpriced] == [(7, True)]
    assert len(found.bills) == 1


def test_what_the_schedule_cannot_price_is_listed_with_its_reason_and_the_rest_is_priced() -> None:
    good = trade(1, Side.BUY, 1, 100, symbol="TCS")
    bad = replace(good, row=2, symbol="GOLD", segment=ChargeSegment.COMMODITY_FUTURES)
    found = reconcile(Statement(format="tradebook", mode=RoundingMode.CONTRACT_NOTE, trades=(good, bad)), on=ON)
    assert [(one.row, "commodity_futures" in one.reason) for one in found.unpriced] == [(2, True)]
    assert (found.bills[0].rows, found.bills[0].n_orders) == ((1,), 1)
    assert "1 of its rows could not be priced" in found.bills[0].remarks


def test_an_order_of_unknown_size_is_priced_at_the_value_that_the_regulators_fee_implies() -> None:
    rates = rates_on(ON, Exchange.NSE, ChargeSegment.EQUITY_INTRADAY)
    order = ChargeableOrder(side=Side.SELL, quantity=Decimal(100), price=Decimal(1234))
    ours = price_orders([order], on=ON, exchange=Exchange.NSE, segment=ChargeSegment.EQUITY_INTRADAY, mode=RoundingMode.API).total
    amounts = {line: getattr(ours, line) for line in (*LINES, "total") if line != "ipft"}
    unsized = UnsizedOrder(exchange=Exchange.NSE, symbol="INFY", segments=(ChargeSegment.EQUITY_DELIVERY, ChargeSegment.EQUITY_INTRADAY))
    statement = Statement(
        format="order margins", mode=RoundingMode.API, stated=(StatedCharges(row=1, amounts=amounts, rows=(), unsized=unsized),)
    )
    found = reconcile(statement, on=ON)
    assert not found.bills[0].differs
    assert "sell equity_intraday of 123400.00" in found.bills[0].remarks[0]
    assert rates.sebi > 0
    none = replace(statement, stated=(replace(statement.stated[0], amounts={"sebi": Decimal(0), "stt": Decimal(1)}),))
    assert "SEBI's fee" in reconcile(none, on=ON).unpriced[0].reason


def test_an_undated_reply_of_another_time_names_the_dates_that_fit() -> None:
    then = date(2023, 7, 10)
    order = ChargeableOrder(side=Side.BUY, quantity=Decimal(100), price=Decimal("1.5"))
    ours = price_orders(
        [order],
        on=then,
        exchange=Exchange.NFO,
        segment=ChargeSegment.EQUITY_OPTIONS,
        mode=RoundingMode.API,
        classes=RateClasses(underlying="NIFTY"),
    ).total
    amounts = {line: getattr(ours, line) for line in (*LINES, "total") if line != "ipft"}
    row = trade(1, Side.BUY, 100, "1.5", symbol="NIFTY26OCT25000CE", on=None)
    statement = Statement(
        format="virtual contract note", mode=RoundingMode.API, trades=(row,), stated=(StatedCharges(row=1, amounts=amounts, rows=(1,)),)
    )
    found = reconcile(statement, on=ON)
    assert found.bills[0].differs
    assert found.fit is not None
    assert (found.fit.n_differing, found.fit.start <= then) == (0, True)
    assert found.fit.end is not None
    assert found.fit.end >= then
    assert found.out_of_date == ()
    assert reconcile(statement, on=then).fit is None
    earlier = reconcile(statement, on=date(2019, 1, 1)).fit
    assert earlier is not None
    assert earlier.start == found.fit.start


@pytest.mark.parametrize(("units", "said"), [(1, False), (100, True)])
def test_a_reply_that_counts_lots_is_priced_in_units(units: int, said: bool) -> None:  # noqa: FBT001 - a table's column
    row = trade(1, Side.SELL, 2, 6000, symbol="CRUDEOIL26OCTFUT", on=None)
    order = ChargeableOrder(side=Side.SELL, quantity=Decimal(2 * units), price=Decimal(6000))
    ours = price_orders(
        [order],
        on=ON,
        exchange=row.exchange,
        segment=row.segment,
        mode=RoundingMode.API,
        classes=RateClasses(underlying="CRUDEOIL"),
    ).total
    amounts = {line: getattr(ours, line) for line in (*LINES, "total") if line != "ipft"}
    stated = StatedCharges(row=1, amounts=amounts, rows=(1,))
    statement = Statement(format="virtual contract note", mode=RoundingMode.API, trades=(row,), stated=(stated,))
    bill = reconcile(statement, on=ON).bills[0]
    assert not bill.differs
    assert any("lots of 100 units" in remark for remark in bill.remarks) is said
    # A regulator's fee that doubled looks like lots of two units, too, but then no other line would fit.
    doubled = replace(stated, amounts={**amounts, "sebi": 2 * amounts["sebi"]})
    bill = reconcile(replace(statement, stated=(doubled,)), on=ON).bills[0]
    assert ({line.line for line in bill.lines if line.verdict is Verdict.DIFFERS} == {"sebi"}) is (units == 1)


def test_the_mode_can_be_chosen() -> None:
    rows = (trade(1, Side.BUY, 7, "123.45"),)
    amounts = {"stt": Decimal("0.86415")}
    assert reconcile(note_of((rows, amounts)), on=ON, mode=RoundingMode.EXACT).bills[0].lines[1].verdict is Verdict.AGREES
    assert reconcile(note_of((rows, amounts)), on=ON).bills[0].lines[1].verdict is Verdict.ROUNDING
