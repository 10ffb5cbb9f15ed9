"""Corporate actions in real prices of NSE: found on their days, real moves left alone, raw prices adjusted as others adjusted them.

What happened is told by three witnesses that do not know of one another: a list of actions and of moves that were none, a series that
others have adjusted, and the identification numbers of shares, which change the session after a face value does.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from qts.core import ActionKind, Bars, InstrumentId, Interval, session_date_of
from qts.data.actions import (
    ActionRecord,
    StatedAction,
    back_adjust,
    compare_series,
    market_moves,
    overlap_check,
    steps_of,
    suspect_jumps,
)

pytestmark = pytest.mark.realdata
OPENED = (9 * 60 + 15) * 60_000_000 - 19_800_000_000
LEGACY = {"symbol": "SYMBOL", "date": "FILE_DATE", "open": "OPEN", "high": "HIGH", "low": "LOW", "close": "CLOSE", "volume": "TOTTRDQTY"}
FULL = {"symbol": "SYMBOL", "date": "FILE_DATE", "open": "OPEN_PRICE", "high": "HIGH_PRICE", "low": "LOW_PRICE", "close": "CLOSE_PRICE"}
FULL |= {"volume": "TTL_TRD_QNTY"}
OWN = {name: name for name in LEGACY}
# After the last day of the raw file, known to the adjusted one: the part split off as Jio Financial Services, ten rupees into one.
LATER = {
    "RELIANCE": ("2023-07-20", ActionKind.DEMERGER, {"factor": Decimal("0.90786")}),
    "TATASTEEL": ("2022-07-28", ActionKind.SPLIT, {"ratio": Decimal(10)}),
}
Days = Mapping[tuple[str, str], ActionRecord]


def series(path: Path, names: Mapping[str, str], *, kinds: Iterable[str] = ()) -> dict[str, Bars]:
    table = pq.read_table(path)
    if kinds:
        table = table.filter(pc.is_in(table["SERIES"], pa.array(kinds)))
    columns = {ours: table[theirs].to_numpy() for ours, theirs in names.items()}
    order = np.lexsort((columns["date"], columns["symbol"]))
    columns = {name: values[order] for name, values in columns.items()}
    symbols, starts = np.unique(columns["symbol"], return_index=True)
    ends = [*starts[1:], len(order)]
    return {str(name): bars(str(name), columns, slice(i, j)) for name, i, j in zip(symbols, starts, ends, strict=True)}


def bars(symbol: str, columns: Mapping[str, Any], part: slice) -> Bars:
    days = columns["date"][part].astype("datetime64[D]")
    _, kept = np.unique(days, return_index=True)  # a symbol may trade in two series on one day
    numbers = {name: np.ascontiguousarray(columns[name][part][kept], np.float64) for name in ("open", "high", "low", "close", "volume")}
    return Bars(
        instrument=InstrumentId(f"NSE:{symbol}"),
        interval=Interval.DAY,
        ts=days[kept].astype("datetime64[us]").astype(np.int64) + OPENED,
        oi=np.full(len(kept), np.nan),
        **numbers,
    )


def suspected(held: Mapping[str, Bars], *, alone: bool = False) -> Days:
    market = None if alone else market_moves(held.values())
    found = [record for one in held.values() for record in suspect_jumps(one, market=market)]
    return {(record.action.instrument.removeprefix("NSE:"), record.action.ex_date.isoformat()): record for record in found}


@pytest.fixture(scope="module")
def raw(realdata: Path) -> dict[str, Bars]:
    return series(realdata / "nse_daily_raw_2017_2022.parquet", OWN)


@pytest.fixture(scope="module")
def adjusted(realdata: Path) -> dict[str, Bars]:
    return series(realdata / "nse_daily_adjusted.parquet", OWN)


@pytest.fixture(scope="module")
def truth(realdata: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((realdata / "truth" / "corporate_actions_a.json").read_text())
    return found


def compared(raw: Mapping[str, Bars], adjusted: Mapping[str, Bars]) -> Days:
    records = [record for name in raw if name in adjusted for record in compare_series(raw[name], adjusted[name])]
    return {(record.action.instrument.removeprefix("NSE:"), record.action.ex_date.isoformat()): record for record in records}


@pytest.mark.parametrize("alone", [False, True], ids=["beside its peers", "alone"])
def test_every_action_of_the_list_is_suspected_on_its_day_with_its_factor(
    raw: dict[str, Bars], truth: dict[str, Any], *, alone: bool
) -> None:
    found = suspected(raw, alone=alone)
    for action in truth["actions"]:
        record = found[action["symbol"], action["ex_date"]]
        assert record.action.price_factor() == pytest.approx(action["factor"], rel=1e-9)
    for move in truth["not_actions"]:
        assert (move["symbol"], move["date"]) not in found


def test_all_that_is_suspected_in_the_raw_file_the_adjusted_file_was_adjusted_for(raw: dict[str, Bars], adjusted: dict[str, Bars]) -> None:
    jumps, steps = suspected(raw), compared(raw, adjusted)
    assert len(jumps) == 11
    for name, record in jumps.items():
        assert record.action.price_factor() == pytest.approx(steps[name].action.price_factor(), rel=1e-6)
    # What jumps too little to be seen alone: rights issues.
    unseen = {f"{name} {on}": round(record.action.price_factor(), 4) for (name, on), record in steps.items() if (name, on) not in jumps}
    assert unseen == {
        "BHARTIARTL 2019-04-23": 0.918,
        "BHARTIARTL 2021-09-27": 0.9816,
        "RELIANCE 2020-05-13": 0.9906,
        "TATASTEEL 2018-01-31": 0.9424,
    }


def test_crashes_of_a_bank_that_was_rescued_are_left_alone(adjusted: dict[str, Bars]) -> None:
    assert [on for name, on in suspected(adjusted) if name == "YESBANK"] == []


def test_known_faults_of_the_adjusted_file_are_found_in_it(adjusted: dict[str, Bars]) -> None:
    found = {f"{name} {on}" for name, on in suspected(adjusted)}
    assert found >= {"ASIANPAINT 2000-08-02", "ASIANPAINT 2003-08-22", "BPCL 2000-12-20", "SUNPHARMA 2000-03-08"}


def test_every_new_face_value_of_2016_is_suspected_and_no_fall_of_that_year_is(realdata: Path) -> None:
    path = realdata / "nse_bhavcopy_2016_top300.parquet"
    found = suspected(series(path, LEGACY, kinds=("EQ", "BE")))
    renumbered = _sessions_before_new_numbers(path)
    assert len(renumbered) == 9
    assert renumbered <= set(found)
    # 2016-11-09: two thirds of the market opened 5 to 20 % lower. WELSPUNIND fell by its limit for days on news, DIVISLAB within one day.
    assert {name for name, on in found if on == "2016-11-09"} == set()
    assert ("WELSPUNIND", "2016-08-22") not in found
    assert ("DIVISLAB", "2016-12-23") not in found
    assert len(found) == 24


def test_the_crash_of_april_2025_is_nobodys_action_but_one(realdata: Path) -> None:
    found = suspected(series(realdata / "nse_sec_bhavdata_2025_jan_apr_top400.parquet", FULL, kinds=("EQ", "BE")))
    assert len(found) == 7
    # A part of Siemens was split off on the very day of the crash: suspected as such, and with the least confidence of all.
    assert {name for name, on in found if on == "2025-04-07"} == {"SIEMENS"}
    assert found["SIEMENS", "2025-04-07"].action.kind is ActionKind.DEMERGER
    assert min(found.values(), key=lambda record: record.confidence or 0.0) is found["SIEMENS", "2025-04-07"]


def test_raw_prices_adjusted_here_are_those_that_others_adjusted(raw: dict[str, Bars], adjusted: dict[str, Bars]) -> None:
    actions: dict[str, list[StatedAction]] = {name: [] for name in raw}
    for (name, _), record in compared(raw, adjusted).items():
        actions[name].append(record.action)
    for name, (on, kind, terms) in LATER.items():
        actions[name].append(StatedAction(instrument=raw[name].instrument, ex_date=date.fromisoformat(on), kind=kind, **terms))
    checked = 0
    for name, held in raw.items():
        if name not in adjusted:
            continue
        off = _distances(back_adjust(held, steps_of(actions[name], {})), adjusted[name])
        # Some closes there are last prices and not the close of the exchange: no adjustment explains those.
        assert (off < 1e-4).mean() > 0.99, name
        assert (off < 5e-3).mean() > 0.998, name
        assert off.max() < 0.02, name
        checked += len(off)
    assert checked > 30_000


def test_the_list_alone_adjusts_those_who_had_no_other_action(
    raw: dict[str, Bars], adjusted: dict[str, Bars], truth: dict[str, Any]
) -> None:
    for entry in truth["actions"]:
        name = entry["symbol"]
        if name in {"RELIANCE", "WIPRO"}:  # rights and a part split off, and a second bonus, came later
            continue
        action = StatedAction(
            instrument=raw[name].instrument,
            ex_date=date.fromisoformat(entry["ex_date"]),
            kind=ActionKind.SPLIT,
            ratio=1 / Decimal(str(entry["factor"])),
        )
        assert (_distances(back_adjust(raw[name], steps_of([action], {})), adjusted[name]) < 1e-4).mean() > 0.99, name


def test_an_adjusted_history_beside_the_raw_one_is_a_rewriting_by_one_factor(raw: dict[str, Bars]) -> None:
    held = raw["TCS"].window(300, 400)
    action = StatedAction(instrument=held.instrument, ex_date=date(2018, 5, 31), kind=ActionKind.BONUS, ratio=Decimal(2))
    found = overlap_check(held, back_adjust(held, steps_of([action], {})))
    assert (found.verdict, found.factor, found.since) == ("rewritten", 0.5, date(2018, 5, 31))


def _distances(ours: Bars, theirs: Bars) -> Any:
    _, i, j = np.intersect1d(ours.ts, theirs.ts, return_indices=True)
    return np.abs(ours.close[i] / theirs.close[j] - 1.0)


def _sessions_before_new_numbers(path: Path) -> set[tuple[str, str]]:
    """Return the sessions before those on which a share has a new identification number: the ex dates of new face values."""
    table = pq.read_table(path, columns=["SYMBOL", "SERIES", "FILE_DATE", "ISIN"]).sort_by(
        [("SYMBOL", "ascending"), ("FILE_DATE", "ascending")]
    )
    rows = [row for row in table.to_pylist() if row["SERIES"] in {"EQ", "BE"}]
    return {
        (before["SYMBOL"], str(before["FILE_DATE"])[:10])
        for before, after in pairwise(rows)
        if before["SYMBOL"] == after["SYMBOL"] and before["ISIN"] != after["ISIN"]
    }


def test_days_are_read_as_they_are_in_india(raw: dict[str, Bars]) -> None:
    assert session_date_of(int(raw["TCS"].ts[0])) == date(2017, 1, 2)
