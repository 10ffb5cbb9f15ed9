from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from qts.app.costs import price_costs, price_examples
from qts.app.requests import CostsRequest
from qts.core import FixedClock
from qts.core.errors import BadFile, BadParameter, BadPath

CLOCK = FixedClock(datetime(2026, 2, 27, 6, tzinfo=UTC))
# The broker's calculator on 2026-02-27: 500 bought and sold at 1000, intraday; see the example's source in the documentation.
INTRADAY = {
    "id": "intraday",
    "mode": "calculator",
    "trade_date": "2026-02-27",
    "segment": "equity_intraday",
    "exchange": "NSE",
    "orders": [{"side": "BUY", "qty": 500, "price": 1000}, {"side": "SELL", "quantity": 500, "price": 1000}],
    "expected": {"brokerage": 40, "stt": 125, "exchange": 30.7, "stamp": 15, "total": 224.61},
}


def write(path: Path, *examples: object) -> CostsRequest:
    file = path / "examples.json"
    file.write_text(json.dumps({"examples": examples}))
    return CostsRequest(file=file)


def test_one_order_is_priced_today_line_by_line() -> None:
    document = price_costs(CostsRequest(side="buy", quantity=Decimal(100), price=Decimal(1000), mode="exact"), CLOCK)
    assert document.on == "2026-02-27"
    # Delivery: 0.1 % of securities transaction tax, 0.015 % of stamp duty on a purchase.
    assert (document.total.stt, document.total.stamp) == (100.0, 15.0)
    (order,) = document.orders
    assert (order.side, order.value, order.stt, order.total) == ("buy", 100_000.0, 100.0, document.total.total)
    lines = document.total.model_dump()
    assert sum(value for name, value in lines.items() if name != "total") == pytest.approx(lines["total"])


@pytest.mark.parametrize(
    ("field", "value"), [("exchange", "NYSE"), ("segment", "moon"), ("mode", "rough")], ids=["exchange", "segment", "mode"]
)
def test_what_does_not_exist_is_named_with_what_does(field: str, value: str) -> None:
    with pytest.raises(BadParameter) as caught:
        price_costs(CostsRequest(**{field: value}), CLOCK)
    assert caught.value.name == field
    assert "Use one of" in caught.value.hint


def test_an_example_that_agrees_has_no_differences(tmp_path: Path) -> None:
    document = price_examples(write(tmp_path, INTRADAY), CLOCK)
    assert (document.agreeing, document.differing, document.not_priced) == (1, 0, 0)
    example = document.examples[0]
    assert example.total["total"] == pytest.approx(224.61, abs=0.005)
    assert (example.on, example.mode) == ("2026-02-27", "calculator")


def test_a_line_that_is_off_by_a_paisa_is_a_difference(tmp_path: Path) -> None:
    wrong = {**INTRADAY, "expected": {"stt": 125.01, "stamp": 15}}
    document = price_examples(write(tmp_path, wrong), CLOCK)
    assert [(part.line, part.expected, part.computed) for part in document.examples[0].differences] == [("stt", 125.01, 125.0)]
    assert document.differing == 1


def test_an_example_may_give_values_a_span_of_dates_or_no_date(tmp_path: Path) -> None:
    by_value = {**INTRADAY, "orders": [{"side": "SELL", "value": 500_000}], "expected": {"stt": 125}}
    ranged = {**INTRADAY, "trade_date": None, "trade_date_range": ["2026-02-27", "2026-03-01"]}
    undated = {name: value for name, value in INTRADAY.items() if name not in {"trade_date", "id"}}
    document = price_examples(write(tmp_path, by_value, ranged, undated), CLOCK)
    assert document.agreeing == 3
    assert document.examples[0].orders[0].quantity is None
    assert document.examples[2].id == "3"


def test_a_state_rate_of_stamp_duty_replaces_the_schedules(tmp_path: Path) -> None:
    old = {**INTRADAY, "trade_date": "2019-10-01", "stamp_state_rate_pct_both_sides": 0.006, "expected": {}}
    example = price_examples(write(tmp_path, old), CLOCK).examples[0]
    assert example.total["stamp"] == pytest.approx(60.0)


def test_a_number_that_is_no_line_of_a_bill_is_a_difference_without_ours(tmp_path: Path) -> None:
    document = price_examples(write(tmp_path, {**INTRADAY, "expected": {"tea": 5, "net": -224.61}}), CLOCK)
    assert [(part.line, part.computed) for part in document.examples[0].differences] == [("tea", None)]


def test_what_an_example_does_not_name_is_taken_from_the_request(tmp_path: Path) -> None:
    bare = {"orders": [{"side": "BUY", "qty": 1, "price": 1000}]}
    request = write(tmp_path, bare).model_copy(update={"on": date(2025, 1, 1), "mode": "exact", "exchange": "BSE"})
    (example,) = price_examples(request, CLOCK).examples
    assert (example.id, example.on, example.mode) == ("1", "2025-01-01", "exact")
    assert example.total["exchange"] == pytest.approx(0.0375)


def test_request_stands_in_only_where_it_was_asked_to(tmp_path: Path) -> None:
    future = {
        "exchange": "NFO",
        "orders": [{"side": "SELL", "qty": 65, "price": 24800, "symbol": "NIFTY26MARFUT"}],
        "trade_date": "2026-03-15",
    }
    exact = {**future, "expected": {"stt": 322.4}}
    assert price_examples(write(tmp_path, exact), CLOCK).agreeing == 1
    rounded = {**future, "expected": {"stt": 322}}
    (example,) = price_examples(write(tmp_path, rounded), CLOCK).examples
    assert (example.mode, example.differences) == ("calculator", ())
    assert example.warnings[0] == "mode: none is named; read as calculator"
    asked = write(tmp_path, rounded).model_copy(update={"mode": "exact"})
    assert price_examples(asked, CLOCK).differing == 1


def test_null_in_an_example_does_not_undo_what_was_asked(tmp_path: Path) -> None:
    bare = {"id": None, "mode": None, "exchange": None, "orders": [{"side": "BUY", "qty": 1, "price": 1000}]}
    request = write(tmp_path, bare).model_copy(update={"mode": "exact", "exchange": "BSE"})
    (example,) = price_examples(request, CLOCK).examples
    assert (example.id, example.mode, example.total["ipft"]) == ("1", "exact", 0)


def test_what_cannot_be_priced_stops_no_other(tmp_path: Path) -> None:
    other = {**INTRADAY, "segment": "moon"}
    undated = {**INTRADAY, "trade_date": "someday"}
    document = price_examples(write(tmp_path, other, undated, INTRADAY), CLOCK)
    assert (document.not_priced, document.agreeing) == (2, 1)
    assert all(example.error is not None and example.error.hint for example in document.examples[:2])


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        '{"examples": 3}',
        '{"examples": [4]}',
    ],
)
def test_a_file_of_another_shape_is_said_to_be_so(tmp_path: Path, content: str) -> None:
    file = tmp_path / "examples.json"
    file.write_text(content)
    with pytest.raises(BadFile) as caught:
        price_examples(CostsRequest(file=file), CLOCK)
    assert caught.value.hint


@pytest.mark.parametrize(
    "example",
    [
        {"orders": []},
        {"orders": [7]},
        {"orders": [{"side": "hold", "qty": 1, "price": 1}]},
        {"orders": [{"side": "buy", "qty": "x", "price": 1}]},
        {"orders": [{"side": "buy"}]},
        {"orders": [{"side": "buy", "qty": 1, "price": 1}], "expected": 5},
    ],
)
def test_an_example_that_cannot_be_read_says_why_and_stops_no_other(tmp_path: Path, example: dict[str, object]) -> None:
    document = price_examples(write(tmp_path, example, INTRADAY), CLOCK)
    assert (document.not_priced, document.agreeing) == (1, 1)
    error = document.examples[0].error
    assert error is not None
    assert error.hint


def test_a_file_that_is_absent_is_said_to_be_so(tmp_path: Path) -> None:
    with pytest.raises(BadPath, match="no such file"):
        price_examples(CostsRequest(file=tmp_path / "absent.json"), CLOCK)
    with pytest.raises(BadParameter, match="file"):
        price_examples(CostsRequest(on=date(2026, 1, 1)), CLOCK)


OPTION = {"segment": "equity_options", "quantity": Decimal(75), "price": Decimal(100), "on": date(2026, 11, 20), "mode": "exact"}


@pytest.mark.parametrize(
    ("words", "line", "expected"),
    [
        ({"segment": "equity_futures", "exchange": "NFO", "side": "sell"}, "stt", 50.0),
        ({"segment": "equity_options", "exchange": "BFO", "underlying": "sensex50"}, "exchange", 5.0),
        ({"segment": "commodity_futures", "exchange": "MCX", "underlying": "KAPAS", "side": "sell"}, "stt", 0.0),
        ({"segment": "currency_futures", "exchange": "CDS"}, "stamp", 0.1),
        ({"exchange": "BSE", "group": "x"}, "exchange", 100.0),
        ({"stt_class": "equity-etf", "side": "sell"}, "stt", 1.0),
        ({"segment": "equity_options", "slices": 3}, "brokerage", 60.0),
        ({"segment": "equity_intraday", "auto_square_off": True}, "brokerage", 70.0),
        ({"segment": "equity_options", "settlement": "exercised", "side": "sell"}, "stt", 150.0),
        ({"segment": "equity_futures", "settlement": "delivered"}, "brokerage", 250.0),
    ],
)
def test_every_segment_and_class_can_be_asked_for(words: dict[str, object], line: str, expected: float) -> None:
    request = CostsRequest.model_validate({"mode": "exact", "on": date(2026, 11, 20), **words})
    assert getattr(price_costs(request, CLOCK).total, line) == pytest.approx(expected)


def test_round_trip_has_both_orders_and_its_break_even() -> None:
    request = CostsRequest.model_validate({**OPTION, "round_trip": True, "exit_price": Decimal(120)})
    document = price_costs(request, CLOCK)
    trip = document.round_trip
    assert trip is not None
    assert [order.side for order in document.orders] == ["buy", "sell"]
    assert trip.total == document.total.total == pytest.approx(sum(order.total for order in document.orders))
    assert (trip.exit_on, trip.exit_price, trip.gross) == ("2026-11-20", 120.0, 1500.0)
    assert trip.net == pytest.approx(1500 - trip.total)
    assert trip.break_even_move is not None
    again = price_costs(request.model_copy(update={"exit_price": Decimal(str(100 + trip.break_even_move))}), CLOCK)
    assert again.round_trip is not None
    assert again.round_trip.net == pytest.approx(0, abs=1e-6)


def test_round_trip_without_an_exit_price_asks_for_the_break_even() -> None:
    trip = price_costs(CostsRequest(round_trip=True), CLOCK).round_trip
    assert trip is not None
    assert (trip.exit_on, trip.exit_price, trip.gross) == (None, 1000.0, 0.0)
    assert trip.dp == 15.34


def test_option_that_expires_is_worth_nothing_at_its_end() -> None:
    trip = price_costs(CostsRequest.model_validate({**OPTION, "round_trip": True, "settlement": "expired"}), CLOCK).round_trip
    assert trip is not None
    assert (trip.exit_price, trip.gross) == (0.0, -7500.0)


def test_an_order_that_never_breaks_even_says_so() -> None:
    small = {**OPTION, "quantity": Decimal(1), "price": Decimal("0.05"), "side": "sell", "round_trip": True}
    trip = price_costs(CostsRequest.model_validate(small), CLOCK).round_trip
    assert trip is not None
    assert (trip.break_even_move, trip.break_even_price) == (None, None)


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ({"exit_price": Decimal(1)}, "exit_price"),
        ({"exit_on": date(2026, 3, 2)}, "exit_on"),
        ({"round_trip": True, "exit_on": date(2026, 2, 2)}, "exit_on"),
        ({"round_trip": True, "exit_price": Decimal(0)}, "exit_price"),
        ({"price": Decimal(0)}, "price"),
        ({"stt_class": "bond"}, "stt_class"),
        ({"settlement": "forgotten"}, "settlement"),
        ({"settlement": "expired"}, "settlement"),
        ({"group": "A"}, "group"),
        ({"exchange": "BSE", "group": "A1"}, "group"),
        ({"underlying": "NIFTY"}, "underlying"),
        ({"segment": "equity_futures", "exchange": "MCX"}, "exchange"),
        ({"segment": "equity_futures", "stt_class": "equity_etf"}, "stt_class"),
        ({**OPTION, "on": date(2019, 8, 30), "settlement": "exercised"}, "settlement_price"),
    ],
)
def test_what_does_not_go_together_is_named_with_a_way_out(words: dict[str, object], named: str) -> None:
    with pytest.raises(BadParameter) as caught:
        price_costs(CostsRequest.model_validate(words), CLOCK)
    assert caught.value.name == named
    assert caught.value.hint


def test_dates_after_the_last_look_at_the_rates_are_estimates() -> None:
    def warnings(**dates: date) -> tuple[str, ...]:
        return price_costs(CostsRequest(mode="exact", round_trip="exit_on" in dates, **dates), CLOCK).warnings

    assert warnings(on=date(2026, 10, 7)) == ()
    assert "last confirmed on 2026-10-07" in warnings(on=date(2026, 10, 8))[-1]
    assert "last confirmed on 2026-10-07" in warnings(on=date(2026, 10, 7), exit_on=date(2100, 1, 1))[-1]
