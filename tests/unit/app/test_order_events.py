from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from qts.app.order_events import KIND_WORDS, REASON_WORDS, STATUS_WORDS, counted, event_part, event_table, guard_words, why
from qts.app.run_document import SettingsPart
from qts.backtest.order_log import REASONS
from qts.core import InstrumentId, Side
from qts.core.trading import OrderEvent, OrderKind, OrderStatus
from qts.market.listing import RejectReason


def event(status: OrderStatus, reason: str, quantity: str = "10") -> OrderEvent:
    return OrderEvent(
        at=datetime(2026, 11, 20, 4, tzinfo=UTC),
        instrument=InstrumentId("NSE:ALPHA"),
        side=Side.BUY,
        kind=OrderKind.LIMIT,
        quantity=Decimal(quantity),
        filled=Decimal(0),
        status=status,
        reason=reason,
    )


def test_every_kind_status_and_refusal_has_words_of_its_own() -> None:
    assert set(KIND_WORDS) == set(OrderKind)
    assert set(STATUS_WORDS) == set(OrderStatus)
    assert set(REASON_WORDS) == set(REASONS) - {""}
    assert len(set(REASON_WORDS.values())) == len(REASON_WORDS)


@pytest.mark.parametrize("words", REASON_WORDS.values())
def test_reasons_are_sentences(words: str) -> None:
    assert words[0].isupper()
    assert words.endswith(".")
    assert "_" not in words


def test_a_cut_and_a_refusal_for_want_of_funds_read_differently() -> None:
    assert "a part only" in why("cut", "insufficient_funds")
    assert "cannot pay" in why("rejected", "insufficient_funds")


def test_an_event_is_told_with_its_reason_in_words() -> None:
    part = event_part(event(OrderStatus.REJECTED, RejectReason.OFF_TICK))
    assert part.model_dump() == {
        "at": "2026-11-20T04:00:00+00:00",
        "instrument": "NSE:ALPHA",
        "side": "buy",
        "kind": "limit",
        "quantity": 10,
        "filled": 0,
        "status": "rejected",
        "reason": "off_tick",
        "why": "A price is not a multiple of the instrument's tick.",
    }
    assert event_part(event(OrderStatus.CUT, "volume", "0.5")).quantity == 0.5


def test_events_are_counted_by_what_happened_and_why() -> None:
    parts = [event_part(event(OrderStatus.CANCELLED, "oco"))] + [event_part(event(OrderStatus.CUT, "insufficient_funds"))] * 2
    assert [(each.count, each.what) for each in counted(parts)] == [(2, "made smaller"), (1, "cancelled")]


def test_a_refusal_is_told_with_its_own_numbers_and_counted_by_its_kind() -> None:
    one = event(OrderStatus.REJECTED, RejectReason.BEYOND_PRICE_BAND)
    parts = [event_part(replace(one, detail=f"The price {price} is beyond the band.")) for price in (130, 131)]
    assert [part.why for part in parts] == ["The price 130 is beyond the band.", "The price 131 is beyond the band."]
    assert [(each.count, each.what, each.why) for each in counted(parts)] == [(2, "refused", "The price is outside the day's price band.")]


def test_the_table_has_all_events_even_none() -> None:
    table = event_table([event(OrderStatus.CUT, "volume")] * 3, run_id="abc", simulated=True)
    assert (table.num_rows, table.schema.metadata) == (3, {b"run_id": b"abc", b"simulated": b"true"})
    nothing = event_table([], run_id="abc", simulated=False)
    assert nothing.column_names == table.column_names


def test_protections_and_limits_read_as_per_cent() -> None:
    plain = {"capital": "1", "product": "CNC", "size": "shares:1", "costs": "none", "slippage": "none", "fill": "close"}
    settings = SettingsPart.model_validate({**plain, "stop_loss": "0.025", "max_exposure": "1.5"})
    assert guard_words(settings) == ["stop-loss 2.5 %", "all positions at most 150 %"]
    assert guard_words(SettingsPart.model_validate(plain)) == []
