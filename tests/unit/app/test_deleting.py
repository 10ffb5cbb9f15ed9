from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from qts.app.deleting import DeleteRequest, delete_bars, undo_deletion
from qts.app.requests import build
from qts.app.workspace import Workspace
from qts.core import Bars, Exchange
from qts.core.errors import BadParameter, EmptySpan, InputError, UnknownInstrument


@pytest.fixture
def filled(empty: Workspace, make_bars: Callable[..., Bars], store_bars: Callable[..., None]) -> Workspace:
    store_bars(empty, make_bars("NSE:ALPHA", Exchange.NSE, seed=1))
    store_bars(empty, make_bars("NSE:BETA", Exchange.NSE, seed=2, n_bars=50))
    return empty


def test_bars_are_deleted_and_come_back(filled: Workspace) -> None:
    before = filled.store.snapshot()
    request = build(DeleteRequest, instrument="NSE:BETA", start=date(2022, 2, 1), note="wrong file")
    planned = delete_bars(filled, request, dry_run=True)
    assert (planned.dry_run, planned.snapshot, filled.store.snapshot()) == (True, None, before)
    done = delete_bars(filled, request)
    assert (done.bars, done.left) == (planned.bars, planned.left)
    assert done.bars + done.left == 50
    assert done.first.startswith("2022-02-01")
    assert filled.store.snapshots()[-1].note == "wrong file"
    back = undo_deletion(filled)
    assert (back.undone, back.bars, back.snapshot) == (done.snapshot, done.bars, before)


def test_deletions_are_undone_the_last_one_first(filled: Workspace) -> None:
    first = delete_bars(filled, build(DeleteRequest, instrument="NSE:BETA"))
    second = delete_bars(filled, build(DeleteRequest, instrument="NSE:ALPHA", end=date(2022, 1, 31)))
    assert [undo_deletion(filled).undone for _ in range(2)] == [second.snapshot, first.snapshot]
    with pytest.raises(InputError, match="no deletion to undo"):
        undo_deletion(filled)
    assert undo_deletion(filled, first.snapshot).bars == 0, "all of it is there again"


def test_one_of_several_series_is_not_guessed(
    filled: Workspace, make_minutes: Callable[..., Bars], make_bars: Callable[..., Bars], store_bars: Callable[..., None]
) -> None:
    store_bars(filled, make_minutes(make_bars("NSE:BETA", Exchange.NSE, seed=2, n_bars=2), [10, 10]))
    with pytest.raises(BadParameter, match="1m raw, 1d raw"):
        delete_bars(filled, build(DeleteRequest, instrument="NSE:BETA"))
    assert delete_bars(filled, build(DeleteRequest, instrument="NSE:BETA", interval="1m")).bars == 20


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"instrument": "NSE:BETTA"}, UnknownInstrument, "NSE:BETA"),
        ({"instrument": "NSE:BETA", "interval": "1m"}, EmptySpan, "1m"),
        ({"instrument": "NSE:BETA", "start": date(2030, 1, 1)}, EmptySpan, "stored: 2022"),
        ({"instrument": "NSE:BETA", "prices": "adjusted"}, EmptySpan, "none are stored"),
    ],
)
def test_what_is_not_there_is_not_deleted(filled: Workspace, options: dict[str, object], error: type[InputError], said: str) -> None:
    before = filled.store.snapshots()
    with pytest.raises(error) as caught:
        delete_bars(filled, build(DeleteRequest, **options))
    assert said in f"{caught.value.message} {caught.value.hint}"
    assert filled.store.snapshots() == before
