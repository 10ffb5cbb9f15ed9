"""Where a bill is rounded, and what is rounded apart: each line against a sum by hand that other roundings would miss."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from tests.unit.market.charges.bills import assert_lines, bill, buy, sell

from qts.core import Exchange
from qts.market.charges import ChargeSegment, RoundingMode, Settlement, price_orders

DELIVERY, FUTURES, OPTIONS = ChargeSegment.EQUITY_DELIVERY, ChargeSegment.EQUITY_FUTURES, ChargeSegment.EQUITY_OPTIONS
NOTE, CALCULATOR, API = RoundingMode.CONTRACT_NOTE, RoundingMode.CALCULATOR, RoundingMode.API


def test_calculator_rounds_each_orders_brokerage() -> None:
    # 0.03 % of 50: 0.015 each, to the paisa 0.02.
    assert_lines(bill(buy(1, 50), sell(1, 50), mode=CALCULATOR), brokerage="0.04")


def test_contract_note_rounds_the_duty_of_the_day_not_of_each_order() -> None:
    # 0.002 % of 25000: 0.50 each, a rupee together.
    assert_lines(bill(buy(1, 25_000), buy(1, 25_000), exchange=Exchange.NFO, segment=FUTURES, mode=NOTE), stamp="1")


def test_least_brokerage_of_the_api_is_deliverys() -> None:
    # 0.03 % of 10 within the day, no fee on delivery.
    on = date(2022, 9, 1)
    assert_lines(bill(buy(1, 10), on=on, mode=API), brokerage="0.003")
    assert_lines(bill(buy(1, 10), on=on, segment=DELIVERY, mode=API), brokerage="0.01")


def test_least_brokerage_of_the_contract_note_is_deliverys_and_only_on_a_trade() -> None:
    on = date(2023, 3, 31)
    assert_lines(bill(buy(1, 1), on=on, mode=NOTE), brokerage="0")
    assert_lines(bill(on=on, segment=DELIVERY, mode=NOTE), brokerage="0", total="0")


@pytest.mark.parametrize(
    ("on", "gst"),
    [pytest.param("2022-07-15", "9.81", id="no tax on SEBI's fee yet"), pytest.param("2022-07-18", "9.99", id="tax on a rupee of it")],
)
def test_contract_note_taxes_sebis_fee_since_july_2022(on: str, gst: str) -> None:
    # A million rupees: 20 of brokerage and 34.50 of the exchange's charge are taxed with 9.81, SEBI's rupee with 0.18.
    assert_lines(bill(buy(1000, 1000), on=date.fromisoformat(on), mode=NOTE), brokerage="20", exchange="34.5", sebi="1", gst=gst)


def test_a_duty_of_nothing_may_be_given() -> None:
    assert_lines(bill(buy(1, 1000), on=date(2019, 10, 1), stamp="0"), stamp="0")


def test_an_option_exercised_in_slices_pays_for_each() -> None:
    assert_lines(bill(sell(100, 100, settlement=Settlement.EXERCISED, slices=2), exchange=Exchange.NFO, segment=OPTIONS), brokerage="40")


def test_an_option_that_delivers_pays_by_the_value_delivered_alone() -> None:
    # 0.25 % and 0.1 % of 100000.
    terms: dict[str, Any] = {"exchange": Exchange.NFO, "segment": OPTIONS}
    assert_lines(bill(buy(100, 1000, settlement=Settlement.DELIVERED), **terms), brokerage="250")
    assert_lines(bill(buy(100, 1000, settlement=Settlement.NETTED), **terms), brokerage="100")


@pytest.mark.parametrize(
    ("on", "settlement", "said"),
    [
        ("2007-01-03", Settlement.EXERCISED, "exercise"),
        ("2014-01-03", Settlement.DELIVERED, "physical"),
        ("2014-01-03", Settlement.NETTED, "netted"),
    ],
)
def test_estimates_of_an_end_surface_as_warnings(on: str, settlement: Settlement, said: str) -> None:
    terms: dict[str, Any] = {"on": date.fromisoformat(on), "exchange": Exchange.NFO, "segment": OPTIONS}
    traded = price_orders([sell(75, 100)], **terms).warnings
    ended = price_orders([sell(75, 100, settlement=settlement, settlement_price=Decimal(6000))], **terms).warnings
    more = {sentence.partition(":")[0] for sentence in ended if sentence not in traded}
    assert said in more
    assert more <= {said, "physical"}
