"""Futures from a file of prices to a result: lots, margin, expiry and charges of their own, and every estimate named once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qts.core import Exchange
from qts.market.sessions import sessions

Qts = Callable[..., Any]

NIFTY = "NFO:NIFTY26OCTFUT"
RELIANCE = "NFO:RELIANCE26OCTFUT"
EXPIRY = date(2026, 10, 27)
RUN = ("backtest", "buy_and_hold", "--product", "NRML", "--capital", "5000000", "--json")


def write_future(path: Path, level: float) -> None:
    """Write daily bars of a future on the sessions from August 2026 to its expiry, rising slowly, on whole rupees."""
    days = [session.date for session in sessions(Exchange.NFO, date(2026, 8, 3), EXPIRY)]
    close = np.round(level * (1 + 0.001 * np.arange(len(days)) + 0.004 * np.sin(np.arange(len(days)))))
    rows = [f"{day},{c - 2:.2f},{c + level / 200:.2f},{c - level / 200:.2f},{c:.2f},900000" for day, c in zip(days, close, strict=True)]
    path.write_text("\n".join(["date,open,high,low,close,volume", *rows]) + "\n")


@pytest.fixture
def stored(home: Path, tmp_path: Path, qts: Qts) -> Path:
    """Return the home after an import of one future on an index and one on a share."""
    for name, level in ((NIFTY, 25_000.0), (RELIANCE, 1_400.0)):
        exchange, symbol = name.split(":")
        write_future(tmp_path / f"{symbol}.csv", level)
        done = qts("import", tmp_path / f"{symbol}.csv", "--exchange", exchange, "--symbol", symbol, "--interval", "1d", "--json")
        assert done.code == 0, done.out
    return home


def test_a_future_is_held_in_lots_pays_its_own_charges_and_ends_on_its_day(stored: Path, qts: Qts) -> None:
    assert stored.exists()
    document = qts(*RUN, "--instruments", NIFTY, "--size", "lots:2").document
    (terms,) = document["terms"]
    assert (terms["lot"], terms["expiry"]) == (65, "2026-10-27")
    assert 0 < terms["margin_long"]["fraction"] < 0.5
    bought, ended = document["fills"]
    assert (bought["side"], bought["quantity"], bought["reason"]) == ("buy", 130, "signal")
    assert (ended["at"][:10], ended["quantity"], ended["reason"], ended["slippage"]) == ("2026-10-27", 130, "expiry", 0)
    # Futures: nothing to the depository, no tax on the purchase, at most 20 rupees for the broker.
    assert (bought["charges"]["stt"], bought["charges"]["dp"], bought["charges"]["brokerage"]) == (0, 0, 20)
    assert bought["charges"]["stamp"] == pytest.approx(0.00002 * 130 * bought["price"], rel=1e-6)
    assert document["settings"]["product"] == "NRML"
    assert document["settings"]["size"] == "lots:2"


def test_every_estimate_is_named_once(stored: Path, qts: Qts) -> None:
    assert stored.exists()
    warnings = qts(*RUN, "--instruments", NIFTY, "--size", "lots:2").document["warnings"]
    assert len(warnings) == len(set(warnings))
    for word in ("margin", "freeze", "expiry"):
        told = [warning for warning in warnings if word in warning.lower() or (word == "freeze" and "largest" in warning.lower())]
        assert told, word


@pytest.mark.parametrize(
    ("words", "named", "way_out"),
    [
        (("--instruments", NIFTY, "--product", "CNC"), NIFTY, "NRML"),
        (("--instruments", RELIANCE), RELIANCE, "--lot"),
    ],
    ids=["delivery of a future", "no lot on record"],
)
def test_what_cannot_be_done_is_refused_with_the_way_out(
    stored: Path, qts: Qts, words: tuple[str, ...], *, named: str, way_out: str
) -> None:
    assert stored.exists()
    done = qts(*RUN, *words)
    assert done.code == 2
    error = done.document["error"]
    assert named in error["message"]
    assert way_out in error["hint"]


def test_a_lot_that_is_not_on_record_can_be_given(stored: Path, qts: Qts) -> None:
    assert stored.exists()
    document = qts(*RUN, "--instruments", RELIANCE, "--lot", "500", "--size", "lots:3").document
    assert [fill["quantity"] for fill in document["fills"]] == [1500, 1500]
    assert (document["terms"][0]["lot"], document["settings"]["lot"]) == (500, 500)


def test_two_futures_within_the_day_or_held_are_repeated_to_the_byte(stored: Path, qts: Qts) -> None:
    assert stored.exists()
    for product in ("NRML", "MIS"):
        words = ("--instruments", f"{NIFTY},{RELIANCE}", "--lot", "500", "--size", "percent:0.9", "--slippage", "ticks:2")
        document = qts(*RUN, *words, "--product", product).document
        assert {fill["instrument"] for fill in document["fills"]} == {NIFTY, RELIANCE}
        assert all(fill["quantity"] % (65 if fill["instrument"] == NIFTY else 500) == 0 for fill in document["fills"])
        assert qts("replay", document["run_id"], "--json").document["identical"]
