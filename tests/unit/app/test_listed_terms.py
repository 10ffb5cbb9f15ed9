from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from hashlib import sha256

import pytest

from qts.app.backtests import run_backtest
from qts.app.listed_terms import ListedTerms, TickSpan, listed_terms, with_ticks
from qts.app.replays import replay
from qts.app.requests import BacktestRequest, build
from qts.app.run_planning import plan_run
from qts.app.run_terms import run_terms, terms_hash, terms_of
from qts.app.workspace import Workspace
from qts.core import Bars, Exchange, InstrumentId, Product
from qts.core.errors import BadParameter
from qts.data.instruments import Dump, DumpRow
from qts.market.listing import TickFrom

ALPHA, FUTURE, SHARE_FUTURE = (InstrumentId(name) for name in ("NSE:ALPHA", "NFO:NIFTY26AUGFUT", "NFO:ALPHA26AUGFUT"))
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
SPAN = (date(2022, 1, 3), date(2023, 6, 30))


def share(tick: int, *, lot: int = 1, band: int | None = None) -> DumpRow:
    return DumpRow("NSE", "ALPHA", 256, "ALPHA LTD", None, None, tick, lot, "EQ", "NSE", band)


def future(symbol: str = "NIFTY26AUGFUT", *, lot: int = 65, expiry: date = date(2026, 8, 25), exchange: str = "NFO") -> DumpRow:
    return DumpRow(exchange, symbol, 512, "NIFTY", expiry, None, 1000, lot, "FUT", f"{exchange}-FUT")


def load(workspace: Workspace, on: date, *rows: DumpRow) -> None:
    dump = Dump(rows=rows, n_read=len(rows), n_rejected=0, rejected=(), sha256=sha256(f"{on}{rows}".encode()).hexdigest())
    workspace.instruments.load(dump, on=on, source="kite.csv", at=NOW)


def one(workspace: Workspace, name: InstrumentId, span: tuple[date, date]) -> ListedTerms | None:
    return listed_terms(workspace, [(name, span)])[0]


def test_a_master_without_the_instrument_says_nothing(workspace: Workspace) -> None:
    load(workspace, date(2026, 8, 3), future())
    assert one(workspace, ALPHA, SPAN) is None


def test_ticks_are_vouched_for_until_the_next_near_dump_or_the_end_of_the_month(workspace: Workspace) -> None:
    for on, tick in (
        (date(2022, 3, 10), 500),
        (date(2022, 4, 5), 500),  # near: March and April are of one tick
        (date(2022, 4, 20), 1000),
        (date(2023, 1, 31), 1000),  # far from the one before
    ):
        load(workspace, on, share(tick))
    found = one(workspace, ALPHA, SPAN)
    assert found is not None
    assert found.ticks == (
        TickSpan(first=date(2022, 3, 10), last=date(2022, 4, 19), size=Decimal("0.05")),
        TickSpan(first=date(2022, 4, 20), last=date(2022, 4, 30), size=Decimal("0.1")),
        TickSpan(first=date(2023, 1, 31), last=date(2023, 1, 31), size=Decimal("0.1")),
    )
    # Nothing was listed on the first day, so that the lot of the share is not known for it.
    assert (found.lot, found.source) == (None, "2 dumps from 2022-03-10 to 2022-04-20")


def test_a_share_has_the_lot_of_the_first_day(workspace: Workspace) -> None:
    load(workspace, date(2022, 1, 1), share(500, lot=600))
    found = one(workspace, ALPHA, SPAN)
    assert found is not None
    assert (found.lot, found.source) == (600, "the dump of 2022-01-01 (kite.csv)")
    terms = terms_of(ALPHA, product=Product.CNC, span=SPAN, closes=None, lot=None, listed=found)
    assert (terms.lot, terms.is_contract) == (600, False)


def test_a_contract_has_the_lot_of_its_first_day_and_the_expiry_that_was_said_last(workspace: Workspace) -> None:
    load(workspace, date(2026, 7, 1), future(lot=75, expiry=date(2026, 8, 27)))
    load(workspace, date(2026, 8, 3), future(lot=65))
    found = one(workspace, FUTURE, (date(2026, 7, 6), date(2026, 8, 20)))
    assert found is not None
    changed = "the lot became 65 by 2026-08-03, and the run keeps that of 75"
    assert (found.lot, found.expiry, found.estimates) == (75, date(2026, 8, 25), (changed,))
    terms = terms_of(FUTURE, product=Product.NRML, span=(date(2026, 7, 6), date(2026, 8, 20)), closes={}, lot=None, listed=found)
    assert (terms.lot, terms.expiry) == (75, date(2026, 8, 25))
    assert not any("expiry" in told for told in terms.estimates)


def test_a_lot_that_was_first_listed_later_is_an_estimate(workspace: Workspace) -> None:
    load(workspace, date(2026, 8, 3), future())
    found = one(workspace, FUTURE, (date(2026, 7, 6), date(2026, 8, 20)))
    assert found is not None
    assert found.estimates == ("the lot of 65 is that of the dump of 2026-08-03, the first that lists it",)
    terms = terms_of(FUTURE, product=Product.NRML, span=(date(2026, 7, 6), date(2026, 8, 20)), closes={}, lot=None, listed=found)
    assert found.estimates[0] in terms.estimates


def test_a_contract_that_is_listed_by_the_lot_still_needs_one(workspace: Workspace) -> None:
    load(workspace, date(2026, 8, 3), future("GOLD26OCTFUT", lot=1, expiry=date(2026, 10, 5), exchange="MCX"))
    gold, span = InstrumentId("MCX:GOLD26OCTFUT"), (date(2026, 8, 3), date(2026, 8, 20))
    found = one(workspace, gold, span)
    assert found is not None
    assert (found.lot, found.expiry) == (None, date(2026, 10, 5))
    with pytest.raises(BadParameter, match="the lot of MCX:GOLD26OCTFUT is not on record"):
        terms_of(gold, product=Product.NRML, span=span, closes=None, lot=None, listed=found)


def test_ticks_of_dumps_go_over_those_of_the_rules_and_are_no_estimates() -> None:
    rules = (
        TickFrom(start=date(2022, 1, 3), size=Decimal("0.05"), is_estimate=True),
        TickFrom(start=date(2022, 6, 1), size=Decimal("0.10"), is_estimate=False),
    )
    spans = [TickSpan(first=date(2022, 5, 20), last=date(2022, 6, 10), size=Decimal("0.01"))]
    merged = with_ticks(rules, spans, date(2022, 12, 30))
    assert [(tick.start, str(tick.size), tick.is_estimate) for tick in merged] == [
        (date(2022, 1, 3), "0.05", True),
        (date(2022, 5, 20), "0.01", False),
        (date(2022, 6, 11), "0.10", False),
    ]
    assert with_ticks(rules, [], date(2022, 12, 30)) == rules
    assert with_ticks((), spans, date(2022, 12, 30)) == ()


def test_bands_are_known_on_the_days_of_dumps_and_between_near_ones_that_agree(workspace: Workspace) -> None:
    for on, band in (
        (date(2022, 3, 10), 1000),
        (date(2022, 3, 14), 1000),  # over a weekend
        (date(2022, 3, 15), 500),
        (date(2022, 3, 17), 0),  # known to have none
        (date(2022, 3, 18), 2000),
        (date(2022, 4, 20), 2000),  # too far from the one before
        (date(2022, 4, 21), None),  # nothing is known again
    ):
        load(workspace, on, share(500, band=band))
    found = one(workspace, ALPHA, SPAN)
    assert found is not None
    assert [(f"{span.first:%m-%d}", f"{span.last:%m-%d}", str(span.fraction)) for span in found.bands] == [
        ("03-10", "03-14", "0.1"),
        ("03-15", "03-15", "0.05"),
        ("03-18", "03-18", "0.2"),
        ("04-20", "04-20", "0.2"),
    ]


def test_prices_that_are_not_as_traded_are_held_to_no_band(workspace: Workspace) -> None:
    load(workspace, date(2022, 1, 3), share(500, band=1000))
    found = one(workspace, ALPHA, SPAN)
    assert found is not None
    raw, adjusted = (
        terms_of(ALPHA, product=Product.CNC, span=SPAN, closes=closes, lot=None, listed=found)
        for closes in (dict[tuple[int, int], Decimal](), None)
    )
    assert raw.bands == found.bands != ()
    assert adjusted.bands == ()


def test_a_band_is_kept_with_the_run_that_was_held_to_it(workspace: Workspace) -> None:
    load(workspace, date(2022, 1, 3), share(500))
    without = run_backtest(workspace, request())
    load(workspace, date(2022, 1, 3), share(500, band=1000))
    by_dump = run_backtest(workspace, request())
    told = by_dump.terms[0].listed
    assert told is not None
    assert [(band.start, band.end, band.fraction) for band in told.bands] == [("2022-01-03", "2022-01-03", "0.1")]
    assert without.run_id != by_dump.run_id
    load(workspace, date(2022, 1, 3), share(500, band=2000))
    assert replay(workspace, by_dump.run_id).identical
    assert replay(workspace, without.run_id).identical


def request(**options: object) -> BacktestRequest:
    return build(BacktestRequest, **{"strategy": "buy_and_hold", "instruments": "NSE:ALPHA", "size": "shares:100", **options})


def test_a_run_trades_by_the_dump_says_so_and_is_repeated_whatever_is_loaded_later(workspace: Workspace) -> None:
    by_rules = run_backtest(workspace, request())
    load(workspace, date(2022, 1, 1), share(2000, lot=3))
    by_dump = run_backtest(workspace, request())
    assert by_rules.terms[0].listed is None
    told = by_dump.terms[0].listed
    assert told is not None
    assert (by_dump.terms[0].lot, told.lot, told.source) == (3, 3, "the dump of 2022-01-01 (kite.csv)")
    assert [(tick.start, tick.end, tick.size) for tick in told.ticks] == [("2022-01-03", "2022-01-31", "0.2")]
    assert by_rules.run_id != by_dump.run_id
    assert [fill.quantity for fill in by_dump.fills] == [99]
    load(workspace, date(2022, 1, 2), share(500, lot=7))
    assert replay(workspace, by_dump.run_id).identical
    assert replay(workspace, by_rules.run_id).identical
    assert run_backtest(workspace, request()).terms[0].lot == 7


def test_the_source_of_a_lot_is_part_of_what_a_run_is(workspace: Workspace) -> None:
    load(workspace, date(2022, 1, 1), share(500))
    plan = plan_run(workspace, request())
    assert plan.listed[0] is not None
    other = replace(plan, listed=(replace(plan.listed[0], source="another dump"),))
    assert other.run_id() != plan.run_id()
    assert terms_hash(plan.terms) == terms_hash(plan.terms, [None])


def test_a_lot_may_not_be_given_where_a_dump_names_it(
    workspace: Workspace, make_bars: Callable[..., Bars], store_bars: Callable[..., None]
) -> None:
    bars = make_bars(SHARE_FUTURE, Exchange.NFO, seed=3, n_bars=30)
    store_bars(workspace, bars)
    info = next(info for info in workspace.store.series() if info.key.instrument == SHARE_FUTURE)
    told = ListedTerms(lot=500, expiry=date(2026, 8, 25), ticks=(), source="x")
    with pytest.raises(BadParameter, match="every instrument's lot is on record"):
        run_terms(workspace, [info], [bars], product=Product.NRML, lot=400, ticks=False, as_of=workspace.store.snapshot(), listed=[told])
    found = run_terms(
        workspace, [info], [bars], product=Product.NRML, lot=None, ticks=False, as_of=workspace.store.snapshot(), listed=[told]
    )
    assert found[0].lot == 500
