"""The calendar: dates, windows, daily stamps."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path

import exchange_calendars
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qts.core import IST, Exchange, Session, WindowKind, micros_of, session_date_of
from qts.core.errors import BadParameter
from qts.market.sessions import (
    NOT_ON_RECORD,
    OverlayKind,
    Segment,
    daily_stamp,
    is_session,
    known_span,
    load_overlay,
    next_session,
    nominal_open,
    parse_segment,
    previous_session,
    session_on,
    sessions,
    venue,
)

NSE = Exchange.NSE


def windows_of(session: Session | None, kind: WindowKind = WindowKind.CONTINUOUS) -> list[str]:
    assert session is not None
    return [f"{window.opens_at:%H:%M}-{window.closes_at:%H:%M}" for window in session.windows if window.kind is kind]


# The library's own use of pandas is deprecated there.
@pytest.mark.filterwarnings("ignore:Series.values")
def test_weekdays_since_2005_are_those_of_the_library_except_for_overlay_rows() -> None:
    library = exchange_calendars.get_calendar("XBOM", start="2005-01-01", end="2026-12-31")
    theirs = {stamp.date() for stamp in library.sessions}
    ours = {session.date for session in sessions(NSE, date(2005, 1, 1), date(2026, 12, 31)) if session.date.weekday() < 5}
    rows = load_overlay(NSE)
    assert ours - theirs == {on for on, row in rows.items() if row.kind is OverlayKind.ADD and on.weekday() < 5 and on.year >= 2005}
    assert theirs - ours == {date(2013, 11, 15)}
    assert date(2013, 11, 14) in ours - theirs


def test_weekends_have_sessions_only_by_the_overlay() -> None:
    rows = load_overlay(NSE)
    weekends = {session.date for session in sessions(NSE, *known_span()) if session.date.weekday() >= 5}
    assert weekends == {on for on in rows if on.weekday() >= 5}
    assert {date(2015, 2, 28), date(2020, 2, 1), date(2025, 2, 1), date(2026, 2, 1), date(2026, 11, 8)} <= weekends


@pytest.mark.realdata
def test_known_special_sessions_and_yearly_counts_hold(realdata: Path) -> None:
    truth = json.loads((realdata / "truth" / "nse_sessions.json").read_text())
    for text, row in truth["special_sessions"].items():
        session = session_on(NSE, date.fromisoformat(text))
        assert session is not None
        assert row["kind"].split()[0].casefold() in {*session.note.casefold().split(), "dr-site"}
    # Two sessions were held that the file of these counts lacks.
    lacking = {2018: 1, 2021: 1}
    for year, count in truth["sessions_per_year_raw_file"].items():
        held = sessions(NSE, date(int(year), 1, 1), date(int(year), 12, 31))
        assert len(held) == count + lacking.get(int(year), 0)
    # February's Budget Saturday was a session that this list of dates does not hold.
    of_2025 = {session.date.isoformat() for session in sessions(NSE, date(2025, 1, 1), date(2025, 8, 31))}
    assert of_2025 - set(truth["sessions_2025_jan_aug"]) == {"2025-02-01"}
    assert set(truth["sessions_2025_jan_aug"]) <= of_2025


@pytest.mark.parametrize(
    ("on", "continuous"),
    [
        pytest.param("2024-07-03", ["09:15-15:30"], id="an ordinary day"),
        pytest.param("2024-01-20", ["09:15-15:30"], id="a full Saturday"),
        pytest.param("2025-02-01", ["09:15-15:30"], id="a Budget Saturday"),
        pytest.param("2026-02-01", ["09:15-15:30"], id="the Budget Sunday"),
        pytest.param("2024-03-02", ["09:15-10:00", "11:30-12:30"], id="a drill in two sessions"),
        pytest.param("2024-05-18", ["09:15-10:00", "11:30-12:30"], id="the second drill"),
        pytest.param("2023-11-12", ["18:15-19:15"], id="Muhurat on a Sunday"),
        pytest.param("2024-11-01", ["18:00-19:00"], id="Muhurat on a weekday"),
        pytest.param("2025-10-21", ["13:45-14:45"], id="Muhurat in the afternoon"),
        pytest.param("2021-02-24", ["09:15-11:40", "15:45-17:00"], id="the outage of NSE"),
        pytest.param("2009-12-31", ["09:55-15:30"], id="last day of the opening at 09:55"),
        pytest.param("2010-01-04", ["09:00-15:30"], id="first day of the opening at 09:00"),
        pytest.param("2010-10-15", ["09:00-15:30"], id="last day without pre-open"),
        pytest.param("2010-10-18", ["09:15-15:30"], id="first day with pre-open"),
    ],
)
def test_continuous_windows_of_the_day(on: str, continuous: list[str]) -> None:
    assert windows_of(session_on(NSE, date.fromisoformat(on))) == continuous


def test_outage_of_nse_only_extends_the_session_of_bse() -> None:
    assert windows_of(session_on(Exchange.BSE, date(2021, 2, 24))) == ["09:15-17:00"]


def test_pre_open_and_post_close_frame_an_ordinary_day() -> None:
    session = session_on(NSE, date(2024, 7, 3))
    assert windows_of(session, WindowKind.PRE_OPEN) == ["09:00-09:15"]
    assert windows_of(session, WindowKind.POST_CLOSE) == ["15:40-16:00"]
    assert session is not None
    assert not session.is_estimate
    assert session.note == ""
    assert "XBOM" in session.source


@pytest.mark.parametrize(
    ("has_derivatives", "continuous", "auction"),
    [
        pytest.param(True, ["09:15-15:15"], ["15:15-15:35"], id="with derivatives"),
        pytest.param(False, ["09:15-15:30"], [], id="without derivatives"),
        pytest.param(None, ["09:15-15:15", "15:15-15:30"], ["15:15-15:35"], id="nobody says"),
    ],
)
def test_closing_auction_begins_on_3_august_2026(*, has_derivatives: bool | None, continuous: list[str], auction: list[str]) -> None:
    session = session_on(NSE, date(2026, 8, 3), has_derivatives=has_derivatives)
    assert windows_of(session) == continuous
    assert windows_of(session, WindowKind.CLOSING_AUCTION) == auction
    before = session_on(NSE, date(2026, 7, 31), has_derivatives=has_derivatives)
    assert windows_of(before) == ["09:15-15:30"]
    assert windows_of(before, WindowKind.CLOSING_AUCTION) == []


def test_pre_open_since_september_2026_says_that_its_times_are_the_old_ones() -> None:
    session = session_on(NSE, date(2026, 9, 7), has_derivatives=True)
    assert session is not None
    assert "pre-open revised" in session.source


@pytest.mark.parametrize("exchange", [Exchange.NFO, Exchange.BFO])
def test_futures_and_options_trade_to_1540_since_the_auction(exchange: Exchange) -> None:
    assert windows_of(session_on(exchange, date(2026, 7, 31))) == ["09:15-15:30"]
    assert windows_of(session_on(exchange, date(2026, 8, 3))) == ["09:15-15:40"]
    assert windows_of(session_on(NSE, date(2026, 8, 3), segment="fo")) == ["09:15-15:40"]


@pytest.mark.parametrize(
    ("exchange", "on", "continuous"),
    [
        pytest.param(Exchange.CDS, "2026-08-03", "09:00-17:00", id="currency"),
        pytest.param(Exchange.MCX, "2024-07-03", "09:00-23:30", id="commodity while New York is on summer time"),
        pytest.param(Exchange.MCX, "2024-11-01", "17:00-23:30", id="commodity on a holiday of shares: the evening"),
        pytest.param(Exchange.MCX, "2024-11-04", "09:00-23:55", id="commodity in New York's winter"),
        pytest.param(Exchange.NCO, "2006-04-03", "09:00-23:30", id="summer time by the rule before 2007"),
        pytest.param(Exchange.NCO, "2006-03-31", "09:00-23:55", id="winter time by the rule before 2007"),
    ],
)
def test_other_exchanges_keep_their_own_hours(exchange: Exchange, on: str, continuous: str) -> None:
    assert windows_of(session_on(exchange, date.fromisoformat(on))) == [continuous]


@pytest.mark.parametrize("on", ["2024-01-26", "2024-03-29", "2024-08-15", "2024-10-02", "2024-12-25"])
def test_commodity_exchange_is_shut_all_day_on_national_holidays_and_good_friday(on: str) -> None:
    assert not is_session(Exchange.MCX, date.fromisoformat(on))


def test_half_day_of_the_commodity_exchange_is_an_estimate() -> None:
    session = session_on(Exchange.MCX, date(2026, 3, 3))
    assert session is not None
    assert session.is_estimate
    assert "evening" in session.note


def test_budget_sunday_of_shares_is_none_of_currency_and_commodity() -> None:
    assert not is_session(Exchange.CDS, date(2026, 2, 1))
    assert not is_session(Exchange.MCX, date(2026, 2, 1))


@pytest.mark.parametrize("exchange", [Exchange.CDS, Exchange.BCD, Exchange.MCX, Exchange.NCO])
def test_every_segment_holds_muhurat_in_2026_at_estimated_hours(exchange: Exchange) -> None:
    session = session_on(exchange, date(2026, 11, 8))
    assert session is not None
    assert session.is_estimate


def test_new_years_day_of_commodities_ends_at_five() -> None:
    session = session_on(Exchange.MCX, date(2026, 1, 1))
    assert windows_of(session) == ["09:00-17:00"]
    assert session is not None
    assert session.is_estimate
    assert "morning" in session.note


def test_mcx_trades_all_day_where_only_shares_have_a_holiday() -> None:
    assert windows_of(session_on(Exchange.MCX, date(2026, 1, 15))) == ["09:00-23:55"]
    assert windows_of(session_on(Exchange.NCO, date(2026, 1, 15))) == ["17:00-23:55"]


@pytest.mark.parametrize(
    ("exchange", "segment", "on", "continuous"),
    [
        pytest.param("NSE", "currency", "2026-07-01", ["09:00-17:00"], id="currency of NSE is CDS"),
        pytest.param("BSE", "currency", "2026-07-01", ["09:00-17:00"], id="currency of BSE is BCD"),
        pytest.param("NSE", "commodity", "2026-07-01", ["09:00-23:30"], id="commodities of NSE, New York's summer"),
        pytest.param("BSE", "commodity", "2026-12-01", ["09:00-23:55"], id="commodities of BSE, New York's winter"),
        pytest.param("MCX", "cash", "2026-07-01", ["09:00-23:30"], id="MCX has one segment"),
    ],
)
def test_segments_keep_the_hours_of_their_own_market(exchange: str, segment: str, on: str, continuous: list[str]) -> None:
    session = session_on(Exchange(exchange), date.fromisoformat(on), segment=segment)
    assert windows_of(session) == continuous
    assert session == session_on(venue(Exchange(exchange), segment), date.fromisoformat(on))


@pytest.mark.parametrize(
    ("on", "is_open"),
    [
        pytest.param("2026-04-01", False, id="the banks close their year"),
        pytest.param("2026-08-26", False, id="Id-E-Milad"),
        pytest.param("2026-04-02", True, id="an ordinary day"),
        pytest.param("2025-04-01", False, id="the year before, an estimate"),
    ],
)
def test_currency_rests_with_the_banks_while_shares_trade(on: str, *, is_open: bool) -> None:
    day = date.fromisoformat(on)
    assert is_session(NSE, day)
    assert is_session(Exchange.CDS, day) == is_session(NSE, day, segment="currency") == is_open


def test_drills_and_auction_of_derivatives_have_their_windows() -> None:
    assert windows_of(session_on(Exchange.NFO, date(2024, 3, 2))) == ["09:15-10:00", "11:30-12:30"]
    assert windows_of(session_on(Exchange.NFO, date(2004, 1, 1))) == ["09:55-15:30"]


def test_muhurat_of_2026_has_a_date_but_estimated_hours() -> None:
    session = session_on(NSE, date(2026, 11, 8))
    assert session is not None
    assert session.is_estimate
    assert "Muhurat" in session.note


def test_holiday_has_no_session() -> None:
    assert session_on(NSE, date(2026, 10, 20)) is None
    assert not is_session(NSE, date(2024, 1, 22))


def test_session_before_monday_is_the_budget_sunday() -> None:
    assert previous_session(NSE, date(2026, 2, 2)) == date(2026, 2, 1)
    assert next_session(NSE, date(2026, 1, 30)) == date(2026, 2, 1)


def test_expiry_on_a_holiday_moves_to_the_session_before() -> None:
    # Tuesday 2026-10-20 is Dussehra.
    assert not is_session(NSE, date(2026, 10, 20))
    assert previous_session(NSE, date(2026, 10, 20)) == date(2026, 10, 19)


@pytest.mark.parametrize("on", [date(2027, 1, 4), date(2100, 6, 1), date(1996, 12, 31), date(1875, 7, 9)])
def test_weekdays_beyond_the_table_are_assumed_sessions(on: date) -> None:
    session = session_on(NSE, on)
    assert session is not None
    assert session.is_estimate
    assert session.note == NOT_ON_RECORD
    assert not is_session(NSE, on + timedelta(days=6 - on.weekday()))


def test_the_known_span_ends_with_2026_or_later() -> None:
    first, last = known_span()
    assert first == date(1997, 1, 1)
    assert last >= date(2026, 12, 31)


def test_early_years_follow_what_nse_did_not_what_bse_did() -> None:
    assert is_session(NSE, date(1999, 1, 1))
    assert not is_session(Exchange.BSE, date(1999, 1, 1))
    assert not is_session(NSE, date(1998, 10, 2))
    session = session_on(NSE, date(2004, 1, 1))
    assert session is not None
    assert session.source.startswith("observed")


@pytest.mark.realdata
def test_every_date_with_trades_of_most_stocks_is_a_session(realdata: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    table = parquet.read_table(realdata / "nse_daily_adjusted.parquet", columns=["date", "volume"])
    traded: dict[date, int] = {}
    for on, volume in zip(table["date"].to_pylist(), table["volume"].to_pylist(), strict=True):
        day = date.fromisoformat(str(on)[:10])
        traded[day] = traded.get(day, 0) + (volume > 0)
    held = {day for day, count in traded.items() if count >= 5 and day >= date(1997, 1, 1)}
    assert {day for day in held if not is_session(NSE, day)} == set()


def test_simulated_market_keeps_the_sessions_of_nse() -> None:
    span = date(1998, 1, 1), date(2027, 3, 1)
    assert sessions(Exchange.SIM, *span) == sessions(NSE, *span)


def test_index_has_weekdays_and_no_windows() -> None:
    week = sessions(Exchange.INDEX, date(2024, 1, 22), date(2024, 1, 28))
    assert [session.date.day for session in week] == [22, 23, 24, 25, 26]
    assert all(session.is_estimate and not session.windows for session in week)


def test_span_that_ends_before_it_begins_has_no_sessions() -> None:
    assert sessions(NSE, date(2024, 1, 5), date(2024, 1, 1)) == ()


@pytest.mark.parametrize(
    ("exchange", "stamp"),
    [
        pytest.param(Exchange.NSE, "2024-11-01T09:15:00+05:30", id="NSE, although it is Muhurat"),
        pytest.param(Exchange.SIM, "2024-11-01T09:15:00+05:30", id="simulated market"),
        pytest.param(Exchange.NFO, "2024-11-01T09:15:00+05:30", id="futures and options"),
        pytest.param(Exchange.CDS, "2024-11-01T09:00:00+05:30", id="currency"),
        pytest.param(Exchange.MCX, "2024-11-01T09:00:00+05:30", id="commodity"),
        pytest.param(Exchange.INDEX, "2024-11-01T19:00:00+05:30", id="New York in summer"),
    ],
)
def test_daily_stamp_is_the_nominal_open(exchange: Exchange, stamp: str) -> None:
    assert daily_stamp(exchange, date(2024, 11, 1)).isoformat() == stamp


def test_daily_stamp_of_an_index_follows_new_yorks_winter() -> None:
    assert daily_stamp(Exchange.INDEX, date(2024, 11, 4)).isoformat() == "2024-11-04T20:00:00+05:30"


@given(st.sampled_from(Exchange), st.dates(date(1970, 1, 1), date(2100, 1, 1)))
def test_daily_stamp_keeps_the_date_in_india(exchange: Exchange, on: date) -> None:
    stamp = daily_stamp(exchange, on)
    assert session_date_of(micros_of(stamp)) == on
    if exchange is not Exchange.INDEX:
        assert stamp == datetime.combine(on, nominal_open(exchange), IST)


@given(st.sampled_from(Exchange), st.dates(date(1980, 1, 1), date(2040, 1, 1)), st.sampled_from(Segment))
def test_sessions_of_one_day_agree_with_the_single_questions(exchange: Exchange, on: date, segment: Segment) -> None:
    found = session_on(exchange, on, segment=segment)
    assert sessions(exchange, on, on, segment=segment) == (() if found is None else (found,))
    assert is_session(exchange, on, segment=segment) == (found is not None)
    place = venue(exchange, segment)
    assert previous_session(place, next_session(place, on)) == (on if found else previous_session(place, on))


@given(st.sampled_from(Exchange), st.dates(date(1990, 1, 1), date(2030, 1, 1)), st.sampled_from([True, False, None]))
def test_windows_are_ordered_on_the_date_and_those_of_a_kind_are_disjoint(
    exchange: Exchange,
    on: date,
    has_derivatives: bool | None,  # noqa: FBT001 - drawn by hypothesis
) -> None:
    session = session_on(exchange, on, has_derivatives=has_derivatives)
    for kind in WindowKind:
        spans = [window for window in session.windows if window.kind is kind] if session else []
        assert all(window.opens_at < window.closes_at and window.opens_at.date() == on for window in spans)
        assert all(first.closes_at <= second.opens_at for first, second in pairwise(spans))


def test_segment_is_read_in_any_case() -> None:
    assert parse_segment(" FO ") is Segment.FO


def test_unknown_segment_is_named() -> None:
    with pytest.raises(BadParameter, match="segment = debt: there is no such segment") as caught:
        parse_segment("debt")
    assert "cash, fo, currency, commodity" in caught.value.hint


def test_calendar_imports_none_of_the_heavy_libraries() -> None:
    script = "import sys, qts.market.sessions, qts.market.charges; print({'numpy', 'pandas', 'exchange_calendars'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_nominal_open_is_that_of_the_exchanges_own_zone() -> None:
    assert nominal_open(Exchange.INDEX) == time(9, 30)
