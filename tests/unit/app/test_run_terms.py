from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from qts.app.run_terms import check_product, estimate_warnings, month_closes, terms_hash, terms_of
from qts.app.workspace import Workspace
from qts.backtest.terms import IN_FULL
from qts.core import Bars, InstrumentId, Product, session_date_of
from qts.core.errors import BadParameter
from qts.market.charges import ChargeSegment, SttClass

SPAN = (date(2025, 3, 3), date(2025, 5, 30))
CLOSES = {(2025, 2): Decimal(900), (2025, 3): Decimal(1500), (2025, 4): Decimal(1400), (2025, 5): Decimal(1450)}
INFY = InstrumentId("NSE:INFY")


@pytest.mark.parametrize(
    ("product", "name", "way_out"),
    [
        (Product.CNC, "NFO:NIFTY26NOVFUT", "NRML to hold it"),
        (Product.CNC, "MCX:GOLD26DECFUT", "NRML to hold it"),
        (Product.NRML, "NSE:INFY", "CNC to hold it"),
        (Product.NRML, "INDEX:SP500", "CNC to hold it"),
        (Product.MIS, "NSE:XYZ-BE", "Use CNC"),
        (Product.MIS, "NSE:XYZ-BZ", "Use CNC"),
    ],
)
def test_a_product_that_does_not_go_with_the_instrument_is_refused_with_the_way_out(product: Product, name: str, way_out: str) -> None:
    with pytest.raises(BadParameter) as caught:
        check_product(product, [InstrumentId("NSE:ALPHA"), InstrumentId(name)] if product is Product.CNC else [InstrumentId(name)])
    assert name in caught.value.message
    assert way_out in caught.value.hint


@pytest.mark.parametrize(
    ("product", "names"),
    [
        (Product.CNC, ["NSE:INFY", "SIM:X", "INDEX:SP500", "NSE:XYZ-BE"]),
        (Product.MIS, ["NSE:INFY", "NFO:NIFTY26NOVFUT", "NSE:BAJAJ-AUTO"]),
        (Product.NRML, ["NFO:NIFTY26NOVFUT", "CDS:USDINR26NOVFUT"]),
    ],
)
def test_what_goes_together_is_let_through(product: Product, names: list[str]) -> None:
    check_product(product, [InstrumentId(name) for name in names])


def test_a_share_has_the_ticks_of_its_dates_and_locks() -> None:
    terms = terms_of(INFY, product=Product.CNC, span=SPAN, closes=CLOSES, lot=None)
    # From 2025-04-15 on, 0.10 above a thousand rupees.
    assert [(tick.start, tick.size) for tick in terms.ticks] == [(SPAN[0], Decimal("0.05")), (date(2025, 4, 15), Decimal("0.10"))]
    assert (terms.locks, terms.estimates, terms.stt_class) == (True, (), SttClass.SHARE)


def test_adjusted_prices_have_neither_ticks_nor_locks_and_an_index_does_not_lock() -> None:
    adjusted = terms_of(INFY, product=Product.CNC, span=SPAN, closes=None, lot=None)
    assert (adjusted.ticks, adjusted.locks) == ((), False)
    assert not terms_of(InstrumentId("INDEX:SP500"), product=Product.CNC, span=SPAN, closes=CLOSES, lot=None).locks
    assert terms_of(InstrumentId("NSE:GOLDBEES"), product=Product.CNC, span=SPAN, closes=CLOSES, lot=None).stt_class is SttClass.OTHER_ETF


def test_an_estimate_is_told_once_for_all_it_is_of() -> None:
    names = [INFY, InstrumentId("NSE:TCS"), InstrumentId("NSE:SBIN")]
    terms = [
        terms_of(names[0], product=Product.CNC, span=SPAN, closes={}, lot=None),
        terms_of(names[1], product=Product.CNC, span=SPAN, closes={}, lot=None),
        terms_of(names[2], product=Product.CNC, span=SPAN, closes=CLOSES, lot=None),
    ]
    assert estimate_warnings(names, terms) == ("NSE:INFY, NSE:TCS: the tick of a part of the span is an estimate.",)


def test_the_hash_is_of_everything_in_the_terms() -> None:
    one = terms_of(INFY, product=Product.CNC, span=SPAN, closes=CLOSES, lot=None)
    hashes = {terms_hash([each]) for each in (one, replace(one, lot=5), replace(one, locks=False), replace(one, ticks=one.ticks[:1]))}
    assert len(hashes) == 4
    assert terms_hash([one]) == terms_hash([terms_of(INFY, product=Product.CNC, span=SPAN, closes=CLOSES, lot=None)])


def test_the_close_of_the_month_before_the_first_bar_is_read_from_the_store(workspace: Workspace) -> None:
    info = next(each for each in workspace.store.series() if each.key.instrument == "NSE:ALPHA")
    whole: Bars = workspace.store.read(info.key)
    by_date = {session_date_of(int(ts)): Decimal(repr(close)) for ts, close in zip(whole.ts.tolist(), whole.close.tolist(), strict=True)}
    start = next(i for i, ts in enumerate(whole.ts.tolist()) if session_date_of(ts) >= date(2022, 3, 10))
    closes = month_closes(workspace, info, whole.window(start, len(whole)), as_of=workspace.store.snapshot())
    assert min(closes) in {(2022, 1), (2022, 2)}
    for (year, month), close in closes.items():
        assert close == by_date[max(day for day in by_date if (day.year, day.month) == (year, month))]
    assert (2021, 12) not in month_closes(workspace, info, whole, as_of=workspace.store.snapshot())


FUTURE = InstrumentId("NFO:NIFTY26OCTFUT")


def test_a_held_future_has_its_lot_margin_day_of_expiry_and_a_word_on_each_estimate() -> None:
    span = (date(2026, 8, 3), date(2026, 10, 27))
    terms = terms_of(FUTURE, product=Product.NRML, span=span, closes={}, lot=None)
    assert (terms.lot, terms.expiry, terms.underlying, terms.segment) == (65, date(2026, 10, 27), "NIFTY", ChargeSegment.EQUITY_FUTURES)
    assert terms.margin_long.fraction == terms.margin_short.fraction < Decimal("0.5")
    assert not terms.locks
    for word in ("blocks", "freeze", "expiry"):
        assert any(word in estimate for estimate in terms.estimates)
    within_the_day = terms_of(FUTURE, product=Product.MIS, span=span, closes={}, lot=None)
    assert (within_the_day.margin_long, within_the_day.margin_short) == (terms.margin_long, terms.margin_short)


def test_a_sold_option_blocks_a_part_of_its_strike_and_a_bought_one_its_premium() -> None:
    option = InstrumentId("NFO:NIFTY26OCT25000CE")
    terms = terms_of(option, product=Product.NRML, span=(date(2026, 10, 1), date(2026, 10, 27)), closes={}, lot=None)
    assert terms.margin_long == IN_FULL
    assert terms.margin_short.fraction == 1
    assert 0 < terms.margin_short.base < 25_000


def test_a_lot_is_given_where_none_is_on_record() -> None:
    share_future = InstrumentId("NFO:RELIANCE26OCTFUT")
    span = (date(2026, 8, 3), date(2026, 10, 27))
    with pytest.raises(BadParameter, match="lot of NFO:RELIANCE26OCTFUT"):
        terms_of(share_future, product=Product.NRML, span=span, closes=None, lot=None)
    assert terms_of(share_future, product=Product.NRML, span=span, closes=None, lot=500).lot == 500
