from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from qts.backtest.rates import estimates_used, rate_table
from qts.core import Exchange, InstrumentId, Product
from qts.core.errors import BadParameter
from qts.kernels.charging import DP, INTRADAY_STT, TURNOVER
from qts.kernels.state import N_RATE
from qts.market.charges import ChargeSegment, rates_on, regime_starts

INFY, SENSEX_SHARE, INDEX = InstrumentId("NSE:INFY"), InstrumentId("BSE:INFY"), InstrumentId("INDEX:SP500")


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


def test_estimates_are_those_of_the_product_s_segment() -> None:
    assert (
        estimates_used(Exchange.NSE, date(2019, 1, 1), Product.CNC)
        == rates_on(date(2019, 1, 1), Exchange.NSE, ChargeSegment.EQUITY_DELIVERY).estimates
    )
    assert (
        estimates_used(Exchange.NSE, date(2019, 1, 1), Product.MIS)
        == rates_on(date(2019, 1, 1), Exchange.NSE, ChargeSegment.EQUITY_INTRADAY).estimates
    )
