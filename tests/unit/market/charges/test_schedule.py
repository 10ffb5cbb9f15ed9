"""The rows of the schedule: complete, sourced, versioned."""

from __future__ import annotations

import hashlib
import tomllib
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

import qts.market.charges.schedule as schedule_module
from qts.core import Exchange
from qts.market.charges import ChargeSegment, RoundingMode, schedule_version
from qts.market.charges.schedule import Component, _date_of, rounding_on, row_on, rows_of

FILE = Path(schedule_module.__file__).with_name("rates.toml")


def test_every_row_names_its_source_confidence_and_date() -> None:
    document = tomllib.loads(FILE.read_text(encoding="utf-8"))
    for row in (*document["rate"], *document["rounding"]):
        assert row["source"]
        assert row["confidence"] in ("A", "B", "C")
        assert type(row["valid_from"]) is date


def test_one_page_or_recalled_rates_are_flagged_as_estimates() -> None:
    document = tomllib.loads(FILE.read_text(encoding="utf-8"))
    assert all(row.get("estimate") for row in (*document["rate"], *document["rounding"]) if row["confidence"] == "C")


@pytest.mark.parametrize("exchange", [Exchange.NSE, Exchange.BSE])
@pytest.mark.parametrize("segment", [ChargeSegment.EQUITY_DELIVERY, ChargeSegment.EQUITY_INTRADAY])
def test_components_have_one_row_per_date(exchange: Exchange, segment: ChargeSegment) -> None:
    for component in Component:
        dates = [row.valid_from for row in rows_of(component, exchange, segment)]
        assert dates == sorted(set(dates))
        assert dates or (component is Component.DP and segment is ChargeSegment.EQUITY_INTRADAY)


def test_component_without_rows_gives_none() -> None:
    assert row_on(Component.DP, date(2024, 1, 1), Exchange.NSE, ChargeSegment.EQUITY_INTRADAY) is None


def test_version_is_a_hash_of_the_content() -> None:
    text = FILE.read_text(encoding="utf-8")
    assert schedule_version() == hashlib.sha256(text.encode()).hexdigest()[:12]


@pytest.mark.parametrize("mode", RoundingMode)
def test_every_mode_has_a_rule_on_any_date(mode: RoundingMode) -> None:
    for on in (date(1980, 1, 1), date(2022, 9, 1), date(2026, 11, 20)):
        assert rounding_on(mode, on).mode is mode


def test_least_brokerage_of_delivery_ended_with_march_2023() -> None:
    assert rounding_on(RoundingMode.API, date(2023, 3, 31)).minimum_delivery == Decimal("0.01")
    assert rounding_on(RoundingMode.API, date(2023, 4, 1)).minimum_delivery == 0


def test_row_without_a_date_is_refused() -> None:
    with pytest.raises(TypeError, match="is not a date"):
        _date_of({"valid_from": "2024"})
