from __future__ import annotations

from datetime import date, datetime

import pytest

from qts.cli.options import as_date, pairs
from qts.core.errors import BadParameter


def test_pairs_are_split_at_the_first_sign() -> None:
    assert pairs(["fast=20", " close = LTP=x"], "param") == {"fast": "20", "close": "LTP=x"}
    assert pairs(None, "param") == {}


@pytest.mark.parametrize("text", [["fast"], ["=3"], ["fast=1", "fast=2"]], ids=["no sign", "no name", "twice"])
def test_a_pair_that_is_none_is_named(text: list[str]) -> None:
    with pytest.raises(BadParameter, match="param = "):
        pairs(text, "param")


def test_what_was_typed_becomes_a_date() -> None:
    assert as_date(datetime(2026, 1, 2, 3)) == date(2026, 1, 2)  # noqa: DTZ001 - as the parser hands it over
    assert as_date(None) is None
