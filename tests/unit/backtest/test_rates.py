from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from qts.backtest.rates import estimates_of, estimates_used, rate_table
from qts.backtest.terms import InstrumentTerms
from qts.core import IST, Exchange, InstrumentId, Product
from qts.core.errors import BadParameter
from qts.core.trading import Charges, Fill, FillReason, Side
from qts.kernels.charging import (
    DELIVERY_STT_BUY,
    DP,
    FLAT_FEE,
    INTRADAY_FEE,
    INTRADAY_STAMP_BUY,
    INTRADAY_STAMP_SELL,
    INTRADAY_STT,
    SQUARE_OFF_FEE,
    TRADED_STT_BUY,
    TRADED_STT_SELL,
    TURNOVER,
)
from qts.kernels.state import N_RATE
from qts.market.charges import ChargeSegment, SttClass, rates_on, regime_starts

INFY, SENSEX_SHARE, INDEX = InstrumentId("NSE:INFY"), InstrumentId("BSE:INFY"), InstrumentId("INDEX:SP500")
BY_ORDER = InstrumentId("NSE:XYZ-BE")


def test_each_regime_has_the_rates_of_its_first_day() -> None:
    starts, flat = rate_table([INFY, SENSEX_SHARE], date(2022, 1, 3), date(2025, 1, 3))
    table = flat.reshape(2, len(starts) + 1, N_RATE)
    changes = set(regime_starts(Exchange.NSE, date(2022, 1, 4), date(2025, 1, 3))) | set(
        regime_starts(Exchange.BSE, date(2022, 1, 4), date(2025, 1, 3))
    )
    assert [date.fromordinal(719163 + int(day)) for day in starts] == sorted(changes)
    for i, exchange in enumerate((Exchange.NSE, Exchange.BSE)):
        for r, on in enumerate([date(2022, 1, 3), *sorted(changes)]):
            intraday = rates_on(on, exchange, ChargeSegment.EQUITY_INTRADAY)
            assert table[i, r, INTRADAY_STT] == float(intraday.stt_sell)
            assert table[i, r, DP] == float(rates_on(on, exchange, ChargeSegment.EQUITY_DELIVERY).dp_sell)
            assert table[i, r, TURNOVER] > float(intraday.exchange + intraday.sebi)


def test_one_day_has_one_regime() -> None:
    starts, flat = rate_table([INFY], date(2024, 10, 1), date(2024, 10, 1))
    assert (len(starts), flat.shape) == (0, (N_RATE,))
    assert np.all(np.isfinite(flat) | np.isposinf(flat))


def test_an_exchange_without_a_schedule_is_refused() -> None:
    with pytest.raises(BadParameter, match="INDEX"):
        rate_table([INFY, INDEX], date(2024, 1, 1), date(2024, 1, 2))


def fill_of(product: Product, on: date, **changes: Any) -> Fill:
    price = Decimal(100)
    fill = Fill(
        filled_at=datetime(on.year, on.month, on.day, 10, tzinfo=IST),
        instrument=INFY,
        side=Side.SELL,
        quantity=Decimal(50),
        price=price,
        reference_price=price,
        slippage=Decimal(0),
        charges=Charges(),
        product=product,
        reason=FillReason.SIGNAL,
    )
    return replace(fill, **changes)


def test_estimates_are_those_of_the_product_s_segment() -> None:
    on = date(2019, 1, 1)
    intraday = rates_on(on, Exchange.NSE, ChargeSegment.EQUITY_INTRADAY).estimates
    delivery = rates_on(on, Exchange.NSE, ChargeSegment.EQUITY_DELIVERY).estimates
    assert estimates_used(fill_of(Product.MIS, on)) == intraday
    assert estimates_used(fill_of(Product.CNC, on)) == delivery
    both = estimates_used(fill_of(Product.CNC, on, charges=Charges(brokerage=Decimal(1))))
    assert set(both) == {*intraday, *delivery}


def test_estimates_of_a_run_are_those_of_each_fill_once_and_in_order() -> None:
    name = InstrumentId("NFO:RELIANCE24MAYFUT")
    contract = InstrumentTerms(segment=ChargeSegment.EQUITY_FUTURES, underlying="RELIANCE")
    terms = {INFY: InstrumentTerms(), SENSEX_SHARE: InstrumentTerms(stt_class=SttClass.OTHER_ETF), name: contract}
    end = date(2024, 5, 30)
    early = date(2016, 1, 4)
    fills = [
        fill_of(Product.CNC, date(2019, 1, 1)),
        fill_of(Product.CNC, date(2019, 1, 1), charges=Charges(brokerage=Decimal(1))),
        fill_of(Product.CNC, early, instrument=SENSEX_SHARE),
        fill_of(Product.CNC, early, instrument=SENSEX_SHARE),
        fill_of(Product.CNC, early),
        fill_of(Product.NRML, end, instrument=name),
        fill_of(Product.NRML, end, instrument=name, reason=FillReason.EXPIRY),
    ]
    expected = dict.fromkeys(sentence for fill in fills for sentence in estimates_used(fill, terms[fill.instrument]))
    assert len(expected) >= 5
    assert estimates_of(fills, terms) == tuple(expected)


def test_the_broker_s_fee_is_an_estimate_where_its_date_is_one() -> None:
    on = date(2020, 3, 2)
    closed = fill_of(Product.MIS, on, reason=FillReason.SQUARE_OFF)
    terms = {INFY: InstrumentTerms()}
    without, charged = (estimates_of([closed], terms, square_off_fee=fee) for fee in (False, True))
    assert [sentence.partition(":")[0] for sentence in charged if sentence not in without] == ["square_off"]
    assert estimates_of([fill_of(Product.MIS, on)], terms, square_off_fee=True) == without


@pytest.mark.parametrize(("on", "fee"), [(date(2019, 1, 1), 20.0), (date(2024, 1, 1), 50.0)])
def test_the_broker_s_fee_comes_with_its_tax_and_only_where_it_is_asked_for(on: date, fee: float) -> None:
    future = InstrumentTerms(segment=ChargeSegment.EQUITY_FUTURES)
    names, terms = [INFY, InstrumentId("NFO:RELIANCE24MAYFUT")], [InstrumentTerms(), future]
    asked, not_asked = (rate_table(names, on, on, terms=terms, square_off_fee=wish)[1].reshape(2, N_RATE) for wish in (True, False))
    assert asked[:, SQUARE_OFF_FEE].tolist() == pytest.approx([fee * 1.18] * 2)
    assert not not_asked[:, SQUARE_OFF_FEE].any()


def test_estimates_of_a_contract_s_end_are_those_it_paid() -> None:
    name, on = InstrumentId("NFO:RELIANCE24MAYFUT"), date(2024, 5, 30)
    terms = InstrumentTerms(segment=ChargeSegment.EQUITY_FUTURES, underlying="RELIANCE")
    rates = rates_on(on, Exchange.NFO, ChargeSegment.EQUITY_FUTURES, underlying="RELIANCE")
    traded = estimates_used(fill_of(Product.NRML, on, instrument=name), terms)
    ended = estimates_used(fill_of(Product.NRML, on, instrument=name, reason=FillReason.EXPIRY), terms)
    assert traded == rates.estimates
    assert ended == rates.estimates_with(["physical"])


def test_a_contract_pays_by_its_segment_and_a_fund_by_its_class() -> None:
    name, on = InstrumentId("NFO:NIFTY24MAY22500CE"), date(2024, 5, 30)
    terms = [InstrumentTerms(segment=ChargeSegment.EQUITY_OPTIONS, underlying="NIFTY"), InstrumentTerms(stt_class=SttClass.OTHER_ETF)]
    _, flat = rate_table([name, INFY], on, on, terms=terms)
    option, fund = flat.reshape(2, N_RATE)
    rates = rates_on(on, Exchange.NFO, ChargeSegment.EQUITY_OPTIONS)
    assert (option[FLAT_FEE], option[TRADED_STT_SELL], option[DP]) == (float(rates.brokerage_flat), float(rates.stt_sell), 0.0)
    of_fund = rates_on(on, Exchange.NSE, ChargeSegment.EQUITY_DELIVERY, stt_class=SttClass.OTHER_ETF)
    assert fund[DELIVERY_STT_BUY] == float(of_fund.stt_buy)
    assert of_fund.stt_buy != rates_on(on, Exchange.NSE, ChargeSegment.EQUITY_DELIVERY).stt_buy


def test_shares_settled_order_by_order_pay_delivery_in_the_places_of_a_contract() -> None:
    on = date(2019, 10, 1)
    _, flat = rate_table([BY_ORDER, INFY], on, on)
    own, netted = flat.reshape(2, N_RATE)
    rates = rates_on(on, Exchange.NSE, ChargeSegment.EQUITY_DELIVERY)
    expected = {
        TRADED_STT_BUY: rates.stt_buy,
        TRADED_STT_SELL: rates.stt_sell,
        INTRADAY_STAMP_BUY: rates.stamp_buy,
        INTRADAY_STAMP_SELL: rates.stamp_sell,
        INTRADAY_FEE: rates.brokerage_fraction,
        DP: rates.dp_sell,
    }
    assert {column: own[column] for column in expected} == {column: float(rate) for column, rate in expected.items()}
    assert own[[DP, TURNOVER]].tolist() == netted[[DP, TURNOVER]].tolist()
    assert netted[[TRADED_STT_BUY, TRADED_STT_SELL]].tolist() == [0.0, 0.0]


def test_estimates_of_shares_settled_order_by_order_are_those_of_delivery_alone() -> None:
    on = date(2019, 10, 1)
    paid = fill_of(Product.CNC, on, charges=Charges(brokerage=Decimal(1)))
    own = replace(paid, instrument=BY_ORDER)
    delivery = rates_on(on, Exchange.NSE, ChargeSegment.EQUITY_DELIVERY).estimates
    assert estimates_used(own) == delivery
    assert set(estimates_used(paid)) > set(delivery)
    terms = {BY_ORDER: InstrumentTerms(), INFY: InstrumentTerms()}
    assert set(estimates_of([own, paid], terms)) == set(estimates_used(paid))
