"""Published examples: read, priced by their own mode and date, compared."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from qts.market.charges import LINES, price_example

DEFAULT = date(2026, 11, 20)


def example(**changes: Any) -> dict[str, Any]:
    base = {
        "id": "calculator",
        "mode": "calculator",
        "trade_date": "2026-02-27",
        "exchange": "NSE",
        "segment": "equity_intraday",
        "orders": [{"side": "BUY", "qty": 500, "price": 1000}, {"side": "SELL", "qty": 500, "price": 1000}],
        "expected": {"brokerage": 40, "stt": 125, "exchange": 30.7, "sebi": 1.0, "stamp": 15, "gst": 12.906, "total": 224.61},
    }
    return {name: value for name, value in (base | changes).items() if value is not None}


# The equity half of the published collection.
PUBLISHED = [
    example(),
    example(
        id="api of 2022",
        mode="api",
        trade_date=None,
        trade_date_range=["2022-07-18", "2023-03-31"],
        segment="equity_delivery",
        orders=[{"side": "BUY", "qty": 1, "price": 1498, "symbol": "INFY"}],
        expected={
            "stt": 1.498,
            "exchange": 0.051681,
            "sebi": 0.001498,
            "brokerage": 0.01,
            "stamp": 0.22,
            "gst": 0.01137222,
            "total": 1.79255122,
        },
    ),
    example(
        id="article of 2019",
        trade_date="2019-10-01",
        stamp_state_rate_pct_both_sides=0.006,
        orders=[{"side": "BUY", "qty": 100, "price": 546}, {"side": "SELL", "qty": 100, "price": 550}],
        expected={
            "brokerage": 10.96,
            "stt": 14,
            "exchange": 3.56,
            "gst": 2.61,
            "sebi": 0.11,
            "stamp": 6.58,
            "total": 37.82,
            "net": 362.18,
        },
    ),
    example(
        id="rounding of STT, any date",
        trade_date=None,
        orders=[{"side": "BUY", "qty": 100, "price": 100}, {"side": "SELL", "qty": 100, "price": 101}],
        expected={"stt_exact": 2.525, "stt": 3},
    ),
    example(
        id="virtual contract note of 2023",
        mode="api",
        trade_date="2023-07-10",
        segment="equity_delivery",
        orders=[{"side": "BUY", "qty": 1, "price": 560}],
        expected={
            "stt": 0.56,
            "exchange": 0.01876,
            "sebi": 0.00056,
            "brokerage": 0,
            "stamp": 0,
            "gst": 0.0033767999999999997,
            "total": 0.5826968,
        },
    ),
]


@pytest.mark.parametrize("published", PUBLISHED, ids=lambda published: published["id"])
def test_published_example_comes_out(published: dict[str, Any]) -> None:
    result = price_example(published, DEFAULT)
    assert result.error is None
    assert result.differences == ()
    assert result.id == published["id"]
    assert set(result.expected) == set(published["expected"])
    assert set(result.total) >= set(LINES) | set(result.expected)
    assert len(result.orders) == len(published["orders"])


SEGMENTS = {"NSE": "equity_delivery", "MCX": "commodity_futures", "NFO": "equity_options"}
NAMES = {"stt": "transaction_tax", "exchange": "exchange_turnover_charge", "sebi": "sebi_turnover_charge", "stamp": "stamp_duty"}


def told(charges: dict[str, Any]) -> dict[str, Any]:
    return {name: charges[theirs] for name, theirs in NAMES.items()} | {
        "brokerage": charges["brokerage"],
        "gst": charges["gst"]["total"],
        "total": charges["total"],
    }


@pytest.mark.realdata
def test_replies_of_the_brokers_api_come_out(realdata: Path) -> None:
    cases = json.loads((realdata / "truth" / "kite_charges_mock.json").read_text())["cases"]
    assert len(cases) == 3
    for case in cases:
        order = {"side": case["side"], "qty": case["qty"], "price": case["price"], "symbol": case["tradingsymbol"]}
        terms = {"exchange": case["exchange"], "segment": SEGMENTS[case["exchange"]], "trade_date": "2023-07-10"}
        result = price_example(example(mode="api", orders=[order], expected=told(case["charges"]), **terms), DEFAULT)
        assert result.error is None
        assert result.differences == ()


@pytest.mark.realdata
def test_margins_of_the_brokers_api_come_out(realdata: Path) -> None:
    legs = json.loads((realdata / "kite-mocks" / "basket_margins.json").read_text())["data"]["orders"]
    for leg, side, value in zip(legs, ("SELL", "BUY"), (2673.75, 521.25), strict=True):
        order = {"side": side, "value": value, "symbol": leg["tradingsymbol"]}
        terms = {"exchange": leg["exchange"], "segment": "equity_options", "trade_date": "2023-07-15"}
        result = price_example(example(mode="api", orders=[order], expected=told(leg["charges"]), **terms), DEFAULT)
        assert (result.error, result.differences) == (None, ())
        assert result.warnings[0].startswith("api: read as the charges beside a margin")
    (single,) = json.loads((realdata / "kite-mocks" / "order_margins.json").read_text())["data"]
    order = {"side": "BUY", "qty": 1, "price": single["var"]}
    terms = {"exchange": "NSE", "segment": "equity_delivery", "trade_date": "2022-07-18"}
    result = price_example(example(mode="api", orders=[order], expected=told(single["charges"]), **terms), DEFAULT)
    assert (result.error, result.differences, result.warnings) == (None, (), ())


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({"exchange": "NFO", "segment": "equity_futures"}, {"stt": 50, "brokerage": 20}, id="future"),
        pytest.param({"exchange": "NSE", "segment": "equity_futures"}, {"exchange": 1.83}, id="future at NSE"),
        pytest.param({"exchange": "BFO", "segment": "equity_options", "underlying": "Sensex"}, {"exchange": 32.5}, id="option at BSE"),
        pytest.param({"exchange": "CDS", "segment": "currency_futures"}, {"stt": 0, "exchange": 0.35, "ipft": 0.05}, id="currency"),
        pytest.param({"exchange": "MCX", "segment": "commodity-options"}, {"ctt": 50, "exchange": 41.8}, id="commodity option"),
        pytest.param({"segment": "equity_delivery", "stt_class": "equity_etf"}, {"stt": 1, "dp": 15.34}, id="fund"),
        pytest.param({"exchange": "BSE", "segment": "equity_delivery", "group": "xt"}, {"exchange": 100}, id="group of BSE"),
        pytest.param(
            {"exchange": "NFO", "segment": "equity_options", "settlement": "exercised"}, {"stt": 150, "exchange": 0}, id="exercised"
        ),
        pytest.param({"exchange": "NFO", "segment": "equity_futures", "settlement": "delivered"}, {"brokerage": 250}, id="delivered"),
    ],
)
def test_every_segment_and_class_can_be_an_example(changes: dict[str, Any], expected: dict[str, float]) -> None:
    terms: dict[str, Any] = {"mode": "exact", "trade_date": "2026-11-20", "orders": [{"side": "SELL", "qty": 100, "price": 1000}]}
    result = price_example(example(**(terms | changes), expected=expected), DEFAULT)
    assert (result.error, result.differences) == (None, ())


def test_orders_of_several_symbols_are_taxed_and_debited_one_by_one() -> None:
    orders = [{"side": "SELL", "qty": 10, "price": 145, "symbol": symbol} for symbol in ("A", "B", "A")]
    result = price_example(
        example(mode="contract_note", segment="equity_delivery", orders=orders, expected={"dp": 30.68, "stt": 4}), DEFAULT
    )
    # 2.90 and 1.45 of tax: 3 and 1; together they would be 4.35.
    assert (result.error, result.differences) == (None, ())
    assert len(result.charges) == 3


def test_exact_bill_of_a_day_may_be_meant_as_netted() -> None:
    orders = [{"side": "BUY", "qty": 100, "price": 100}, {"side": "SELL", "qty": 100, "price": 101}]
    terms: dict[str, Any] = {"mode": "exact", "segment": "equity_delivery", "trade_date": "2026-11-20", "orders": orders}
    neither = price_example(example(**terms, expected={"stt": 2.5125, "dp": 15.34}), DEFAULT)
    assert [one.field for one in neither.differences] == ["stt"]
    netted = price_example(example(**terms, expected={"stt": 2.5125, "brokerage": 6.03, "dp": 0}), DEFAULT)
    assert netted.differences == ()
    assert netted.warnings[0].startswith("exact: read as orders of one day")
    assert sum(line.total for line in netted.charges) == netted.total["total"]
    apart = price_example(example(**terms, expected={"stt": 20.1}), DEFAULT)
    assert (apart.differences, apart.warnings) == ((), ())


def test_contract_note_of_a_day_debits_only_what_leaves_the_account() -> None:
    orders = [{"side": "BUY", "qty": 100, "price": 100}, {"side": "SELL", "qty": 100, "price": 101}]
    terms: dict[str, Any] = {"mode": "contract_note", "segment": "equity_delivery", "trade_date": "2026-11-20", "orders": orders}
    day = price_example(example(**terms, expected={"stt": 3, "dp": 0}), DEFAULT)
    assert day.differences == ()
    apart = price_example(example(**terms, expected={"stt": 20, "dp": 15.34}), DEFAULT)
    assert apart.differences == ()
    assert apart.warnings[0] == "contract_note: read as orders of different days, each with a note of its own"
    orders[1]["qty"] = 150
    assert price_example(example(**terms, expected={"dp": 15.34}), DEFAULT).differences == ()


def test_reading_that_disagrees_is_shown_as_the_usual_one() -> None:
    order = {"side": "SELL", "value": 2673.75}
    terms: dict[str, Any] = {"mode": "api", "trade_date": "2023-07-15", "exchange": "NFO", "segment": "equity_options", "orders": [order]}
    result = price_example(example(**terms, expected={"exchange": 1}), DEFAULT)
    (difference,) = result.differences
    assert difference.computed == Decimal("2673.75") * Decimal("0.000505")


@pytest.mark.parametrize(
    ("field", "number", "is_different"),
    [
        pytest.param("total", 224.61, False, id="equal"),
        pytest.param("total", 224.606, False, id="less than half a paisa"),
        pytest.param("total", 224.615, True, id="half a paisa"),
        pytest.param("total", 224.6, True, id="a paisa"),
        pytest.param("brokerage", 41, True, id="a rupee"),
    ],
)
def test_difference_begins_at_half_a_paisa(field: str, number: float, is_different: bool) -> None:  # noqa: FBT001 - a column of the table
    result = price_example(example(expected={field: number}), DEFAULT)
    assert [difference.field for difference in result.differences] == ([field] if is_different else [])
    for difference in result.differences:
        assert difference.expected == Decimal(str(number))
        assert difference.computed == result.total[field]


def test_unrounded_numbers_are_compared_to_their_last_place() -> None:
    api = PUBLISHED[1] | {"expected": {"gst": 0.01137223, "exchange": 0.051681}}
    assert [difference.field for difference in price_example(api, DEFAULT).differences] == ["gst"]


def test_field_that_is_no_part_of_a_bill_is_a_difference_without_a_number() -> None:
    (difference,) = price_example(example(expected={"swachh_bharat": 1}), DEFAULT).differences
    assert difference.computed is None


def test_example_that_states_dp_is_compared_with_the_ledgers() -> None:
    sale = [{"side": "SELL", "qty": 1, "price": 560}]
    note = example(mode="contract_note", segment="equity_delivery", orders=sale, trade_date="2024-09-30", expected={"dp": 15.93})
    result = price_example(note, DEFAULT)
    assert result.differences == ()
    assert result.total["total"] < 2
    exact = price_example(note | {"mode": "exact"}, DEFAULT)
    assert exact.differences == ()
    assert exact.total["total"] > Decimal("15.93")


def test_example_without_mode_or_exchange_is_exact_at_nse() -> None:
    result = price_example(example(mode=None, exchange=None, expected={}), DEFAULT)
    assert result.total["stt"] == 125
    assert result.total["ipft"] == 1


@pytest.mark.parametrize(("mode", "intraday", "delivery"), [("exact", 2.5625, 20.5), ("contract_note", 3, 21)])
def test_parts_of_a_days_tax_may_be_expected(mode: str, intraday: float, delivery: float) -> None:
    # WAP (30000 + 11000) / 400 = 102.5.
    orders = [{"side": "BUY", "qty": 300, "price": 100}, {"side": "SELL", "qty": 100, "price": 110}]
    expected = {"stt_intraday": intraday, "stt_delivery": delivery, "stt": intraday + delivery}
    assert price_example(example(mode=mode, segment="equity_delivery", orders=orders, expected=expected), DEFAULT).differences == ()


def test_published_break_even_is_the_bill_per_share() -> None:
    assert price_example(example(expected={"break_even": 0.45}), DEFAULT).differences == ()


def test_turnover_of_both_sides_may_be_expected() -> None:
    assert price_example(example(expected={"turnover": 1_000_000, "net": -224.61}), DEFAULT).differences == ()


def test_order_by_value_needs_no_price() -> None:
    result = price_example(example(orders=[{"side": "SELL", "value": 500000}], expected={"stt": 125, "brokerage": 20}), DEFAULT)
    assert result.differences == ()


def test_rounding_to_either_neighbour_agrees_where_nothing_was_rounded() -> None:
    # Tax of 1.005, published as 1.01 or, half to even, as 1.00.
    terms: dict[str, Any] = {"mode": "exact", "segment": "equity_delivery", "orders": [{"side": "BUY", "qty": 1, "price": 1005}]}
    for number, is_different in ((1.01, False), (1.0, False), (1.02, True), (0.99, True)):
        assert bool(price_example(example(**terms, expected={"stt": number}), DEFAULT).differences) is is_different


@pytest.mark.parametrize(
    ("expected", "fields"),
    [
        pytest.param({"total": 1029.02}, [], id="without DP"),
        pytest.param({"total": 1044.36}, [], id="with DP"),
        pytest.param({"total": 1044.36, "dp": 15.34}, [], id="with DP beside it"),
        pytest.param({"total": 1029.02, "dp": 15.34}, ["total"], id="DP beside a total that lacks it"),
        pytest.param({"total": 1044.95, "dp": 15.93}, ["total", "dp"], id="DP of an earlier date"),
        pytest.param({"total": 1044.95}, ["total"], id="a total with DP of an earlier date"),
    ],
)
def test_total_of_an_exact_sale_may_leave_out_dp(expected: dict[str, float], fields: list[str]) -> None:
    # The table's totals are shifted to the bill of the sale: 1044.36 stands for the whole of it.
    sale = {"mode": "exact", "segment": "equity_delivery", "orders": [{"side": "SELL", "qty": 1000, "price": 1000}]}
    base = price_example(example(**sale, trade_date="2026-11-20", expected={}), DEFAULT).total
    moved = {name: float(base["total"]) - 1044.36 + number if name == "total" else number for name, number in expected.items()}
    result = price_example(example(**sale, trade_date="2026-11-20", expected=moved), DEFAULT)
    assert [one.field for one in result.differences] == fields


def test_what_follows_from_a_total_without_dp_agrees_too() -> None:
    orders = [{"side": "BUY", "qty": 10, "price": 500}, {"side": "SELL", "qty": 10, "price": 500}]
    terms: dict[str, Any] = {"mode": "exact", "segment": "equity_delivery", "trade_date": "2026-11-20", "orders": orders}
    bare = float(price_example(example(**terms, expected={}), DEFAULT).total["total"]) - 15.34
    for expected in ({"net": -bare}, {"break_even": bare / 10}):
        assert price_example(example(**terms, expected=expected), DEFAULT).differences == ()


def test_calculators_total_may_hold_the_dp_that_it_states() -> None:
    sale = {"segment": "equity_delivery", "orders": [{"side": "SELL", "qty": 10, "price": 1000}], "trade_date": "2026-11-20"}
    bare = price_example(example(**sale, expected={}), DEFAULT).total["total"]
    with_dp = float(bare) + 15.34
    result = price_example(example(**sale, expected={"dp": 15.34, "total": with_dp}), DEFAULT)
    assert (result.differences, result.total["total"]) == ((), bare + Decimal("15.34"))
    assert result.warnings[0].startswith("calculator: the total is read as one with the depository's charge")
    assert price_example(example(**sale, expected={"total": with_dp}), DEFAULT).differences


def test_round_trip_of_delivery_taxed_as_intraday_is_a_difference() -> None:
    orders = [{"side": "BUY", "qty": 100, "price": 100}, {"side": "SELL", "qty": 100, "price": 100}]
    terms: dict[str, Any] = {"mode": "exact", "segment": "equity_delivery", "trade_date": "2026-11-20", "orders": orders}
    assert price_example(example(**terms, expected={"stt": 2.5}), DEFAULT).differences
    assert price_example(example(**terms, expected={"stt": 2.5, "brokerage": 0}), DEFAULT).differences
    # That nothing left the account tells that it was one day.
    assert price_example(example(**terms, expected={"stt": 2.5, "dp": 0}), DEFAULT).differences == ()
    assert price_example(example(**terms, expected={"stt": 2.5, "dp": 15.34}), DEFAULT).differences


def test_dates_of_toml_are_taken_as_they_are() -> None:
    assert price_example(example(trade_date=date(2026, 2, 27)), DEFAULT).differences == ()


def test_estimates_of_the_rates_are_passed_on() -> None:
    assert price_example(PUBLISHED[2], DEFAULT).warnings


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        pytest.param({"segment": "equity_options", "exchange": "MCX"}, "no equity_options is traded here", id="not traded there"),
        pytest.param({"segment": "equity"}, "there is no such segment", id="no such segment"),
        pytest.param({"segment": None}, "segment = None", id="segment absent"),
        pytest.param({"mode": "paper"}, "there is no such mode", id="no such mode"),
        pytest.param({"exchange": "NYSE"}, "there is no such exchange", id="no such exchange"),
        pytest.param({"exchange": "INDEX"}, "not traded in India", id="index"),
        pytest.param({"trade_date": "27.2.2026"}, "is not a date", id="date in another form"),
        pytest.param({"orders": []}, "is not a list of orders", id="no orders"),
        pytest.param({"orders": "all"}, "is not a list of orders", id="orders are text"),
        pytest.param({"orders": [1]}, "is not a list of orders", id="order is a number"),
        pytest.param({"orders": [{"side": "HOLD", "qty": 1, "price": 1}]}, "there is no such side", id="no such side"),
        pytest.param({"orders": [{"side": "BUY", "qty": 1}]}, "lacks price", id="no price"),
        pytest.param({"orders": [{"side": "BUY", "qty": "many", "price": 1}]}, "qty = many: is not a number", id="no number"),
        pytest.param({"orders": [{"side": "BUY", "qty": 1, "price": "NaN"}]}, "is not a finite number", id="not a number"),
        pytest.param({"orders": [{"side": "BUY", "qty": -1, "price": 1}]}, "is not a positive number", id="negative"),
        pytest.param({"orders": [{"side": "BUY", "qty": 1, "price": 0}]}, "nothing is traded for nothing", id="for nothing"),
        pytest.param({"orders": [{"side": "BUY", "value": 0}]}, "nothing is traded for nothing", id="of no value"),
        pytest.param({"symbol": {"a": 1}}, "is not a text", id="symbol is a table"),
        pytest.param({"segment": ["futures"]}, "is not a text", id="segment is a list"),
        pytest.param({"stamp_state_rate_pct_both_sides": 200}, "is not a fraction", id="duty of 200 %"),
        pytest.param({"expected": [1]}, "is not a table", id="expected is a list"),
        pytest.param({"expected": {"total": "cheap"}}, "expected.total = cheap: is not a number", id="expected a word"),
        pytest.param({"expected": {"total": [1]}}, "is not a number", id="expected a list of numbers"),
        pytest.param({"expected": {"total": "1e999999"}}, "is no amount", id="expected a slip"),
        pytest.param(
            {"orders": [{"side": "BUY", "qty": 1, "price": 1, "slices": "1e999999"}]}, "slices = 1e999999: is no amount", id="slip"
        ),
        pytest.param({"trade_date": None, "trade_date_range": {"from": 1}}, "is not a list of two dates", id="span of another shape"),
    ],
)
def test_bad_example_carries_a_sentence_instead_of_numbers(changes: dict[str, Any], reason: str) -> None:
    broken = {name: value for name, value in example().items() if name not in changes}
    broken |= {name: value for name, value in changes.items() if value is not None}
    result = price_example(broken, DEFAULT)
    assert result.error is not None
    assert reason in result.error.message
    assert (result.total, result.orders, result.differences) == ({}, (), ())


@pytest.mark.parametrize("mode", ["exact", "contract_note"])
def test_a_purchase_and_a_sale_of_a_trade_to_trade_share_on_one_day_are_both_delivered(mode: str) -> None:
    # 100 at 1,000 each way, on 2026-02-27: STT 0.1 % of both sides, stamp 0.015 % of the purchase, DP once, no brokerage.
    orders = [{"side": side, "qty": 100, "price": 1000, "symbol": "XYZ-BE"} for side in ("BUY", "SELL")]
    expected = {"stt": 200, "stamp": 15, "dp": 15.34, "stt_intraday": 0, "stt_delivery": 200}
    priced = price_example(example(mode=mode, segment="equity_delivery", orders=orders, expected=expected), DEFAULT)
    assert priced.error is None
    assert not priced.differences
    netted = [order | {"symbol": "XYZ"} for order in orders]
    other = price_example(example(mode="contract_note", segment="equity_delivery", orders=netted, expected={"stt": 25}), DEFAULT)
    assert not other.differences


def test_orders_of_a_trade_to_trade_share_are_not_intraday() -> None:
    orders = [{"side": "BUY", "qty": 100, "price": 1000, "symbol": "XYZ-BE"}]
    priced = price_example(example(segment="equity_intraday", orders=orders), DEFAULT)
    assert priced.error is not None
    assert "NSE:XYZ-BE is for delivery only" in priced.error.message
    assert priced.error.hint == "Use equity_delivery."
