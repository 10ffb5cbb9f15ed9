"""Orders beyond the day's price band: which are refused, which are not, and what is said."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from qts.backtest import BacktestResult, BacktestSettings, parse_costs, parse_size, parse_slippage, run
from qts.backtest.terms import InstrumentTerms
from qts.core import ActionKind, Bars, CorporateAction, Interval
from qts.core.trading import OrderStatus
from qts.market.listing import BandSpan, TickFrom
from qts.strategies import Context, Strategy

FLAT = (100.0, 100.0, 100.0, 100.0)
TICKS = (TickFrom(start=date(2000, 1, 1), size=Decimal("0.05"), is_estimate=False),)
ALWAYS = BandSpan(first=date(2000, 1, 1), last=date(2100, 1, 1), fraction=Decimal("0.1"))
BEYOND = "rejected beyond_price_band"


@pytest.fixture
def play(candles: Callable[..., Bars]) -> Callable[..., BacktestResult]:
    """Play one order, given at the close of one bar."""

    def of(rows: Sequence[tuple[float, float, float, float]], at: int, order: Callable[[Any], Any], **options: Any) -> BacktestResult:
        def on_bar(context: Context) -> None:
            if context.bar == at:
                order(context)

        bands = options.pop("bands", (ALWAYS,))
        actions = options.pop("actions", ())
        bars = candles(rows, **options)
        settings = BacktestSettings(
            capital=Decimal(100_000), size=parse_size("shares:10"), costs=parse_costs("none"), slippage=parse_slippage("none")
        )
        terms = [InstrumentTerms(ticks=TICKS, bands=bands)]
        return run(Strategy(title="One order", on_bar=on_bar), {}, [bars], settings, terms=terms, actions=[one(bars) for one in actions])

    return of


Play = Callable[..., BacktestResult]


def refused(result: BacktestResult) -> list[str]:
    return [f"{event.status} {event.reason}" for event in result.order_events if event.status is OrderStatus.REJECTED]


@pytest.mark.parametrize(
    ("prices", "is_refused"),
    [
        pytest.param({"limit": 110.0}, False, id="a limit on the upper edge"),
        pytest.param({"limit": 110.05}, True, id="a tick above it"),
        pytest.param({"limit": 90.0}, False, id="a limit on the lower edge"),
        pytest.param({"limit": 89.95}, True, id="a tick below it"),
        pytest.param({"stop": 110.0}, False, id="a stop on the upper edge"),
        pytest.param({"stop": 110.05}, True, id="a stop above it"),
        pytest.param({"stop": 105.0, "limit": 110.05}, True, id="a stop-limit whose limit is above it"),
        pytest.param({"stop": 105.0, "limit": 106.0}, False, id="a stop-limit inside"),
        pytest.param({"stop_loss": 90.0, "take_profit": 110.0}, False, id="a bracket on both edges"),
        pytest.param({"stop_loss": 89.95}, True, id="a bracket's stop-loss below it"),
        pytest.param({"take_profit": 110.05}, True, id="a bracket's target above it"),
        pytest.param({}, False, id="a market order has no price"),
    ],
)
def test_an_order_is_refused_where_one_of_its_prices_is_beyond_the_band(play: Play, prices: dict[str, float], is_refused: bool) -> None:  # noqa: FBT001 - a column of the table
    result = play([FLAT] * 3, 0, lambda context: context.instruments[0].buy(1, **prices))
    assert refused(result) == ([BEYOND] if is_refused else [])


def test_the_refusal_says_the_price_the_band_and_what_it_is_measured_from(play: Play) -> None:
    result = play([FLAT] * 3, 0, lambda context: context.instruments[0].buy(1, limit=130.0))
    assert [event.detail for event in result.order_events] == [
        "The price 130 is beyond the day's band 90-110 (10 % of the previous close 100)."
    ]
    assert result.fills == ()


def test_the_band_is_rounded_inwards_to_the_tick(play: Play) -> None:
    close = (101.35, 101.35, 101.35, 101.35)  # 10 %: 91.215 and 111.485
    for limit, expected in ((111.45, []), (111.5, [BEYOND]), (91.25, []), (91.2, [BEYOND])):
        result = play([close] * 3, 0, lambda context, limit=limit: context.instruments[0].buy(1, limit=limit))
        assert refused(result) == expected


def test_within_a_day_the_band_stays_at_the_close_of_the_session_before(play: Play) -> None:
    rows = [FLAT] * 15 + [(108.0, 108.0, 108.0, 108.0)] * 5  # midnight falls after the fifteenth hour
    order = lambda context: context.instruments[0].buy(1, limit=111.0)  # noqa: E731 - one line for both
    # Given at the last bar of the first day, or on the second, it meets the band from 90 to 110; on the first day none is known.
    options = {"interval": Interval.MINUTE_60}
    assert [refused(play(rows, at, order, **options)) for at in (14, 17)] == [[BEYOND], [BEYOND]]
    assert refused(play(rows, 5, order, **options)) == []


def test_no_band_is_invented_where_none_is_on_record(play: Play) -> None:
    far = lambda context: context.instruments[0].buy(1, limit=500.0)  # noqa: E731 - one line for all
    over = BandSpan(first=date(2000, 1, 1), last=date(2000, 1, 2), fraction=Decimal("0.1"))
    assert refused(play([FLAT] * 3, 0, far, bands=())) == []
    assert refused(play([FLAT] * 3, 0, far, bands=(over,))) == []
    assert refused(play([FLAT] * 3, 0, far)) == [BEYOND]


def test_the_band_of_the_day_the_order_works_on_counts(play: Play, candles: Callable[..., Bars]) -> None:
    days = [day.astype("M8[us]").astype(object).date() for day in candles([FLAT] * 4).ts.astype("M8[us]")]
    narrow = BandSpan(first=date(2000, 1, 1), last=days[1], fraction=Decimal("0.05"))
    wide = BandSpan(first=days[2], last=days[3], fraction=Decimal("0.2"))
    order = lambda context: context.instruments[0].buy(1, limit=115.0)  # noqa: E731 - one line for both
    assert [refused(play([FLAT] * 4, at, order, bands=(narrow, wide))) for at in (0, 1)] == [[BEYOND], []]


def test_after_a_split_the_band_is_measured_in_new_shares(play: Play) -> None:
    def split(bars: Bars) -> CorporateAction:
        ex_date = bars.ts[1:2].astype("M8[us]").astype(object)[0].date()
        return CorporateAction(instrument=bars.instrument, ex_date=ex_date, kind=ActionKind.SPLIT, ratio=Decimal(2))

    half = (50.0, 50.0, 50.0, 50.0)
    rows = [FLAT, half, half, half]
    for at, inside, beyond in ((0, 110.0, 110.05), (1, 55.0, 55.05)):
        taken, not_taken = (
            play(rows, at, lambda context, limit=limit: context.instruments[0].buy(1, limit=limit), actions=(split,))
            for limit in (inside, beyond)
        )
        assert (refused(taken), refused(not_taken)) == ([], [BEYOND])


def test_at_the_last_bar_there_is_no_next_day_to_know_the_band_of(play: Play) -> None:
    result = play([FLAT] * 3, 2, lambda context: context.instruments[0].buy(1, limit=500.0))
    assert refused(result) == []
