"""The rows of the schedule: complete, sourced, versioned."""

from __future__ import annotations

import hashlib
import tomllib
from datetime import date
from decimal import Decimal
from itertools import combinations, product
from pathlib import Path
from typing import Any

import pytest

import qts.market.charges.schedule as schedule_module
from qts.core import Exchange
from qts.market.charges import ChargeSegment, RoundingMode, SttClass, schedule_version, unconfirmed
from qts.market.charges.schedule import (
    Component,
    RoundingRow,
    _date_of,
    _names,
    _places,
    fund_rows,
    rate_rows,
    rounding_on,
    rounding_rows,
    row_on,
    rows_of,
    tags_of,
    underlying_classes,
)

FILES = sorted(Path(schedule_module.__file__).with_name("rows").glob("*.toml"))


def tables(name: str) -> list[dict[str, Any]]:
    return [table for file in FILES for table in tomllib.loads(file.read_text(encoding="utf-8")).get(name, [])]


def test_every_row_names_its_source_confidence_and_date() -> None:
    for row in (*tables("rate"), *tables("rounding"), *tables("confirmed")):
        assert row["source"]
        assert row["confidence"] in ("A", "B", "C")
        assert type(row["valid_from"]) is date


def test_rows_are_read_with_their_date_source_and_confidence() -> None:
    def written(name: str, kind: str) -> list[tuple[object, ...]]:
        return sorted((row[kind], row["valid_from"], row["source"], row["confidence"], row.get("estimate", "")) for row in tables(name))

    assert sorted((row.component, row.valid_from, row.source, row.confidence, row.estimate) for row in rate_rows()) == written(
        "rate", "component"
    )
    assert sorted((row.mode, row.valid_from, row.source, row.confidence, row.estimate) for row in rounding_rows()) == written(
        "rounding", "mode"
    )


def test_only_the_tax_on_exercise_has_a_base() -> None:
    assert {row.base for row in rate_rows() if row.component is not Component.EXERCISE} == {""}
    assert {row.base for row in rate_rows() if row.component is Component.EXERCISE} == {"intrinsic", "settlement"}


@pytest.mark.parametrize(
    ("mode", "is_taxed"),
    [
        (RoundingMode.EXACT, True),
        (RoundingMode.CONTRACT_NOTE, True),
        (RoundingMode.CALCULATOR, True),
        (RoundingMode.API, False),
        (RoundingMode.API_MARGINS, False),
    ],
)
def test_the_api_alone_leaves_the_protection_fund_untaxed(*, mode: RoundingMode, is_taxed: bool) -> None:
    assert rounding_on(mode, date(2025, 1, 6)).is_gst_on_ipft is is_taxed


def test_rows_are_listed_by_component_or_mode_oldest_first() -> None:
    rates = [(list(Component).index(row.component), row.valid_from) for row in rate_rows()]
    modes = [(list(RoundingMode).index(row.mode), row.valid_from) for row in rounding_rows()]
    assert rates == sorted(rates)
    assert modes == sorted(modes)


def test_one_page_or_recalled_rates_are_flagged_as_estimates() -> None:
    assert all(row.get("estimate") for row in (*tables("rate"), *tables("rounding")) if row["confidence"] == "C")


def test_keys_of_rows_are_those_that_are_read() -> None:
    read = {"component", "valid_from", "source", "confidence", "estimate", "percent", "cap", "amount", "side", "on", "base"}
    assert {key for row in tables("rate") for key in row} <= read | {"only", "exchanges", "segments"}


LISTINGS = [
    *((exchange, segment) for exchange in (Exchange.NSE, Exchange.BSE) for segment in list(ChargeSegment)[:2]),
    *((exchange, segment) for exchange in (Exchange.NFO, Exchange.BFO) for segment in list(ChargeSegment)[2:4]),
    *((exchange, segment) for exchange in (Exchange.CDS, Exchange.BCD) for segment in list(ChargeSegment)[4:6]),
    *((exchange, segment) for exchange in (Exchange.MCX, Exchange.NCO) for segment in list(ChargeSegment)[6:]),
]
ALWAYS = {"brokerage", "stt", "exchange", "ipft", "sebi", "stamp", "gst", "square_off"}


@pytest.mark.parametrize(("exchange", "segment"), LISTINGS)
def test_components_have_one_row_per_date(exchange: Exchange, segment: ChargeSegment) -> None:
    tags: list[frozenset[str]] = [frozenset(), *(frozenset({tag}) for row in rate_rows() for tag in row.only)]
    for component, own in product(Component, tags):
        dates = [row.valid_from for row in rows_of(component, exchange, segment, tags=own)]
        assert dates == sorted(set(dates)), (component, own)
        assert dates or component not in ALWAYS


def test_rows_for_a_class_take_the_place_of_the_others() -> None:
    on, listing = date(2026, 11, 20), (Exchange.BSE, ChargeSegment.EQUITY_DELIVERY)
    assert rate_on(on, *listing, tags=frozenset()) == Decimal("0.0000375")
    assert rate_on(on, *listing, tags=frozenset({"group A"})) == Decimal("0.0000375")
    assert rate_on(on, *listing, tags=frozenset({"group XT"})) == Decimal("0.001")


def rate_on(on: date, exchange: Exchange, segment: ChargeSegment, *, tags: frozenset[str]) -> Decimal:
    row = row_on(Component.EXCHANGE, on, exchange, segment, tags=tags)
    assert row is not None
    return row.fraction


@pytest.mark.parametrize(
    ("exchange", "underlying", "expected"),
    [
        (Exchange.MCX, "kapas", "agri"),
        (Exchange.MCX, "MENTHAOIL", "processed_agri"),
        (Exchange.MCX, "GOLD", "other_underlying"),
        (Exchange.BFO, "SENSEX", "sensex_bankex"),
        (Exchange.BFO, "SENSEX50", "other_underlying"),
    ],
)
def test_underlying_has_a_class(exchange: Exchange, underlying: str, expected: str) -> None:
    assert tags_of(exchange, underlying=underlying) == {expected}


def test_without_a_class_there_are_no_tags() -> None:
    assert tags_of(Exchange.MCX) == set()


def test_classes_and_funds_are_read_as_they_are_written() -> None:
    assert [(found.name, found.title, found.source) for found in underlying_classes()] == [
        (row["name"], row["title"], row["source"]) for row in tables("class")
    ]
    assert [(found.stt_class, found.source) for found in fund_rows()] == [(row["stt_class"], row["source"]) for row in tables("fund")]


def test_classes_are_told_apart_by_name_and_sourced() -> None:
    for first, second in combinations(underlying_classes(), 2):
        assert not (first.exchanges & second.exchanges and first.underlyings & second.underlyings)
    assert all(found.source and found.confidence in ("A", "B") for found in underlying_classes())


def test_every_class_that_a_row_names_exists() -> None:
    known = {*SttClass, "other_underlying", *(found.name for found in underlying_classes())}
    assert {tag for row in rate_rows() for tag in row.only if not tag.startswith("group ")} <= known


def test_component_without_rows_gives_none() -> None:
    assert row_on(Component.DP, date(2024, 1, 1), Exchange.NSE, ChargeSegment.EQUITY_INTRADAY) is None


def test_version_is_a_hash_of_the_content() -> None:
    text = "".join(file.read_text(encoding="utf-8") for file in FILES)
    assert schedule_version() == hashlib.sha256(text.encode()).hexdigest()[:12]


@pytest.mark.parametrize("mode", RoundingMode)
def test_every_mode_has_a_rule_on_any_date(mode: RoundingMode) -> None:
    for on in (date(1980, 1, 1), date(2022, 9, 1), date(2026, 11, 20)):
        assert rounding_on(mode, on).mode is mode


def test_an_exact_bill_rounds_nothing_and_leaves_nothing_out() -> None:
    for on in (date.min, date(2026, 11, 20)):
        assert rounding_on(RoundingMode.EXACT, on) == RoundingRow(
            mode=RoundingMode.EXACT,
            valid_from=date.min,
            source="",
            confidence="",
            stt_places=None,
            stamp_places=None,
            places=None,
            minimum_delivery=Decimal(0),
            is_ipft_in_exchange=False,
            is_ipft_left_out=False,
            is_gst_on_ipft=True,
        )


def test_least_brokerage_of_delivery_ended_with_march_2023() -> None:
    assert rounding_on(RoundingMode.API, date(2023, 3, 31)).minimum_delivery == Decimal("0.01")
    assert rounding_on(RoundingMode.API, date(2023, 4, 1)).minimum_delivery == 0


def test_row_without_a_date_is_refused() -> None:
    with pytest.raises(TypeError, match="is not a date"):
        _date_of({"valid_from": "2024"})


def test_row_whose_place_is_no_list_is_refused() -> None:
    assert _names({"exchanges": ["NSE", "BSE"]}, "exchanges") == ("NSE", "BSE")
    assert _names({}, "exchanges") == ()
    with pytest.raises(TypeError, match="exchanges = 'NSE' is not a list"):
        _names({"exchanges": "NSE"}, "exchanges")


def test_row_whose_places_are_no_number_is_refused() -> None:
    assert (_places({"places": 2}, "places"), _places({}, "places")) == (2, None)
    with pytest.raises(TypeError, match="places = '2' is not a whole number"):
        _places({"places": "2"}, "places")


def test_dates_after_the_last_look_at_the_rates_are_said_to_be_unconfirmed() -> None:
    assert unconfirmed(date(2026, 10, 7)) == ""
    assert "2026-10-07" in unconfirmed(date(2026, 10, 8))
    assert unconfirmed(date(2100, 1, 1)) == unconfirmed(date(2026, 10, 8))
