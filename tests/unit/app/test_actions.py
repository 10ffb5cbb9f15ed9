"""Corporate actions from files and from prices, settled by a person, and what was known when."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from qts.app.actions import (
    ActionDocument,
    ActionsImportRequest,
    ActionsRequest,
    ConfirmRequest,
    RejectRequest,
    UnknownAction,
    confirm_action,
    import_actions,
    list_actions,
    reject_action,
    suspect_actions,
)
from qts.app.requests import build
from qts.app.workspace import Workspace
from qts.core import Bars, Exchange, InstrumentId, Interval
from qts.core.errors import BadParameter, UnknownInstrument
from qts.data.storage import PriceBasis

Make = Callable[..., Bars]
Put = Callable[..., None]
AT = 198
SPLIT = "NSE:GAMMA/2022-10-20/split"


@pytest.fixture
def halved(empty: Workspace, make_bars: Make, store_bars: Put) -> Workspace:
    """Return a workspace in which NSE:GAMMA halves overnight on 2022-10-20, as after a bonus of one for one."""
    bars = make_bars("NSE:GAMMA", Exchange.NSE, seed=3)
    bars = replace(bars, open=np.concatenate(([bars.open[0]], bars.close[:-1])))
    scale = np.where(np.arange(len(bars)) < AT, 2.0, 1.0)
    prices = {name: np.round(getattr(bars, name) * scale, 2) for name in ("open", "close")}
    bars = replace(bars, **prices, high=np.maximum(*prices.values()) + 1.0, low=np.minimum(*prices.values()) - 1.0)
    store_bars(empty, bars)
    return empty


def ids(documents: tuple[ActionDocument, ...]) -> list[tuple[str, str]]:
    return [(one.id, one.state) for one in documents]


def every(workspace: Workspace, **wanted: object) -> list[tuple[str, str]]:
    return ids(list_actions(workspace, build(ActionsRequest, **wanted)))


def test_what_prices_betray_is_noted_as_suspected_with_its_evidence(halved: Workspace) -> None:
    [found] = suspect_actions(halved, ActionsRequest())
    assert (found.id, found.kind, found.factor, found.state) == (SPLIT, "split", 0.5, "suspected")
    assert found.evidence["open_to_close_before"] == pytest.approx(0.5, abs=0.01)
    assert every(halved) == [(SPLIT, "suspected")]
    assert ids(suspect_actions(halved, ActionsRequest())) == [(SPLIT, "suspected")]


def test_confirming_settles_it_and_it_is_not_suspected_again(halved: Workspace) -> None:
    suspect_actions(halved, ActionsRequest())
    assert confirm_action(halved, ConfirmRequest(id=SPLIT)).state == "confirmed"
    assert suspect_actions(halved, ActionsRequest()) == ()
    assert every(halved) == [(SPLIT, "confirmed")]


def test_what_was_never_listed_can_be_confirmed_by_the_id_a_run_names(halved: Workspace) -> None:
    assert confirm_action(halved, ConfirmRequest(id=SPLIT)).factor == 0.5
    assert every(halved) == [(SPLIT, "confirmed")]


def test_rejecting_lets_it_rest(halved: Workspace) -> None:
    assert reject_action(halved, RejectRequest(id=SPLIT)).state == "rejected"
    assert suspect_actions(halved, ActionsRequest()) == ()
    assert every(halved) == [(SPLIT, "rejected")]


def test_a_better_kind_takes_the_place_of_the_suspicion(halved: Workspace) -> None:
    suspect_actions(halved, ActionsRequest())
    found = confirm_action(halved, build(ConfirmRequest, id=SPLIT, kind="bonus"))
    assert (found.id, found.factor) == ("NSE:GAMMA/2022-10-20/bonus", 0.5)
    assert every(halved) == [(found.id, "confirmed")]
    with pytest.raises(BadParameter, match="explained by NSE:GAMMA/2022-10-20/bonus"):
        confirm_action(halved, ConfirmRequest(id=SPLIT))


def test_what_was_confirmed_wrongly_can_be_confirmed_as_something_else_and_counts_once(halved: Workspace) -> None:
    confirm_action(halved, ConfirmRequest(id=SPLIT))
    found = confirm_action(halved, build(ConfirmRequest, id=SPLIT, kind="rights", ratio="1:1", price="10"))
    assert (found.ratio, found.price, found.factor) == (2.0, 10.0, None)
    assert [one for one in every(halved) if one[1] == "confirmed"] == [(found.id, "confirmed")]


@pytest.mark.parametrize(
    ("terms", "factor"),
    [
        pytest.param({"ratio": "10->2"}, 0.2, id="other face values"),
        pytest.param({"kind": "demerger"}, 0.5, id="a part split off, as large as the jump"),
        pytest.param({"kind": "demerger", "factor": "0.48"}, 0.48, id="a part split off, of a stated size"),
        pytest.param({"factor": "0.25"}, 0.25, id="a split by its price factor"),
    ],
)
def test_terms_can_be_stated_while_confirming(halved: Workspace, terms: dict[str, str], factor: float) -> None:
    found = confirm_action(halved, build(ConfirmRequest, id=SPLIT, **terms))
    assert found.factor == pytest.approx(factor, rel=1e-6)
    assert found.confidence is None


def test_an_action_can_be_stated_by_hand(halved: Workspace) -> None:
    found = confirm_action(halved, build(ConfirmRequest, id="NSE:GAMMA/2023-01-05/dividend", cash="4.5"))
    assert (found.cash, found.factor, found.source) == (4.5, None, "stated by hand")


def test_what_a_dividend_explains_is_not_suspected(halved: Workspace) -> None:
    raw = halved.store.read(halved.store.series()[0].key)
    cash = f"{raw.close[AT - 1] / 2:.2f}"
    confirm_action(halved, build(ConfirmRequest, id="NSE:GAMMA/2022-10-20/dividend", cash=cash))
    assert suspect_actions(halved, ActionsRequest()) == ()


@pytest.mark.parametrize("verb", ["confirm", "reject"])
def test_an_unknown_action_is_refused_with_those_that_are_near(halved: Workspace, verb: str) -> None:
    confirm_action(halved, ConfirmRequest(id=SPLIT))
    name = "NSE:GAMMA/2022-10-19/split"
    with pytest.raises(UnknownAction) as refused:
        confirm_action(halved, ConfirmRequest(id=name)) if verb == "confirm" else reject_action(halved, RejectRequest(id=name))
    assert SPLIT in refused.value.hint


def test_a_dividend_without_cash_is_asked_for_it(halved: Workspace) -> None:
    with pytest.raises(BadParameter, match="dividend"):
        confirm_action(halved, build(ConfirmRequest, id=SPLIT, kind="dividend"))


def test_a_file_confirms_and_ends_the_suspicion(halved: Workspace, tmp_path: Path) -> None:
    suspect_actions(halved, ActionsRequest())
    file = tmp_path / "list.csv"
    file.write_text(
        "SYMBOL,SERIES,EX-DATE,PURPOSE\nGAMMA,EQ,20-OCT-2022,BONUS 1:1\nGAMMA,EQ,2022-99-99,BONUS 1:1\nGAMMA,EQ,01-JAN-2023,AGM\n"
    )
    request = ActionsImportRequest(path=file)
    found = import_actions(halved, request)
    assert (found.rows_read, found.new, found.ended, found.other, found.rejected_count) == (3, 1, 1, 1, 1)
    assert (found.rejected[0].row, "not a date" in found.rejected[0].reason) == (3, True)
    assert every(halved) == [("NSE:GAMMA/2022-10-20/bonus", "confirmed")]
    again = import_actions(halved, request)
    assert (again.new, again.changed, again.unchanged, again.ended) == (0, 0, 1, 0)


def test_the_comparison_with_an_adjusted_series_outweighs_the_jump(halved: Workspace, store_bars: Put) -> None:
    raw = halved.store.read(halved.store.series()[0].key)
    scale = np.where(np.arange(len(raw)) < AT, 0.45, 1.0)
    prices = {name: np.round(getattr(raw, name) * scale, 2) for name in ("open", "high", "low", "close")}
    store_bars(halved, replace(raw, **prices), basis=PriceBasis.ADJUSTED)
    [found] = suspect_actions(halved, ActionsRequest())
    assert found.factor == pytest.approx(0.45, abs=1e-4)
    assert found.confidence == 0.98


def test_shorter_bars_are_looked_through_where_no_days_are_held(empty: Workspace, store_bars: Put, halved: Workspace) -> None:
    raw = halved.store.read(halved.store.series()[0].key)
    minutes = replace(raw, instrument=InstrumentId("NSE:DELTA"), interval=Interval.MINUTE_15)
    store_bars(empty, minutes)
    assert {one.instrument for one in suspect_actions(empty, ActionsRequest())} == {"NSE:GAMMA", "NSE:DELTA"}


@pytest.mark.parametrize("read", [list_actions, suspect_actions])
def test_an_instrument_that_nothing_is_known_of_is_unknown(
    halved: Workspace, read: Callable[[Workspace, ActionsRequest], tuple[ActionDocument, ...]]
) -> None:
    with pytest.raises(UnknownInstrument) as caught:
        read(halved, build(ActionsRequest, instruments="NSE:GAMMA,NSE:GAMMAX"))
    assert (caught.value.instrument, caught.value.near) == ("NSE:GAMMAX", ("NSE:GAMMA",))
    confirm_action(halved, build(ConfirmRequest, id="NSE:OTHER/2022-05-05/bonus", ratio="1:1"))
    assert read(halved, build(ActionsRequest, instruments="NSE:OTHER", known_on=date(2020, 1, 1))) == (), "it has actions, if later ones"


def test_lists_are_narrowed_by_state_instrument_and_day(halved: Workspace) -> None:
    confirm_action(halved, ConfirmRequest(id=SPLIT))
    confirm_action(halved, build(ConfirmRequest, id="NSE:ALPHA/2022-05-05/bonus", ratio="1:1"))
    assert every(halved, instruments="NSE:ALPHA") == [("NSE:ALPHA/2022-05-05/bonus", "confirmed")]
    assert every(halved, state="suspected") == []
    now = halved.clock.now().date()
    assert len(every(halved, known_on=now)) == 2
    assert every(halved, known_on=date(2020, 1, 1)) == []
