"""Downloads from the simulated exchange into a real store: what is asked for, what is kept, and what happens when things go wrong."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qts.app.clock import SystemClock
from qts.app.ingest_document import IngestDocument, IngestRequest
from qts.app.ingesting import ingest
from qts.app.instruments import NotListed
from qts.app.sandbox import KEY, SECRET, SimulatedPrices
from qts.app.settings import load_settings
from qts.app.workspace import Workspace, open_workspace
from qts.core import IST, Bars, InstrumentId, Interval
from qts.core.errors import BadParameter
from qts.data.kite import pacing
from qts.data.kite.bar_source import KiteBars
from qts.data.storage import PriceBasis, SeriesKey
from qts.sandbox import Accounts, App, Fault, FaultPlan, Listed, Meter, Sandbox, VirtualClock

PRICES = SimulatedPrices()
NAMES = [listed.key for listed in PRICES.listings[:3]]
START, END = date(2021, 11, 20), date(2026, 11, 20)
NOW = datetime(2026, 11, 20, 17, tzinfo=IST)
N_SEEDS = int(os.environ.get("QTS_STRESS", "1"))
Serve = Callable[[Sandbox], str]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let requests follow one another thirty times as fast as the broker allows; the exchange's limits are as much higher."""
    for kind, seconds in dict(pacing.SPACING).items():
        monkeypatch.setitem(pacing.SPACING, kind, seconds / 30)


def exchange(market: Any = PRICES, *, now: datetime = NOW, faults: FaultPlan | None = None) -> Sandbox:
    clock = VirtualClock(SystemClock(), began_at=now, speed=0.0)
    limits = {"quote": 30, "historical": 90, "other": 300}
    return Sandbox(
        market,
        Accounts([App(api_key=KEY, api_secret=SECRET)], clock),
        clock=clock,
        meter=Meter(time.monotonic, limits=limits),
        faults=faults,
    )


@pytest.fixture
def opened(tmp_path: Path, serve: Serve) -> Iterator[Callable[..., Workspace]]:
    made: list[Workspace] = []

    def open_(sandbox: Sandbox, *, name: str = "home", now: datetime = NOW) -> Workspace:
        settings = load_settings(home=tmp_path / name, kite_root=f"http://{serve(sandbox)}", keep_free="0")
        # A clock that runs: the pace of requests is kept by it.
        made.append(open_workspace(settings, clock=VirtualClock(SystemClock(), began_at=now)))
        return made[-1]

    yield open_
    for one in made:
        one.close()


def asked(sandbox: Sandbox) -> int:
    return sum(arrival.kind == "historical" for arrival in sandbox.meter.arrivals)


def run(workspace: Workspace, names: list[str] = NAMES, **options: Any) -> IngestDocument:
    given = {"interval": "1d", "start": START, "end": END, "source": "sandbox"} | options
    return ingest(workspace, IngestRequest(instruments=names, **given))


def test_a_download_stores_what_the_exchange_has_and_a_second_one_asks_for_nothing(opened: Callable[..., Workspace]) -> None:
    sandbox = exchange()
    workspace = opened(sandbox)
    first = run(workspace)
    assert (first.complete, first.requests, asked(sandbox)) == (True, 3, 3)
    for listed in PRICES.listings[:3]:
        held = workspace.store.read(SeriesKey(instrument=InstrumentId(listed.key), interval=Interval.DAY))
        np.testing.assert_array_equal(held.close, PRICES.days(listed).close)
        np.testing.assert_array_equal(held.ts, PRICES.days(listed).ts)
    assert all(info.simulated and info.sources == ("sandbox",) for info in workspace.store.series())
    second = run(workspace)
    assert (second.requests, second.stored, second.snapshot, asked(sandbox)) == (0, 0, first.snapshot, 3)


def test_a_dry_run_tells_the_requests_and_asks_for_none(opened: Callable[..., Workspace]) -> None:
    sandbox = exchange()
    plan = run(opened(sandbox), interval="1m", start=date(2026, 8, 3), dry_run=True)
    assert (plan.dry_run, plan.requests, len(plan.windows), asked(sandbox)) == (True, 6, 6, 0)
    assert plan.model_dump(by_alias=True)["windows"][0] == {"instrument": NAMES[0], "from": "2026-08-03", "to": "2026-10-01"}
    assert plan.disk_bytes > 3 * 70 * 375 * 5


def test_deleted_bars_are_asked_for_again_and_nothing_else(opened: Callable[..., Workspace]) -> None:
    sandbox = exchange()
    workspace = opened(sandbox)
    run(workspace, NAMES[:1], interval="1m", start=date(2026, 9, 1))
    before = workspace.store.snapshot()
    key = SeriesKey(instrument=InstrumentId(NAMES[0]), interval=Interval.MINUTE_1)
    at = datetime(2026, 10, 7, 10, 0, tzinfo=IST)
    workspace.store.delete(key, start=at, end=at + timedelta(minutes=3), at=NOW)
    again = run(workspace, NAMES[:1], interval="1m", start=date(2026, 9, 1))
    assert [(window.start, window.end) for window in again.windows] == [("2026-10-07", "2026-10-07")]
    assert (again.stored, workspace.store.snapshot()) == (3, before)


def test_days_that_the_source_does_not_have_are_asked_for_on_two_dates_and_never_again(opened: Callable[..., Workspace]) -> None:
    sandbox = exchange()
    workspace, key = opened(sandbox), SeriesKey(instrument=InstrumentId(NAMES[0]), interval=Interval.DAY)
    span = {"start": date(2019, 1, 1), "end": date(2019, 3, 29)}
    first = run(workspace, NAMES[:1], **span)
    assert (first.requests, first.stored) == (1, 0)
    assert (run(workspace, NAMES[:1], **span).requests, workspace.known_empty.days(key)) == (0, ())
    workspace.close()
    next_day = opened(sandbox, now=NOW + timedelta(hours=8))
    assert [run(next_day, NAMES[:1], **span).requests for _ in range(2)] == [1, 0]
    days = next_day.known_empty.days(key)
    assert (days[0].day, len(days)) == (date(2019, 1, 1), 62)
    next_day.close()
    assert run(opened(sandbox, now=NOW + timedelta(days=30)), NAMES[:1], **span).requests == 0


def test_an_empty_reply_hides_no_bars_for_longer_than_a_day(opened: Callable[..., Workspace]) -> None:
    class Mute(Adjusted):
        is_mute = True

        def spoil(self, bars: Bars) -> Bars:
            return bars.window(0, 0) if self.is_mute else bars

    market = Mute()
    workspace = opened(exchange(market))
    assert run(workspace, [SHARE], start=date(2026, 11, 2)).stored == 0
    workspace.close()
    market.is_mute = False
    assert run(opened(exchange(market), now=NOW + timedelta(days=1)), [SHARE], start=date(2026, 11, 2)).stored == 15


@pytest.mark.parametrize(("interval", "n_bars"), [pytest.param("1m", 60, id="minutes"), pytest.param("1d", 1, id="days")])
def test_a_session_on_a_saturday_that_stands_in_no_calendar_is_stored(opened: Callable[..., Workspace], interval: str, n_bars: int) -> None:
    class Called:
        listings = PRICES.listings[:1]

        def minutes(self, listed: Listed) -> Bars:
            return with_saturday(PRICES.minutes(listed), n_bars=60)

        def days(self, listed: Listed) -> Bars:
            return with_saturday(PRICES.days(listed), n_bars=1)

    friday, monday = datetime(2026, 11, 13, 17, tzinfo=IST), datetime(2026, 11, 16, 17, tzinfo=IST)
    first = opened(exchange(Called(), now=friday), now=friday)
    run(first, NAMES[:1], interval=interval, start=date(2026, 11, 2))
    first.close()
    later = opened(exchange(Called(), now=monday), now=monday)
    found = run(later, NAMES[:1], interval=interval, start=date(2026, 11, 2))
    key, saturday = SeriesKey(instrument=InstrumentId(NAMES[0]), interval=Interval(interval)), (date(2026, 11, 14) - date(1970, 1, 1)).days
    assert (found.requests, found.series[0].refused_count, later.store.bars_per_day()[key].get(saturday)) == (1, 0, n_bars)
    assert run(later, NAMES[:1], interval=interval, start=date(2026, 11, 2)).requests == 0
    at = datetime(2026, 11, 14, 9, 15, tzinfo=IST)
    later.store.delete(key, start=at, end=at + timedelta(minutes=1), at=NOW)
    again = run(later, NAMES[:1], interval=interval, start=date(2026, 11, 2))
    assert ([(window.start, window.end) for window in again.windows], again.stored) == ([("2026-11-14", "2026-11-14")], 1)


def with_saturday(bars: Bars, *, n_bars: int) -> Bars:
    """Return bars with the first ones of Friday the 13th once more, a day later."""
    day = timedelta(days=1) // timedelta(microseconds=1)
    friday = int(datetime(2026, 11, 13, tzinfo=IST).timestamp()) * 1_000_000
    start = int(np.searchsorted(bars.ts, friday))
    stop = int(np.searchsorted(bars.ts, friday + day))
    columns: dict[str, Any] = {
        name: np.insert(column, stop, column[start : start + n_bars] + (day if name == "ts" else 0))
        for name in ("ts", "open", "high", "low", "close", "volume", "oi")
        for column in [getattr(bars, name)]
    }
    return replace(bars, **columns)


@pytest.mark.parametrize("ahead", [pytest.param(-10, id="our clock is behind"), pytest.param(0, id="right"), pytest.param(10, id="ahead")])
def test_a_session_that_runs_is_never_taken_as_had(opened: Callable[..., Workspace], ahead: int) -> None:
    noon = datetime(2026, 11, 20, 15, 58, tzinfo=IST)
    workspace = opened(exchange(now=noon), now=noon + timedelta(minutes=ahead))
    run(workspace, NAMES[:1], start=date(2026, 11, 16))
    held = workspace.store.read(SeriesKey(instrument=InstrumentId(NAMES[0]), interval=Interval.DAY))
    assert datetime.fromtimestamp(held.ts[-1] / 1e6, IST).date() == date(2026, 11, 19)
    workspace.close()
    later = opened(exchange(), now=NOW)
    assert run(later, NAMES[:1], start=date(2026, 11, 16)).stored == 1


@pytest.mark.parametrize("seed", range(N_SEEDS))
def test_spoiled_replies_leave_the_store_as_sound_ones_do(opened: Callable[..., Workspace], seed: int) -> None:
    sound, spoiled = exchange(), exchange(faults=FaultPlan(share=0.2, seed=seed))
    names = [listed.key for listed in PRICES.listings[:12]]
    expected = run(opened(sound, name="sound"), names, start=date(2026, 1, 1))
    found = run(opened(spoiled, name="spoiled"), names, start=date(2026, 1, 1))
    assert (found.complete, found.snapshot, found.stored) == (True, expected.snapshot, expected.stored)
    assert asked(sound) < asked(spoiled) <= 3 * asked(sound)


def test_a_session_that_ends_keeps_what_was_had_and_the_same_request_goes_on(opened: Callable[..., Workspace]) -> None:
    # Login, list of instruments, then three windows: the second of them finds the session dead.
    sandbox = exchange(faults=FaultPlan(at={3: Fault.DEAD_TOKEN}))
    workspace = opened(sandbox)
    first = run(workspace)
    assert (first.complete, first.requests, [one.kind for one in first.series]) == (False, 1, [None, "AuthExpired", "AuthExpired"])
    assert "qts login" in (first.series[1].hint or "")
    second = run(workspace)
    assert (second.complete, second.requests, asked(sandbox)) == (True, 2, 4)


def test_an_instrument_that_is_not_listed_is_refused_with_its_neighbours(opened: Callable[..., Workspace]) -> None:
    with pytest.raises(NotListed) as caught:
        run(opened(exchange()), ["SIM:ZORVINBANKS"])
    assert NAMES[0] in caught.value.near
    with pytest.raises(BadParameter, match="no such bars"):
        run(opened(exchange(), name="other"), interval="1w")


def test_a_member_of_a_list_that_is_not_listed_stops_no_other_and_is_told(opened: Callable[..., Workspace]) -> None:
    workspace = opened(exchange())
    workspace.watchlists.add("mine", [InstrumentId(NAMES[0]), InstrumentId("SIM:GONE")], at=NOW)
    plan = run(workspace, ["@mine"], start=date(2026, 11, 2), dry_run=True)
    assert (plan.requests, plan.lists[0].left_out) == (1, ("SIM:GONE",))
    found = run(workspace, ["@mine"], start=date(2026, 11, 2))
    assert (found.complete, [one.instrument for one in found.series]) == (True, [NAMES[0]])
    assert any("1 of its 2 members are not listed by sandbox today (SIM:GONE)" in told for told in found.warnings)
    with pytest.raises(NotListed):
        run(workspace, ["@mine", "SIM:GONE"], start=date(2026, 11, 2))


class Adjusted:
    """A market of one share of NSE whose past is halved when its split comes; ``spoil`` changes its bars once more."""

    listings = (replace(PRICES.listings[0], exchange="NSE", segment="NSE"),)
    is_split = False

    def minutes(self, listed: Listed) -> Bars:
        return self.shown(PRICES.minutes(PRICES.listings[0]), listed)

    def days(self, listed: Listed) -> Bars:
        return self.shown(PRICES.days(PRICES.listings[0]), listed)

    def shown(self, bars: Bars, listed: Listed) -> Bars:
        columns = {name: getattr(bars, name) / (2.0 if self.is_split else 1.0) for name in ("open", "high", "low", "close")}
        return self.spoil(replace(bars, instrument=InstrumentId(listed.key), **columns))

    def spoil(self, bars: Bars) -> Bars:
        return bars


SHARE = Adjusted.listings[0].key
SHARE_KEY = SeriesKey(instrument=InstrumentId(SHARE), interval=Interval.DAY, basis=PriceBasis.ADJUSTED)
SHARE_MINUTES = replace(SHARE_KEY, interval=Interval.MINUTE_1)


def test_a_past_that_was_rewritten_is_fetched_again_into_a_new_snapshot(opened: Callable[..., Workspace]) -> None:
    market = Adjusted()
    sandbox = exchange(market, now=datetime(2026, 11, 18, 17, tzinfo=IST))
    name = market.listings[0].key
    workspace = opened(sandbox, now=datetime(2026, 11, 18, 17, tzinfo=IST))
    before = run(workspace, [name], start=date(2026, 1, 1))
    workspace.close()
    market.is_split = True
    later = opened(exchange(market))
    after = run(later, [name], start=date(2026, 11, 1))
    assert (after.complete, after.series[0].rewritten) == (True, "rewritten")
    key = SeriesKey(instrument=InstrumentId(name), interval=Interval.DAY, basis=later.store.series()[0].key.basis)
    assert key.basis.value == "adjusted"
    held = later.store.read(key)
    true = market.days(market.listings[0])
    np.testing.assert_array_equal(held.close, true.close[-len(held) :])
    old = later.store.read(key, as_of=before.snapshot)
    np.testing.assert_array_equal(old.close, 2 * held.close[: len(old)])


def test_a_rewritten_past_is_fetched_to_its_end_though_a_session_ends_in_between(opened: Callable[..., Workspace]) -> None:
    market, before = Adjusted(), datetime(2026, 11, 18, 17, tzinfo=IST)
    first = opened(exchange(market, now=before), now=before)
    run(first, [SHARE], interval="1m", start=date(2026, 8, 3))
    first.close()
    market.is_split = True
    # Login, list, the overlap that shows it, one of two windows of the whole: then the session is dead.
    second = opened(exchange(market, faults=FaultPlan(at={4: Fault.DEAD_TOKEN})))
    cut = run(second, [SHARE], interval="1m", start=date(2026, 11, 1))
    assert (cut.series[0].rewritten, cut.series[0].kind) == ("rewritten", "AuthExpired")
    # Nothing is missing of the days that this one asks for: half of the past is of before the split all the same.
    again = run(second, [SHARE], interval="1m", start=date(2026, 11, 1), end=before.date())
    assert again.complete
    held, true = second.store.read(SHARE_MINUTES), market.minutes(market.listings[0])
    np.testing.assert_allclose(held.close, true.close[np.isin(true.ts, held.ts)], atol=0.005)
    assert run(second, [SHARE], interval="1m", start=date(2026, 11, 1), end=before.date()).requests == 0


@pytest.mark.parametrize("hole", [pytest.param(0, id="before what is held"), pytest.param(300, id="between what is held")])
def test_bars_of_after_a_split_are_not_put_beside_bars_of_before_it(opened: Callable[..., Workspace], hole: int) -> None:
    market = Adjusted()
    first = opened(exchange(market))
    run(first, [SHARE], start=date(2024, 1, 1))
    if hole:
        at = first.store.read(SHARE_KEY).ts[hole]
        start = datetime.fromtimestamp(at / 1e6, IST)
        first.store.delete(SHARE_KEY, start=start, end=start + timedelta(hours=1), at=NOW)
    market.is_split = True
    found = run(first, [SHARE], start=date(2024, 1, 1) if hole else date(2023, 1, 2), end=date(2026, 11, 19))
    assert (found.complete, found.series[0].rewritten) == (True, "rewritten")
    held, true = first.store.read(SHARE_KEY), market.days(market.listings[0])
    np.testing.assert_allclose(held.close, true.close[-len(held) :], atol=0.005)


def test_a_day_whose_candle_was_refused_is_neither_had_nor_known_to_be_empty(opened: Callable[..., Workspace]) -> None:
    class Spoiled(Adjusted):
        is_spoiled = True

        def spoil(self, bars: Bars) -> Bars:
            high = bars.high.copy()
            high[-3] = high[-3] / 2 if self.is_spoiled else high[-3]
            return replace(bars, high=high)

    market = Spoiled()
    workspace = opened(exchange(market))
    assert run(workspace, [SHARE], start=date(2026, 11, 2)).series[0].refused_count == 1
    assert workspace.known_empty.days(SHARE_KEY) == ()
    market.is_spoiled = False
    assert run(workspace, [SHARE], start=date(2026, 11, 2)).stored == 1
    assert run(workspace, [SHARE], start=date(2026, 11, 2)).requests == 0


def test_a_reply_without_what_was_given_before_makes_no_day_empty(opened: Callable[..., Workspace]) -> None:
    class Mute(Adjusted):
        is_mute = False

        def spoil(self, bars: Bars) -> Bars:
            return bars.window(0, 0) if self.is_mute else bars

    market = Mute()
    workspace = opened(exchange(market))
    run(workspace, [SHARE], start=date(2026, 11, 2), end=date(2026, 11, 13))
    market.is_mute = True
    found = run(workspace, [SHARE], start=date(2026, 11, 2))
    assert (found.complete, found.series[0].kind, workspace.known_empty.days(SHARE_KEY)) == (False, "BadReply", ())
    market.is_mute = False
    assert run(workspace, [SHARE], start=date(2026, 11, 2)).stored == 5


def test_most_minutes_of_a_session_that_runs_do_not_pass_for_all_of_it(opened: Callable[..., Workspace]) -> None:
    # Our clock is half an hour ahead and thinks the session over; of a share 360 minutes may be all there are.
    market, shown = Adjusted(), datetime(2026, 11, 20, 15, 28, tzinfo=IST)
    early = opened(exchange(market, now=shown), now=shown + timedelta(minutes=30))
    run(early, [SHARE], interval="1m", start=date(2026, 11, 19))
    early.close()
    late = opened(exchange(market))
    run(late, [SHARE], interval="1m", start=date(2026, 11, 19))
    assert late.store.bars_per_day()[SHARE_MINUTES] == {20776: 375, 20777: 375}


def test_tokens_of_the_simulated_exchange_are_not_taken_for_the_brokers(opened: Callable[..., Workspace]) -> None:
    class Broker:
        def instruments(self, exchange: str) -> bytes:
            columns = (
                "instrument_token,exchange_token,tradingsymbol,name,last_price,expiry,strike,tick_size,lot_size,instrument_type,segment"
            )
            symbol = SHARE.partition(":")[2]
            return f"{columns},exchange\n408065,1594,{symbol},A,0,,0,0.05,1,EQ,NSE,{exchange}\n".encode()

    workspace = opened(exchange(Adjusted()))
    run(workspace, [SHARE], start=date(2026, 11, 16))
    broker: Any = Broker()
    found = KiteBars(broker, workspace.instruments, clock=workspace.clock, source="kite").find(InstrumentId(SHARE))
    assert (found and found.name) == "408065"
