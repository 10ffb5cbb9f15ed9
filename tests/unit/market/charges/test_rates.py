"""Rates by date: every change of the schedule, on its day and the day before."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qts.core import Exchange
from qts.core.errors import BadParameter
from qts.market.charges import ChargeSegment, SegmentRates, SttClass, rates_on, regime_starts

DELIVERY, INTRADAY = ChargeSegment.EQUITY_DELIVERY, ChargeSegment.EQUITY_INTRADAY
NSE, BSE, NFO, BFO, CDS, BCD, MCX, NCO = (Exchange(name) for name in ("NSE", "BSE", "NFO", "BFO", "CDS", "BCD", "MCX", "NCO"))
FUTURES, OPTIONS = ChargeSegment.EQUITY_FUTURES, ChargeSegment.EQUITY_OPTIONS
CURRENCY_FUTURES, CURRENCY_OPTIONS = ChargeSegment.CURRENCY_FUTURES, ChargeSegment.CURRENCY_OPTIONS
COMMODITY_FUTURES, COMMODITY_OPTIONS = ChargeSegment.COMMODITY_FUTURES, ChargeSegment.COMMODITY_OPTIONS

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
    (NFO, FUTURES, "brokerage_fraction", "2020-06-01", "0.01", "0.03"),
    (MCX, COMMODITY_FUTURES, "brokerage_fraction", "2020-06-01", "0.01", "0.03"),
    (NFO, FUTURES, "stt_sell", "2004-10-01", "0", "0.01"),
    (NFO, FUTURES, "stt_sell", "2005-06-01", "0.01", "0.0133"),
    (NFO, FUTURES, "stt_sell", "2006-06-01", "0.0133", "0.017"),
    (NFO, FUTURES, "stt_sell", "2013-06-01", "0.017", "0.01"),
    (NFO, FUTURES, "stt_sell", "2023-04-01", "0.01", "0.0125"),
    (BFO, FUTURES, "stt_sell", "2024-10-01", "0.0125", "0.02"),
    (NFO, FUTURES, "stt_sell", "2026-04-01", "0.02", "0.05"),
    (NFO, OPTIONS, "stt_sell", "2004-10-01", "0", "0.017"),
    (NFO, OPTIONS, "stt_sell", "2016-06-01", "0.017", "0.05"),
    (NFO, OPTIONS, "stt_sell", "2023-04-01", "0.05", "0.0625"),
    (BFO, OPTIONS, "stt_sell", "2024-10-01", "0.0625", "0.1"),
    (NFO, OPTIONS, "stt_sell", "2026-04-01", "0.1", "0.15"),
    (NFO, OPTIONS, "exercise", "2008-06-01", "0.017", "0.125"),
    (NFO, OPTIONS, "exercise", "2026-04-01", "0.125", "0.15"),
    (MCX, COMMODITY_FUTURES, "stt_sell", "2013-07-01", "0", "0.01"),
    (NCO, COMMODITY_OPTIONS, "stt_sell", "2013-07-01", "0", "0.05"),
    (MCX, COMMODITY_OPTIONS, "exercise", "2026-04-01", "0.0001", "0.0001"),
    (NFO, FUTURES, "exchange", "2021-01-01", "0.0019", "0.0020"),
    (NFO, FUTURES, "exchange", "2023-04-01", "0.0020", "0.0019"),
    (NFO, FUTURES, "exchange", "2024-04-01", "0.0019", "0.00188"),
    (NFO, FUTURES, "exchange", "2024-10-01", "0.00188", "0.00173"),
    (NFO, FUTURES, "exchange", "2026-03-01", "0.00173", "0.00183"),
    (NFO, OPTIONS, "exchange", "2021-01-01", "0.05", "0.053"),
    (NFO, OPTIONS, "exchange", "2023-04-01", "0.053", "0.05"),
    (NFO, OPTIONS, "exchange", "2024-04-01", "0.05", "0.0495"),
    (NFO, OPTIONS, "exchange", "2024-10-01", "0.0495", "0.03503"),
    (NFO, OPTIONS, "exchange", "2026-03-01", "0.03503", "0.03553"),
    (NFO, FUTURES, "ipft", "2023-04-01", "0", "0.0001"),
    (NFO, FUTURES, "ipft", "2026-03-01", "0.0001", "0"),
    (NFO, OPTIONS, "ipft", "2023-04-01", "0", "0.0005"),
    (NFO, OPTIONS, "ipft", "2026-03-01", "0.0005", "0"),
    (BFO, OPTIONS, "exchange", "2023-11-01", "0.005", "0.0375"),
    (BFO, OPTIONS, "exchange", "2024-05-13", "0.0375", "0.0495"),
    (BFO, OPTIONS, "exchange", "2024-10-01", "0.0495", "0.0325"),
    (BFO, FUTURES, "exchange", "2024-10-01", "0", "0"),
    (CDS, CURRENCY_FUTURES, "exchange", "2024-10-01", "0.0009", "0.00035"),
    (CDS, CURRENCY_OPTIONS, "exchange", "2024-10-01", "0.035", "0.0311"),
    (CDS, CURRENCY_FUTURES, "ipft", "2024-10-01", "0", "0.00005"),
    (CDS, CURRENCY_OPTIONS, "ipft", "2024-10-01", "0", "0.002"),
    (BCD, CURRENCY_FUTURES, "exchange", "2024-10-01", "0.0009", "0.00045"),
    (BCD, CURRENCY_OPTIONS, "exchange", "2024-10-01", "0.001", "0.001"),
    (MCX, COMMODITY_FUTURES, "exchange", "2024-10-01", "0.0026", "0.0021"),
    (MCX, COMMODITY_OPTIONS, "exchange", "2021-10-01", "0", "0.05"),
    (MCX, COMMODITY_OPTIONS, "exchange", "2024-10-01", "0.05", "0.0418"),
    (NCO, COMMODITY_FUTURES, "exchange", "2024-10-01", "0.0001", "0.0001"),
    (NCO, COMMODITY_OPTIONS, "exchange", "2024-10-01", "0.001", "0.001"),
    (NFO, FUTURES, "stamp_buy", "2020-07-01", "0.003", "0.002"),
    (NFO, FUTURES, "stamp_sell", "2020-07-01", "0.003", "0"),
    (MCX, COMMODITY_FUTURES, "stamp_buy", "2020-07-01", "0.003", "0.002"),
    (NFO, OPTIONS, "stamp_buy", "2020-07-01", "0.003", "0.003"),
    (MCX, COMMODITY_OPTIONS, "stamp_sell", "2020-07-01", "0.003", "0"),
    (CDS, CURRENCY_FUTURES, "stamp_buy", "2020-07-01", "0.003", "0.0001"),
    (BCD, CURRENCY_OPTIONS, "stamp_buy", "2020-07-01", "0.003", "0.0001"),
    (NFO, FUTURES, "physical_stamp", "2020-07-01", "0.01", "0.015"),
    (NFO, OPTIONS, "physical_stt", "2013-06-01", "0.1", "0.1"),
    (MCX, COMMODITY_FUTURES, "sebi", "2021-04-01", "0.00005", "0.0001"),
]

# Percent of the value or premium: STT of the sale, exchange and fund, duty of the purchase; then the broker's fraction, cap or flat fee.
REGIMES = {
    (NSE, DELIVERY): ["0.1 0.00345 0.015", "0.1 0.00335 0.015", "0.1 0.00307 0.015", "0.1 0.00307 0.015"],
    (NSE, INTRADAY): ["0.025 0.00345 0.003", "0.025 0.00335 0.003", "0.025 0.00307 0.003", "0.025 0.00307 0.003"],
    (BSE, DELIVERY): ["0.1 0.003 0.015", "0.1 0.00375 0.015", "0.1 0.00375 0.015", "0.1 0.00375 0.015"],
    (NFO, FUTURES): ["0.01 0.002 0.002", "0.0125 0.002 0.002", "0.02 0.00183 0.002", "0.05 0.00183 0.002"],
    (NFO, OPTIONS): ["0.05 0.053 0.003", "0.0625 0.0505 0.003", "0.1 0.03553 0.003", "0.15 0.03553 0.003"],
    (BFO, FUTURES): ["0.01 0 0.002", "0.0125 0 0.002", "0.02 0 0.002", "0.05 0 0.002"],
    (BFO, OPTIONS): ["0.05 0.005 0.003", "0.0625 0.005 0.003", "0.1 0.0325 0.003", "0.15 0.0325 0.003"],
    (CDS, CURRENCY_FUTURES): ["0 0.0009 0.0001", "0 0.0009 0.0001", "0 0.0004 0.0001", "0 0.0004 0.0001"],
    (CDS, CURRENCY_OPTIONS): ["0 0.035 0.0001", "0 0.035 0.0001", "0 0.0331 0.0001", "0 0.0331 0.0001"],
    (BCD, CURRENCY_FUTURES): ["0 0.0009 0.0001", "0 0.0009 0.0001", "0 0.00045 0.0001", "0 0.00045 0.0001"],
    (MCX, COMMODITY_FUTURES): ["0.01 0.0026 0.002", "0.01 0.0026 0.002", "0.01 0.0021 0.002", "0.01 0.0021 0.002"],
    (MCX, COMMODITY_OPTIONS): ["0.05 0 0.003", "0.05 0.05 0.003", "0.05 0.0418 0.003", "0.05 0.0418 0.003"],
    (NCO, COMMODITY_FUTURES): ["0.01 0.0001 0.002", "0.01 0.0001 0.002", "0.01 0.0001 0.002", "0.01 0.0001 0.002"],
}
DAYS = [date(2021, 6, 1), date(2023, 6, 1), date(2024, 10, 1), date(2026, 4, 1)]


@pytest.mark.parametrize(("exchange", "segment"), REGIMES)
def test_each_regime_pays_its_own_rates(exchange: Exchange, segment: ChargeSegment) -> None:
    for on, text in zip(DAYS, REGIMES[exchange, segment], strict=True):
        rates = rates_on(on, exchange, segment)
        stt, charge, duty = (Decimal(part) for part in text.split())
        assert (rates.stt_sell * 100, (rates.exchange + rates.ipft) * 100, rates.stamp_buy * 100) == (stt, charge, duty)
        assert rates.stt_buy == (rates.stt_sell if segment is DELIVERY else 0)
        assert (rates.stamp_sell, rates.sebi * 10_000_000, rates.gst) == (Decimal(0), Decimal(10), Decimal("0.18"))


@pytest.mark.parametrize(("exchange", "segment"), REGIMES)
def test_brokerage_is_capped_flat_or_free(exchange: Exchange, segment: ChargeSegment) -> None:
    rates = rates_on(DAYS[-1], exchange, segment)
    if segment is DELIVERY:
        assert (rates.brokerage_fraction, rates.brokerage_flat) == (Decimal(0), Decimal(0))
    elif segment in (OPTIONS, CURRENCY_OPTIONS, COMMODITY_OPTIONS):
        assert (rates.brokerage_flat, rates.brokerage_cap) == (Decimal(20), None)
    else:
        assert (rates.brokerage_fraction, rates.brokerage_cap, rates.brokerage_flat) == (Decimal("0.0003"), Decimal(20), Decimal(0))


@pytest.mark.parametrize(("on", "expected"), [("2008-05-31", False), ("2019-08-31", False), ("2019-09-01", True)])
def test_base_of_the_tax_on_exercise_changed_in_september_2019(on: str, expected: bool) -> None:  # noqa: FBT001 - a column of the table
    assert rates_on(date.fromisoformat(on), NFO, OPTIONS).is_exercise_on_intrinsic is expected


@pytest.mark.parametrize(
    ("underlying", "stt", "sebi", "exchange"),
    [("GOLD", "0.01", "10", "0.0021"), ("kapas", "0", "1", "0.0021"), ("MENTHAOIL", "0.01", "1", "0.0021")],
)
def test_commodities_made_of_crops_pay_other_rates(underlying: str, stt: str, sebi: str, exchange: str) -> None:
    rates = rates_on(date(2026, 11, 20), MCX, COMMODITY_FUTURES, underlying=underlying)
    assert rates.stt_sell * 100 == Decimal(stt)
    assert rates.sebi * 10_000_000 == Decimal(sebi)
    assert rates.exchange * 100 == Decimal(exchange)


@pytest.mark.parametrize(("underlying", "percent"), [("SENSEX", "0.0325"), ("BANKEX", "0.0325"), ("SENSEX50", "0.005"), ("TCS", "0.005")])
def test_options_at_bse_pay_by_their_underlying(underlying: str, percent: str) -> None:
    rates = rates_on(date(2026, 11, 20), BFO, OPTIONS, underlying=underlying)
    assert rates.exchange * 100 == Decimal(percent)
    assert rates.estimates == ()


def test_underlying_that_matters_and_is_not_named_is_said() -> None:
    (sentence,) = rates_on(date(2026, 11, 20), BFO, OPTIONS).estimates
    assert sentence == "exchange: no underlying is named; underlyings other than BANKEX, SENSEX pay another rate"
    crops = "agricultural commodities"
    assert rates_on(date(2026, 11, 20), MCX, COMMODITY_FUTURES).estimates == (
        f"stt: no underlying is named; {crops} pay another rate",
        f"sebi: no underlying is named; {crops} and goods made of crops, such as mentha oil, pay another rate",
    )
    assert rates_on(date(2026, 11, 20), NFO, OPTIONS).estimates == ()


def test_occasional_components_keep_their_estimates_to_themselves() -> None:
    rates = rates_on(date(2020, 3, 2), NFO, OPTIONS)
    assert not any(sentence.startswith("square_off") for sentence in rates.estimates)
    assert any(sentence.startswith("square_off") for sentence in rates.estimates_with({"square_off"}))
    assert rates.estimates_with({""}) == rates.estimates


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"exchange": NFO, "segment": FUTURES, "stt_class": SttClass.EQUITY_ETF}, "stt_class"),
        ({"exchange": NSE, "segment": DELIVERY, "group": "X"}, "group"),
        ({"exchange": BFO, "segment": OPTIONS, "group": "X"}, "group"),
        ({"exchange": BSE, "segment": DELIVERY, "group": "X1"}, "group"),
        ({"exchange": BSE, "segment": DELIVERY, "group": "XTZ"}, "group"),
        ({"exchange": NSE, "segment": INTRADAY, "underlying": "NIFTY"}, "underlying"),
        ({"exchange": MCX, "segment": FUTURES}, "exchange"),
    ],
)
def test_classes_that_do_not_go_with_the_segment_are_refused(arguments: dict[str, Any], named: str) -> None:
    with pytest.raises(BadParameter) as caught:
        rates_on(date(2026, 11, 20), **arguments)
    assert caught.value.name == named
    assert caught.value.hint


SPAN = date(2004, 1, 1), date(2026, 12, 31)


def numbers(rates: SegmentRates) -> list[object]:
    return [getattr(rates, name) for name in SegmentRates.__slots__ if name != "valid_from" and not name.endswith("estimates")]


def changes(exchange: Exchange, segment: ChargeSegment) -> set[date]:
    """Return the days of the span on which a rate differs from the day before; each week is halved until the day is found."""
    found = set()
    days = [SPAN[0] + timedelta(days=i) for i in range((SPAN[1] - SPAN[0]).days + 1)]
    spans = [(days[i], days[min(i + 7, len(days) - 1)]) for i in range(0, len(days) - 1, 7)]
    while spans:
        first, last = spans.pop()
        if numbers(rates_on(first, exchange, segment)) == numbers(rates_on(last, exchange, segment)):
            continue
        if last - first == timedelta(days=1):
            found.add(last)
        else:
            middle = first + (last - first) // 2
            spans += [(first, middle), (middle, last)]
    return found


SPELLINGS = [(FUTURES, NSE, NFO), (OPTIONS, BSE, BFO), (CURRENCY_FUTURES, NSE, CDS), (COMMODITY_OPTIONS, NSE, NCO)]


@pytest.mark.parametrize(("segment", "said", "meant"), SPELLINGS)
def test_exchange_of_contracts_may_be_named_by_its_owner(segment: ChargeSegment, said: Exchange, meant: Exchange) -> None:
    assert rates_on(date(2024, 11, 4), said, segment) == rates_on(date(2024, 11, 4), meant, segment)


@pytest.mark.parametrize(("exchange", "segment"), [place for place in REGIMES if place[1] not in (DELIVERY, INTRADAY)])
def test_rates_of_contracts_change_on_their_regime_starts_only(exchange: Exchange, segment: ChargeSegment) -> None:
    starts = set(regime_starts(exchange, *SPAN, segment=segment))
    assert changes(exchange, segment) <= starts
    assert date(2020, 7, 1) in starts


def test_regime_starts_of_one_segment_leave_out_the_others() -> None:
    assert date(2026, 4, 1) in regime_starts(NFO, date(2026, 1, 1), date(2026, 12, 31), segment=FUTURES)
    assert regime_starts(NSE, date(2026, 3, 2), date(2026, 12, 31)) == ()


@pytest.mark.parametrize(
    ("exchange", "segment", "classes", "day", "changes_theirs"),
    [
        pytest.param(BSE, DELIVERY, {"group": "X"}, "2022-12-01", False, id="a group's charge at BSE stayed"),
        pytest.param(NSE, DELIVERY, {"stt_class": SttClass.OTHER_ETF}, "2012-07-01", False, id="units that pay no STT"),
        pytest.param(MCX, COMMODITY_FUTURES, {"underlying": "COTTON"}, "2013-07-01", False, id="crops pay no CTT"),
        pytest.param(MCX, COMMODITY_FUTURES, {"underlying": "GOLD"}, "2013-07-01", True, id="gold does"),
        pytest.param(BFO, OPTIONS, {"underlying": "SENSEX"}, "2024-05-13", True, id="options on the Sensex changed"),
        pytest.param(BFO, OPTIONS, {"underlying": "RELIANCE"}, "2024-05-13", False, id="others did not"),
    ],
)
def test_regime_starts_are_those_of_the_class(
    *, exchange: Exchange, segment: ChargeSegment, classes: dict[str, Any], day: str, changes_theirs: bool
) -> None:
    on = date.fromisoformat(day)
    assert regime_starts(exchange, on, on, segment=segment) == (on,)
    assert regime_starts(exchange, on, on, segment=segment, **classes) == ((on,) if changes_theirs else ())


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"exchange": NFO, "segment": FUTURES, "stt_class": SttClass.EQUITY_ETF}, "stt_class"),
        ({"exchange": NSE, "segment": DELIVERY, "group": "X"}, "group"),
        ({"exchange": NSE, "group": "X"}, "group"),
        ({"exchange": NSE, "segment": INTRADAY, "underlying": "NIFTY"}, "underlying"),
    ],
)
def test_regime_starts_of_a_class_that_does_not_go_with_the_segment_are_refused(arguments: dict[str, Any], named: str) -> None:
    with pytest.raises(BadParameter) as caught:
        regime_starts(start=SPAN[0], end=SPAN[1], **arguments)
    assert caught.value.name == named


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
    assert rates_on(date(2024, 10, 1), NSE, DELIVERY).valid_from == date(2024, 10, 1)


def test_dates_before_every_row_have_rates_too() -> None:
    assert rates_on(date(1900, 1, 1), NSE, DELIVERY).valid_from == date(1900, 1, 1)


@pytest.mark.parametrize("exchange", [NSE, BSE, Exchange.SIM])
def test_rates_change_on_regime_starts_only(exchange: Exchange) -> None:
    changed = changes(exchange, DELIVERY) | changes(exchange, INTRADAY)
    assert changed <= set(regime_starts(exchange, *SPAN))
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
