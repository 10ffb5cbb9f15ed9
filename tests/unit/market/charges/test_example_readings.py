"""An example may be read in the ways that sources differ, and in no other."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from qts.market.charges.example_readings import Reading, readings
from qts.market.charges.example_terms import terms_of

ON = date(2026, 11, 20)
BUY, SELL = {"side": "BUY", "qty": 100, "price": 100}, {"side": "SELL", "qty": 100, "price": 101}
ALL = frozenset({"stt", "brokerage", "total"})


def ways(stated: frozenset[str] = ALL, **example: Any) -> list[Reading]:
    terms = terms_of({"mode": "exact", "segment": "equity_delivery", "orders": [BUY, SELL], **example}, ON)
    return list(readings(terms, stated))


def kinds(found: list[Reading]) -> list[tuple[str, bool, bool]]:
    return [(way.mode.value, way.is_one_day, way.is_dp_moved) for way in found]


@pytest.mark.parametrize(
    ("example", "expected"),
    [
        pytest.param({"mode": "calculator", "orders": [BUY]}, [("calculator", False, False)], id="calculator"),
        pytest.param({"mode": "calculator"}, [("calculator", False, False)], id="calculator without DP"),
        pytest.param({"mode": "api", "orders": [BUY]}, [("api", False, False), ("api_margins", False, False)], id="either bill of the API"),
        pytest.param({"mode": "api_margins", "orders": [BUY]}, [("api_margins", False, False)], id="a named bill of the API"),
        pytest.param({"orders": [BUY]}, [("exact", False, False)], id="one purchase"),
        pytest.param({"orders": [SELL]}, [("exact", False, False), ("exact", False, True)], id="one sale"),
        pytest.param({"segment": "equity_intraday", "orders": [SELL]}, [("exact", False, False)], id="one sale intraday"),
        pytest.param({"segment": "equity_intraday"}, [("exact", False, False), ("exact", True, False)], id="intraday"),
        pytest.param({"segment": "equity_futures"}, [("exact", False, False)], id="futures"),
        pytest.param(
            {}, [("exact", False, False), ("exact", False, True), ("exact", True, False), ("exact", True, True)], id="delivery both ways"
        ),
        pytest.param({"stamp_state_rate_pct_both_sides": 0.006, "segment": "equity_intraday"}, [("exact", False, False)], id="old duty"),
        pytest.param({"mode": "contract_note", "segment": "equity_intraday"}, [("contract_note", True, False)], id="note of intraday"),
        pytest.param({"mode": "contract_note"}, [("contract_note", True, False), ("contract_note", False, False)], id="note of delivery"),
        pytest.param({"mode": "contract_note", "orders": [BUY, SELL, SELL]}, [("contract_note", True, False)], id="note of more sold"),
    ],
)
def test_readings_are_those_that_sources_differ_in(example: dict[str, Any], expected: list[tuple[str, bool, bool]]) -> None:
    found = ways(**example)
    assert kinds(found) == expected
    assert found[0].notes == ()
    assert all(way.notes for way in found[1:])


def test_one_figure_alone_makes_no_other_reading_of_a_round_trip() -> None:
    assert kinds(ways(frozenset({"stt"}))) == [("exact", False, False)]
    assert kinds(ways(frozenset({"stt"}), mode="contract_note")) == [("contract_note", True, False)]
    # More bought than sold can be one day only.
    assert kinds(ways(frozenset({"stt"}), orders=[BUY, BUY, SELL])) == [("exact", False, False), ("exact", True, False)]


def test_dp_that_is_stated_belongs_to_the_total_of_an_exact_bill_and_may_to_others() -> None:
    stated = frozenset({"dp", "total"})
    assert kinds(ways(stated, orders=[SELL])) == [("exact", False, False)]
    assert kinds(ways(stated, orders=[SELL], mode="calculator")) == [("calculator", False, False), ("calculator", False, True)]


def test_example_without_a_mode_may_be_any_bill() -> None:
    found = ways(mode=None, segment="equity_futures")
    assert [way.mode.value for way in found] == ["exact", "calculator", "contract_note", "api", "api_margins"]
    assert found[0].notes == ()
    assert found[1].notes[0].startswith("mode: none is named")
