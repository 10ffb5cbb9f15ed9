"""Bills that were published, and the errors that public cost code makes: each must not come back."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from tests.unit.market.charges.bills import assert_lines, bill, buy, sell

from qts.core import Exchange, Side
from qts.market.charges import ChargeableOrder, ChargeSegment, RoundingMode, Settlement

DELIVERY, INTRADAY = ChargeSegment.EQUITY_DELIVERY, ChargeSegment.EQUITY_INTRADAY
FUTURES, OPTIONS = ChargeSegment.EQUITY_FUTURES, ChargeSegment.EQUITY_OPTIONS
COMMODITY_FUTURES = ChargeSegment.COMMODITY_FUTURES
NSE, BSE, NFO, BFO, MCX = Exchange.NSE, Exchange.BSE, Exchange.NFO, Exchange.BFO, Exchange.MCX
EXACT, NOTE, CALCULATOR, API = RoundingMode.EXACT, RoundingMode.CONTRACT_NOTE, RoundingMode.CALCULATOR, RoundingMode.API
MARGINS = RoundingMode.API_MARGINS


# --- published bills


def test_calculator_of_february_2026_intraday() -> None:
    charges = bill(buy(500, 1000), sell(500, 1000), on=date(2026, 2, 27), mode=CALCULATOR)
    assert_lines(charges, brokerage="40", stt="125", exchange="30.70", ipft="0", sebi="1", stamp="15", gst="12.91", total="224.61")


def test_article_of_2019_intraday_with_the_duty_of_tamil_nadu() -> None:
    charges = bill(buy(100, 546), sell(100, 550), on=date(2019, 10, 1), mode=CALCULATOR, stamp="0.00006")
    assert_lines(charges, brokerage="10.96", stt="14", exchange="3.56", gst="2.61", sebi="0.11", stamp="6.58", total="37.82")


def test_api_of_2022_delivery_of_one_share() -> None:
    charges = bill(buy(1, 1498), on=date(2022, 7, 18), segment=DELIVERY, mode=API)
    assert_lines(charges, stt="1.498", exchange="0.051681", sebi="0.001498", brokerage="0.01", stamp="0.22")
    assert_lines(charges, gst="0.01137222", total="1.79255122")


def test_api_of_2023_delivery_of_one_share() -> None:
    charges = bill(buy(1, 560), on=date(2023, 7, 10), segment=DELIVERY, mode=API)
    assert_lines(charges, stt="0.56", exchange="0.01876", sebi="0.00056", brokerage="0", stamp="0", gst="0.0033768", total="0.5826968")


def test_calculator_of_february_2026_options() -> None:
    charges = bill(buy(500, 1000), sell(500, 1000), on=date(2026, 2, 27), exchange=NFO, segment=OPTIONS, mode=CALCULATOR)
    assert_lines(charges, brokerage="40", stt="500", exchange="355.30", ipft="0", sebi="1", stamp="15", gst="71.33", total="982.63")


def test_basket_margins_of_july_2023_leave_out_the_fund() -> None:
    on = date(2023, 7, 15)
    sold = ChargeableOrder(side=Side.SELL, quantity=Decimal(1), price=Decimal(0), value=Decimal("2673.75"))
    bought = ChargeableOrder(side=Side.BUY, quantity=Decimal(1), price=Decimal(0), value=Decimal("521.25"))
    first = bill(sold, on=on, exchange=NFO, segment=OPTIONS, mode=MARGINS)
    assert_lines(first, stt="1.67109375", exchange="1.336875", sebi="0.00267375", brokerage="20", stamp="0", gst="3.841118775", ipft="0")
    assert first.total == Decimal("26.851761275")
    second = bill(bought, on=on, exchange=NFO, segment=OPTIONS, mode=MARGINS)
    assert_lines(
        second, stt="0", exchange="0.260625", sebi="0.00052125", brokerage="20", stamp="0", gst="3.647006325", total="23.908152575"
    )


def test_virtual_contract_note_of_july_2023_holds_the_fund() -> None:
    charges = bill(buy(100, "1.5"), on=date(2023, 7, 10), exchange=NFO, segment=OPTIONS, mode=API)
    assert_lines(charges, stt="0", exchange="0.07575", sebi="0.00015", brokerage="20", stamp="0", gst="3.613527", total="23.689427")


def test_virtual_contract_note_of_july_2023_for_a_commodity() -> None:
    charges = bill(sell(1, 5862), on=date(2023, 7, 10), exchange=MCX, segment=COMMODITY_FUTURES, mode=API)
    assert_lines(charges, stt="0.5862", exchange="0.152412", sebi="0.005862", brokerage="1.7586", stamp="0", gst="0.34503732")
    assert charges.total == Decimal("2.84811132")


@pytest.mark.parametrize(("on", "stt"), [("2026-03-15", "322.4"), ("2026-03-31", "322.4"), ("2026-04-01", "806")])
def test_stt_of_a_nifty_future_sold_rose_in_april_2026(on: str, stt: str) -> None:
    assert_lines(bill(sell(65, 24800), on=date.fromisoformat(on), exchange=NFO, segment=FUTURES), stt=stt)


# --- errors found in public cost code


def test_brokerage_cap_is_per_order_not_on_turnover() -> None:
    assert_lines(bill(buy(100, 1000), sell(100, 1000)), brokerage="40")
    assert_lines(bill(buy(50, 1000), buy(50, 1000), sell(100, 1000)), brokerage="50")


def test_stt_of_intraday_is_on_the_sale_only() -> None:
    assert_lines(bill(buy(100, 1000)), stt="0")
    assert_lines(bill(sell(100, 1000)), stt="25")


def test_stamp_duty_since_july_2020_is_on_the_purchase_only() -> None:
    assert_lines(bill(sell(100, 1000), on=date(2020, 7, 1)), stamp="0")
    assert_lines(bill(sell(100, 1000), on=date(2020, 6, 30)), stamp="3")


def test_gst_is_not_levied_on_stt_or_duty_but_on_sebis_fee() -> None:
    charges = bill(buy(100, 1000), segment=DELIVERY)
    assert charges.gst == Decimal("0.18") * (charges.brokerage + charges.exchange + charges.sebi)


def test_intraday_stamp_duty_is_three_thousandths_of_a_percent() -> None:
    assert_lines(bill(buy(1000, 1000)), stamp="30")


def test_sebis_fee_is_ten_rupees_per_crore() -> None:
    assert_lines(bill(buy(10_000, 1000)), sebi="10")


def test_dp_charge_is_once_a_day_and_never_for_intraday() -> None:
    assert_lines(bill(sell(10, 100), sell(20, 100), segment=DELIVERY), dp="15.34")
    assert_lines(bill(sell(10, 100), segment=INTRADAY), dp="0")
    assert_lines(bill(sell(10, 100), on=date(2024, 9, 30), segment=DELIVERY), dp="15.93")


def test_bse_pays_its_own_exchange_charge() -> None:
    assert_lines(bill(buy(100, 1000), exchange=BSE), exchange="3.75", ipft="0")


def test_slices_of_an_order_have_a_cap_each() -> None:
    assert_lines(bill(buy(1800, 1000, slices=2), exchange=NFO, segment=FUTURES), brokerage="40")
    assert_lines(bill(buy(1800, 100, slices=2), exchange=NFO, segment=OPTIONS, mode=NOTE), brokerage="40")


def test_stt_is_that_of_the_trade_date() -> None:
    assert [bill(sell(100, 1000), on=date(year, 6, 3), exchange=NFO, segment=OPTIONS).stt for year in (2015, 2021, 2023, 2025, 2026)] == [
        Decimal(text) for text in ("17", "50", "62.5", "100", "150")
    ]


def test_exchange_charge_is_that_of_the_trade_date() -> None:
    found = [bill(buy(100, 1000), on=date(year, 6, 3)).exchange for year in (2020, 2021, 2023, 2024, 2025, 2026)]
    assert found == [Decimal(text) for text in ("3.25", "3.45", "3.25", "3.22", "2.97", "3.07")]


def test_futures_paid_seventeen_thousandths_of_a_percent_until_may_2013() -> None:
    assert_lines(bill(sell(100, 1000), on=date(2013, 5, 31), exchange=NFO, segment=FUTURES), stt="17")
    assert_lines(bill(sell(100, 1000), on=date(2013, 6, 3), exchange=NFO, segment=FUTURES), stt="10")


def test_futures_of_2023_paid_an_eightieth_of_a_percent_not_an_eighth() -> None:
    assert_lines(bill(sell(100, 1000), on=date(2023, 4, 3), exchange=NFO, segment=FUTURES), stt="12.5")


def test_index_futures_pay_what_stock_futures_pay_since_april_2026() -> None:
    for underlying in ("NIFTY", "RELIANCE"):
        assert_lines(bill(sell(100, 1000), exchange=NFO, segment=FUTURES, underlying=underlying), stt="50")


def test_options_are_charged_on_the_premium() -> None:
    # 75 at a premium of 100 on a strike of 26000: 7500, not 1957500.
    assert_lines(bill(sell(75, 100), exchange=NFO, segment=OPTIONS), stt="11.25", exchange="2.66475")


def test_exercised_options_pay_an_eighth_of_a_percent_not_an_eightieth() -> None:
    on = date(2025, 6, 26)
    assert_lines(bill(sell(100, 1000, settlement=Settlement.EXERCISED), on=on, exchange=NFO, segment=OPTIONS), stt="125")


def test_bse_takes_nothing_for_futures() -> None:
    assert_lines(bill(buy(100, 1000), exchange=BFO, segment=FUTURES), exchange="0", ipft="0")


def test_fund_is_not_added_again_since_march_2026() -> None:
    assert_lines(bill(buy(100, 1000), on=date(2026, 3, 2)), exchange="3.07", ipft="0")
    assert_lines(bill(buy(100, 1000), on=date(2026, 2, 27)), exchange="2.97", ipft="0.1")
