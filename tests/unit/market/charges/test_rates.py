"""Rates by date: every change of the schedule, on its day and the day before."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qts.core import Exchange
from qts.core.errors import BadParameter
from qts.market.charges import ChargeSegment, SegmentRates, rates_on, regime_starts

DELIVERY, INTRADAY = ChargeSegment.EQUITY_DELIVERY, ChargeSegment.EQUITY_INTRADAY
NSE, BSE = Exchange.NSE, Exchange.BSE

# (exchange, segment, field, first day, percent before, percent from that day)
CHANGES = [
    (NSE, INTRADAY, "brokerage_fraction", "2020-06-01", "0.01", "0.03"),
    (NSE, DELIVERY, "stt_buy", "2004-10-01", "0", "0.075"),
    (NSE, DELIVERY, "stt_sell", "2004-10-01", "0", "0.075"),
    (NSE, DELIVERY, "stt_buy", "2005-06-01", "0.075", "0.1"),
    (NSE, DELIVERY, "stt_buy", "2006-06-01", "0.1", "0.125"),
    (NSE, DELIVERY, "stt_buy", "2012-07-01", "0.125", "0.1"),
    (NSE, INTRADAY, "stt_sell", "2004-10-01", "0", "0.015"),
    (NSE, INTRADAY, "stt_sell", "2005-06-01", "0.015", "0.02"),
    (NSE, INTRADAY, "stt_sell", "2006-06-01", "0.02", "0.025"),
    (NSE, DELIVERY, "exchange", "2021-01-01", "0.00325", "0.00345"),
    (NSE, DELIVERY, "exchange", "2023-04-01", "0.00345", "0.00325"),
    (NSE, DELIVERY, "exchange", "2024-04-01", "0.00325", "0.00322"),
    (NSE, DELIVERY, "exchange", "2024-10-01", "0.00322", "0.00297"),
    (NSE, INTRADAY, "exchange", "2026-03-01", "0.00297", "0.00307"),
    (BSE, DELIVERY, "exchange", "2022-12-01", "0.003", "0.00375"),
    (NSE, DELIVERY, "ipft", "2023-04-01", "0", "0.0001"),
    (NSE, INTRADAY, "ipft", "2026-03-01", "0.0001", "0"),
    (NSE, DELIVERY, "sebi", "2017-01-01", "0.0002", "0.00015"),
    (NSE, DELIVERY, "sebi", "2019-04-01", "0.00015", "0.0001"),
    (NSE, DELIVERY, "sebi", "2020-06-01", "0.0001", "0.00005"),
    (BSE, INTRADAY, "sebi", "2021-04-01", "0.00005", "0.0001"),
    (NSE, DELIVERY, "stamp_buy", "2020-07-01", "0.01", "0.015"),
    (NSE, DELIVERY, "stamp_sell", "2020-07-01", "0.01", "0"),
    (NSE, INTRADAY, "stamp_buy", "2020-06-30", "0.003", "0.003"),
    (NSE, INTRADAY, "stamp_sell", "2020-07-01", "0.003", "0"),
    (NSE, DELIVERY, "gst", "2015-11-15", "14", "14.5"),
    (NSE, DELIVERY, "gst", "2016-06-01", "14.5", "15"),
    (BSE, INTRADAY, "gst", "2017-07-01", "15", "18"),
]


@pytest.mark.parametrize(("exchange", "segment", "field", "start", "before", "after"), CHANGES, ids=str)
def test_rate_changes_on_its_day(*, exchange: Exchange, segment: ChargeSegment, field: str, start: str, before: str, after: str) -> None:
    day = date.fromisoformat(start)
    assert getattr(rates_on(day, exchange, segment), field) * 100 == Decimal(after)
    assert getattr(rates_on(day - timedelta(days=1), exchange, segment), field) * 100 == Decimal(before)


@pytest.mark.parametrize(("on", "expected"), [("2022-07-17", False), ("2022-07-18", True), ("2026-11-20", True)])
def test_gst_is_levied_on_sebis_fee_since_18_july_2022(on: str, expected: bool) -> None:  # noqa: FBT001 - a column of the table
    assert rates_on(date.fromisoformat(on), NSE, DELIVERY).gst_on_sebi is expected
    assert rates_on(date.fromisoformat(on), NSE, DELIVERY).gst_on_ipft


@pytest.mark.parametrize(
    ("on", "expected"), [("2024-09-30", "15.93"), ("2024-10-01", "15.34"), ("2026-11-20", "15.34"), ("2017-06-30", "15.525")]
)
def test_dp_charge_holds_the_tax_of_its_day(on: str, expected: str) -> None:
    assert rates_on(date.fromisoformat(on), NSE, DELIVERY).dp_sell == Decimal(expected)
    assert rates_on(date.fromisoformat(on), NSE, INTRADAY).dp_sell == 0


@given(st.dates(date(2023, 4, 1), date(2026, 2, 28)))
def test_fund_contribution_was_folded_into_the_charge_not_added(on: date) -> None:
    after = rates_on(date(2026, 3, 1), NSE, DELIVERY)
    assert after.ipft == 0
    if on >= date(2024, 10, 1):
        before = rates_on(on, NSE, DELIVERY)
        assert before.exchange + before.ipft == after.exchange


def test_brokerage_is_capped_for_intraday_and_nothing_for_delivery() -> None:
    assert rates_on(date(2024, 1, 1), NSE, INTRADAY).brokerage_cap == 20
    assert rates_on(date(2024, 1, 1), NSE, DELIVERY).brokerage_fraction == 0


def test_todays_rates_hold_no_estimate() -> None:
    for exchange in (NSE, BSE, Exchange.SIM):
        for segment in (DELIVERY, INTRADAY):
            assert rates_on(date(2026, 11, 20), exchange, segment).estimates == ()


@pytest.mark.parametrize(
    ("on", "segment", "components"),
    [
        pytest.param("2003-01-01", INTRADAY, {"brokerage", "exchange", "sebi", "stamp", "gst"}, id="before every record but STT"),
        pytest.param("2012-08-01", DELIVERY, {"brokerage", "stt", "exchange", "sebi", "stamp", "gst", "dp"}, id="disputed STT"),
        pytest.param("2017-06-01", INTRADAY, {"exchange", "sebi", "stamp"}, id="2017"),
        pytest.param("2020-05-01", INTRADAY, {"brokerage", "exchange", "stamp"}, id="brokerage about to change"),
        pytest.param("2020-07-05", INTRADAY, {"brokerage", "exchange", "sebi"}, id="brokerage perhaps changed"),
        pytest.param("2020-07-06", INTRADAY, {"exchange", "sebi"}, id="brokerage known again"),
        pytest.param("2021-04-01", DELIVERY, set(), id="all known"),
        pytest.param("2024-01-01", DELIVERY, {"gst"}, id="GST on the fund's part"),
    ],
)
def test_estimates_are_named_by_component(on: str, segment: ChargeSegment, components: set[str]) -> None:
    estimates = rates_on(date.fromisoformat(on), NSE, segment).estimates
    assert {sentence.partition(":")[0] for sentence in estimates} == components


def test_simulated_market_pays_what_nse_pays() -> None:
    for on in (date(2005, 1, 3), date(2020, 6, 15), date(2026, 11, 20)):
        assert rates_on(on, Exchange.SIM, INTRADAY) == rates_on(on, NSE, INTRADAY)


def test_valid_from_is_the_last_change() -> None:
    assert rates_on(date(2026, 11, 20), NSE, DELIVERY).valid_from == date(2026, 3, 1)
    assert rates_on(date(2026, 2, 28), NSE, DELIVERY).valid_from == date(2024, 10, 1)


def test_dates_before_every_row_have_rates_too() -> None:
    assert rates_on(date(1900, 1, 1), NSE, DELIVERY).valid_from == date(1900, 1, 1)


def numbers(rates: SegmentRates) -> list[object]:
    return [getattr(rates, name) for name in SegmentRates.__slots__ if name != "valid_from" and not name.endswith("estimates")]


@pytest.mark.parametrize("exchange", [NSE, BSE, Exchange.SIM])
def test_rates_change_on_regime_starts_only(exchange: Exchange) -> None:
    start, end = date(2004, 1, 1), date(2026, 12, 31)
    starts = set(regime_starts(exchange, start, end))
    days = [start + timedelta(days=i) for i in range((end - start).days + 1)]
    changed = set()
    for segment in (DELIVERY, INTRADAY):
        rows = [numbers(rates_on(day, exchange, segment)) for day in days]
        changed |= {days[i] for i in range(1, len(days)) if rows[i] != rows[i - 1]}
    assert changed <= starts
    assert date(2024, 10, 1) in changed


def test_regime_starts_include_both_ends_of_the_span() -> None:
    assert regime_starts(NSE, date(2024, 4, 1), date(2024, 10, 1)) == (date(2024, 4, 1), date(2024, 10, 1))
    assert regime_starts(NSE, date(2024, 4, 2), date(2024, 9, 30)) == ()


def test_index_has_no_schedule_and_the_error_tells_what_to_use() -> None:
    with pytest.raises(BadParameter, match="INDEX") as caught:
        rates_on(date(2024, 1, 1), Exchange.INDEX, DELIVERY)
    assert "percent:" in caught.value.hint
    with pytest.raises(BadParameter):
        regime_starts(Exchange.INDEX, date(2024, 1, 1), date(2024, 2, 1))


def test_exchange_that_trades_no_shares_is_named() -> None:
    with pytest.raises(BadParameter, match="exchange = MCX: no equity_delivery is traded here"):
        rates_on(date(2024, 1, 1), Exchange.MCX, DELIVERY)
